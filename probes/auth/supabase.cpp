// SPDX-License-Identifier: Apache-2.0
#include "probes/auth/supabase.hpp"

#include "probes/auth/json.hpp"
#include "probes/seams/excerpt.hpp"

namespace drwatch {
namespace {

// GoTrue accepts a used refresh token once more within its reuse interval (10 s by default, against lost answers), so the check waits
// longer. It needs a session that stays open, so it is made once an hour and not in every run.
constexpr std::chrono::nanoseconds reuse_wait = seconds{30}, reuse_every = hours{1};

}  // namespace

Task<Outcome> SupabaseVisit::run() {
  auto ended = co_await through_stages();
  if (ended && !access_.empty() && stage() != "logout") {  // a session left behind would grow the service's table
    const std::string failed_at = stage();
    co_await ask("logout", "POST", settings().target + "/logout?scope=local", bearer(access_), "");
    at_stage(failed_at);
  }
  co_return finish(ended ? std::move(*ended) : well(done()));
}

std::string SupabaseVisit::done() const {
  if (settings().intrusion()) return "forged tokens are refused";
  if (settings().logs_in()) return std::string("logged in, verified, refreshed") + (leave_open_ ? "" : ", logged out");
  std::string words = "the service answers; ";
  words += keys_listed_ ? "its keys are published" : "it publishes no keys (a shared secret)";
  if (settings().forged && decided("forged")) words += "; forged tokens are refused";
  if (settings().read && decided("rls")) words += "; nothing is read without logging in";
  return words + "; nobody logged in";
}

Task<Ended> SupabaseVisit::through_stages() {
  static constexpr Stage watching[] = {&SupabaseVisit::health,    &SupabaseVisit::old_refresh_token,
                                       &SupabaseVisit::keys,      &SupabaseVisit::login,
                                       &SupabaseVisit::signature, &SupabaseVisit::claims,
                                       &SupabaseVisit::user,      &SupabaseVisit::forged,
                                       &SupabaseVisit::read,      &SupabaseVisit::refresh,
                                       &SupabaseVisit::logout};
  for (const Stage stage_to_pass : watching)
    if (auto ended = co_await (this->*stage_to_pass)()) co_return ended;
  co_return std::nullopt;
}

// /health is answered without the database, so it only proves that the gateway and the process live. It comes first so that a dead gateway
// is not taken for a dead service.
Task<Ended> SupabaseVisit::health() {
  const auto answer = co_await ask("gateway", "GET", settings().target + "/health", {}, "");
  if (!answer) co_return failed(answer.error());
  const auto document = object_of(*answer);
  if (answer->status != 200) {
    at_stage(document ? "health" : "gateway");
    co_return refused(*answer, false);
  }
  at_stage("health");
  if (!document || text_at(*document, "version").empty())
    co_return wrong("200", "expected GoTrue's name and version, got " + quote(without_tokens(answer->body)));
  fact("version", excerpt(text_at(*document, "version"), 40));
  co_return std::nullopt;
}

// Only where signature() does not read the keys anyway. A shared secret is never listed: an empty set is a project that still has one.
Task<Ended> SupabaseVisit::keys() {
  if (settings().intrusion() ? settings().key_ids.empty() : settings().logs_in()) co_return std::nullopt;
  const auto answer = co_await ask("keys", "GET", settings().target + "/.well-known/jwks.json", {}, "");
  if (!answer) co_return failed(answer.error());
  if (answer->status != 200) co_return refused(*answer, false);
  const auto listed = KeySet::parse(answer->body);
  if (!listed) co_return failed(listed.error());
  keys_listed_ = !listed->empty();
  co_return check_pinned_keys(*listed);
}

// A used refresh token must be refused: otherwise a thief who read one could keep the session for ever (RFC 9700, 4.14).
Task<Ended> SupabaseVisit::old_refresh_token() {
  AuthMemory& known = memory();
  const auto now = world().clock.boottime();
  if (known.old_refresh_token.empty() || now - known.old_since < reuse_wait) co_return std::nullopt;
  const std::string old = std::exchange(known.old_refresh_token, "");
  hide(old);
  const std::string body = json_text({{"refresh_token", old}});
  const auto answer = co_await ask("refresh", "POST", settings().target + "/token?grant_type=refresh_token", json_headers(), body);
  if (!answer) co_return failed(answer.error());
  // The session that this opened is closed again below.
  if (answer->status == 200) {
    if (const auto document = object_of(*answer)) {
      const std::string token = text_at(*document, "access_token");
      hide(token);
      hide(text_at(*document, "refresh_token"));
      alarm("old-refresh-token-accepted", "a refresh token that had been used " +
                                              duration_words(std::chrono::duration_cast<Duration>(now - known.old_since)) +
                                              " before was accepted again: a stolen one would never end");
      if (!token.empty()) co_await ask("refresh", "POST", settings().target + "/logout?scope=local", bearer(token), "");
    }
  } else if (answer->status >= 500 || answer->status == 429) {
    co_return refused(*answer, false);
  }
  co_return std::nullopt;
}

Task<Ended> SupabaseVisit::login() {
  if (!settings().logs_in()) co_return std::nullopt;
  if (auto paused = still_paused()) co_return paused;
  const auto began = world().clock.boottime();
  const std::string body = json_text({{"email", settings().user}, {"password", settings().password.reveal()}});
  const auto answer = co_await ask("login", "POST", settings().target + "/token?grant_type=password", json_headers(), body);
  login_took = world().clock.boottime() - began;
  if (!answer) co_return failed(answer.error());
  if (answer->status != 200) co_return refused(*answer, true);
  allowed();
  co_return take_tokens(*answer);
}

Ended SupabaseVisit::take_tokens(const HttpResponse& answer) {
  const auto document = object_of(answer);
  if (!document) return wrong("no-token", "answered 200, but not with a JSON object");
  access_ = text_at(*document, "access_token");
  refresh_ = text_at(*document, "refresh_token");
  lifetime_ = whole_in(*document, "expires_in");
  hide(access_);
  hide(refresh_);
  if (access_.empty() || refresh_.empty())
    return wrong("no-token", std::string("answered 200 without ") + (access_.empty() ? "an access token" : "a refresh token"));
  return std::nullopt;
}

Task<Ended> SupabaseVisit::signature() {
  if (access_.empty() || settings().intrusion()) co_return std::nullopt;
  co_return co_await check_signature(access_, settings().target + "/.well-known/jwks.json");
}

Task<Ended> SupabaseVisit::claims() {
  if (access_.empty() || settings().intrusion()) co_return std::nullopt;
  WantedClaims wanted;
  wanted.issuer = settings().issuer.empty() ? settings().target : settings().issuer;
  wanted.audience = settings().audience.empty() ? "authenticated" : settings().audience;
  wanted.subject = settings().subject;
  wanted.role = settings().role.empty() ? "authenticated" : settings().role;
  wanted.lifetime = lifetime_;
  co_return check_claims(access_, wanted);
}

// The service verifies its own token: with a shared secret the only verification there is.
Task<Ended> SupabaseVisit::user() {
  if (access_.empty() || settings().intrusion()) co_return std::nullopt;
  const auto answer = co_await ask("user", "GET", settings().target + "/user", bearer(access_), "");
  if (!answer) co_return failed(answer.error());
  if (answer->status != 200) co_return refused(*answer, false);
  const auto document = object_of(*answer);
  const auto parsed = parse_jwt(access_);
  const std::string id = document ? text_at(*document, "id") : "";
  if (id.empty()) co_return wrong("200", "answered 200 without a user");
  if (parsed && id != claim(*parsed, "sub")) co_return wrong("other-user", "the token of one user was answered with another's account");
  co_return std::nullopt;
}

Task<Ended> SupabaseVisit::refuse_forged(std::string token, std::string what) {
  const auto answer = co_await ask("forged", "GET", settings().target + "/user", bearer(token), "");
  if (!answer) co_return failed(answer.error());
  // GoTrue looks at the signature first (bad_jwt): one that looks for the account or the session has taken the token for good.
  const AuthRefusal refusal = refusal_of(*answer, false);
  const bool went_on = refusal.code == "user_not_found" || refusal.code == "session_not_found";
  // By the service itself: a gateway that turns everybody away proves nothing of what would be let in behind it.
  const bool refuses = answer->status == 401 || answer->status == 403 || answer->status == 400;
  if (refuses && !went_on && !refusal.by_gateway) co_return std::nullopt;
  if (went_on) {
    alarm("forged-token-accepted", what + " was looked up (" + refusal.code + ") instead of refused: its signature counts for nothing");
    co_return std::nullopt;
  }
  if (answer->status / 100 != 2) co_return undecided(*answer);
  alarm("forged-token-accepted", what + " was accepted: anybody may be inside");
  co_return std::nullopt;
}

Task<Ended> SupabaseVisit::forged() {
  if (!settings().forged) co_return std::nullopt;
  const std::string issuer = settings().issuer.empty() ? settings().target : settings().issuer;
  std::string tampered = with_more_rights(access_);  // empty: there is no token, or one that is no JWT
  const bool real = !tampered.empty();
  if (!real) tampered = invented_token(issuer, their_now(), world().dice.roll());
  if (auto ended = co_await refuse_forged(tampered, real ? "a token with changed claims and the old signature" : "an invented token"))
    co_return ended;
  co_return co_await refuse_forged(without_signature(tampered), "a token without a signature");
}

// How many rows the guarded read shows. A refusal goes to `refused_by`.
Task<Result<std::int64_t>> SupabaseVisit::rows_seen(Headers headers, std::optional<HttpResponse>* refused_by) {
  auto answer = co_await ask("rls", "GET", settings().read->target, std::move(headers), "");
  if (!answer) co_return answer.error();
  if (answer->status / 100 != 2) {
    *refused_by = std::move(*answer);
    co_return std::int64_t{0};
  }
  const auto count = elements_of(*answer);
  if (!count) co_return Failure{Reason::assertion, "200", "expected a JSON list of rows, got " + quote(without_tokens(answer->body))};
  co_return *count;
}

Task<Ended> SupabaseVisit::read() {
  if (!settings().read) co_return std::nullopt;
  if (!access_.empty() && !settings().intrusion()) {
    std::optional<HttpResponse> refused_by;
    const auto seen = co_await rows_seen(bearer(access_), &refused_by);
    if (!seen) co_return failed(seen.error());
    if (refused_by) co_return refused(*refused_by, false);
    const std::string counted = "the account sees " + std::to_string(*seen) + " rows instead of " + std::to_string(settings().read->rows);
    // More than the account's own: row-level security may be off. Fewer: the data, or the policy, has changed.
    if (*seen > settings().read->rows) alarm("rows-of-others", counted + ": those of others as well?");
    if (*seen < settings().read->rows) co_return wrong("rows", counted);
  }
  std::optional<HttpResponse> refused_by;
  const auto seen = co_await rows_seen({}, &refused_by);
  if (!seen) co_return failed(seen.error());
  if (refused_by && refused_by->status != 401 && refused_by->status != 403) co_return undecided(*refused_by);
  if (*seen > 0) alarm("anonymous-read", "without logging in, " + std::to_string(*seen) + " rows are seen");
  co_return std::nullopt;
}

Task<Ended> SupabaseVisit::refresh() {
  if (access_.empty()) co_return std::nullopt;
  const auto now = world().clock.boottime();
  AuthMemory& known = memory();
  if (!known.old_checked) known.old_checked = now;  // not at once: a single run from the command line leaves no session behind
  const bool due = settings().forged && known.old_refresh_token.empty() && now - *known.old_checked >= reuse_every;
  if (settings().intrusion() && !due) co_return std::nullopt;
  const std::string old_refresh = refresh_, body = json_text({{"refresh_token", old_refresh}});
  const auto answer = co_await ask("refresh", "POST", settings().target + "/token?grant_type=refresh_token", json_headers(), body);
  if (!answer) co_return failed(answer.error());
  if (answer->status != 200) co_return refused(*answer, false);
  if (auto ended = take_tokens(*answer)) co_return ended;
  if (refresh_ == old_refresh) alarm("refresh-token-kept", "refreshing gave the same refresh token again: it is not single-use");
  if (due) {
    known.old_refresh_token = old_refresh;
    known.old_since = now;
    known.old_checked = now;
    leave_open_ = true;
  }
  co_return std::nullopt;
}

Task<Ended> SupabaseVisit::logout() {
  if (access_.empty() || leave_open_) co_return std::nullopt;
  const auto answer = co_await ask("logout", "POST", settings().target + "/logout?scope=local", bearer(access_), "");
  if (!answer) co_return failed(answer.error());
  if (answer->status / 100 != 2) co_return refused(*answer, false);
  // GoTrue looks the session up, so a token is worth nothing after a logout although it has not expired.
  const auto after = co_await ask("logout", "GET", settings().target + "/user", bearer(access_), "");
  if (!after) co_return failed(after.error());
  if (after->status / 100 == 2) alarm("session-survives-logout", "after logging out the token is still answered with the account");
  if (after->status >= 500) co_return refused(*after, false);
  co_return std::nullopt;
}

}  // namespace drwatch
