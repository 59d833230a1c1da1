// SPDX-License-Identifier: Apache-2.0
// What a fuzz target is made of: libFuzzer's entry, what must hold of every input, and an input taken apart.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// FUZZ_TARGET(name)(const std::uint8_t* data, std::size_t size) {...}: each file in targets/ defines one. A program of its own calls it by
// libFuzzer's name; where all of them are one program each has its own.
#ifdef DRWATCH_FUZZ
#define FUZZ_TARGET(name) extern "C" int LLVMFuzzerTestOneInput
#else
#define FUZZ_TARGET(name) extern "C" int fuzz_##name
#endif

namespace drwatch::fuzz {

// Ends the process when `holds` is false: whoever feeds the target keeps the input.
void must(bool holds, const char* what);

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

// The first byte chooses (0 when there is none), the rest is the input.
inline unsigned take_choice(std::string_view& text) {
  if (text.empty()) return 0;
  const auto choice = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  return choice;
}

// Up to the line's end, which is taken off as well.
inline std::string_view take_line(std::string_view& text) {
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

inline bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace drwatch::fuzz
