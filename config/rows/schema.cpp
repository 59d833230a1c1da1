// SPDX-License-Identifier: Apache-2.0
#include "config/rows/schema.hpp"

#include "config/rows/pattern.hpp"
#include "config/tables/tables.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

namespace drwatch::config {
namespace {

// "5" and not "5.000000".
std::string number_text(double number) {
  if (number == std::floor(number) && std::abs(number) < 1e15) return std::to_string(static_cast<long long>(number));
  std::string text = std::to_string(number);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

// "from 1 to 20", "at least 1", "at most 20", or "" without bounds.
std::string bounds_text(const Meta& meta, const std::function<std::string(double)>& text) {
  if (meta.min && meta.max) return "from " + text(*meta.min) + " to " + text(*meta.max);
  if (meta.min) return "at least " + text(*meta.min);
  if (meta.max) return "at most " + text(*meta.max);
  return "";
}

std::string seconds_text(double s) { return duration_text(Duration{static_cast<std::int64_t>(std::llround(s * 1000))}); }

// Reports and returns false when `number` is out of bounds.
bool within_bounds(double number, const Value& value, const Meta& meta, const Reading& reading,
                   const std::function<std::string(double)>& text = number_text) {
  if ((!meta.min || number >= *meta.min) && (!meta.max || number <= *meta.max)) return true;
  const std::string written = value.text() ? shown(*value.text()) : text(number);
  const std::string bounds = meta.min && meta.max ? "a value " + bounds_text(meta, text) : bounds_text(meta, text);
  reading.problems.error(value.place, reading.key, written + " is out of bounds", "use " + bounds);
  return false;
}

// "expected a duration, found an integer".
void wrong_type(const Value& value, const Reading& reading, std::string_view wanted, std::string_view hint = {}) {
  reading.problems.error(value.place, reading.key, "expected " + std::string(wanted) + ", found " + std::string(value.type_name()),
                         hint.empty() ? "write " + std::string(wanted) : std::string(hint));
}

// Reports and returns false when `text` is none of the choices or does not fit the pattern.
bool fits(const std::string& text, const Value& value, const Meta& meta, const Reading& reading) {
  if (!meta.one_of.empty() && std::find(meta.one_of.begin(), meta.one_of.end(), text) == meta.one_of.end()) {
    const auto close = nearest(text, meta.one_of);
    reading.problems.error(value.place, reading.key, shown(text) + " is none of " + list_text(meta.one_of),
                           close ? "did you mean '" + *close + "'?" : "use one of these");
    return false;
  }
  // A URL with a password in it must not be repeated; regex errors and the like quote the text themselves.
  if (const auto wrong = misfit(meta.pattern_name, text)) {
    const bool quote = !holds_a_secret(text) && meta.pattern_name != "regex";
    reading.problems.error(value.place, reading.key, (quote ? shown(text) + ": " : "") + wrong->message, wrong->hint);
    return false;
  }
  if (meta.required && text.empty()) {
    reading.problems.error(value.place, reading.key, "is empty", "give it a value");
    return false;
  }
  return true;
}

template <class T>
void read_list(std::vector<T>& into, const Value& value, const Meta& meta, const Reading& reading, std::string_view wanted) {
  if (!value.array()) return wrong_type(value, reading, wanted);
  std::vector<T> values;
  for (const auto& element : *value.array()) {
    T one{};
    read_value(one, element, meta, reading);
    values.push_back(std::move(one));
  }
  if (meta.required && values.empty()) reading.problems.error(value.place, reading.key, "is empty", "give it at least one value");
  into = std::move(values);
}

// The keys of a table of strings or secrets: "header" is a pattern of the keys, the others are of the values.
Meta value_meta(const Meta& meta) {
  Meta of_values = meta;
  if (meta.pattern_name == "header") of_values.pattern_name.clear();
  return of_values;
}

template <class T>
void read_map(std::map<std::string, T>& into, const Value& value, const Meta& meta, const Reading& reading, std::string_view wanted) {
  if (!value.table()) return wrong_type(value, reading, wanted);
  const Meta of_values = value_meta(meta);
  std::map<std::string, T> values;
  for (const auto& [key, place, element] : *value.table()) {
    const Reading below = reading.at(key);
    if (meta.pattern_name == "header") {
      if (const auto wrong = misfit("header", key)) below.problems.error(place, below.key, wrong->message, wrong->hint);
      if (std::is_same_v<T, std::string> && is_secret_header(key)) {
        below.problems.error(place, below.key, "this header carries a secret", "give it where the kind takes secrets");
        continue;
      }
    }
    read_value(values[key], element, of_values, below);
  }
  into = std::move(values);
}

}  // namespace

Reading Reading::at(std::string_view child) const {
  Reading below = *this;
  below.key = key.empty() ? std::string(child) : key + "." + std::string(child);
  return below;
}

Row described(std::string key, std::string_view type, const Meta& meta) {
  Row row;
  row.key = std::move(key);
  row.type = std::string(type);
  row.fallback = meta.fallback;
  row.doc = meta.doc;
  row.required = meta.required;
  const auto pattern = pattern_text(meta.pattern_name);
  if (!pattern.empty() && row.type == "string") row.type = std::string(pattern);
  if (!pattern.empty() && row.type == "list of strings") row.type = "list of " + std::string(pattern) + "s";
  if (!meta.one_of.empty()) {
    std::string choices;
    for (const auto& choice : meta.one_of) choices += (choices.empty() ? "\"" : " or \"") + choice + "\"";
    row.type = row.type == "list of strings" ? "list of " + choices : choices;
  }
  const auto bounds = type == "duration" ? bounds_text(meta, seconds_text) : bounds_text(meta, number_text);
  if (!bounds.empty()) row.type += ", " + bounds;
  return row;
}

void read_value(bool& into, const Value& value, const Meta&, const Reading& reading) {
  if (const auto* is = std::get_if<bool>(&value.is))
    into = *is;
  else
    wrong_type(value, reading, "true or false");
}

void read_value(std::int64_t& into, const Value& value, const Meta& meta, const Reading& reading) {
  const auto* is = std::get_if<std::int64_t>(&value.is);
  if (!is) return wrong_type(value, reading, "an integer");
  if (within_bounds(static_cast<double>(*is), value, meta, reading)) into = *is;
}

void read_value(int& into, const Value& value, const Meta& meta, const Reading& reading) {
  std::int64_t wide = into;
  Meta narrow = meta;
  narrow.min = std::max(meta.min.value_or(std::numeric_limits<int>::min()), double{std::numeric_limits<int>::min()});
  narrow.max = std::min(meta.max.value_or(std::numeric_limits<int>::max()), double{std::numeric_limits<int>::max()});
  read_value(wide, value, narrow, reading);
  into = static_cast<int>(wide);
}

void read_value(double& into, const Value& value, const Meta& meta, const Reading& reading) {
  double number = 0;
  if (const auto* whole = std::get_if<std::int64_t>(&value.is))
    number = static_cast<double>(*whole);
  else if (const auto* is = std::get_if<double>(&value.is))
    number = *is;
  else
    return wrong_type(value, reading, "a number");
  if (!std::isfinite(number)) return reading.problems.error(value.place, reading.key, "not a finite number", "write a number like 0.5");
  if (within_bounds(number, value, meta, reading)) into = number;
}

void read_value(std::string& into, const Value& value, const Meta& meta, const Reading& reading) {
  if (!value.text()) return wrong_type(value, reading, "a string", "put it in quotes");
  if (fits(*value.text(), value, meta, reading)) into = *value.text();
}

void read_value(Duration& into, const Value& value, const Meta& meta, const Reading& reading) {
  constexpr std::string_view hint = "write it like \"500ms\", \"30s\", \"5m\", \"1h30m\" or \"90d\"";
  if (!value.text()) return wrong_type(value, reading, "a duration", hint);
  const auto duration = parse_duration(*value.text());
  if (!duration) return reading.problems.error(value.place, reading.key, shown(*value.text()) + " is not a duration", std::string(hint));
  if (within_bounds(in_seconds(*duration), value, meta, reading, seconds_text)) into = *duration;
}

void read_value(Time& into, const Value& value, const Meta&, const Reading& reading) {
  constexpr std::string_view hint = "write it like \"2026-03-01T02:00:00Z\"";
  if (!value.text()) return wrong_type(value, reading, "a time", hint);
  if (const auto time = parse_time(*value.text()))
    into = *time;
  else
    reading.problems.error(value.place, reading.key, shown(*value.text()) + " is not a time with its offset", std::string(hint));
}

void read_value(Secret& into, const Value& value, const Meta&, const Reading& reading) { into = read_secret(value, reading, false); }

void read_value(std::vector<std::string>& into, const Value& value, const Meta& meta, const Reading& reading) {
  read_list(into, value, meta, reading, "a list of strings");
  if (!meta.program || !reading.paths || into.empty()) return;
  const bool relative = into.front().find('/') != std::string::npos;
  const std::string program = relative ? (std::filesystem::path(reading.folder) / into.front()).lexically_normal().string() : into.front();
  reading.paths->push_back({reading.key, value.place, program, true});
}

void read_value(std::vector<std::int64_t>& into, const Value& value, const Meta& meta, const Reading& reading) {
  read_list(into, value, meta, reading, "a list of integers");
}

void read_value(std::map<std::string, std::string>& into, const Value& value, const Meta& meta, const Reading& reading) {
  read_map(into, value, meta, reading, "a table of strings");
}

void read_value(std::map<std::string, Secret>& into, const Value& value, const Meta& meta, const Reading& reading) {
  read_map(into, value, meta, reading, "a table of secrets");
}

void read_path(std::string& into, const Value& value, const Meta&, const Reading& reading) {
  if (!value.text()) return wrong_type(value, reading, "a path", "put it in quotes");
  if (const auto wrong = misfit("path", *value.text()))
    return reading.problems.error(value.place, reading.key, wrong->message, wrong->hint);
  into = (std::filesystem::path(reading.folder) / *value.text()).lexically_normal();
  if (reading.paths) reading.paths->push_back({reading.key, value.place, into});
}

void read_rows(const Table& table, Place place, std::span<const Row> rows, void* into, const Reading& reading) {
  for (const auto& row : rows) {
    if (const auto* entry = find(table, row.key))
      row.read(into, entry->value, reading.at(row.key));
    else if (row.required)
      reading.problems.error(place, reading.key, "'" + row.key + "' is missing", "add it");
  }
}

void refuse_unknown(const Table& table, const std::vector<std::string>& known, const Reading& reading) {
  for (const auto& entry : table) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    const auto close = nearest(entry.key, known);
    reading.problems.error(entry.place, reading.key, "unknown key " + shown(entry.key),
                           close ? "did you mean '" + *close + "'?" : "known are " + list_text(known));
  }
}

void read_table(const Table& table, Place place, std::span<const Row> rows, void* into, const Reading& reading,
                std::span<const std::string_view> also_known) {
  std::vector<std::string> known;
  for (const auto& row : rows) known.push_back(row.key);
  known.insert(known.end(), also_known.begin(), also_known.end());
  refuse_unknown(table, known, reading);
  read_rows(table, place, rows, into, reading);
}

}  // namespace drwatch::config
