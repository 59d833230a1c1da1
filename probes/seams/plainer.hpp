// SPDX-License-Identifier: Apache-2.0
// A text as it reads once escapes are taken out of it, so that a secret is found however much of it was escaped and how.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

// The bytes of the original that a byte of a plainer text stands for; the end is not among them.
struct Origin {
  std::uint32_t from = 0, to = 0;
};

// `text` itself, and what becomes of it without %XX, without these and "+" for a space (if `pluses`), without a backslash's escapes (JSON,
// C), without HTML's entities, and without line breaks in a long encoded text (if `wraps`): each alone, and any two of them one after the
// other. Only those that differ from what they were made of. `each` is called with every one of them; the original has no `origins`.
void read_plainer(std::string_view text, bool pluses, bool wraps,
                  const std::function<void(std::string_view text, const std::vector<Origin>& origins)>& each);

}  // namespace drwatch
