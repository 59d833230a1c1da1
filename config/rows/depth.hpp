// SPDX-License-Identifier: Apache-2.0
// How deep a TOML text is nested, told before anything is made of it: a parser follows `a.a.a...` and [[[[... by recursion, and freeing
// what it made does so as well. Some kilobytes of either would end the program.
#pragma once

#include "config/rows/document.hpp"

namespace drwatch::config {

inline constexpr int deepest_toml = 64;

// Where it first gets deeper than `deepest_toml` tables and lists; nullopt: nowhere. The text need not be TOML: the parser tells.
std::optional<Place> too_deep(const std::string& file, std::string_view text);

}  // namespace drwatch::config
