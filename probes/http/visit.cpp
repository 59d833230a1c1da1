// SPDX-License-Identifier: Apache-2.0
#include "probes/http/visit.hpp"

#include "config/rows/text.hpp"
#include "probes/http/decoding.hpp"
#include "probes/parts/http_redirect.hpp"
#include "probes/seams/excerpt.hpp"
#include "probes/seams/redaction.hpp"

#include <algorithm>
#include <cctype>

namespace drwatch {
namespace {

bool has_header(const HttpRequest& request, std::string_view name) {
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const auto& header) {
    return std::equal(header.first.begin(), header.first.end(), name.begin(), name.end(),
                      [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
  });
}

}  // namespace

Task<Result<HttpResponse>> HttpVisit::fetch(HttpRequest request) {
  if (!has_header(request, "accept-encoding")) request.headers.emplace_back("Accept-Encoding", "gzip, deflate, br");
  if (const std::string cookies = jar_.for_request(request.url); !cookies.empty()) request.headers.emplace_back("Cookie", cookies);
  if (!address_.empty() && same_origin(request.url, settings_.target.reveal())) request.address = address_;
  const std::string url = request.url;
  const std::size_t most = request.max_body;
  Phases& of_this = reach_.last = {};
  ++reach_.exchanges;
  auto answer = co_await world_.http.fetch(std::move(request), of_this);
  for (int i = 0; i < phase_count; ++i)
    if (of_this.took[i]) phases_.took[i] = phases_.took[i].value_or(std::chrono::microseconds{0}) + *of_this.took[i];
  reach_.all = phases_;
  if (!answer) co_return answer.error();
  jar_.take(*answer, url, world_.clock.now());
  for (const std::string& value : jar_.values()) world_.hide(value);
  packing_ = unpack(*answer, most);
  co_return std::move(*answer);
}

Task<Result<HttpVisit::Answered>> HttpVisit::ask(HttpRequest request, const HttpJudge* judge, bool secret_body,
                                                 const std::vector<std::string>* private_headers) {
  for (int hop = 0;; ++hop) {
    auto answer = co_await fetch(request);
    if (!answer) co_return answer.error();
    // A status that `status` names is what was wanted, even if it is a redirect.
    const bool leads_on = !judge->accepts(answer->status) && is_redirect(*answer);
    if (hop >= settings_.redirects || !leads_on) {
      Answered made{std::move(*answer), std::move(request), leads_on && hop > 0, std::move(packing_)};
      co_return made;
    }
    if (auto wrong = follow(request, *answer, secret_body, *private_headers)) co_return std::move(*wrong);
  }
}

std::optional<Failure> HttpVisit::follow(HttpRequest& request, const HttpResponse& answer, bool secret_body,
                                         const std::vector<std::string>& private_headers) const {
  const auto next = redirect_target(request.url, answer);
  if (!next) {
    const std::string location = header_values(answer, "location").front();  // without its query: it may be a credential
    return Failure{
        Reason::protocol, std::to_string(answer.status),
        "redirected to an address that can't be followed: " + quote(redacted(location.substr(0, location.find_first_of("?#"))), 200)};
  }
  // Another origin must not learn what is meant for this one.
  if (!same_origin(request.url, *next)) {
    std::erase_if(request.headers, [&](const auto& header) {
      return settings_.sender.is_credential(header.first) ||
             std::find(private_headers.begin(), private_headers.end(), header.first) != private_headers.end();
    });
    request.tls.certificate_file.clear();
    request.tls.key_file.clear();
    if (secret_body) request.body.clear();
  }
  // A Host and a name for the certificate of one's own are meant for the server they were given for.
  if (!same_host(request.url, *next)) {
    std::erase_if(request.headers, [](const auto& header) { return same_name(header.first, "host"); });
    request.tls.server_name.clear();
  }
  request.url = *next;
  // RFC 9110, 15.4: 303 becomes a GET; 301 and 302 do so for a POST, as all clients have it; 307 and 308 keep method and body.
  if (answer.status == 303 ? request.method != "HEAD" : answer.status != 307 && answer.status != 308 && request.method == "POST") {
    request.method = "GET";
    request.body.clear();
    // What describes the body goes with it (Fetch, 4.4 HTTP-redirect fetch).
    std::erase_if(request.headers, [](const auto& header) { return lower(header.first).starts_with("content-"); });
  }
  return std::nullopt;
}

}  // namespace drwatch
