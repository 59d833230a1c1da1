// SPDX-License-Identifier: Apache-2.0
#include "config/rows/document.hpp"

#include "config/rows/depth.hpp"

#include <toml++/toml.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <string>

namespace drwatch::config {
namespace {

// `otherwise` for what stands nowhere itself (an implicit table).
Place place_of(const toml::source_region& region, const Place& otherwise) {
  if (region.begin.line == 0) return otherwise;
  return {otherwise.file, static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

Value value_of(const toml::node& node, const Place& parent);

Value table_of(const toml::table& from, const Place& place) {
  Table table;
  for (const auto& [key, node] : from) {
    const Place at = place_of(key.source(), place);
    table.push_back({std::string(key.str()), at, value_of(node, at)});
  }
  // toml++ keeps tables sorted by key; problems and defaults follow the file instead.
  std::stable_sort(table.begin(), table.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  });
  return {place, std::move(table)};
}

template <class T>
std::string text_of(const T& value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

// The nesting was bounded before (too_deep), so this recursion is as well.
Value value_of(const toml::node& node, const Place& parent) {
  const Place place = place_of(node.source(), parent);
  if (const auto* table = node.as_table()) return table_of(*table, place);
  if (const auto* array = node.as_array()) {
    Array values;
    for (const auto& element : *array) values.push_back(value_of(element, place));
    return {place, std::move(values)};
  }
  if (const auto* text = node.as_string()) return {place, text->get()};
  if (const auto* integer = node.as_integer()) return {place, integer->get()};
  if (const auto* number = node.as_floating_point()) return {place, number->get()};
  if (const auto* boolean = node.as_boolean()) return {place, boolean->get()};
  if (const auto* date = node.as_date()) return {place, text_of(date->get())};
  if (const auto* time = node.as_time()) return {place, text_of(time->get())};
  // Dates and times become their text: a setting of that type then reads both the quoted and the bare form.
  return {place, text_of(node.as_date_time()->get())};
}

// toml++ says "Error while parsing X: what"; it may quote the number it could not read, which could be somebody's secret.
std::string syntax_message(std::string_view description) {
  if (description.find("not representable") != description.npos) return "not valid TOML: a number that does not fit in 64 bits";
  return "not valid TOML: " + std::string(description);
}

}  // namespace

std::string_view Value::type_name() const {
  static constexpr std::string_view names[] = {"true or false", "an integer", "a number", "a string", "a list", "a table"};
  return names[is.index()];
}

std::string toml_text(const Value& value) {
  struct Writer {
    std::string operator()(bool truth) const { return truth ? "true" : "false"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    // JSON writes the shortest text that is read as the same number; it knows neither infinity nor nan.
    std::string operator()(double number) const {
      return std::isfinite(number) ? nlohmann::json(number).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                                   : text_of(toml::value<double>(number));
    }
    // A basic string of TOML has the escapes of JSON.
    std::string operator()(const std::string& text) const {
      return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    }
    std::string operator()(const Array& array) const {
      std::string made;
      for (const Value& element : array) made += (made.empty() ? "" : ", ") + toml_text(element);
      return "[" + made + "]";
    }
    std::string operator()(const Table& table) const {
      std::string made;
      for (const Entry& entry : table) made += (made.empty() ? " " : ", ") + entry.key + " = " + toml_text(entry.value);
      return "{" + made + " }";
    }
  };
  return std::visit(Writer{}, value.is);
}

const Entry* find(const Table& table, std::string_view key) {
  const auto at = std::find_if(table.begin(), table.end(), [&](const Entry& entry) { return entry.key == key; });
  return at == table.end() ? nullptr : &*at;
}

Place place_at(const Table& table, Place otherwise, const std::vector<std::string>& path) {
  const Table* here = &table;
  const Array* list = nullptr;
  for (const auto& word : path) {
    const Value* next = nullptr;
    if (here) {
      if (const auto* entry = find(*here, word)) next = &entry->value;
    } else if (list) {
      std::size_t index = list->size();
      std::from_chars(word.data(), word.data() + word.size(), index);
      if (index < list->size()) next = &(*list)[index];
    }
    if (!next) break;
    otherwise = next->place;
    here = next->table();
    list = next->array();
  }
  return otherwise;
}

std::optional<Value> parse_toml(const std::string& file, std::string_view text, Problems& problems) {
  if (auto place = too_deep(file, text)) {
    problems.error(std::move(*place), "", "nested deeper than " + std::to_string(deepest_toml) + " levels", "no setting lies that deep");
    return {};
  }
  try {
    return table_of(toml::parse(text, file), Place{file, 1, 1});
  } catch (const toml::parse_error& error) {
    problems.error(place_of(error.source(), Place{file, 0, 0}), "", syntax_message(error.description()),
                   "strings stand in quotes, tables in [brackets]; see https://toml.io");
    return {};
  }
}

}  // namespace drwatch::config
