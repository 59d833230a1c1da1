// SPDX-License-Identifier: Apache-2.0
// One run of an `auth` probe: the requests it makes, the stage it is at, and how what goes wrong there is told.
#pragma once

#include "probes/auth/jwks.hpp"
#include "probes/auth/refusal.hpp"
#include "probes/auth/settings.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace drwatch {

// What a probe remembers from run to run. Lost at a restart, which costs nothing but a question.
struct AuthMemory {
  std::optional<Outcome> refused;     // the last time the account or drwatch's eagerness was refused ...
  std::chrono::nanoseconds again{0};  // ... and when (boottime) logging in is tried again
  std::chrono::nanoseconds pause{0};  // the last pause; doubles
  std::string old_refresh_token;      // a refresh token that has been used, of a session left open to see that it is refused
  std::chrono::nanoseconds old_since{0};
  std::optional<std::chrono::nanoseconds> old_checked;  // the last time; the first run only notes the time
};

// A stage's end: nothing, and the next one begins; or the outcome of the run.
using Ended = std::optional<Outcome>;

class AuthVisit {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  AuthVisit(const AuthSettings& settings, World& world, AuthMemory& memory);

  // One request at the stage `at`; the API key is added. A failure is told by stage_failure.
  // `at` is the stage that is told when it fails: dns, tcp and tls are told instead of it when it came no further. The answer may have any
  // status.
  Task<Result<HttpResponse>> ask(std::string at, std::string method, std::string url, Headers headers, std::string body);
  Headers bearer(const std::string& token) const;

  // The stage's end in a bad way.
  Outcome failed(const Failure& failure);                        // the world's, or a judgement's
  Outcome refused(const HttpResponse& answer, bool logging_in);  // an answer that is not the wanted one
  Outcome wrong(std::string code, std::string message);          // down, assertion
  // Something that must be refused was neither refused nor let in (the service fails, or what stands before it): nothing is known of that.
  // A visit that asks whether users can log in notes it and goes on.
  Ended undecided(const HttpResponse& answer);
  bool decided(const std::string& at) const { return facts_.count(at) == 0; }  // of such a stage
  // Something that must not be: told at the end, unless something worse happened. It is a security signal: `degraded` when asked for the
  // login, `down` when asked for intrusion.
  void alarm(std::string code, std::string message);
  void fact(const std::string& name, std::string value) { facts_[name] = std::move(value); }

  void hide(const std::string& secret);  // from all that is shown
  void at_stage(std::string stage) { stage_ = std::move(stage); }
  const std::string& stage() const { return stage_; }
  const std::optional<Outcome>& alarmed() const { return alarm_; }

  // The signature by the published keys; refetches them once when the token's key is unknown. Sets facts `algorithm`, `key_id`, `keys`.
  Task<Ended> check_signature(std::string token, std::string keys_url);
  Ended check_pinned_keys(const KeySet& keys);
  Ended check_claims(const std::string& token, const WantedClaims& wanted);

  // A refused login is not repeated before its pause is over (20 s, doubling to 5 min): who hammers a breaker keeps it open.
  Ended still_paused();
  void pause(const Outcome& outcome, const AuthRefusal& refusal);
  void allowed();

  // The run's outcome with stage, facts and phases.
  Outcome finish(Outcome outcome);
  Outcome well(std::string message);

  World& world() { return world_; }
  const AuthSettings& settings() const { return settings_; }
  AuthMemory& memory() { return memory_; }
  std::chrono::nanoseconds login_took{0};
  Time their_now() const;  // by their last Date header; ours without one

 private:
  const AuthSettings& settings_;
  World& world_;
  AuthMemory& memory_;
  std::string stage_ = "gateway";
  std::map<std::string, std::string> facts_;
  std::optional<Outcome> alarm_;
  Phases phases_;
  std::optional<std::chrono::nanoseconds> skew_;  // theirs minus ours
};

}  // namespace drwatch
