// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/bounded_json.hpp"

namespace drwatch {
namespace {

// Looks at the text before anything is made of it. Brackets inside strings do not count. It need not be JSON: the parser tells.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && (c == '[' || c == '{')) {
      if (++depth > deepest_json) return true;
    } else if (!in_string && (c == ']' || c == '}')) {
      --depth;
    }
  }
  return false;
}

}  // namespace

// A value stands at the beginning, after each comma and in each bracket. Those in strings are none.
bool too_many_values(std::string_view json) {
  std::size_t values = 1;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string && c == '\\')
      ++i;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string && (c == ',' || c == '[' || c == '{') && ++values > most_json_values)
      return true;
  }
  return false;
}

nlohmann::json bounded_json(std::string_view text) {
  if (too_deep(text) || too_many_values(text)) return nlohmann::json(nlohmann::json::value_t::discarded);
  // false: no exception, but a discarded value.
  return nlohmann::json::parse(text, nullptr, false);
}

std::string text_at(const nlohmann::json& object, const std::string& key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

}  // namespace drwatch
