// SPDX-License-Identifier: Apache-2.0
#include "config/time.hpp"

namespace drwatch {

std::string time_words(Time t) {
  std::string text = time_text(std::chrono::floor<std::chrono::seconds>(t));  // 2026-03-01T02:09:30Z
  text[10] = ' ';
  text.pop_back();
  return text + " UTC";
}

}  // namespace drwatch
