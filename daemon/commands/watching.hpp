// SPDX-License-Identifier: Apache-2.0
// A text that is drawn again and again on a terminal that may be smaller than it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace drwatch::commands {

struct TerminalSize {
  std::size_t rows = 24, columns = 80;
};

// The part of `text` that fits, from the line `first` on, which is moved to where there is one. Lines are cut at the width, where colours
// take no room. What does not fit at once ends in a line that says where one is.
std::string fitted(const std::string& text, TerminalSize size, std::size_t& first);

// Which line is first after these keys were pressed: arrows, j, k, page up and down, blank, b, g, G. `end`: one of them ends it.
std::size_t after_keys(const std::string& keys, std::size_t first, TerminalSize size, bool& end);

// Draws what `text` says every two seconds, and at every key, until q or an interrupt. Where nobody looks at it, it is printed as it is.
void watch_text(const std::function<std::string()>& text);

}  // namespace drwatch::commands
