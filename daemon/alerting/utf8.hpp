// SPDX-License-Identifier: Apache-2.0
// Well-formed UTF-8 (RFC 3629): what leaves drwatch as JSON, or reaches a terminal, often began as bytes of a failing server.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace drwatch {

// Length in bytes (1 to 4) of the well-formed sequence at the front of `text`; 0 when it is ill-formed or `text` is empty.
std::size_t utf8_front(std::string_view text);
bool is_utf8(std::string_view text);
// Every ill-formed byte as U+FFFD; at most `max_bytes`, cut between characters and ended with an ellipsis.
std::string clean_utf8(std::string_view text, std::size_t max_bytes);

}  // namespace drwatch
