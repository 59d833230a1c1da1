// SPDX-License-Identifier: Apache-2.0
// What an event carries, as the journal writes it: a JSON object. The heart makes it of rows, `Body{{"id", id}, {"until", until}}`, and
// knows nothing of the JSON library, which is most of what a unit costs to compile; only the files of this room look inside.
#pragma once

#include "config/rows/time.hpp"

#include <nlohmann/json_fwd.hpp>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

using Json = nlohmann::json;

struct Evidence;
struct HeldDrill;
struct Incident;
struct Loss;
struct Projection;
struct Record;

class Body {
 public:
  class Value;
  struct Field;

  Body() = default;  // {}
  Body(std::initializer_list<Field> fields);
  static Body of(Json json);  // as it was read

  // For the rows that depend on something. Bodies share what they hold until one of them is changed, so a copy costs nothing; what another
  // thread was given must not be changed any more.
  void set(std::string_view key, Value value);
  Body without(std::string_view key) const;

  const Json& json() const;

  // What is missing and what is null are the same. What is of another type than asked for throws.
  std::string text(const char* key) const;  // missing: ""
  std::vector<std::string> texts(const char* key) const;
  bool flag(const char* key, bool otherwise = false) const;
  std::optional<double> number(const char* key) const;
  std::optional<Time> maybe_time(const char* key) const;
  Time time(const char* key) const;  // throws when it is missing
  std::vector<Evidence> evidence(const char* key) const;

 private:
  std::shared_ptr<Json> json_;  // null: {}
};

// One value of a row. Times are RFC 3339 text, and what is not there is null. A Duration is none, since its unit belongs to the key:
// in_seconds(it).
class Body::Value {
 public:
  Value(std::nullptr_t);
  Value(std::same_as<bool> auto yes) : Value(Flag{yes}) {}
  Value(std::signed_integral auto number) : Value(Signed{number}) {}
  Value(std::unsigned_integral auto number)
    requires(!std::same_as<decltype(number), bool>)
      : Value(Unsigned{number}) {}
  Value(double number);
  Value(const char* text);
  Value(std::string_view text);
  Value(std::string text);
  Value(Time at);
  Value(const std::vector<std::string>& texts);
  Value(const std::map<std::string, std::string>& texts);
  Value(const std::vector<Evidence>& because);
  Value(const Incident& incident);
  Value(const HeldDrill& drill);
  Value(const Loss& loss);
  Value(Body body);
  template <class T>
  Value(const std::optional<T>& value) : Value(value ? Value(*value) : Value(nullptr)) {}

  Value(Value&&) = default;
  Value& operator=(Value&&) = default;

 private:
  friend class Body;
  struct Flag {
    bool is;
  };
  struct Signed {
    std::int64_t is;
  };
  struct Unsigned {
    std::uint64_t is;
  };
  explicit Value(Flag yes);
  explicit Value(Signed number);
  explicit Value(Unsigned number);

  std::shared_ptr<Json> json_;  // of this value alone: the body that takes it in moves it out
};

struct Body::Field {
  std::string_view key;
  Value value;
};

// Of an event that says nothing else.
Body body_of(const Projection& projection);
// The whole record, as a snapshot has it.
Body body_of(const Record& record);
// null where there is no text, for rows in which "" would be a name.
Body::Value null_if_empty(const std::string& text);
// ["a", "b"]: a command's words for a person, in which spaces and quotes are seen.
std::string quoted(const std::vector<std::string>& words);

}  // namespace drwatch
