// SPDX-License-Identifier: Apache-2.0
#include "tests/probes/fake_world.hpp"
#include "tests/probes/gotrue.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

namespace openid_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

// A provider as Keycloak, Auth0 and others answer: discovery, keys, token, userinfo, revocation.
struct Provider {
  SigningKey key{"RS256", "k1"};
  std::string issuer = "https://login.example.org/realms/clinic", named_issuer = issuer, token_endpoint = issuer + "/token",
              id_token_audience = "probe";
  std::string keys = key.jwk();
  bool open = false, opaque = false, no_userinfo = false;
  std::map<std::string, Result<HttpResponse>> broken;
  std::vector<std::string> asked, forms;

  std::string token(const std::string& audience) const {
    const auto at = std::chrono::duration_cast<seconds>(FakeClock{}.wall.time_since_epoch()).count();
    return key.token(R"({"iss":")" + issuer + R"(","sub":"user-1","aud":[")" + audience + R"("],"iat":)" + std::to_string(at) +
                     R"(,"exp":)" + std::to_string(at + 300) + "}");
  }
  Result<HttpResponse> answer(const HttpRequest& request) {
    const std::string path = request.method + " " + request.url.substr(issuer.size());
    asked.push_back(path);
    if (!request.body.empty()) forms.push_back(request.body);
    if (const auto how = broken.find(path); how != broken.end()) return how->second;
    if (path == "GET /.well-known/openid-configuration")
      return json(200, R"({"issuer":")" + named_issuer + R"(","jwks_uri":")" + issuer + R"(/keys","token_endpoint":")" + token_endpoint +
                           "\"" + (no_userinfo ? "" : R"(,"userinfo_endpoint":")" + issuer + R"(/me")") + R"(,"revocation_endpoint":")" +
                           issuer + R"(/revoke"})");
    if (path == "GET /keys") return json(200, R"({"keys":[)" + keys + "]}");
    if (path == "GET /me") {
      const std::string bearer = header(request, "Authorization");
      return open || bearer == "Bearer opaque-token" || bearer == "Bearer " + token("api") ? json(200, R"({"sub":"user-1"})")
                                                                                           : json(401, R"({"error":"invalid_token"})");
    }
    if (path == "POST /revoke") return response(200);
    const bool client = request.body.find("grant_type=client_credentials") == 0;
    return json(200, R"({"token_type":"Bearer","expires_in":300,"access_token":")" + (opaque ? "opaque-token" : token("api")) + "\"" +
                         (client ? "" : R"(,"refresh_token":"rt-1","id_token":")" + token(id_token_audience) + "\"") + "}");
  }
};

const std::string base = R"(
provider = "openid"
target   = "https://login.example.org/realms/clinic"
)";
const std::string client = "grant = \"client_credentials\"\nclient_id = \"probe\"\nclient_secret = { env = \"DRWATCH_TEST_SECRET\" }\n";
const std::string person =
    "grant = \"password\"\nclient_id = \"probe\"\nuser = \"u&v\"\npassword = { env = \"DRWATCH_TEST_SECRET\" }\nscope = \"openid email\"\n";

Outcome visit(Provider& provider, const std::string& more) {
  setenv("DRWATCH_TEST_SECRET", "s3cr=t&", 1);
  FakeWorld world;
  world.http.serve = [&](const HttpRequest& request) { return provider.answer(request); };
  return world.run(*probe_of("auth", base + more));
}

void check(const Outcome& outcome, Health health, const std::string& code, const std::string& stage) {
  CAPTURE(outcome.message);
  CHECK(health_name(outcome.outcome) == health_name(health));
  CHECK(outcome.code == code);
  CHECK((outcome.facts.count("stage") ? outcome.facts.at("stage") : "") == stage);
}

}  // namespace

TEST_CASE("openid: as far as the grant goes") {
  Provider provider;
  check(visit(provider, ""), Health::up, "", "");
  CHECK(provider.asked == std::vector<std::string>{"GET /.well-known/openid-configuration", "GET /keys", "GET /me", "GET /me"});
  provider.asked.clear();
  check(visit(provider, client), Health::up, "", "");
  CHECK(provider.forms[0] == "grant_type=client_credentials&client_id=probe&client_secret=s3cr%3Dt%26");
  CHECK(provider.asked.back() == "POST /revoke");
  provider.forms.clear();
  provider.asked.clear();
  check(visit(provider, person), Health::up, "", "");
  CHECK(provider.forms[0] == "grant_type=password&username=u%26v&password=s3cr%3Dt%26&scope=openid%20email&client_id=probe");
  const std::vector<std::string> stages = {"GET /.well-known/openid-configuration",
                                           "GET /keys",
                                           "POST /token",
                                           "GET /keys",
                                           "GET /me",
                                           "GET /me",
                                           "GET /me",
                                           "POST /token",
                                           "POST /revoke"};
  CHECK(provider.asked == stages);
  provider.opaque = true;
  const Outcome opaque = visit(provider, client);
  check(opaque, Health::up, "", "");
  CHECK(opaque.facts.at("signature") == "the access token is opaque");
}

TEST_CASE("openid: what is wrong, and where") {
  const auto broken = [](const char* what, auto breaking, const std::string& more, Health health, const std::string& code,
                         const std::string& stage) {
    CAPTURE(what);
    Provider provider;
    breaking(provider);
    check(visit(provider, more), health, code, stage);
  };
  using P = Provider;
  broken("an issuer with a slash more", [](P& p) { p.named_issuer += "/"; }, "", Health::down, "issuer", "discovery");
  broken(
      "discovery is gone", [](P& p) { p.broken.emplace("GET /.well-known/openid-configuration", response(404)); }, "", Health::down, "404",
      "gateway");
  broken(
      "discovery is HTML", [](P& p) { p.broken.emplace("GET /.well-known/openid-configuration", response(200, "<html>")); }, "",
      Health::down, "200", "discovery");
  broken("all keys vanished", [](P& p) { p.keys = ""; }, "", Health::down, "keys-vanished", "keys");
  broken(
      "an unexpected key", [](P& p) { p.keys += "," + SigningKey("RS256", "k2").jwk(); }, "key_ids = [\"k1\"]", Health::degraded,
      "unexpected-key", "keys");
  broken(
      "credentials without TLS", [](P& p) { p.token_endpoint = "http://login.example.org/token"; }, client, Health::down, "endpoint",
      "discovery");
  broken(
      "the client is refused",
      [](P& p) { p.broken.emplace("POST /token", json(401, R"({"error":"invalid_client","error_description":"x"})")); }, client,
      Health::degraded, "invalid_client", "login");
  broken(
      "the provider fails", [](P& p) { p.broken.emplace("POST /token", json(503, R"({"error":"temporarily_unavailable"})")); }, client,
      Health::down, "temporarily_unavailable", "login");
  broken("the ID token is another client's", [](P& p) { p.id_token_audience = "other"; }, person, Health::down, "claim-aud", "claims");
  broken("another key signs", [](P& p) { p.keys = SigningKey("RS256", "k1").jwk(); }, person, Health::down, "bad-signature", "signature");
  broken("any token is taken", [](P& p) { p.open = true; }, "", Health::degraded, "forged-token-accepted", "forged");
  broken(
      "any token is taken, asked for it", [](P& p) { p.open = true; }, "asks = \"intrusion\"", Health::down, "forged-token-accepted",
      "forged");
  broken(
      "unreachable, asked for it", [](P& p) { p.broken.emplace("GET /keys", failure(Reason::connect, "ECONNREFUSED", "refused")); },
      "asks = \"intrusion\"", Health::unknown, "ECONNREFUSED", "tcp");
}

TEST_CASE("openid: that forged tokens are refused is said only when one was") {
  const std::string intrusion = "asks = \"intrusion\"";
  Provider none;
  none.no_userinfo = true;
  const Outcome nowhere = visit(none, intrusion);
  check(nowhere, Health::unknown, "userinfo_endpoint", "forged");
  CHECK(nowhere.message.find("no forged token could be tried") != std::string::npos);
  const Outcome watched = visit(none, client);
  check(watched, Health::up, "", "");
  CHECK(watched.facts.at("forged") == "not tried: the discovery document names no userinfo_endpoint");

  const auto answered = [&](const HttpResponse& answer, Health asked_for_intrusion, Health asked_for_login) {
    CAPTURE(answer.status);
    CAPTURE(answer.body);
    Provider provider;
    provider.broken.emplace("GET /me", answer);
    CHECK(visit(provider, intrusion).outcome == asked_for_intrusion);
    const Outcome login = visit(provider, "");
    CHECK(login.outcome == asked_for_login);
    CHECK(login.facts.count("forged") == (asked_for_intrusion != Health::up));
  };
  const Health up = Health::up, unknown = Health::unknown;
  answered(response(404), unknown, up);
  answered(response(302, "", {{"Location", "/login"}}), unknown, up);
  answered(response(403, "<html>Forbidden</html>"), unknown, up);
  answered(response(401), unknown, up);
  answered(response(401, "", {{"WWW-Authenticate", "Bearer error=\"invalid_token\""}}), up, up);
  answered(json(400, R"({"error":"invalid_request"})"), up, up);
  answered(json(403, R"({"error":"insufficient_scope"})"), up, up);
}

}  // namespace openid_test
