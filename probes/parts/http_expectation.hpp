// SPDX-License-Identifier: Apache-2.0
// What an `http` probe expects of an answer, and what was wrong with one.
#pragma once

#include "config/rows/schema.hpp"
#include "probes/seams/world.hpp"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace drwatch {

struct StatusRange {
  int from = 200, to = 299;
  friend bool operator==(const StatusRange&, const StatusRange&) = default;
};

// One value of a JSON answer. With nothing else asked, it must exist.
struct JsonCheck {
  using Scalar = std::variant<bool, std::int64_t, double, std::string>;
  std::string pointer;
  std::optional<Scalar> equals;
  std::string matches;  // regex; empty: not asked
  std::optional<bool> exists;
  std::optional<double> min, max;
  friend bool operator==(const JsonCheck&, const JsonCheck&) = default;
};

struct HttpExpectation {
  std::vector<StatusRange> status = {StatusRange{}};
  std::string body_matches, body_not_matches;                             // regexes; empty: not asked
  std::map<std::string, std::string> header_matches, header_not_matches;  // header -> regex
  std::vector<JsonCheck> json;
  std::vector<std::string> versions;  // "1.0", "1.1"; empty: any
  friend bool operator==(const HttpExpectation&, const HttpExpectation&) = default;
};

// The rows of all of the above, for settings whose first base is HttpExpectation.
std::vector<config::Row> expectation_rows();

// An expectation with its regexes compiled, once.
class HttpJudge {
 public:
  explicit HttpJudge(const HttpExpectation& expectation);
  ~HttpJudge();
  HttpJudge(HttpJudge&&) noexcept;

  bool accepts(int status) const;
  bool looks_at_body() const;
  // The first thing that is not as expected, as "expected ..., got ..."; what came is quoted in at most 120 bytes.
  // nullopt: all is well.
  std::optional<std::string> fault(const HttpResponse& response) const;

 private:
  struct Compiled;
  std::unique_ptr<const Compiled> compiled_;
};

// The values of a header, by its name in any case.
std::vector<std::string> header_values(const HttpResponse& response, std::string_view name);

}  // namespace drwatch
