// SPDX-License-Identifier: Apache-2.0
// What the other side sent, made fit for a sentence.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace drwatch {

// At most `longest` bytes of `text` (cut between UTF-8 characters, "..." added), runs of white space and control bytes as one space.
std::string excerpt(std::string_view text, std::size_t longest = 120);

// "'text'", cut and cleaned as above.
std::string quote(std::string_view text, std::size_t longest = 120);

// `text` with "***" for what looks like a token that the other side issued: 40 or more letters and digits in one run.
std::string without_tokens(std::string_view text);

}  // namespace drwatch
