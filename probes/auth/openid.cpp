// SPDX-License-Identifier: Apache-2.0
#include "probes/auth/openid.hpp"

#include "config/rows/encoding.hpp"
#include "config/rows/pattern.hpp"
#include "probes/auth/json.hpp"
#include "probes/parts/http_expectation.hpp"
#include "probes/seams/excerpt.hpp"

#include <re2/re2.h>

#include <algorithm>

namespace drwatch {
namespace {

std::string field(std::string_view name, std::string_view value) { return std::string(name) + "=" + percent_encoded(value); }

// By the provider itself: in JSON, or with the challenge that RFC 6750 (3) wants. A gateway that turns everybody away proves nothing.
bool refuses(const HttpResponse& answer) {
  if (answer.status != 400 && answer.status != 401 && answer.status != 403) return false;
  if (!refusal_of(answer, false).by_gateway) return true;
  const auto challenges = header_values(answer, "www-authenticate");
  return header_values(answer, "cf-mitigated").empty() && std::any_of(challenges.begin(), challenges.end(), [](const std::string& one) {
           return RE2::PartialMatch(one, "(?i)^\\s*(bearer|dpop)\\b");
         });
}

bool is_secure(const std::string& url) { return url.starts_with("https://"); }

}  // namespace

Task<Outcome> OpenIdVisit::run() {
  auto ended = co_await through_stages();
  co_return finish(ended ? std::move(*ended)
                         : well(settings().intrusion() ? "forged tokens are refused"
                                : settings().logs_in() ? "discovered, logged in, verified"
                                                       : "discovered; its keys are published"));
}

Task<Ended> OpenIdVisit::through_stages() {
  if (auto ended = co_await discovery()) co_return ended;
  if (auto ended = co_await keys()) co_return ended;
  if (auto ended = nowhere_to_try()) co_return ended;
  if (auto ended = co_await login()) co_return ended;
  if (auto ended = co_await signature()) co_return ended;
  if (auto ended = claims()) co_return ended;
  if (auto ended = co_await user()) co_return ended;
  if (auto ended = co_await forged()) co_return ended;
  if (auto ended = co_await refresh()) co_return ended;
  co_return co_await logout();
}

Task<Ended> OpenIdVisit::discovery() {
  const auto answer = co_await ask("discovery", "GET", settings().target + "/.well-known/openid-configuration", {}, "");
  if (!answer) co_return failed(answer.error());
  if (answer->status != 200) co_return refused(*answer, false);
  const auto document = object_of(*answer);
  if (!document) co_return wrong("200", "expected the discovery document, got " + quote(without_tokens(answer->body)));
  // Exactly, to the slash: every client compares it so (OpenID Connect Discovery 1.0, 4.3).
  const std::string issuer = settings().issuer.empty() ? settings().target : settings().issuer, named = text_at(*document, "issuer");
  if (named != issuer) co_return wrong("issuer", "the document says that the issuer is " + quote(named) + ", expected " + quote(issuer));
  at_ = {text_at(*document, "jwks_uri"), text_at(*document, "token_endpoint"), text_at(*document, "userinfo_endpoint"),
         text_at(*document, "revocation_endpoint")};
  for (const std::string* url : {&at_.keys, &at_.token, &at_.user, &at_.revocation}) {
    if (url->empty()) continue;
    if (config::misfit("http-url", *url) || (is_secure(settings().target) && !is_secure(*url)))
      co_return wrong("endpoint", "the document names " + quote(*url) + ", where credentials are not sent");
  }
  if (at_.keys.empty()) co_return wrong("jwks_uri", "the document names no key set");
  if (settings().logs_in() && at_.token.empty()) co_return wrong("token_endpoint", "the document names no token endpoint");
  co_return std::nullopt;
}

Task<Ended> OpenIdVisit::keys() {
  const auto answer = co_await ask("keys", "GET", at_.keys, {}, "");
  if (!answer) co_return failed(answer.error());
  if (answer->status != 200) co_return refused(*answer, false);
  const auto listed = KeySet::parse(answer->body);
  if (!listed) co_return failed(listed.error());
  if (listed->empty()) co_return wrong("keys-vanished", "the key set is empty: no token verifies");
  co_return check_pinned_keys(*listed);
}

// Whether forged tokens are refused can only be seen at the userinfo endpoint. Without one it is not tried; asked for intrusion alone, the
// probe then knows nothing (unknown).
Ended OpenIdVisit::nowhere_to_try() {
  if (!settings().forged || !at_.user.empty()) return std::nullopt;
  const std::string why = "the discovery document names no userinfo_endpoint";
  if (!settings().intrusion()) {
    fact("forged", "not tried: " + why);
    return std::nullopt;
  }
  at_stage("forged");
  return outcome_of(Health::unknown, Reason::absent, "userinfo_endpoint", "forged: no forged token could be tried, " + why);
}

AuthVisit::Headers OpenIdVisit::as_client(Headers headers) const {
  headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  return headers;
}

// The client's secret in the body (client_secret_post): the one way that needs no second encoding and that all common providers take.
Task<Result<HttpResponse>> OpenIdVisit::ask_token(std::string at, std::string form) {
  if (!settings().client_id.empty()) form += "&" + field("client_id", settings().client_id);
  if (settings().client_secret.configured()) form += "&" + field("client_secret", settings().client_secret.reveal());
  const std::string url = at == "logout" ? at_.revocation : at_.token;
  co_return co_await ask(std::move(at), "POST", url, as_client({}), std::move(form));
}

Task<Ended> OpenIdVisit::login() {
  if (!settings().logs_in()) co_return std::nullopt;
  if (auto paused = still_paused()) co_return paused;
  std::string form = field("grant_type", settings().grant);
  if (settings().grant == "password")
    form += "&" + field("username", settings().user) + "&" + field("password", settings().password.reveal());
  if (!settings().scope.empty()) form += "&" + field("scope", settings().scope);
  const auto began = world().clock.boottime();
  const auto answer = co_await ask_token("login", std::move(form));
  login_took = world().clock.boottime() - began;
  if (!answer) co_return failed(answer.error());
  if (answer->status != 200) co_return refused(*answer, true);
  allowed();
  const auto document = object_of(*answer);
  access_ = document ? text_at(*document, "access_token") : "";
  if (access_.empty()) co_return wrong("no-token", "answered 200 without an access token");
  id_token_ = text_at(*document, "id_token");
  refresh_ = text_at(*document, "refresh_token");
  lifetime_ = whole_in(*document, "expires_in");
  for (const std::string* token : {&access_, &id_token_, &refresh_}) hide(*token);
  co_return std::nullopt;
}

// Of the ID token when there is one (it is a JWT by definition), else of the access token if it is a JWT: an opaque one is its provider's
// affair.
Task<Ended> OpenIdVisit::signature() {
  const std::string token = id_token_.empty() ? access_ : id_token_;
  if (token.empty() || settings().intrusion()) co_return std::nullopt;
  if (id_token_.empty() && !parse_jwt(token)) {
    fact("signature", "the access token is opaque");
    co_return std::nullopt;
  }
  co_return co_await check_signature(token, at_.keys);
}

Ended OpenIdVisit::claims() {
  const std::string& token = id_token_.empty() ? access_ : id_token_;
  if (token.empty() || settings().intrusion() || !parse_jwt(token)) return std::nullopt;
  WantedClaims wanted;
  wanted.issuer = settings().issuer.empty() ? settings().target : settings().issuer;
  wanted.audience = settings().audience.empty() && !id_token_.empty() ? settings().client_id : settings().audience;
  wanted.subject = settings().subject;
  wanted.role = settings().role;
  if (id_token_.empty()) wanted.lifetime = lifetime_;  // expires_in is the access token's
  return check_claims(token, wanted);
}

Task<Ended> OpenIdVisit::user() {
  if (settings().grant != "password" || access_.empty() || at_.user.empty() || settings().intrusion()) co_return std::nullopt;
  const auto answer = co_await ask("user", "GET", at_.user, bearer(access_), "");
  if (!answer) co_return failed(answer.error());
  if (answer->status != 200) co_return refused(*answer, false);
  const auto document = object_of(*answer);
  if (!document || text_at(*document, "sub").empty()) co_return wrong("200", "answered 200 without a subject");
  if (!settings().subject.empty() && text_at(*document, "sub") != settings().subject)
    co_return wrong("other-user", "the token of one user was answered with another's account");
  co_return std::nullopt;
}

Task<Ended> OpenIdVisit::forged() {
  if (!settings().forged || at_.user.empty()) co_return std::nullopt;
  std::string tampered = with_more_rights(access_);
  if (tampered.empty()) tampered = invented_token(settings().target, their_now(), world().dice.roll());
  const std::vector<std::pair<std::string, std::string>> tries = {{tampered, "a token whose claims were changed"},
                                                                  {without_signature(tampered), "a token without a signature"}};
  for (const auto& [token, what] : tries) {
    const auto answer = co_await ask("forged", "GET", at_.user, bearer(token), "");
    if (!answer) co_return failed(answer.error());
    if (refuses(*answer)) continue;
    if (answer->status / 100 == 2)
      alarm("forged-token-accepted", what + " was accepted: anybody may be inside");
    else if (auto ended = undecided(*answer))
      co_return ended;
  }
  co_return std::nullopt;
}

Task<Ended> OpenIdVisit::refresh() {
  if (refresh_.empty() || settings().intrusion()) co_return std::nullopt;
  std::string form = field("grant_type", "refresh_token") + "&" + field("refresh_token", refresh_);
  const auto answer = co_await ask_token("refresh", std::move(form));
  if (!answer) co_return failed(answer.error());
  if (answer->status != 200) co_return refused(*answer, false);
  const auto document = object_of(*answer);
  const std::string fresh = document ? text_at(*document, "access_token") : "";
  if (fresh.empty()) co_return wrong("no-token", "answered 200 without an access token");
  hide(fresh);
  if (const std::string rotated = text_at(*document, "refresh_token"); !rotated.empty()) {
    hide(rotated);
    refresh_ = rotated;
  }
  co_return std::nullopt;
}

// Revocation (RFC 7009): 200 also for a token that is not known any more.
Task<Ended> OpenIdVisit::logout() {
  if (at_.revocation.empty() || access_.empty()) co_return std::nullopt;
  std::string form = field("token", refresh_.empty() ? access_ : refresh_);
  const auto answer = co_await ask_token("logout", std::move(form));
  if (!answer) co_return failed(answer.error());
  if (answer->status / 100 != 2) co_return refused(*answer, false);
  co_return std::nullopt;
}

}  // namespace drwatch
