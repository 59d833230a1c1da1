// SPDX-License-Identifier: Apache-2.0
#include "config/rows/pattern.hpp"
#include "config/rows/encoding.hpp"
#include "config/rows/text.hpp"
#include "config/rows/url.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <boost/url/parse.hpp>
#include <cctype>
#include <charconv>

namespace drwatch::config {
namespace {

using Check = std::optional<Misfit> (*)(std::string_view);

bool is_token(std::string_view text) {  // RFC 9110: the letters of header names and methods
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

std::optional<int> port_number(std::string_view text) {
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0 || number > 65535) return {};
  return number;
}

std::optional<Misfit> name(std::string_view text) {
  if (is_name(text)) return {};
  return Misfit{"not a name", "use a-z, 0-9 and '-', beginning with a letter"};
}

// The text of the URL is never in the message, for there may be a password in it.
std::optional<Misfit> url(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed) {
    // The form that browsers and curl make of it, unless that tells a secret.
    const std::string encoded = encoded_url(text);
    const auto meant = boost::urls::parse_uri(encoded);
    if (encoded != text && meant && !meant->host().empty() && is_ascii(meant->encoded_host()) && !holds_a_secret(text))
      return Misfit{"not a URL as it is sent", "write " + encoded};
  }
  if (!parsed || parsed->host().empty()) return Misfit{"not a URL", "write it like https://example.org/path"};
  if (parsed->has_password()) return Misfit{"a password stands in the URL", "give it as a secret instead"};
  const std::string port(parsed->port());
  if (parsed->has_port() && !port.empty() && !port_number(port).value_or(0)) return Misfit{"the URL's port is not one", "use 1 to 65535"};
  return {};
}

std::optional<Misfit> http_url(std::string_view text) {
  if (auto wrong = url(text)) return wrong;
  const std::string scheme = lower(text.substr(0, text.find(':')));
  if (scheme == "http" || scheme == "https") return {};
  return Misfit{"not an http or https URL", "write it like https://example.org/path"};
}

std::optional<Misfit> regex(std::string_view text) {
  const RE2 expression(re2::StringPiece(text.data(), text.size()), RE2::Quiet);
  if (expression.ok()) return {};
  return Misfit{"not a regular expression: " + expression.error(), "the syntax is RE2's"};
}

std::optional<Misfit> json_pointer(std::string_view text) {
  const Misfit wrong{"not a JSON pointer", "write it like /status or /items/0/name, with ~0 for '~' and ~1 for '/'"};
  if (!text.empty() && text[0] != '/') return wrong;
  for (std::size_t at = text.find('~'); at != text.npos; at = text.find('~', at + 1))
    if (at + 1 == text.size() || (text[at + 1] != '0' && text[at + 1] != '1')) return wrong;
  return {};
}

std::optional<Misfit> path(std::string_view text) {
  if (!text.empty() && text.find('\0') == text.npos) return {};
  return Misfit{"not a path", "name a file or folder"};
}

std::optional<Misfit> header(std::string_view text) {
  if (is_token(text)) return {};
  return Misfit{"not a header's name", "write it like X-Request-Id, without a colon"};
}

std::optional<Misfit> method(std::string_view text) {
  if (is_token(text) && lower(text) != text && std::none_of(text.begin(), text.end(), [](unsigned char c) { return std::islower(c); }))
    return {};
  return Misfit{"not an HTTP method", "write it in capitals, like GET"};
}

std::optional<Misfit> host_port(std::string_view text) {
  const Misfit wrong{"not HOST:PORT", "write it like 127.0.0.1:9780 or [::1]:9780"};
  const auto colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return wrong;
  const auto host = text.substr(0, colon);
  if (!port_number(text.substr(colon + 1))) return wrong;
  if (const auto ascii = ascii_name(host); !is_ascii(host) && ascii)
    return Misfit{"a name beyond ASCII", "write it as the DNS has it: " + *ascii + std::string(text.substr(colon))};
  if (host[0] == '[') return host.size() > 2 && host.back() == ']' ? std::nullopt : std::optional(wrong);
  const bool plain =
      std::all_of(host.begin(), host.end(), [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '-' || c == '_'; });
  return plain ? std::nullopt : std::optional(wrong);
}

// A host's name or address, alone.
std::optional<Misfit> host(std::string_view text) {
  if (const auto ascii = ascii_name(text); !is_ascii(text) && ascii)
    return Misfit{"a name beyond ASCII", "write it as the DNS has it: " + *ascii};
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  return plain ? std::nullopt : std::optional(Misfit{"not a host's name", "write it like www.example.org"});
}

// `name` is what a row's pattern_name says, `text` what the reference page calls it.
struct Pattern {
  std::string_view name, text;
  Check check;
};
constexpr Pattern patterns[] = {
    {"name", "name", name},
    {"url", "URL", url},
    {"http-url", "http or https URL", http_url},
    {"regex", "regular expression", regex},
    {"json-pointer", "JSON pointer", json_pointer},
    {"path", "path", path},
    {"header", "header", header},
    {"host:port", "HOST:PORT", host_port},
    {"host", "host", host},
    {"method", "HTTP method", method},
};

const Pattern* find_pattern(std::string_view name_of) {
  const auto at = std::find_if(std::begin(patterns), std::end(patterns), [&](const Pattern& p) { return p.name == name_of; });
  return at == std::end(patterns) ? nullptr : at;
}

}  // namespace

std::optional<Misfit> misfit(std::string_view pattern, std::string_view text) {
  const auto* known = find_pattern(pattern);
  return known ? known->check(text) : std::nullopt;
}

std::string_view pattern_text(std::string_view pattern) {
  const auto* known = find_pattern(pattern);
  return known ? known->text : std::string_view{};
}

bool is_name(std::string_view text) {
  return !text.empty() && text[0] >= 'a' && text[0] <= 'z' &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

bool holds_a_secret(std::string_view text) {
  // postgres://user:password@host, https://user:password@host
  if (const auto start = text.find("://"); start != text.npos) {
    const auto authority = text.substr(start + 3, text.find_first_of("/?#", start + 3) - (start + 3));
    const auto at = authority.rfind('@');
    if (at != authority.npos && authority.substr(0, at).find(':') != authority.npos) return true;
  }
  // password=..., ?token=...
  // Connection strings, forms and queries.
  static const RE2 parameter(
      R"((?i)(^|[\s?&;'"])(password|passwd|pwd|sslpassword|token|access_token|api_?key|apikey|secret|signature|sig)\s*=)");
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), parameter);
}

// Several patterns may find the same place in different lengths; all of what they find counts.
std::vector<std::string> passwords_in(const std::string& text) {
  // None has a boundary before "password", so that sslpassword is found too.
  static const RE2 quoted("(?i)password\\s*=\\s*'((?:[^'\\\\]|\\\\.)*)'"), bare("(?i)password\\s*=\\s*([^\\s'&]+)"),
      in_url("://[^\\s:/@]*:([^\\s/@]+)@"), unescaped("://[^\\s:/@]*:(\\S+)@");  // up to the last '@'
  std::vector<std::string> found;
  for (const RE2* pattern : {&quoted, &bare, &in_url, &unescaped}) {
    re2::StringPiece rest(text);
    for (std::string password; RE2::FindAndConsume(&rest, *pattern, &password);) {
      std::string plain;  // libpq's own escapes
      for (std::size_t i = 0; i < password.size(); ++i)
        plain += password[i] == '\\' && i + 1 < password.size() ? password[++i] : password[i];
      for (std::string& one : std::vector<std::string>{password, percent_decoded(password), std::move(plain)})
        if (!has(found, one)) found.push_back(std::move(one));
    }
  }
  return found;
}

bool is_secret_header(std::string_view name_of) {
  const std::string low = lower(name_of);
  return low == "authorization" || low == "proxy-authorization" || low == "cookie" || low == "apikey" || low == "x-api-key" ||
         low == "x-auth-token";
}

}  // namespace drwatch::config
