// SPDX-License-Identifier: Apache-2.0
// The little JSON that auth services speak.
#pragma once

#include "probes/parts/bounded_json.hpp"
#include "probes/seams/world.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace drwatch {

// The body as a JSON object; nullopt: it is none, or nested too deep (bounded_json).
inline std::optional<nlohmann::json> object_of(const HttpResponse& answer) {
  nlohmann::json document = bounded_json(answer.body);
  if (!document.is_object()) return std::nullopt;
  return document;
}

// The length of a JSON list; nullopt: the body is none.
inline std::optional<std::int64_t> elements_of(const HttpResponse& answer) {
  const nlohmann::json document = bounded_json(answer.body);
  if (!document.is_array()) return std::nullopt;
  return static_cast<std::int64_t>(document.size());
}

// The whole number at `key`; nullopt: there is none, or it has a fraction.
inline std::optional<std::int64_t> whole_in(const nlohmann::json& object, const std::string& key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

// An object of strings. The strings need not be UTF-8.
inline std::string json_text(const std::vector<std::pair<std::string, std::string>>& pairs) {
  nlohmann::json object = nlohmann::json::object();
  for (const auto& [key, value] : pairs) object[key] = value;
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

inline std::vector<std::pair<std::string, std::string>> json_headers() { return {{"Content-Type", "application/json"}}; }

}  // namespace drwatch
