// SPDX-License-Identifier: Apache-2.0
// JSON from outside. nlohmann's parser takes any depth, but copying, comparing and writing what it made are recursive, and each bracket
// costs it sixty-four bytes: a body of nothing but brackets would be a deep stack and a large heap. A long list costs up to a hundred times
// its bytes, and the loop waits for the parser. So both are looked at before anything is made of the text.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace drwatch {

inline constexpr int deepest_json = 64;
inline constexpr std::size_t most_json_values = 100'000;

// For whoever wants to say that this is what is wrong.
bool too_many_values(std::string_view json);

// Discarded (is_discarded(), none of is_object(), is_array(), ...) when it is no JSON, nested deeper than `deepest_json`, or has more than
// `most_json_values`.
nlohmann::json bounded_json(std::string_view text);

// The string at `key`; empty when `object` is no object or has no string there.
std::string text_at(const nlohmann::json& object, const std::string& key);

}  // namespace drwatch
