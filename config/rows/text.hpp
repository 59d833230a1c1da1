// SPDX-License-Identifier: Apache-2.0
// Small things done to text everywhere. Letters are ASCII letters: names of protocols, headers and settings have no others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

// "a, b, c"; empty when there is none.
std::string joined(const std::vector<std::string>& words, std::string_view between = ", ");

// Whether `word` is one of them.
bool has(const std::vector<std::string>& words, std::string_view word);

// Without the spaces, tabs and line ends around it; a view into the same text.
std::string_view trimmed(std::string_view text);

// ASCII capitals as small letters.
std::string lower(std::string_view text);
bool same_name(std::string_view a, std::string_view b);  // capitals aside

}  // namespace drwatch
