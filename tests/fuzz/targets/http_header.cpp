// SPDX-License-Identifier: Apache-2.0
// Single headers of an answer: cookies go back only where they came from, redirects lead to HTTP alone, dates and pauses are possible ones.
#include "daemon/world/net/http.hpp"
#include "probes/auth/refusal.hpp"
#include "probes/http/cookies.hpp"
#include "probes/parts/http_date.hpp"
#include "probes/parts/http_redirect.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace http_header_target {

using namespace drwatch;
using namespace drwatch::fuzz;

namespace {

HttpResponse with(int status, std::string name, std::string_view value) {
  HttpResponse made;
  made.status = status;
  made.headers.emplace_back(std::move(name), std::string(value));
  return made;
}

void cookies(std::string_view text) {
  CookieJar jar;
  while (!text.empty())
    jar.take(with(200, "Set-Cookie", take_line(text)), "https://shop.example.org/cart/open?x=1", *parse_time("2026-03-01T02:00:00Z"));
  must(jar.values().size() <= 50, "there are at most fifty");
  const std::string own = jar.for_request("https://shop.example.org/cart/pay");
  must(!has_control(own), "a cookie does not break a header");
  must(own.size() <= 50 * 4200, "they are bounded");
  must(jar.for_request("https://example.net/cart/").empty(), "another's name gets none");
  must(jar.for_request("https://org/").empty(), "a whole top-level domain gets none");
}

void redirect(std::string_view text) {
  const std::string from = "https://user:secret@example.org:8443/a/b?c#d";
  const auto to = redirect_target(from, with(302, "Location", text));
  if (!to) return;
  must(to->starts_with("http://") || to->starts_with("https://"), "a redirect leads to HTTP alone");
  must(!has_control(*to) && to->find(' ') == to->npos, "a redirect does not break a request");
  must(to->find("secret") == to->npos || text.find("secret") != text.npos, "credentials do not go along");
  const auto again = redirect_target(from, with(302, "Location", *to));
  must(again == to, "where it leads leads to itself");
  must(!origin(*to).empty() && same_origin(*to, *to), "it has an origin");
  HttpTargets targets;
  if (const auto target = targets.of(*to))
    must(!has_control(target->path) && !has_control(target->host_header), "a target does not break a request");
}

void date(std::string_view text) {
  if (const auto at = http_date(with(200, "Date", text))) {
    constexpr Time first = Time{std::chrono::sys_days{std::chrono::year{0} / 1 / 1}},
                   last = Time{std::chrono::sys_days{std::chrono::year{10000} / 1 / 1}};
    must(*at >= first && *at <= last, "a date has a year of four digits");
  }
  const AuthRefusal refusal = refusal_of(with(429, "Retry-After", text), true);
  must(!refusal.wait || (*refusal.wait >= Duration{0} && *refusal.wait <= Outcome::longest_wait), "a pause is at most five minutes");
}

}  // namespace

FUZZ_TARGET(http_header)(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  switch (take_choice(text) % 3) {
    case 0:
      cookies(text);
      break;
    case 1:
      redirect(text);
      break;
    default:
      date(text);
  }
  return 0;
}

}  // namespace http_header_target
