// SPDX-License-Identifier: Apache-2.0
#include "config/rows/pattern.hpp"
#include "probes/parts/http_expectation.hpp"

#include <charconv>

namespace drwatch {
namespace {

using config::Reading;
using config::Value;

// A whole number between 100 and 999.
std::optional<int> status_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 100 || number > 999) return std::nullopt;
  return number;
}

std::optional<StatusRange> status_range(const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value.is)) {
    if (*number < 100 || *number > 999) return std::nullopt;
    return StatusRange{static_cast<int>(*number), static_cast<int>(*number)};
  }
  const std::string* text = value.text();
  if (!text) return std::nullopt;
  const auto dash = text->find('-');
  const auto from = status_number(std::string_view(*text).substr(0, dash));
  const auto to = dash == std::string::npos ? from : status_number(std::string_view(*text).substr(dash + 1));
  if (!from || !to || *to < *from) return std::nullopt;
  return StatusRange{*from, *to};
}

void read_status(HttpExpectation& into, const Value& value, const Reading& reading) {
  static constexpr const char* hint = "write 200, \"200-299\" or a list of these";
  // One status is read as a list of one.
  const config::Array alone = value.array() ? config::Array{} : config::Array{value};
  const config::Array& listed = value.array() ? *value.array() : alone;
  if (listed.empty()) reading.problems.error(value.place, reading.key, "is empty", hint);
  std::vector<StatusRange> ranges;
  for (const Value& one : listed) {
    if (const auto range = status_range(one))
      ranges.push_back(*range);
    else
      reading.problems.error(one.place, reading.key, "not an HTTP status", hint);
  }
  into.status = std::move(ranges);
}

void read_header_regexes(std::map<std::string, std::string>& into, const Value& value, const Reading& reading) {
  if (!value.table()) return reading.problems.error(value.place, reading.key, "must be a table", "write { content-type = \"json\" }");
  for (const auto& [key, place, element] : *value.table()) {
    const Reading below = reading.at(key);
    if (const auto wrong = config::misfit("header", key)) below.problems.error(place, below.key, wrong->message, wrong->hint);
    config::read_value(into[key], element, config::Meta{.doc = "", .pattern_name = "regex"}, below);
  }
}

void read_equals(JsonCheck& into, const Value& value, const Reading& reading) {
  if (const auto* flag = std::get_if<bool>(&value.is))
    into.equals = *flag;
  else if (const auto* whole = std::get_if<std::int64_t>(&value.is))
    into.equals = *whole;
  else if (const auto* number = std::get_if<double>(&value.is))
    into.equals = *number;
  else if (const auto* text = value.text())
    into.equals = *text;
  else
    reading.problems.error(value.place, reading.key, "must be a string, a number or true or false", "point deeper to compare a part");
}

// `min` and `max` of a value may be written without a point.
void read_number(std::optional<double>& into, const Value& value, const Reading& reading) {
  if (const auto* whole = std::get_if<std::int64_t>(&value.is))
    into = static_cast<double>(*whole);
  else if (const auto* number = std::get_if<double>(&value.is))
    into = *number;
  else
    reading.problems.error(value.place, reading.key, "must be a number", "write it without quotes");
}

const std::vector<config::Row>& json_rows() {
  static const std::vector<config::Row> rows = {
      config::row<JsonCheck>("pointer", &JsonCheck::pointer,
                             {.doc = "Where: a JSON pointer (RFC 6901), `/checks/0/state`.", .pattern_name = "json-pointer"}),
      config::row_with<JsonCheck>("equals", "string, number, true or false", {.doc = "The value."}, read_equals),
      config::row<JsonCheck>("matches", &JsonCheck::matches, {.doc = "A regex that the text matches.", .pattern_name = "regex"}),
      config::row<JsonCheck>("exists", &JsonCheck::exists, {.doc = "Whether it is there at all."}),
      config::row_with<JsonCheck>("min", "number", {.doc = "At least."},
                                  [](JsonCheck& s, const Value& v, const Reading& r) { read_number(s.min, v, r); }),
      config::row_with<JsonCheck>("max", "number", {.doc = "At most."},
                                  [](JsonCheck& s, const Value& v, const Reading& r) { read_number(s.max, v, r); }),
  };
  return rows;
}

bool asks_nothing(const JsonCheck& check) { return !check.equals && check.matches.empty() && !check.exists && !check.min && !check.max; }

void read_json(HttpExpectation& into, const Value& value, const Reading& reading) {
  if (!value.array())
    return reading.problems.error(value.place, reading.key, "must be a list of tables",
                                  "write [{ pointer = \"/status\", equals = \"ok\" }]");
  for (std::size_t i = 0; i < value.array()->size(); ++i) {
    const Value& one = (*value.array())[i];
    const Reading below = reading.at(std::to_string(i));
    if (!one.table()) {
      below.problems.error(one.place, below.key, "must be a table", "write { pointer = \"/status\", equals = \"ok\" }");
      continue;
    }
    JsonCheck check;
    config::read_table(*one.table(), one.place, json_rows(), &check, below);
    const bool also_absent = check.exists == false && (check.equals || !check.matches.empty() || check.min || check.max);
    if (also_absent)
      below.problems.error(one.place, below.key, "exists = false leaves nothing to compare", "drop exists, or the other checks");
    // A pointer alone means that the value must exist.
    if (asks_nothing(check)) check.exists = true;
    into.json.push_back(std::move(check));
  }
}

void read_versions(HttpExpectation& into, const Value& value, const Reading& reading) {
  config::read_value(into.versions, value, config::Meta{}, reading);
  for (const std::string& version : into.versions)
    if (version != "1.0" && version != "1.1")
      reading.problems.error(value.place, reading.key, config::shown(version) + " is not a version that is spoken here", "write [\"1.1\"]");
}

}  // namespace

std::vector<config::Row> expectation_rows() {
  using E = HttpExpectation;
  return {
      config::row_with<E>("status", "status, range \"200-299\", or a list of these",
                          {.doc = "The statuses that are good.", .fallback = "\"200-299\""}, read_status),
      config::row<E>("body_matches", &E::body_matches, {.doc = "A regex (RE2) that the body matches somewhere.", .pattern_name = "regex"}),
      config::row<E>("body_not_matches", &E::body_not_matches, {.doc = "A regex that the body matches nowhere.", .pattern_name = "regex"}),
      config::row_with<E>("header_matches", "table: header = regex", {.doc = "Headers that must be there, one value matching."},
                          [](E& s, const Value& v, const Reading& r) { read_header_regexes(s.header_matches, v, r); }),
      config::row_with<E>("header_not_matches", "table: header = regex", {.doc = "Headers of which no value may match."},
                          [](E& s, const Value& v, const Reading& r) { read_header_regexes(s.header_not_matches, v, r); }),
      config::row_with<E>("versions", "list of \"1.0\", \"1.1\"", {.doc = "The HTTP versions that are good. Empty: any."}, read_versions),
      config::row_with<E>("json", "list of { pointer, equals | matches | exists | min | max }",
                          {.doc = "Values of a JSON body. With a pointer alone, the value must exist."}, read_json),
  };
}

}  // namespace drwatch
