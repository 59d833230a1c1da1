// SPDX-License-Identifier: Apache-2.0
#include "probes/http/cookies.hpp"

#include "config/rows/text.hpp"
#include "probes/parts/http_date.hpp"
#include "probes/parts/http_expectation.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <cctype>

namespace drwatch {
namespace {

constexpr std::size_t most_cookies = 50, longest_cookie = 4096;

struct Place {
  std::string host, path;
  bool secure = false;
};

Place place_of(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed) return {};
  std::string path(parsed->encoded_path());
  return {lower(parsed->host()), path.empty() ? "/" : path, parsed->scheme_id() == boost::urls::scheme::https};
}

// RFC 6265 5.1.3: the same, or a name below it; never of a numeric address.
bool domain_matches(const std::string& host, const std::string& domain) {
  if (host == domain) return true;
  const bool below = host.size() > domain.size() && host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.';
  return below && host.find_first_not_of("0123456789.:[]") != host.npos;
}

// RFC 6265, 5.1.4.
bool path_matches(const std::string& path, const std::string& of_cookie) {
  if (!path.starts_with(of_cookie)) return false;
  return path.size() == of_cookie.size() || of_cookie.ends_with('/') || path[of_cookie.size()] == '/';
}

// RFC 6265, 5.1.4: the default path, up to the last slash.
std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 || slash == path.npos ? "/" : path.substr(0, slash);
}

// An integer, as long as it likes.
bool is_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

void CookieJar::take(const HttpResponse& answer, const std::string& url, Time now) {
  const Place from = place_of(url);
  // The server's clock made the Expires, so its own clock decides.
  now = http_date(answer).value_or(now);
  for (const std::string& line : header_values(answer, "set-cookie")) {
    if (line.size() > longest_cookie || has_control(line) || from.host.empty()) continue;
    std::string_view rest = line;
    const auto pair = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (equals == pair.npos || trimmed(pair.substr(0, equals)).empty()) continue;
    Cookie made{std::string(trimmed(pair.substr(0, equals))), std::string(trimmed(pair.substr(equals + 1))), from.host,
                folder_of(from.path)};
    bool over = false, ends = false, foreign = false;
    while (!rest.empty()) {
      const auto part = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(rest.size(), part.size() + 1));
      const auto sign = part.find('=');
      const std::string key = lower(trimmed(part.substr(0, sign)));
      std::string value(sign == part.npos ? std::string_view{} : trimmed(part.substr(sign + 1)));
      if (key == "secure") made.secure = true;
      if (key == "path" && value.starts_with('/')) made.path = value;
      // RFC 6265, 5.3: Max-Age counts when both are there; 5.2.2: one that is no number is passed over.
      if (key == "max-age" && is_number(value)) over = value.starts_with('-') || value.find_first_not_of('0') == value.npos, ends = true;
      if (key == "expires" && !ends)
        if (const auto at = parse_http_date(value)) over = *at <= now;
      if (key == "domain" && !value.empty()) {
        made.domain = lower(value.starts_with('.') ? value.substr(1) : value);
        made.host_only = false;
        // RFC 6265, 5.3 step 5 and 6: not for another host, nor for a whole top-level domain (a name without a dot; there is no list of
        // public suffixes here).
        foreign = !domain_matches(from.host, made.domain) || made.domain.find('.') == made.domain.npos;
      }
    }
    if (foreign) continue;
    std::erase_if(cookies_, [&](const Cookie& c) { return c.name == made.name && c.domain == made.domain && c.path == made.path; });
    if (!over && cookies_.size() < most_cookies) cookies_.push_back(std::move(made));
  }
}

std::string CookieJar::for_request(const std::string& url) const {
  const Place to = place_of(url);
  std::string line;
  for (const Cookie& cookie : cookies_) {
    if (cookie.host_only ? to.host != cookie.domain : !domain_matches(to.host, cookie.domain)) continue;
    if ((cookie.secure && !to.secure) || !path_matches(to.path, cookie.path)) continue;
    line += (line.empty() ? "" : "; ") + cookie.name + "=" + cookie.value;
  }
  return line;
}

std::vector<std::string> CookieJar::values() const {
  std::vector<std::string> all;
  for (const Cookie& cookie : cookies_) all.push_back(cookie.value);
  return all;
}

}  // namespace drwatch
