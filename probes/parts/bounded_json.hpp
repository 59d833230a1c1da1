// SPDX-License-Identifier: Apache-2.0
// JSON from outside. nlohmann's parser takes any depth, but copying, comparing and writing what it made are recursive, and each bracket
// costs it sixty-four bytes: a body of nothing but brackets would be a deep stack and a large heap.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace drwatch {

inline constexpr int deepest_json = 64;

// Discarded (is_discarded(), none of is_object(), is_array(), ...) when it is no JSON, or nested deeper than `deepest_json`.
nlohmann::json bounded_json(std::string_view text);

// The string at `key`; empty when `object` is no object or has no string there.
std::string text_at(const nlohmann::json& object, const std::string& key);

}  // namespace drwatch
