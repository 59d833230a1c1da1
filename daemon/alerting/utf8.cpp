// SPDX-License-Identifier: Apache-2.0
#include "daemon/alerting/utf8.hpp"

#include <cstdint>

namespace drwatch {
namespace {

// U+FFFD and U+2026.
constexpr std::string_view replacement = "\xEF\xBF\xBD", ellipsis = "\xE2\x80\xA6";

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace

// The Unicode Standard, table 3-7: 0xC0, 0xC1 and 0xF5 to 0xFF never begin a character.
std::size_t utf8_front(std::string_view text) {
  if (text.empty()) return 0;
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3 : first >= 0xF0 && first < 0xF5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!continues(text[i])) return 0;
  // Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
  const auto second = static_cast<unsigned char>(text[1]);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_front(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string clean_utf8(std::string_view text, std::size_t max_bytes) {
  std::string clean;
  std::size_t cut = 0;  // where an ellipsis still fits behind what is kept
  while (!text.empty() && clean.size() <= max_bytes) {
    const std::size_t length = utf8_front(text);
    clean.append(length == 0 ? replacement : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
    if (clean.size() + ellipsis.size() <= max_bytes) cut = clean.size();
  }
  if (clean.size() > max_bytes) clean.replace(cut, std::string::npos, ellipsis);
  return clean;
}

}  // namespace drwatch
