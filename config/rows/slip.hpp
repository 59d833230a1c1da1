// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace drwatch::config {

// `word` is one of these but for a slip of the pen: one letter, or two of a word of twelve and more. Stricter than nearest(), which may well
// suggest 'core' for 'cron': a suggestion costs nothing.
bool is_slip(std::string_view word, const std::vector<std::string>& of);

}  // namespace drwatch::config
