// SPDX-License-Identifier: Apache-2.0
// A visit to a login service that is made up.
#pragma once

#include <doctest/doctest.h>
#include <algorithm>
#include <cstdlib>
#include "tests/probes/fake_world.hpp"
#include "tests/probes/gotrue.hpp"

namespace auth_test {

using namespace drwatch;
using namespace drwatch::testing;

inline const std::string settings = R"(
target   = "https://ref.supabase.co/auth/v1/"
api_key  = { env = "DRWATCH_TEST_KEY" }
user     = "probe@example.org"
password = { env = "DRWATCH_TEST_PASSWORD" }
)";
inline const std::string guarded = "read = { target = \"https://ref.supabase.co/rest/v1/profiles\" }\n";

// A probe of a service, run as often as wanted.
struct Visit {
  GoTrue service;
  FakeWorld world;
  std::unique_ptr<Probe> probe;

  explicit Visit(const std::string& algorithm = "ES256", const std::string& more = "") : service(algorithm) {
    setenv("DRWATCH_TEST_KEY", service.api_key.c_str(), 1);
    setenv("DRWATCH_TEST_PASSWORD", service.password.c_str(), 1);
    setenv("DRWATCH_TEST_JWT_SECRET", service.key.shared.c_str(), 1);
    probe = probe_of("auth", settings + more);
    world.http.serve = [this](const HttpRequest& request) { return service.answer(request); };
  }
  Outcome run() {
    service.asked.clear();
    Outcome outcome = world.run(*probe);
    const std::string shown = outcome.message + outcome.facts["signature"] + outcome.facts["keys"];
    for (const std::string& secret : {service.api_key, service.password, service.key.shared})
      CHECK(shown.find(secret) == std::string::npos);
    for (const auto& [token, used] : service.refresh_tokens) CHECK(shown.find(token) == std::string::npos);
    return outcome;
  }
  void pass(Duration d) {
    world.clock.boot += d;
    world.clock.wall += d;
    service.now += d;
  }
};

inline void check(const Outcome& outcome, Health health, Reason reason, const std::string& code, const std::string& stage) {
  CAPTURE(outcome.message);
  CHECK(health_name(outcome.outcome) == health_name(health));
  CHECK(reason_name(outcome.reason) == reason_name(reason));
  CHECK(outcome.code == code);
  CHECK((outcome.facts.count("stage") ? outcome.facts.at("stage") : "") == stage);
}

}  // namespace auth_test
