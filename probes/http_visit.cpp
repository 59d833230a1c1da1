// SPDX-License-Identifier: Apache-2.0
#include "probes/http_visit.hpp"

#include "probes/http_decoding.hpp"
#include "probes/http_redirect.hpp"

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
  Phases of_this;
  auto answer = co_await world_.http.fetch(std::move(request), of_this);
  for (int i = 0; i < phase_count; ++i)
    if (of_this.took[i]) phases_.took[i] = phases_.took[i].value_or(std::chrono::microseconds{0}) + *of_this.took[i];
  if (!answer) co_return answer.error();
  jar_.take(*answer, url, world_.clock.now());
  for (const std::string& value : jar_.values()) hide(value);
  if (auto wrong = unpack(*answer, most)) co_return std::move(*wrong);
  co_return std::move(*answer);
}

Task<Result<HttpVisit::Answered>> HttpVisit::ask(HttpRequest request, const HttpJudge* judge, bool secret_body) {
  for (int hop = 0;; ++hop) {
    auto answer = co_await fetch(request);
    if (!answer) co_return answer.error();
    if (hop >= settings_.redirects || judge->accepts(answer->status) || !is_redirect(*answer)) {
      Answered made{std::move(*answer), std::move(request)};
      co_return made;
    }
    if (auto wrong = follow(request, *answer, secret_body)) co_return std::move(*wrong);
  }
}

std::optional<Failure> HttpVisit::follow(HttpRequest& request, const HttpResponse& answer, bool secret_body) const {
  const auto next = redirect_target(request.url, answer);
  if (!next)
    return Failure{Reason::protocol, std::to_string(answer.status),
                   "redirected to an address that can't be followed: '" + header_values(answer, "location").front().substr(0, 200) + "'"};
  if (!same_origin(request.url, *next)) {
    std::erase_if(request.headers, [&](const auto& header) { return settings_.sender.is_credential(header.first); });
    request.tls.certificate_file.clear();
    request.tls.key_file.clear();
    if (secret_body) request.body.clear();
  }
  request.url = *next;
  if (answer.status == 303 ? request.method != "HEAD" : answer.status != 307 && answer.status != 308 && request.method == "POST") {
    request.method = "GET";
    request.body.clear();
  }
  return std::nullopt;
}

}  // namespace drwatch
