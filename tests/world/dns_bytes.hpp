// SPDX-License-Identifier: Apache-2.0
// A name server's answer, byte by byte, right or wrong as a test wants it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace drwatch::testing::dns {

inline std::string u16(unsigned n) { return {static_cast<char>(n >> 8), static_cast<char>(n)}; }

inline std::string name(const std::string& text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size();) {
    const auto dot = std::min(text.find('.', at), text.size());
    bytes += static_cast<char>(dot - at) + text.substr(at, dot - at);
    at = dot + 1;
  }
  return bytes + '\0';
}

// 0xc00c points to the question's name.
inline std::string record(unsigned type, const std::string& data, const std::string& owner = "\xc0\x0c") {
  return owner + u16(type) + u16(1) + std::string("\0\0\x01\x2c", 4) + u16(static_cast<unsigned>(data.size())) + data;
}

inline std::string message(unsigned flags, const std::vector<std::string>& answers, const std::vector<std::string>& authority = {}) {
  std::string bytes = u16(77) + u16(flags) + u16(1) + u16(static_cast<unsigned>(answers.size())) +
                      u16(static_cast<unsigned>(authority.size())) + u16(0) + name("Example.org") + u16(1) + u16(1);
  for (const auto* section : {&answers, &authority})
    for (const auto& text : *section) bytes += text;
  return bytes;
}

}  // namespace drwatch::testing::dns
