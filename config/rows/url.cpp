// SPDX-License-Identifier: Apache-2.0
#include "config/rows/url.hpp"

#include <idn2.h>

#include <algorithm>
#include <cctype>

namespace drwatch::config {
namespace {

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

std::string encoded_part(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF", unfit = "\"<>[]\\^`{|}#";
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool lone = c == '%' && (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2]));
    if (c > 0x20 && c < 0x7f && !lone && unfit.find(text[i]) == unfit.npos)
      made += text[i];
    else
      (made += '%').append({digits[c / 16], digits[c % 16]});
  }
  return made;
}

// "user@host:port": only the host changes.
std::string encoded_authority(std::string_view text) {
  const auto at = text.rfind('@');
  const auto user = at == text.npos ? std::string_view{} : text.substr(0, at + 1);
  auto host = text.substr(user.size());
  const auto colon = host.starts_with('[') ? host.npos : host.rfind(':');
  const auto port = colon == host.npos ? std::string_view{} : host.substr(colon);
  host = host.substr(0, host.size() - port.size());
  return std::string(user) + ascii_name(host).value_or(std::string(host)) + std::string(port);
}

}  // namespace

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; });
}

std::optional<std::string> ascii_name(std::string_view name) {
  if (is_ascii(name)) return std::string(name);
  char* made = nullptr;
  if (idn2_to_ascii_8z(std::string(name).c_str(), &made, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK) return std::nullopt;
  std::string text(made);
  idn2_free(made);
  return text;
}

std::string encoded_url(std::string_view url) {
  std::string made;
  // "https://host" or, of a reference to another host, "//host".
  const auto slashes = url.find("//");
  const auto first = url.find_first_of("/?#");
  if (slashes != url.npos && slashes == first && (slashes == 0 || url[slashes - 1] == ':')) {
    const auto end = std::min(url.size(), url.find_first_of("/?#", slashes + 2));
    made = std::string(url.substr(0, slashes + 2)) + encoded_authority(url.substr(slashes + 2, end - slashes - 2));
    url.remove_prefix(end);
  }
  const auto hash = std::min(url.size(), url.find('#'));
  const auto fragment = url.substr(hash);
  const auto rest = url.substr(0, hash);
  const auto query = std::min(rest.size(), rest.find('?'));
  made += encoded_part(rest.substr(0, query));
  if (query < rest.size()) made += "?" + encoded_part(rest.substr(query + 1));
  if (!fragment.empty()) made += "#" + encoded_part(fragment.substr(1));
  return made;
}

}  // namespace drwatch::config
