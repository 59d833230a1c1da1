// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/http_redirect.hpp"

#include "config/rows/text.hpp"
#include "config/rows/url.hpp"
#include "probes/parts/http_expectation.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <string_view>
#include <vector>

namespace drwatch {
namespace {

std::string port_of(const boost::urls::url_view& url) {
  if (url.has_port() && !url.port().empty()) return std::string(url.port());
  return url.scheme_id() == boost::urls::scheme::https ? "443" : "80";
}

// RFC 3986, 5.2.4. A segment may also be written %2e.
std::string without_dots(std::string_view path) {
  std::vector<std::string> kept;
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/', 1));
    path.remove_prefix(segment.size());
    std::string name(segment.starts_with('/') ? segment.substr(1) : segment);
    for (std::size_t at; (at = lower(name).find("%2e")) != name.npos && name.size() <= 6;) name.replace(at, 3, ".");
    const bool up = name == "..", here = name == ".";
    if (up && !kept.empty()) kept.pop_back();
    if (!up && !here) kept.emplace_back(segment);
    if ((up || here) && path.empty()) kept.emplace_back("/");
  }
  std::string made;
  for (const std::string& segment : kept) made += segment;
  return made;
}

}  // namespace

bool is_redirect(const HttpResponse& response) {
  constexpr int statuses[] = {301, 302, 303, 307, 308};
  return std::find(std::begin(statuses), std::end(statuses), response.status) != std::end(statuses) &&
         !header_values(response, "location").empty();
}

std::optional<std::string> redirect_target(const std::string& url, const HttpResponse& response) {
  // Servers write what they like there; browsers and curl make of it what may be sent.
  const auto location = config::encoded_url(trimmed(header_values(response, "location").front()));
  const auto base = boost::urls::parse_uri(url);
  const auto reference = boost::urls::parse_uri_reference(location);
  if (!base || !reference) return std::nullopt;
  // RFC 3986, 5.2.2. Boost's own resolve() turns %2F into a slash on the way.
  const boost::urls::url_view& host_of = reference->has_authority() ? *reference : *base;
  const auto scheme = reference->has_scheme() ? reference->scheme_id() : base->scheme_id();
  const bool secure = scheme == boost::urls::scheme::https;
  if ((!secure && scheme != boost::urls::scheme::http) || (reference->has_scheme() && !reference->has_authority()) ||
      host_of.host().empty())
    return std::nullopt;
  std::string path(reference->encoded_path()), query;
  if (reference->has_query()) query = "?" + std::string(reference->encoded_query());
  const std::string from(base->encoded_path());
  if (!reference->has_authority() && path.empty()) {
    path = from;
    if (!reference->has_query() && base->has_query()) query = "?" + std::string(base->encoded_query());
  } else if (!reference->has_authority() && !path.starts_with('/')) {
    path = (from.empty() ? "/" : from.substr(0, from.rfind('/') + 1)) + path;
  }
  // Without user and password: credentials are never taken from the other side.
  return (secure ? "https://" : "http://") + std::string(host_of.encoded_host_and_port()) + without_dots(path) + query;
}

// RFC 6454, 4: scheme, host and port. "" for what is no URL.
std::string origin(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed) return "";
  const bool secure = parsed->scheme_id() == boost::urls::scheme::https;
  std::string host(parsed->encoded_host());
  std::transform(host.begin(), host.end(), host.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::string port = port_of(*parsed);
  const bool usual = port == (secure ? "443" : "80");
  return (secure ? "https://" : "http://") + host + (usual ? "" : ":" + port);
}

bool same_host(const std::string& a, const std::string& b) {
  const auto first = boost::urls::parse_uri(a), second = boost::urls::parse_uri(b);
  return first && second && same_name(first->host_address(), second->host_address());
}

bool same_origin(const std::string& a, const std::string& b) { return origin(a) == origin(b); }

}  // namespace drwatch
