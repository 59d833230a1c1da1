// SPDX-License-Identifier: Apache-2.0
#include "tests/probes/encodings.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cctype>
#include <cstdio>

namespace drwatch::testing {
namespace {

// Each byte as printf writes it by `format`; those of `kept` stay.
std::string each(const std::string& text, const char* format, bool keep_plain, const std::string& kept = "") {
  std::string made;
  for (const unsigned char c : text) {
    char written[16];
    std::snprintf(written, sizeof written, format, c);
    const bool stays = keep_plain && (std::isalnum(c) || kept.find(static_cast<char>(c)) != std::string::npos);
    made += stays ? std::string(1, static_cast<char>(c)) : std::string(written);
  }
  return made;
}

std::string replaced(const std::string& text, const std::vector<std::pair<char, std::string>>& by) {
  std::string made;
  for (const char c : text) {
    const auto at = std::find_if(by.begin(), by.end(), [&](const auto& pair) { return pair.first == c; });
    made += at == by.end() ? std::string(1, c) : at->second;
  }
  return made;
}

std::string lower_hex(std::string text) {
  for (std::size_t at = text.find('%'); at != text.npos; at = text.find('%', at + 1))
    for (std::size_t i = at + 1; i < std::min(at + 3, text.size()); ++i) text[i] = static_cast<char>(std::tolower(text[i]));
  return text;
}

std::string openssl_base64(const std::string& text) {
  std::string made((text.size() + 2) / 3 * 4 + 1, '\0');
  made.resize(static_cast<std::size_t>(EVP_EncodeBlock(
      reinterpret_cast<unsigned char*>(made.data()), reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()))));
  // The padding says how long it is, and nothing else.
  made.erase(made.find_last_not_of('=') + 1);
  return made;
}

// UTF-8 as UTF-16's escapes.
std::string json_numbers(const std::string& text) {
  std::string made;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const int more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    unsigned code = more == 0 ? lead : lead & (0x3F >> more);
    for (int n = 1; n <= more; ++n) code = code << 6 | (static_cast<unsigned char>(text[i + static_cast<std::size_t>(n)]) & 0x3F);
    i += static_cast<std::size_t>(more) + 1;
    char written[16];
    if (code < 0x10000)
      std::snprintf(written, sizeof written, "\\u%04x", code);
    else
      std::snprintf(written, sizeof written, "\\u%04X\\u%04X", 0xD800 + ((code - 0x10000) >> 10), 0xDC00 + ((code - 0x10000) & 0x3FF));
    made += written;
  }
  return made;
}

}  // namespace

const std::vector<Encoding>& encodings() {
  static const std::vector<Encoding> all = {
      {"as it is", [](const std::string& s) { return s; }, true, 1},
      {"percent", [](const std::string& s) { return each(s, "%%%02X", true, "-_.~"); }, true, 3},
      {"percent, small digits", [](const std::string& s) { return lower_hex(each(s, "%%%02X", true, "-_.!~*'()")); }, true, 3},
      {"percent, every byte", [](const std::string& s) { return each(s, "%%%02X", false); }, false, 3},
      {"a form", [](const std::string& s) { return replaced(each(s, "%%%02X", true, "*-._ "), {{' ', "+"}}); }, true, 3},
      {"JSON", [](const std::string& s) { return replaced(s, {{'"', "\\\""}, {'\\', "\\\\"}}); }, true, 2},
      {"JSON, slashes too", [](const std::string& s) { return replaced(s, {{'"', "\\\""}, {'\\', "\\\\"}, {'/', "\\/"}}); }, true, 2},
      {"JSON, safe for HTML",
       [](const std::string& s) {
         return replaced(s, {{'"', "\\u0022"}, {'\\', "\\\\"}, {'<', "\\u003C"}, {'>', "\\u003e"}, {'&', "\\u0026"}});
       },
       true, 6},
      {"JSON, numbers", json_numbers, false, 6},
      {"HTML", [](const std::string& s) { return replaced(s, {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}}); }, true, 6},
      {"HTML, numbers",
       [](const std::string& s) {
         return replaced(s, {{'&', "&#38;"}, {'<', "&#x3C;"}, {'>', "&#x3e;"}, {'"', "&#034;"}, {'/', "&#X2F;"}});
       },
       true, 6},
      {"C", [](const std::string& s) { return each(s, "\\x%02x", true, " +/<>&%\""); }, false, 4},
      {"hex", [](const std::string& s) { return each(s, "%02x", false); }, false, 2},
      {"hex in capitals", [](const std::string& s) { return each(s, "%02X", false); }, false, 2},
      {"base64", openssl_base64, false, 2},
      {"base64url", [](const std::string& s) { return replaced(openssl_base64(s), {{'+', "-"}, {'/', "_"}}); }, false, 2},
  };
  return all;
}

}  // namespace drwatch::testing
