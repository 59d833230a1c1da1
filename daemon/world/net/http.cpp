// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/net/http.hpp"

#include "config/rows/text.hpp"
#include "daemon/world/net/http_reader.hpp"
#include "daemon/world/net/tls.hpp"
#include "daemon/world/stopwatch.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <cctype>
#include <charconv>

namespace drwatch {
namespace {

using Target = HttpTarget;

// nullopt: no URL, or one whose scheme is neither http nor https. User name and password of a URL are not read, and a fragment is never
// sent (RFC 9110, 4.2.4 and 7.1).
std::optional<Target> parse_target(const std::string& text) {
  auto parsed = boost::urls::parse_uri(text);
  if (!parsed || !parsed->has_authority()) return std::nullopt;
  const auto& url = *parsed;
  Target target;
  if (url.scheme_id() == boost::urls::scheme::https) {
    target.tls = true;
  } else if (url.scheme_id() != boost::urls::scheme::http) {
    return std::nullopt;
  }
  target.port = target.tls ? 443 : 80;
  target.host = url.host_address();
  if (target.host.empty()) return std::nullopt;
  target.host_header = std::string(url.encoded_host());
  if (url.has_port() && !url.port().empty()) {
    const std::string digits(url.port());
    unsigned port = 0;
    auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (wrong != std::errc() || end != digits.data() + digits.size() || port == 0 || port > 65535) return std::nullopt;
    // RFC 9110, 7.2: the scheme's own port is left out of Host; some servers do not know their own name with ":443" behind it.
    if (port != target.port) target.host_header += ":" + digits;
    target.port = static_cast<std::uint16_t>(port);
  }
  target.path = std::string(url.encoded_path());
  if (target.path.empty()) target.path = "/";
  if (url.has_query()) target.path += "?" + std::string(url.encoded_query());
  return target;
}

bool given(const HttpRequest& request, std::string_view name) {
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const auto& header) { return same_name(header.first, name); });
}

// Control characters but the tab, which may stand inside a header's value (RFC 9110, 5.5).
bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

// A line break in a configured method or header would end its line and begin another header, or a whole second request, so that the probe
// would ask something else than it says. Our own fault: it is the configuration that is wrong.
std::optional<Failure> unfit(const HttpRequest& request) {
  if (request.method.empty() || has_control(request.method) || request.method.find(' ') != std::string::npos) {
    return Failure{Reason::own_fault, "", "the HTTP method is not a word"};
  }
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || has_control(name) || name.find_first_of(" :") != std::string::npos || has_control(value)) {
      return Failure{Reason::own_fault, "",
                     "the HTTP header " + std::string(has_control(name) ? "" : name) + " has a character that it cannot carry"};
    }
  }
  return std::nullopt;
}

std::string request_text(const HttpRequest& request, const Target& target) {
  std::string text;
  text.reserve(256 + target.path.size() + request.body.size());
  auto line = [&](std::string_view name, std::string_view value) { text.append(name).append(": ").append(value).append("\r\n"); };
  text.append(request.method).append(" ").append(target.path).append(" HTTP/1.1\r\n");
  // A header of the configuration replaces ours of that name; sent twice, Host would be refused (RFC 9112, 3.2).
  if (!given(request, "Host")) line("Host", target.host_header);
  if (!given(request, "User-Agent")) line("User-Agent", "drwatch/" DRWATCH_VERSION);
  if (!given(request, "Accept")) line("Accept", "*/*");
  // One exchange on each connection: a kept one would hide that no new one can be made, and the end of the body may be the end of the
  // connection.
  if (!given(request, "Connection")) line("Connection", "close");
  for (const auto& [name, value] : request.headers) line(name, value);
  // RFC 9110, 8.6: a method that expects content says the length also when it is 0; some servers answer 411 otherwise.
  const bool expects_body = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if ((!request.body.empty() || expects_body) && !given(request, "Content-Length"))
    line("Content-Length", std::to_string(request.body.size()));
  text.append("\r\n").append(request.body);
  return text;
}

Task<std::optional<Failure>> read_response(Stream& stream, HttpReader& reader) {
  while (!reader.done()) {
    auto n = co_await stream.read_some(reader.space());
    if (!n) co_return n.error();
    auto failure = *n == 0 ? reader.take_end() : reader.take(*n);
    if (failure) co_return failure;
  }
  co_return std::nullopt;
}

}  // namespace

std::shared_ptr<const HttpTarget> HttpTargets::of(const std::string& url) {
  if (auto known = known_.find(url); known != known_.end()) return known->second;
  auto target = parse_target(url);
  if (!target) return nullptr;
  if (known_.size() >= most) known_.clear();  // redirects may lead anywhere, to a new place each time
  return known_[url] = std::make_shared<const HttpTarget>(std::move(*target));
}

// Connects to the URL's host, or to the address that the request names. In that case TLS begins in a step of its own, so that the
// certificate is still checked against the URL's host and not against the address. Pointers instead of copies: both outlive the call, being
// in the frame of fetch().
Task<Result<Connected>> RealHttp::connect(std::shared_ptr<const HttpTarget> target, const HttpRequest* request, Phases* phases) {
  std::optional<TlsSettings> tls;
  if (target->tls && request->address.empty()) tls = request->tls;
  const std::string host = request->address.empty() ? target->host : request->address;
  const auto left = request->left.value_or(std::chrono::hours{1});
  auto connected = co_await net_.connect_within(host, target->port, request->family, std::move(tls), *phases, left);
  if (!connected || request->address.empty() || !target->tls) co_return connected;
  TlsShown shown;
  auto secured = co_await net_.secure(std::move(connected->stream), request->tls, target->host, shown, *phases);
  if (!secured) co_return secured.error();
  connected->stream = std::move(*secured);
  connected->facts = connection_facts(shown);
  co_return connected;
}

Task<Result<HttpResponse>> RealHttp::fetch(HttpRequest request, Phases& phases) {
  const std::shared_ptr<const HttpTarget> target = targets_.of(request.url);
  if (!target) co_return Failure{Reason::own_fault, "", "not a URL that starts with http:// or https://"};
  if (auto failure = unfit(request)) co_return std::move(*failure);
  auto connected = co_await connect(target, &request, &phases);
  if (!connected) co_return connected.error();

  Stopwatch watch;
  auto text = request_text(request, *target);
  auto written = co_await connected->stream->write_all(std::move(text));
  watch.lap(phases, Phase::request);

  HttpReader reader(request.method == "HEAD", request.max_body, connected->address);
  auto failure = co_await read_response(*connected->stream, reader);
  watch.lap(phases, Phase::response);
  // When both the writing and the reading failed, the writing's failure is told: the other only followed from it. TLS is the exception: in
  // TLS 1.3 a client's certificate is refused only after the handshake, and the alert, which says why, is met by the reading. When an
  // answer came it counts, even if the writing failed: a server may refuse a large request (413) before it has read all of it.
  if (failure && !written && failure->reason != Reason::tls) co_return written.error();
  if (failure) co_return std::move(*failure);
  auto& response = reader.response();
  response.facts = std::move(connected->facts);
  response.address = std::move(connected->address);
  co_return std::move(response);
}

}  // namespace drwatch
