// SPDX-License-Identifier: Apache-2.0
// The message catalog: what `journalctl -x` says below an entry. The format is systemd's (MESSAGE CATALOGS in its documentation).
#include "daemon/log/log.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace drwatch {
namespace {

// What to type next, by what the event is about. @FIELD@ is replaced by journald (systemd, MESSAGE CATALOGS). Only fields that such an
// event always has are used: an absent one is printed by its name.
std::string_view next_step(std::string_view kind) {
  if (kind.starts_with("incident.") || kind.starts_with("step.") || kind.starts_with("message."))
    return "Scenario: @DRWATCH_SCENARIO@\nLook at it with: drwatch incident show @DRWATCH_INCIDENT@\n";
  if (kind.starts_with("probe.")) return "Probe: @DRWATCH_PROBE@\nRun it now with: drwatch probe @DRWATCH_PROBE@\n";
  if (kind.starts_with("component.")) return "Component: @DRWATCH_COMPONENT@\nSee all of it with: drwatch status\n";
  if (kind.starts_with("journal.")) return "Check the file with: drwatch journal verify FILE\n";
  return "See all of it with: drwatch status\n";
}

// Catalog texts are read in a terminal of 80 columns.
std::string wrapped(std::string_view text) {
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    if (column != 0 && column + 1 + word.size() > 79) {
      out += '\n';
      column = 0;
    }
    if (column != 0) out += ' ';
    out += word;
    column += word.size() + (column != 0 ? 1 : 0);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return out + "\n";
}

}  // namespace

std::string message_id(std::string_view kind) {
  const std::string name = "drwatch:" + std::string(kind);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> sum{};
  SHA256(reinterpret_cast<const unsigned char*>(name.data()), name.size(), sum.data());
  // Version 4 and variant 1 of RFC 9562, as sd_id128 wants its ids.
  sum[6] = static_cast<unsigned char>((sum[6] & 0x0FU) | 0x40U);
  sum[8] = static_cast<unsigned char>((sum[8] & 0x3FU) | 0x80U);
  std::string text;
  for (std::size_t i = 0; i < 16; ++i) (text += "0123456789abcdef"[sum[i] >> 4U]) += "0123456789abcdef"[sum[i] & 0xFU];
  return text;
}

std::string message_catalog() {
  std::string text = "# SPDX-License-Identifier: Apache-2.0\n# Written from the table of event kinds; a test holds it to that.\n";
  for (const EventKind& kind : event_kinds()) {
    text += "\n-- " + message_id(kind.name) + "\nSubject: drwatch: " + std::string(kind.name) + "\nDefined-By: drwatch\n\n";
    text += wrapped(kind.doc);
    text += next_step(kind.name);
  }
  return text;
}

}  // namespace drwatch
