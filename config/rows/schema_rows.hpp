// SPDX-License-Identifier: Apache-2.0
// The templates of config/rows/schema.hpp: they only find the member; what is read, checked and written into the reference is in
// schema.cpp.
#pragma once

#include "config/rows/schema.hpp"

namespace drwatch::config {

// Each sets `into` when the value is good and reports one problem when it isn't.
void read_value(bool& into, const Value& value, const Meta& meta, const Reading& reading);
void read_value(std::int64_t& into, const Value& value, const Meta& meta, const Reading& reading);
void read_value(int& into, const Value& value, const Meta& meta, const Reading& reading);
void read_value(double& into, const Value& value, const Meta& meta, const Reading& reading);
void read_value(std::string& into, const Value& value, const Meta& meta, const Reading& reading);
void read_value(Duration& into, const Value& value, const Meta& meta, const Reading& reading);
void read_value(Time& into, const Value& value, const Meta& meta, const Reading& reading);
void read_value(Secret& into, const Value& value, const Meta& meta, const Reading& reading);
void read_value(std::vector<std::string>& into, const Value& value, const Meta& meta, const Reading& reading);
void read_value(std::vector<std::int64_t>& into, const Value& value, const Meta& meta, const Reading& reading);
void read_value(std::map<std::string, std::string>& into, const Value& value, const Meta& meta, const Reading& reading);
void read_value(std::map<std::string, Secret>& into, const Value& value, const Meta& meta, const Reading& reading);
void read_path(std::string& into, const Value& value, const Meta& meta, const Reading& reading);

template <class T>
void read_value(std::optional<T>& into, const Value& value, const Meta& meta, const Reading& reading) {
  // Left alone when the value is bad: T's own "nothing" can't be told from a good one.
  T read{};
  const auto before = reading.problems.error_count();
  read_value(read, value, meta, reading);
  if (reading.problems.error_count() == before) into = std::move(read);
}

// How the reference names a type.
template <class T>
inline constexpr std::string_view type_text = "";
template <>
inline constexpr std::string_view type_text<bool> = "true or false";
template <>
inline constexpr std::string_view type_text<std::int64_t> = "integer";
template <>
inline constexpr std::string_view type_text<int> = "integer";
template <>
inline constexpr std::string_view type_text<double> = "number";
template <>
inline constexpr std::string_view type_text<std::string> = "string";
template <>
inline constexpr std::string_view type_text<Duration> = "duration";
template <>
inline constexpr std::string_view type_text<Time> = "time";
template <>
inline constexpr std::string_view type_text<Secret> = "secret";
template <>
inline constexpr std::string_view type_text<std::vector<std::string>> = "list of strings";
template <>
inline constexpr std::string_view type_text<std::vector<std::int64_t>> = "list of integers";
template <>
inline constexpr std::string_view type_text<std::map<std::string, std::string>> = "table of strings";
template <>
inline constexpr std::string_view type_text<std::map<std::string, Secret>> = "table of secrets";
template <class T>
inline constexpr std::string_view type_text<std::optional<T>> = type_text<T>;

// Everything of a row but its reader. Bounds and choices become part of the type's text and the documentation.
Row described(std::string key, std::string_view type, const Meta& meta);

// `into` must point at an S itself (or at a class whose first base is S).
template <class S, class T>
Row row(std::string key, T S::* member, Meta meta) {
  static_assert(!type_text<T>.empty(), "no reader for this type: use row_with");
  Row made = described(std::move(key), type_text<T>, meta);
  made.read = [member, meta = std::move(meta)](void* into, const Value& value, const Reading& reading) {
    read_value(static_cast<S*>(into)->*member, value, meta, reading);
  };
  return made;
}

template <class S>
Row row_with(std::string key, std::string type, Meta meta, std::function<void(S&, const Value&, const Reading&)> read) {
  Row made = described(std::move(key), type, meta);
  made.read = [read = std::move(read)](void* into, const Value& value, const Reading& reading) {
    read(*static_cast<S*>(into), value, reading);
  };
  return made;
}

template <class S>
Row path_row(std::string key, std::string S::* member, Meta meta) {
  Row made = described(std::move(key), "path", meta);
  made.read = [member, meta = std::move(meta)](void* into, const Value& value, const Reading& reading) {
    read_path(static_cast<S*>(into)->*member, value, meta, reading);
  };
  return made;
}

template <class S>
Row secret_or_text_row(std::string key, Secret S::* member, Meta meta) {
  Row made = described(std::move(key), "secret, or text without one", meta);
  made.read = [member](void* into, const Value& value, const Reading& reading) {
    static_cast<S*>(into)->*member = read_secret(value, reading, true);
  };
  return made;
}

}  // namespace drwatch::config
