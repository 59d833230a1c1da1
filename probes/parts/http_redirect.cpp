// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/http_redirect.hpp"

#include "probes/parts/http_expectation.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>

namespace drwatch {
namespace {

std::string port_of(const boost::urls::url_view& url) {
  if (url.has_port() && !url.port().empty()) return std::string(url.port());
  return url.scheme_id() == boost::urls::scheme::https ? "443" : "80";
}

}  // namespace

bool is_redirect(const HttpResponse& response) {
  constexpr int statuses[] = {301, 302, 303, 307, 308};
  return std::find(std::begin(statuses), std::end(statuses), response.status) != std::end(statuses) &&
         !header_values(response, "location").empty();
}

std::optional<std::string> redirect_target(const std::string& url, const HttpResponse& response) {
  const auto location = header_values(response, "location").front();
  const auto base = boost::urls::parse_uri(url);
  const auto reference = boost::urls::parse_uri_reference(location);
  if (!base || !reference) return std::nullopt;
  boost::urls::url next;
  // RFC 3986, 5: relative references, and the dots in paths.
  if (!boost::urls::resolve(*base, *reference, next)) return std::nullopt;
  next.remove_fragment();
  next.normalize_scheme();
  next.remove_userinfo();  // credentials are never taken from the other side
  const auto scheme = next.scheme_id();
  if ((scheme != boost::urls::scheme::http && scheme != boost::urls::scheme::https) || next.host().empty()) return std::nullopt;
  return std::string(next.buffer());
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

bool same_origin(const std::string& a, const std::string& b) { return origin(a) == origin(b); }

}  // namespace drwatch
