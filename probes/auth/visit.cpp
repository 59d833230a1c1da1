// SPDX-License-Identifier: Apache-2.0
#include "probes/auth/visit.hpp"

#include "probes/parts/connection_rows.hpp"
#include "probes/parts/http_date.hpp"
#include "probes/probe.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr std::chrono::nanoseconds shortest_pause = seconds{20}, longest_pause = minutes{5};
constexpr std::size_t longest_answer = 256 * 1024;

// Which stage the world's failure belongs to: before anything was said, it is the network's.
std::string stage_of(const Failure& failure, const std::string& asked) {
  if (failure.reason == Reason::dns) return "dns";
  if (failure.reason == Reason::connect) return "tcp";
  if (failure.reason == Reason::tls) return "tls";
  return asked;
}

}  // namespace

AuthVisit::AuthVisit(const AuthSettings& settings, World& world, AuthMemory& memory)
    : settings_(settings), world_(world), memory_(memory) {}

void AuthVisit::hide(const std::string& secret) { world_.hide(secret); }

AuthVisit::Headers AuthVisit::bearer(const std::string& token) const { return {{"Authorization", "Bearer " + token}}; }

Task<Result<HttpResponse>> AuthVisit::ask(std::string at, std::string method, std::string url, Headers headers, std::string body) {
  stage_ = std::move(at);
  world_.reached("stage", stage_);
  HttpRequest request;
  request.method = std::move(method);
  request.url = std::move(url);
  request.headers = std::move(headers);
  if (settings_.api_key.configured()) request.headers.emplace_back("apikey", settings_.api_key.reveal());
  request.headers.emplace_back("Accept", "application/json");
  // Asks GoTrue for its newer error shape, in which `code` is the error's name.
  if (settings_.provider == "supabase") request.headers.emplace_back("X-Supabase-Api-Version", "2024-01-01");
  request.body = std::move(body);
  request.tls = settings_.tls;
  request.family = family_of(settings_.family);
  request.max_body = longest_answer;
  Phases of_this;
  auto answer = co_await world_.http.fetch(std::move(request), of_this);
  // Phases of all requests of the run added up.
  for (int i = 0; i < phase_count; ++i)
    if (of_this.took[i]) phases_.took[i] = phases_.took[i].value_or(std::chrono::microseconds{0}) + *of_this.took[i];
  if (answer) {
    for (const auto& [name, value] : answer->facts) facts_.emplace(name, value);
    facts_.emplace("address", answer->address);
    // To a second, the Date header's precision, and newer by the time that the answer took.
    if (const auto date = http_date(*answer)) skew_ = *date - world_.clock.now();
  } else {
    stage_ = stage_of(answer.error(), stage_);
  }
  co_return answer;
}

Time AuthVisit::their_now() const {
  return world_.clock.now() + std::chrono::duration_cast<Duration>(skew_.value_or(std::chrono::nanoseconds{0}));
}

Outcome AuthVisit::failed(const Failure& failure) {
  Failure shown = failure;
  shown.message = stage_ + ": " + failure.message;
  return outcome_of(shown);
}

Outcome AuthVisit::refused(const HttpResponse& answer, bool logging_in) {
  const AuthRefusal refusal = refusal_of(answer, logging_in);
  if (refusal.by_gateway) stage_ = "gateway";
  Outcome outcome = drwatch::outcome_of(refusal, stage_);
  if (refusal.blame != Blame::service) pause(outcome, refusal);
  return outcome;
}

Ended AuthVisit::undecided(const HttpResponse& answer) {
  if (settings_.intrusion() || answer.status == 429) return refused(answer, false);
  fact(stage_, "not known: it answered " + std::to_string(answer.status));
  return std::nullopt;
}

Outcome AuthVisit::wrong(std::string code, std::string message) {
  return outcome_of(Health::down, Reason::assertion, std::move(code), stage_ + ": " + message);
}

void AuthVisit::alarm(std::string code, std::string message) {
  if (alarm_) return;
  alarm_ = outcome_of(settings_.intrusion() ? Health::down : Health::degraded, Reason::assertion, std::move(code), stage_ + ": " + message);
  alarm_->facts["stage"] = stage_;
}

Ended AuthVisit::check_pinned_keys(const KeySet& keys) {
  std::string listed;
  bool any = settings_.key_ids.empty();
  for (const std::string& id : keys.key_ids()) {
    const bool pinned = std::find(settings_.key_ids.begin(), settings_.key_ids.end(), id) != settings_.key_ids.end();
    listed += (listed.empty() ? "" : " ") + excerpt(id.empty() ? "(unnamed)" : id, 40);
    any = any || pinned;
    if (!pinned && !settings_.key_ids.empty())
      alarm("unexpected-key",
            "the key set lists the key " + quote(id, 40) + ", which `key_ids` does not name: rotated, or somebody else's");
  }
  if (!listed.empty()) fact("keys", excerpt(listed, 200));
  if (!any) return wrong("keys-vanished", "none of the keys of `key_ids` is published any more: no token verifies");
  return std::nullopt;
}

Task<Ended> AuthVisit::check_signature(std::string token, std::string keys_url) {
  stage_ = "signature";
  const auto parsed = parse_jwt(token);
  if (!parsed) co_return failed(parsed.error());
  fact("algorithm", excerpt(parsed->algorithm, 20));
  for (int attempt = 1;; ++attempt) {
    const auto answer = co_await ask("signature", "GET", keys_url, {}, "");
    if (!answer) co_return failed(answer.error());
    if (answer->status != 200) co_return refused(*answer, false);
    const auto keys = KeySet::parse(answer->body);
    if (!keys) co_return failed(keys.error());
    if (auto ended = check_pinned_keys(*keys)) co_return ended;
    if (keys->symmetric(*parsed)) {
      if (!settings_.jwt_secret.configured()) {
        fact("signature", "shared secret, verified by the service only");
        co_return std::nullopt;
      }
      const auto shared = check_shared_secret(*parsed, settings_.jwt_secret.reveal());
      if (shared.verdict != SignatureVerdict::good) co_return wrong("bad-signature", shared.why);
      fact("signature", "verified with the shared secret");
      co_return std::nullopt;
    }
    const auto checked = keys->check(*parsed);
    if (checked.verdict == SignatureVerdict::good) {
      fact("signature", "verified with key " + excerpt(parsed->key_id.empty() ? "(unnamed)" : parsed->key_id, 40));
      co_return std::nullopt;
    }
    if (checked.verdict == SignatureVerdict::unknown_key && attempt == 1) continue;  // rotated between the two requests
    if (checked.verdict == SignatureVerdict::unknown_key) co_return wrong("unknown-key", checked.why);
    if (checked.verdict == SignatureVerdict::refused_algorithm) co_return wrong("refused-algorithm", checked.why);
    co_return wrong("bad-signature", checked.why);
  }
}

Ended AuthVisit::check_claims(const std::string& token, const WantedClaims& wanted) {
  stage_ = "claims";
  const auto parsed = parse_jwt(token);
  if (!parsed) return failed(parsed.error());
  auto fault = claims_fault(*parsed, wanted, their_now());
  if (!fault) return std::nullopt;
  return failed(*fault);
}

Ended AuthVisit::still_paused() {
  if (!memory_.refused || world_.clock.boottime() >= memory_.again) return std::nullopt;
  Outcome same = *memory_.refused;
  stage_ = same.facts["stage"];
  const auto left = std::chrono::duration_cast<Duration>(memory_.again - world_.clock.boottime());
  same.message += "; not asked again for " + duration_words(left);
  same.facts.clear();
  same.wait.reset();  // the rest of the pause is kept here; what else the run asks is not refused
  return same;
}

void AuthVisit::pause(const Outcome& outcome, const AuthRefusal& refusal) {
  // 20 s, doubled with each refusal up to 5 min; a Retry-After counts when it is longer.
  memory_.pause = std::clamp(memory_.pause * 2, shortest_pause, longest_pause);
  memory_.again = world_.clock.boottime() + std::max<std::chrono::nanoseconds>(memory_.pause, refusal.wait.value_or(Duration{0}));
  memory_.refused = outcome;
  memory_.refused->message = world_.without_secrets(outcome.message);
  memory_.refused->facts["stage"] = stage_;
}

void AuthVisit::allowed() {
  memory_.refused.reset();
  memory_.pause = {};
}

Outcome AuthVisit::finish(Outcome outcome) {
  // An alarm outweighs a degradation. A service that is down is told as down, unless intrusion is what was asked.
  if (alarm_ && (settings_.intrusion() || outcome.outcome != Health::down)) {
    outcome = *alarm_;
    stage_ = outcome.facts["stage"];
  } else if (settings_.intrusion() && outcome.outcome != Health::up) {
    outcome.outcome = Health::unknown;  // that it fails is another probe's affair; whether it lets intruders in was not seen
  }
  if (outcome.outcome != Health::up) fact("stage", stage_);
  if (skew_) {
    const auto off = std::chrono::duration_cast<seconds>(*skew_).count();
    // Within the precision of the Date header it says nothing.
    if (off > 2 || off < -2) fact("clock_ahead", std::to_string(off) + " s");
  }
  outcome.facts = facts_;
  outcome.phases = phases_;
  if (login_took.count() > 0) outcome.phases[Phase::auth] = std::chrono::duration_cast<std::chrono::microseconds>(login_took);
  return outcome;
}

Outcome AuthVisit::well(std::string message) {
  if (!settings_.slower_than || login_took <= *settings_.slower_than || settings_.intrusion())
    return outcome_of(Health::up, Reason::none, "", std::move(message));
  stage_ = "login";
  return outcome_of(Health::degraded, Reason::timeout, "",
                    "login: it worked, but took " + duration_words(std::chrono::duration_cast<Duration>(login_took)) + ", more than " +
                        duration_words(*settings_.slower_than));
}

}  // namespace drwatch
