// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/wal_position.hpp"

#include <charconv>
#include <cstdio>

namespace drwatch {
namespace {

std::optional<std::uint32_t> hexadecimal(std::string_view text) {
  std::uint32_t made = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), made, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return made;
}

}  // namespace

std::optional<std::uint64_t> parse_lsn(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto high = hexadecimal(text.substr(0, slash)), low = hexadecimal(text.substr(slash + 1));
  if (!high || !low) return std::nullopt;
  return (std::uint64_t{*high} << 32) | *low;
}

std::string lsn_text(std::uint64_t lsn) {
  char text[24];
  std::snprintf(text, sizeof text, "%X/%X", static_cast<unsigned>(lsn >> 32), static_cast<unsigned>(lsn & 0xffffffff));
  return text;
}

std::optional<std::uint32_t> parse_timeline(std::string_view text) {
  // Upper case alone, as they are written: a name in lower case is somebody else's file.
  if (text.size() != 8 || text.find_first_not_of("0123456789ABCDEF") != text.npos) return std::nullopt;
  const auto timeline = hexadecimal(text);
  return timeline && *timeline > 0 ? timeline : std::nullopt;
}

}  // namespace drwatch
