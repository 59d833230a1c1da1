// SPDX-License-Identifier: Apache-2.0
// What the other side sent, made fit for a sentence.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

// At most `longest` bytes of `text` (cut between UTF-8 characters, "..." added), runs of white space and control bytes as one space.
std::string excerpt(std::string_view text, std::size_t longest = 120);

// "'text'", cut and cleaned as above.
std::string quote(std::string_view text, std::size_t longest = 120);

// `text` with each of `secrets` (the longest first) replaced by "***", since the other side may repeat what it was sent. Must come before
// cutting: a cut may go through a secret, and half of it would not be found.
std::string without(std::string text, const std::vector<std::string>& secrets);

// `text` with "***" for what looks like a token that the other side issued: 40 or more letters and digits in one run.
std::string without_tokens(std::string_view text);

}  // namespace drwatch
