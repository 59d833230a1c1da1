// SPDX-License-Identifier: Apache-2.0
#include "config/rows/time.hpp"

namespace drwatch {

std::string time_words(Time t) {
  std::string text = time_text(std::chrono::floor<std::chrono::seconds>(t));  // 2026-03-01T02:09:30Z
  text[10] = ' ';
  text.pop_back();
  return text + " UTC";
}

std::string clock_words(Time t, Time now) {
  // 2026-03-01T02:09
  std::string text = time_text(std::chrono::floor<std::chrono::seconds>(t)).substr(0, 16);
  text[10] = ' ';
  const bool today = t > now - hours{12} && t < now + hours{12};  // whose day nobody can mistake
  return (today ? text.substr(11) : text) + " UTC";
}

}  // namespace drwatch
