// SPDX-License-Identifier: Apache-2.0
#include "tests/probes/fake_world.hpp"
#include "tests/probes/gotrue.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

namespace auth_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

const std::string settings = R"(
target   = "https://ref.supabase.co/auth/v1/"
api_key  = { env = "DRWATCH_TEST_KEY" }
user     = "probe@example.org"
password = { env = "DRWATCH_TEST_PASSWORD" }
)";
const std::string guarded = "read = { target = \"https://ref.supabase.co/rest/v1/profiles\" }\n";

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

void check(const Outcome& outcome, Health health, Reason reason, const std::string& code, const std::string& stage) {
  CAPTURE(outcome.message);
  CHECK(health_name(outcome.outcome) == health_name(health));
  CHECK(reason_name(outcome.reason) == reason_name(reason));
  CHECK(outcome.code == code);
  CHECK((outcome.facts.count("stage") ? outcome.facts.at("stage") : "") == stage);
}

}  // namespace

TEST_CASE("auth: a healthy service, with every algorithm, stage by stage, leaving no session behind") {
  for (const char* algorithm : {"ES256", "RS256", "PS256", "EdDSA", "HS256"}) {
    CAPTURE(algorithm);
    Visit visit(algorithm, guarded);
    const Outcome outcome = visit.run();
    check(outcome, Health::up, Reason::none, "", "");
    CHECK(outcome.facts.at("algorithm") == algorithm);
    CHECK(outcome.facts.at("version") == "v2.170.0");
    CHECK(outcome.facts.at("signature")
              .starts_with(algorithm == std::string("HS256") ? "shared secret, verified by the service" : "verified with key"));
    const std::vector<std::string> stages = {"GET /auth/v1/health",
                                             "POST /auth/v1/token?grant_type=password",
                                             "GET /auth/v1/.well-known/jwks.json",
                                             "GET /auth/v1/user",
                                             "GET /auth/v1/user",
                                             "GET /auth/v1/user",
                                             "GET /rest/v1/profiles",
                                             "GET /rest/v1/profiles",
                                             "POST /auth/v1/token?grant_type=refresh_token",
                                             "POST /auth/v1/logout?scope=local",
                                             "GET /auth/v1/user"};
    CHECK(visit.service.asked == stages);
    CHECK(visit.service.sessions.size() == 1);  // the token before the refresh; the one after it was logged out
  }
}

TEST_CASE("auth: a project with a shared secret") {
  Visit right("HS256", "jwt_secret = { env = \"DRWATCH_TEST_JWT_SECRET\" }\n");
  CHECK(right.run().facts.at("signature") == "verified with the shared secret");
  right.service.key.shared = "rotated-by-somebody-else-0123456789abcdef";
  check(right.run(), Health::down, Reason::assertion, "bad-signature", "signature");
}

TEST_CASE("auth: the stage at which it fails, and whose fault it is") {
  struct Row {
    const char* what;
    std::string where;
    Result<HttpResponse> how;
    Health health;
    Reason reason;
    std::string code, stage;
  };
  const std::string login = "POST /auth/v1/token?grant_type=password";
  const HttpResponse html = response(502, "<html>Bad gateway</html>", {{"Content-Type", "text/html"}});
  const Row rows[] = {
      {"no name", "GET /auth/v1/health", failure(Reason::dns, "NXDOMAIN", "no such name"), Health::down, Reason::dns, "NXDOMAIN", "dns"},
      {"refused", "GET /auth/v1/health", failure(Reason::connect, "ECONNREFUSED", "refused"), Health::down, Reason::connect, "ECONNREFUSED",
       "tcp"},
      {"certificate", "GET /auth/v1/health", failure(Reason::tls, "CERT_HAS_EXPIRED", "expired"), Health::down, Reason::tls,
       "CERT_HAS_EXPIRED", "tls"},
      {"garbage", "GET /auth/v1/health", failure(Reason::protocol, "", "not HTTP"), Health::down, Reason::protocol, "", "gateway"},
      {"own limits", "GET /auth/v1/health", failure(Reason::connect, "EMFILE", "files"), Health::unknown, Reason::own_fault, "EMFILE",
       "tcp"},
      {"the gateway fails", "GET /auth/v1/health", html, Health::down, Reason::assertion, "502", "gateway"},
      {"the service fails", "GET /auth/v1/health", json(500, R"({"code":"unexpected_failure","message":"x"})"), Health::down,
       Reason::assertion, "unexpected_failure", "health"},
      {"something else answers", "GET /auth/v1/health", response(200, "<h1>It works!</h1>"), Health::down, Reason::assertion, "200",
       "health"},
      {"the key is not taken", "GET /auth/v1/health", json(401, R"({"message":"Invalid API key"})"), Health::degraded, Reason::auth, "401",
       "gateway"},
      {"a firewall asks who it is", "GET /auth/v1/health", response(403, "<html>", {{"cf-mitigated", "challenge"}}), Health::degraded,
       Reason::auth, "challenge", "gateway"},
      {"health has a rate limit", "GET /auth/v1/health", response(429, "slow down"), Health::unknown, Reason::own_fault, "429", "gateway"},
      {"wrong password", login, json(400, R"({"code":"invalid_credentials","message":"Invalid login credentials"})"), Health::degraded,
       Reason::auth, "invalid_credentials", "login"},
      {"wrong password, older shape", login,
       json(400, R"({"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"})"), Health::degraded, Reason::auth,
       "invalid_credentials", "login"},
      {"wrong password, OAuth shape", login, json(400, R"({"error":"invalid_grant","error_description":"Invalid login credentials"})"),
       Health::degraded, Reason::auth, "invalid_grant", "login"},
      {"banned", login, json(400, R"({"code":"user_banned","message":"User is banned"})"), Health::degraded, Reason::auth, "user_banned",
       "login"},
      {"captcha", login, json(400, R"({"code":"captcha_failed","message":"captcha protection: request disallowed"})"), Health::degraded,
       Reason::auth, "captcha_failed", "login"},
      {"rate limit", login, json(429, R"({"code":"over_request_rate_limit","message":"Request rate limit reached"})"), Health::unknown,
       Reason::own_fault, "over_request_rate_limit", "login"},
      {"logging in is switched off for everybody", login,
       json(400, R"({"code":"email_provider_disabled","message":"Email logins are disabled"})"), Health::down, Reason::assertion,
       "email_provider_disabled", "login"},
      {"database is gone", login, json(500, R"({"code":"unexpected_failure","message":"Database error querying schema"})"), Health::down,
       Reason::assertion, "unexpected_failure", "login"},
      {"times out within", login, json(504, R"({"code":"request_timeout","message":"Processing this request timed out"})"), Health::down,
       Reason::assertion, "request_timeout", "login"},
      {"a hook hangs", login, json(422, R"({"code":"hook_timeout","message":"Failed to reach hook"})"), Health::down, Reason::assertion,
       "hook_timeout", "login"},
      {"the gateway fails at the login", login, html, Health::down, Reason::assertion, "502", "gateway"},
      {"no token", login, json(200, R"({"access_token":"","refresh_token":"x"})"), Health::down, Reason::assertion, "no-token", "login"},
      {"not a token", login, json(200, R"({"access_token":"a.b.c","refresh_token":"x"})"), Health::down, Reason::protocol,
       "malformed-token", "signature"},
      {"not JSON", login, response(200, "ok"), Health::down, Reason::assertion, "no-token", "login"},
      {"no keys", "GET /auth/v1/.well-known/jwks.json", json(200, R"({"keys":{}})"), Health::down, Reason::protocol, "malformed-keys",
       "signature"},
      {"keys fail", "GET /auth/v1/.well-known/jwks.json", response(503), Health::down, Reason::assertion, "503", "gateway"},
      {"its own token is refused", "GET /auth/v1/user", json(403, R"({"code":"bad_jwt","message":"invalid JWT"})"), Health::down,
       Reason::assertion, "bad_jwt", "user"},
      {"its session is not found", "GET /auth/v1/user", json(403, R"({"code":"session_not_found","message":"Session not found"})"),
       Health::down, Reason::assertion, "session_not_found", "user"},
      {"another's account", "GET /auth/v1/user", json(200, R"({"id":"22222222-2222-4222-8222-222222222222"})"), Health::down,
       Reason::assertion, "other-user", "user"},
      {"the read fails", "GET /rest/v1/profiles",
       json(503, R"({"code":"PGRST002","message":"Could not query the database for the schema cache"})"), Health::down, Reason::assertion,
       "PGRST002", "rls"},
      {"no refresh", "POST /auth/v1/token?grant_type=refresh_token", json(500, R"({"code":"unexpected_failure","message":"x"})"),
       Health::down, Reason::assertion, "unexpected_failure", "refresh"},
      {"no logout", "POST /auth/v1/logout", json(500, R"({"code":"unexpected_failure","message":"x"})"), Health::down, Reason::assertion,
       "unexpected_failure", "logout"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Visit visit("ES256", guarded);
    visit.service.broken.emplace(row.where, row.how);
    check(visit.run(), row.health, row.reason, row.code, row.stage);
  }
}

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

TEST_CASE("auth: a key that was rotated a moment ago is looked for once more") {
  Visit visit;
  visit.service.keys_late = true;
  check(visit.run(), Health::up, Reason::none, "", "");
  visit.service.broken.emplace("GET /auth/v1/.well-known/jwks.json", json(200, R"({"keys":[]})"));
  check(visit.run(), Health::down, Reason::assertion, "unknown-key", "signature");
}

TEST_CASE("auth: the issuer's clock counts, and its difference is told") {
  Visit visit;
  visit.service.now = visit.world.clock.wall + hours{2};
  check(visit.run(), Health::down, Reason::assertion, "claim-iat", "claims");
  visit.world.http.serve = [&](const HttpRequest& request) {
    auto answer = visit.service.answer(request);
    if (answer) answer->headers.emplace_back("Date", "Sun, 01 Mar 2026 04:00:00 GMT");
    return answer;
  };
  const Outcome outcome = visit.run();
  check(outcome, Health::up, Reason::none, "", "");
  CHECK(outcome.facts.at("clock_ahead") == "7200 s");
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

TEST_CASE("auth: a used refresh token is tried an hour later") {
  Visit visit;
  for (const bool reuses : {false, true}) {
    visit.service.reuses_refresh = reuses;
    visit.run();
    visit.pass(hours{1});
    check(visit.run(), Health::up, Reason::none, "", "");  // leaves its session open
    visit.pass(minutes{1});
    const Outcome outcome = visit.run();
    if (reuses)
      check(outcome, Health::degraded, Reason::assertion, "old-refresh-token-accepted", "refresh");
    else
      check(outcome, Health::up, Reason::none, "", "");
    CHECK(visit.service.asked[1] == "POST /auth/v1/token?grant_type=refresh_token");
    CHECK(visit.service.asked[2] == (reuses ? "POST /auth/v1/logout?scope=local" : "POST /auth/v1/token?grant_type=password"));
  }
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

TEST_CASE("auth: pinned keys") {
  Visit pinned("ES256", "key_ids = [\"key-1\"]\n");
  check(pinned.run(), Health::up, Reason::none, "", "");
  Visit more("ES256", "key_ids = [\"key-1\", \"key-2\"]\n");
  check(more.run(), Health::up, Reason::none, "", "");
  Visit gone("ES256", "key_ids = [\"key-7\"]\n");
  check(gone.run(), Health::down, Reason::assertion, "keys-vanished", "signature");
  Visit strange("ES256", "key_ids = [\"key-1\"]\n");
  strange.service.broken.emplace("GET /auth/v1/.well-known/jwks.json",
                                 json(200, R"({"keys":[)" + strange.service.key.jwk() + "," + SigningKey("ES256", "key-2").jwk() + "]}"));
  check(strange.run(), Health::degraded, Reason::assertion, "unexpected-key", "signature");
}

TEST_CASE("auth: without an account it says what was watched, and watches the keys") {
  const std::string bare = "target = \"https://ref.supabase.co/auth/v1\"\napi_key = { env = \"DRWATCH_TEST_KEY\" }\n";
  const auto without_user = [&](GoTrue& service, const std::string& more) {
    setenv("DRWATCH_TEST_KEY", service.api_key.c_str(), 1);
    FakeWorld world;
    world.http.serve = [&](const HttpRequest& request) { return service.answer(request); };
    return world.run(*probe_of("auth", bare + more));
  };
  const std::string keys = "GET /auth/v1/.well-known/jwks.json", intrusion = "asks = \"intrusion\"\n", pinned = "key_ids = [\"key-7\"]\n";
  GoTrue service("ES256"), shared("HS256");
  const Outcome watched = without_user(service, "");
  check(watched, Health::up, Reason::none, "", "");
  CHECK(watched.message == "the service answers; its keys are published; forged tokens are refused; nobody logged in");
  CHECK(watched.facts.at("keys") == "key-1");
  CHECK(without_user(shared, "forged = false").message == "the service answers; it publishes no keys (a shared secret); nobody logged in");
  check(without_user(service, pinned), Health::down, Reason::assertion, "keys-vanished", "keys");
  check(without_user(service, intrusion + pinned), Health::down, Reason::assertion, "unexpected-key", "keys");
  check(without_user(service, intrusion + "key_ids = [\"key-1\"]"), Health::up, Reason::none, "", "");
  service.broken.emplace(keys, response(503));
  check(without_user(service, ""), Health::down, Reason::assertion, "503", "gateway");
  check(without_user(service, intrusion), Health::up, Reason::none, "", "");

  Visit with_user("ES256", intrusion + pinned);
  check(with_user.run(), Health::down, Reason::assertion, "unexpected-key", "keys");
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

TEST_CASE("auth: slow is degraded") {
  Visit visit("ES256", "slower_than = \"2s\"\n");
  visit.world.http.takes = milliseconds{2500};
  const Outcome outcome = visit.run();
  check(outcome, Health::degraded, Reason::timeout, "", "login");
  CHECK(outcome.phases[Phase::auth] == milliseconds{2500});
}

TEST_CASE("auth: a missing secret is drwatch's own fault") {
  Visit visit;
  unsetenv("DRWATCH_TEST_PASSWORD");
  visit.probe = probe_of("auth", settings);
  check(visit.run(), Health::unknown, Reason::internal, "", "");
  CHECK(visit.service.asked.empty());
}

TEST_CASE("auth: what the configuration must not say") {
  setenv("DRWATCH_TEST_PASSWORD", "long enough", 1);
  const std::string at = "target = \"https://x/\"\n", password = "password = { env = \"DRWATCH_TEST_PASSWORD\" }\n",
                    open = "provider = \"openid\"\n";
  const std::pair<std::string, const char*> wrong[] = {
      {"", "target"},
      {"target = \"x\"", "not a URL"},
      {at + "user = \"u\"", "belong together"},
      {at + password, "belong together"},
      {at + "password = \"x\"\nuser = \"u\"", "never stands in the file"},
      {at + "grant = \"password\"", "for OpenID"},
      {at + "read = { rows = 1 }", "target"},
      {at + "asks = \"intrusion\"\nforged = false", "asks nothing"},
      {at + open + "user = \"u\"\n" + password, "the grant is not 'password'"},
      {at + open + "grant = \"password\"\nclient_id = \"c\"", "needs a user"},
      {at + open + "grant = \"client_credentials\"", "client_id"},
      {at + open + "read = { target = \"https://x/\" }", "for Supabase"},
  };
  for (const auto& [toml, says] : wrong) {
    CAPTURE(toml);
    const auto problems = problems_of("auth", toml);
    REQUIRE(problems.size() >= 1);
    CAPTURE(problems[0]);
    CHECK(problems[0].find(says) != std::string::npos);
  }
}

}  // namespace auth_test
