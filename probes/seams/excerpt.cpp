// SPDX-License-Identifier: Apache-2.0
#include "probes/seams/excerpt.hpp"

#include <algorithm>
#include <cctype>

namespace drwatch {

std::string excerpt(std::string_view text, std::size_t longest) {
  std::string shown;
  bool space = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f) {
      space = !shown.empty();
      continue;
    }
    if (space) shown += ' ';
    space = false;
    shown += c;
    // What is behind the cut is not looked at: `text` may have megabytes.
    if (shown.size() > longest) break;
  }
  if (shown.size() <= longest) return shown;
  std::size_t cut = longest;
  while (cut > 0 && (static_cast<unsigned char>(shown[cut]) & 0xc0) == 0x80) --cut;  // not inside a character
  return shown.substr(0, cut) + "...";
}

std::string quote(std::string_view text, std::size_t longest) { return "'" + excerpt(text, longest) + "'"; }

std::string without_tokens(std::string_view text) {
  // Tokens (JWT, API keys) are longer than that and mix letters and digits; a name or a number of 40 characters does not.
  constexpr std::size_t shortest = 40;  // a UUID has 36
  const auto in_token = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || (c != 0 && std::string_view("-_.+=~").find(c) != std::string_view::npos);
  };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string shown;
  while (!text.empty()) {
    const auto run = text.substr(0, static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), in_token) - text.begin()));
    const bool token = run.size() >= shortest && std::any_of(run.begin(), run.end(), digit) && !std::all_of(run.begin(), run.end(), digit);
    shown += token ? "***" : run;
    text.remove_prefix(run.size());
    if (text.empty()) break;
    shown += text.front();
    text.remove_prefix(1);
  }
  return shown;
}

}  // namespace drwatch
