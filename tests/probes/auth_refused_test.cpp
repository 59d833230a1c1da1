// SPDX-License-Identifier: Apache-2.0
// What a login service must refuse, and what drwatch must not ask twice.
#include "tests/probes/auth_visit.hpp"

#include <doctest/doctest.h>

namespace auth_test {

TEST_CASE("auth: tokens that are worth nothing") {
  const std::pair<const char*, const char*> claims[] = {
      {R"("iss":"https://evil.example.org")", "claim-iss"},
      {R"("aud":"anon")", "claim-aud"},
      {R"("role":"service_role")", "claim-role"},
      {R"("exp":1772330410)", "claim-exp"},
      {R"("exp":1772330500)", "claim-exp"},
      {R"("exp":null)", "claim-exp"},
      {R"("iat":1772330460)", "claim-iat"},
      {R"("exp":1e300)", "claim-exp"},
      {R"("sub":"somebody else")", "claim-sub"},
  };
  for (const auto& [extra, code] : claims) {
    CAPTURE(extra);
    Visit visit("ES256", "subject = \"11111111-1111-4111-8111-111111111111\"\n");
    visit.service.claims_extra = extra;
    check(visit.run(), Health::down, Reason::assertion, code, "claims");
    CHECK(visit.service.asked.back() == "POST /auth/v1/logout?scope=local");  // whatever happened, no session stays
  }
  Visit signature;
  signature.service.signs_with_other = true;
  check(signature.run(), Health::down, Reason::assertion, "bad-signature", "signature");
}

TEST_CASE("auth: what is accepted and must not be is a security signal, not an outage") {
  const auto degraded = [](const char* what, auto breaking, const std::string& code, const std::string& stage) {
    CAPTURE(what);
    Visit visit("ES256", guarded);
    breaking(visit.service);
    check(visit.run(), Health::degraded, Reason::assertion, code, stage);
  };
  degraded("forged", [](GoTrue& s) { s.open = true; }, "forged-token-accepted", "forged");
  degraded("rows of others", [](GoTrue& s) { s.rows_of_user = 2; }, "rows-of-others", "rls");
  degraded("anonymous", [](GoTrue& s) { s.rows_of_anybody = 7; }, "anonymous-read", "rls");
  degraded("sessions stay", [](GoTrue& s) { s.keeps_sessions = true; }, "session-survives-logout", "logout");
  Visit lost("ES256", guarded);
  lost.service.rows_of_user = 0;
  check(lost.run(), Health::down, Reason::assertion, "rows", "rls");
  // An outage behind it is the greater news.
  Visit both;
  both.service.open = true;
  both.service.broken.emplace("POST /auth/v1/token?grant_type=refresh_token", response(500));
  check(both.run(), Health::down, Reason::assertion, "500", "gateway");
}

TEST_CASE("auth: asked for intrusion, it is down only when something was let in") {
  const std::string intrusion = "asks = \"intrusion\"\n";
  Visit visit("ES256", intrusion);
  check(visit.run(), Health::up, Reason::none, "", "");
  CHECK(visit.service.asked.back() == "GET /auth/v1/user");
  visit.service.open = true;
  check(visit.run(), Health::down, Reason::assertion, "forged-token-accepted", "forged");
  visit.service.broken.emplace("GET /auth/v1/health", failure(Reason::connect, "ECONNREFUSED", "refused"));
  check(visit.run(), Health::unknown, Reason::connect, "ECONNREFUSED", "tcp");
  CHECK(visit.probe->when_late() == Health::unknown);

  // Without an account: a token that nobody issued.
  FakeWorld world;
  GoTrue service("HS256");
  world.http.serve = [&](const HttpRequest& request) { return service.answer(request); };
  const auto probe =
      probe_of("auth", "target = \"https://ref.supabase.co/auth/v1\"\napi_key = { env = \"DRWATCH_TEST_KEY\" }\n" + intrusion);
  check(world.run(*probe), Health::up, Reason::none, "", "");
  service.open = true;
  check(world.run(*probe), Health::down, Reason::assertion, "forged-token-accepted", "forged");
}

TEST_CASE("auth: a forged token counts as refused only when the service itself refused it for what it is") {
  const std::string intrusion = "asks = \"intrusion\"\n";
  struct Row {
    const char* what;
    HttpResponse answer;
    Health health;
    const char* code;
  };
  const Row rows[] = {
      {"by its signature", json(403, R"({"code":"bad_jwt","message":"invalid JWT"})"), Health::up, ""},
      {"an account was looked for", json(403, R"({"code":"user_not_found","message":"User from sub claim in JWT does not exist"})"),
       Health::down, "forged-token-accepted"},
      {"a session was looked for", json(403, R"({"error_code":"session_not_found","code":403,"msg":"Session not found"})"), Health::down,
       "forged-token-accepted"},
      {"a firewall turns everybody away", response(403, "<html>", {{"cf-mitigated", "challenge"}}), Health::unknown, "challenge"},
      {"a page of HTML", response(403, "<html>Forbidden</html>"), Health::unknown, "403"},
      {"the gateway wants a key", json(401, R"({"message":"Invalid API key"})"), Health::unknown, "401"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    FakeWorld world;
    GoTrue service("HS256");
    service.broken.emplace("GET /auth/v1/user", row.answer);
    world.http.serve = [&](const HttpRequest& request) { return service.answer(request); };
    const auto probe =
        probe_of("auth", "target = \"https://ref.supabase.co/auth/v1\"\napi_key = { env = \"DRWATCH_TEST_KEY\" }\n" + intrusion);
    const Outcome outcome = world.run(*probe);
    CHECK(outcome.outcome == row.health);
    CHECK(outcome.code == row.code);
  }
}

TEST_CASE("auth: a refused login is not hammered") {
  Visit visit;
  visit.service.broken.emplace("POST /auth/v1/token?grant_type=password",
                               json(400, R"({"code":"invalid_credentials","message":"Invalid login credentials"})"));
  const auto asked = [&] {
    check(visit.run(), Health::degraded, Reason::auth, "invalid_credentials", "login");
    return visit.service.asked.size() > 1;
  };
  CHECK(asked());
  CHECK_FALSE(asked());
  visit.pass(seconds{19});
  CHECK_FALSE(asked());
  visit.pass(seconds{1});
  CHECK(asked());  // and the pause doubles
  visit.pass(seconds{39});
  CHECK_FALSE(asked());
  visit.pass(seconds{1});
  visit.service.broken.clear();
  check(visit.run(), Health::up, Reason::none, "", "");
  // The service says for how long.
  visit.service.broken.emplace("POST /auth/v1/token?grant_type=password", response(429, "{}", {{"Retry-After", "120"}}));
  check(visit.run(), Health::unknown, Reason::own_fault, "429", "login");
  visit.pass(seconds{119});
  visit.service.broken.clear();
  check(visit.run(), Health::unknown, Reason::own_fault, "429", "login");
  CHECK(visit.service.asked.size() == 1);
  visit.pass(seconds{1});
  check(visit.run(), Health::up, Reason::none, "", "");
}

TEST_CASE("auth: an access token that is no JWT does not keep forged ones from being tried") {
  Visit visit("ES256", "asks = \"intrusion\"\n");
  visit.service.broken.emplace("POST /auth/v1/token?grant_type=password",
                               json(200, R"({"access_token":"opaque","refresh_token":"x-y-z"})"));
  visit.service.sessions.insert("opaque");
  check(visit.run(), Health::up, Reason::none, "", "");
  CHECK(std::count(visit.service.asked.begin(), visit.service.asked.end(), "GET /auth/v1/user") >= 2);
  visit.service.broken.emplace("GET /auth/v1/user", json(200, R"({"id":"somebody"})"));
  check(visit.run(), Health::down, Reason::assertion, "forged-token-accepted", "forged");
}

}  // namespace auth_test
