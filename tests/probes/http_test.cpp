// SPDX-License-Identifier: Apache-2.0
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

namespace http_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

const std::string target = "target = \"https://api.example.org/health?token_free=1\"\n";

struct Row {
  const char* what;
  std::string toml;
  Result<HttpResponse> answer;
  Health health;
  Reason reason;
  std::string code, says;  // says: a part of the message
};

std::vector<std::string> sent(const HttpRequest& request, const std::string& name) {
  std::vector<std::string> values;
  for (const auto& [key, value] : request.headers)
    if (key == name) values.push_back(value);
  return values;
}

std::string several(const std::string& text, int times) {
  std::string made;
  for (int i = 0; i < times; ++i) made += text;
  return made;
}

}  // namespace

TEST_CASE("http: every verdict") {
  const HttpResponse json =
      response(200, R"({"status":"ok","checks":[{"ms":12.5,"up":true}],"n":3,"none":null})", {{"Content-Type", "application/json"}});
  const Row rows[] = {
      {"good by default", "", response(204), Health::up, Reason::none, "204", "GET https://api.example.org/health: 204"},
      {"server error", "", response(503, "sorry"), Health::down, Reason::assertion, "503", "expected status 200-299, got 503"},
      {"client error", "", response(404), Health::down, Reason::assertion, "404", "got 404"},
      {"a status asked for", "status = 401", response(401), Health::up, Reason::none, "401", ""},
      {"a list of statuses", "status = [200, \"300-302\"]", response(302), Health::up, Reason::none, "302", ""},
      {"not in the list", "status = [200, \"300-302\"]", response(204), Health::down, Reason::assertion, "204",
       "expected status 200, 300-302"},
      {"body matches", "body_matches = \"^o.$\"", response(200, "ok"), Health::up, Reason::none, "200", ""},
      {"body does not match", "body_matches = \"^ok$\"", response(200, "maintenance\n\n page"), Health::down, Reason::assertion, "200",
       "expected a body that matches '^ok$', got 'maintenance page'"},
      {"body matches what it must not", "body_not_matches = \"(?i)error\"", response(200, "an ERROR"), Health::down, Reason::assertion,
       "200", "does not match"},
      {"header matches", "header_matches = { content-type = \"json\" }", json, Health::up, Reason::none, "200", ""},
      {"header is missing", "header_matches = { x-build = \"7\" }", json, Health::down, Reason::assertion, "200", "got none"},
      {"header matches what it must not", "header_not_matches = { Content-Type = \"json\" }", json, Health::down, Reason::assertion, "200",
       "got 'application/json'"},
      {"header that must not match is missing", "header_not_matches = { x-cache = \"STALE\" }", json, Health::up, Reason::none, "200", ""},
      {"json equals", "json = [{ pointer = \"/status\", equals = \"ok\" }, { pointer = \"/n\", equals = 3 }]", json, Health::up,
       Reason::none, "200", ""},
      {"json equals a whole number written with a point", "json = [{ pointer = \"/n\", equals = 3.0 }]", json, Health::up, Reason::none,
       "200", ""},
      {"json differs", "json = [{ pointer = \"/checks/0/up\", equals = false }]", json, Health::down, Reason::assertion, "200",
       "expected 'false' at '/checks/0/up', got 'true'"},
      {"json is not text", "json = [{ pointer = \"/n\", equals = \"3\" }]", json, Health::down, Reason::assertion, "200",
       "expected the string '3' at '/n', got the number '3'"},
      {"json matches", "json = [{ pointer = \"/status\", matches = \"^o\" }]", json, Health::up, Reason::none, "200", ""},
      {"json within", "json = [{ pointer = \"/checks/0/ms\", min = 1, max = 20 }]", json, Health::up, Reason::none, "200", ""},
      {"json too much", "json = [{ pointer = \"/checks/0/ms\", max = 10 }]", json, Health::down, Reason::assertion, "200", "at most 10"},
      {"json is no number", "json = [{ pointer = \"/status\", min = 1 }]", json, Health::down, Reason::assertion, "200", "a number"},
      {"json is there", "json = [{ pointer = \"/none\" }]", json, Health::up, Reason::none, "200", ""},
      {"json is missing", "json = [{ pointer = \"/checks/1/ms\" }]", json, Health::down, Reason::assertion, "200", "there is none"},
      {"json beyond a scalar", "json = [{ pointer = \"/status/x\" }]", json, Health::down, Reason::assertion, "200", "there is none"},
      {"json must be absent", "json = [{ pointer = \"/n\", exists = false }]", json, Health::down, Reason::assertion, "200",
       "expected nothing"},
      {"not json", "json = [{ pointer = \"/n\" }]", response(200, "<html>"), Health::down, Reason::assertion, "200",
       "expected a JSON body, got '<html>'"},
      {"refused", "", failure(Reason::connect, "ECONNREFUSED", "connection refused by 192.0.2.1:443"), Health::down, Reason::connect,
       "ECONNREFUSED", "connection refused by 192.0.2.1:443"},
      {"unknown name", "", failure(Reason::dns, "NXDOMAIN", "no such name"), Health::down, Reason::dns, "NXDOMAIN", ""},
      {"bad certificate", "", failure(Reason::tls, "CERT_HAS_EXPIRED", "certificate has expired"), Health::down, Reason::tls,
       "CERT_HAS_EXPIRED", ""},
      {"too long", "", failure(Reason::protocol, "", "the body is over 1048576 bytes"), Health::down, Reason::protocol, "", "over"},
      {"out of descriptors", "", failure(Reason::connect, "EMFILE", "too many open files"), Health::unknown, Reason::own_fault, "EMFILE",
       ""},
      {"no network: the witnesses decide", "", failure(Reason::connect, "ENETUNREACH", "no route"), Health::down, Reason::connect,
       "ENETUNREACH", ""},
      {"own failure", "", failure(Reason::internal, "", "no memory"), Health::unknown, Reason::internal, "", ""},
      {"redirect not followed", "redirects = 0", response(302, "", {{"Location", "/x"}}), Health::down, Reason::assertion, "302",
       "got 302"},
      {"redirects without end", "redirects = 3", response(302, "", {{"Location", "/x"}}), Health::down, Reason::assertion, "302",
       "got 302; it redirects still, after the 3 that `redirects` allows"},
      {"redirect to nowhere", "", response(301, "", {{"location", "ftp://x/"}}), Health::down, Reason::protocol, "301",
       "can't be followed"},
      {"redirect to nowhere, with a token", "", response(301, "", {{"location", "ftp://x/y?token=abc#d"}}), Health::down, Reason::protocol,
       "301", "can't be followed: 'ftp://x/y'"},
      {"a token is answered", "body_matches = \"^ok$\"", response(200, R"({"access_token":"abc","n":1})"), Health::down, Reason::assertion,
       "200", R"(got '{"access_token":"***","n":1}')"},
      {"JSON without end", "json = [{ pointer = \"/0\" }]", response(200, "[0" + several(",0", 100'000) + "]"), Health::down,
       Reason::assertion, "200", "more than 100000 values"},
      {"JSON almost without end", "json = [{ pointer = \"/0\" }]", response(200, "[0" + several(",0", 99'990) + "]"), Health::up,
       Reason::none, "200", ""},
      {"JSON of one long text", "json = [{ pointer = \"/0\" }]", response(200, "[\"" + several(",[", 200'000) + "\"]"), Health::up,
       Reason::none, "200", ""},
      {"redirect without location", "", response(301), Health::down, Reason::assertion, "301", "got 301"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    FakeWorld world;
    world.http.answers = {row.answer};
    const auto probe = probe_of("http", target + row.toml);
    const Outcome outcome = world.run(*probe);
    CHECK(health_name(outcome.outcome) == health_name(row.health));
    CHECK(reason_name(outcome.reason) == reason_name(row.reason));
    CHECK(outcome.code == row.code);
    CHECK(outcome.message.find(row.says) != std::string::npos);
    if (outcome.message.find(row.says) == std::string::npos) MESSAGE(outcome.message);
  }
}

TEST_CASE("http: slow is degraded, and only when the answer is right") {
  FakeWorld world;
  world.http.takes = milliseconds{700};
  world.http.answers = {response(200)};
  const auto probe = probe_of("http", target + "slower_than = \"500ms\"");
  const Outcome slow = world.run(*probe);
  CHECK(slow.outcome == Health::degraded);
  CHECK(slow.reason == Reason::timeout);
  CHECK(slow.phases[Phase::response] == milliseconds{700});
  world.http.answers = {response(500)};
  CHECK(world.run(*probe).outcome == Health::down);
  world.http.takes = milliseconds{500};
  world.http.answers = {response(200)};
  CHECK(world.run(*probe).outcome == Health::up);
}

TEST_CASE("http: what is sent") {
  setenv("DRWATCH_TEST_SECRET", "s3cret-value", 1);
  FakeWorld world;
  world.http.answers = {response(200)};
  const auto probe = probe_of("http", target + R"(
method = "POST"
body = "{}"
headers = { accept = "text/plain", x-api-key = { env = "DRWATCH_TEST_SECRET" } }
basic = { user = "drwatch", password = { env = "DRWATCH_TEST_SECRET" } }
tls = { verify = false, ca = "ca.pem" }
family = "v6"
max_body = 100
)");
  world.run(*probe);
  REQUIRE(world.http.requests.size() == 1);
  const HttpRequest& request = world.http.requests[0];
  CHECK(request.method == "POST");
  CHECK(request.body == "{}");
  CHECK(request.family == Family::v6);
  CHECK(request.max_body == 100);
  CHECK_FALSE(request.tls.verify);
  CHECK(request.tls.ca_file == "/etc/drwatch/ca.pem");
  CHECK(sent(request, "accept") == std::vector<std::string>{"text/plain"});
  CHECK(sent(request, "x-api-key") == std::vector<std::string>{"s3cret-value"});
  CHECK(sent(request, "Authorization") == std::vector<std::string>{"Basic ZHJ3YXRjaDpzM2NyZXQtdmFsdWU="});
}

TEST_CASE("http: a secret body is sent to its own origin only") {
  setenv("DRWATCH_TEST_SECRET", "{\n\"password\": \"s3cret-value\"}", 1);
  FakeWorld world;
  world.http.answers = {response(307, "", {{"Location", "/token"}}), response(307, "", {{"Location", "https://other.example.org/"}}),
                        response(200)};
  const auto probe = probe_of("http", target + R"(
method = "POST"
body = { env = "DRWATCH_TEST_SECRET" }
)");
  CHECK(world.run(*probe).outcome == Health::up);
  const auto& requests = world.http.requests;
  REQUIRE(requests.size() == 3);
  for (int i : {0, 1}) CHECK(requests[i].body == "{\n\"password\": \"s3cret-value\"}");
  CHECK(requests[2].body.empty());
  unsetenv("DRWATCH_TEST_SECRET");
  const auto without = probe_of("http", target + "body = { env = \"DRWATCH_TEST_SECRET\" }\n");
  CHECK(world.run(*without).outcome == Health::unknown);
}

TEST_CASE("http: a redirect keeps credentials on its own origin and takes none to another, nor back") {
  setenv("DRWATCH_TEST_SECRET", "s3cret-value", 1);
  FakeWorld world;
  world.http.answers = {response(307, "", {{"Location", "/login"}}), response(302, "", {{"Location", "https://other.example.org/a?b=c#d"}}),
                        response(302, "", {{"Location", "https://api.example.org/back"}}), response(200)};
  const auto probe = probe_of("http", target + R"(
method = "POST"
body = "x"
headers = { accept = "a/b", x-key = { env = "DRWATCH_TEST_SECRET" } }
bearer = { env = "DRWATCH_TEST_SECRET" }
tls = { certificate = "c.pem", key = "k.pem" }
)");
  const Outcome outcome = world.run(*probe);
  CHECK(outcome.outcome == Health::up);
  CHECK(outcome.facts.at("redirected_to") == "https://api.example.org/back");
  const auto& requests = world.http.requests;
  REQUIRE(requests.size() == 4);
  CHECK(requests[1].url == "https://api.example.org/login");
  CHECK(requests[1].method == "POST");
  CHECK(requests[1].body == "x");
  CHECK(sent(requests[1], "Authorization").size() == 1);
  CHECK(requests[2].url == "https://other.example.org/a?b=c");
  CHECK(requests[2].method == "GET");
  CHECK(requests[2].body.empty());
  CHECK(sent(requests[2], "accept").size() == 1);
  for (int i : {2, 3}) {
    CHECK(sent(requests[i], "Authorization").empty());
    CHECK(sent(requests[i], "x-key").empty());
    CHECK(requests[i].tls.certificate_file.empty());
  }
}

TEST_CASE("http: no secret in what is shown, and no request without one") {
  setenv("DRWATCH_TEST_SECRET", "s3cret-value", 1);
  FakeWorld world;
  // Right at the place where a quotation is cut.
  world.http.answers = {response(200, std::string(110, 'x') + "s3cret-value" + "Basic ZHJ3YXRjaDpzM2NyZXQtdmFsdWU=")};
  const auto probe = probe_of("http", target + R"(
basic = { user = "drwatch", password = { env = "DRWATCH_TEST_SECRET" } }
body_matches = "^ok$"
)");
  const Outcome echoed = world.run(*probe);
  CHECK(echoed.outcome == Health::down);
  CHECK(echoed.message.find("s3c") == std::string::npos);
  CHECK(echoed.message.find("***") != std::string::npos);

  setenv("DRWATCH_TEST_URL", "https://hooks.example.org/T0K3N/health", 1);
  const auto hidden = probe_of("http", "target = { env = \"DRWATCH_TEST_URL\" }");
  world.http.answers = {response(500)};
  const Outcome shown = world.run(*hidden);
  CHECK(shown.message.find("T0K3N") == std::string::npos);
  CHECK(shown.message.find("https://hooks.example.org") != std::string::npos);

  setenv("DRWATCH_TEST_SECRET", "a\r\nX-Injected: 1", 1);
  const auto broken = probe_of("http", target + "bearer = { env = \"DRWATCH_TEST_SECRET\" }");
  world.http.requests.clear();
  const Outcome refused = world.run(*broken);
  CHECK(refused.outcome == Health::unknown);
  CHECK(refused.reason == Reason::internal);
  CHECK(world.http.requests.empty());
}

TEST_CASE("http: what the configuration must not say") {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "target"},
      {"target = \"ftp://x/\"", "target"},
      {"target = \"https://u:p@x/\"", "target"},
      {"target = \"https://x/\"\nmax_body = 16777217", "max_body"},
      {"target = \"https://x/\"\nstatus = 99", "not an HTTP status"},
      {"target = \"https://x/\"\nstatus = \"299-200\"", "not an HTTP status"},
      {"target = \"https://x/\"\nstatus = []", "is empty"},
      {"target = \"https://x/\"\nbody_matches = \"(\"", "regular expression"},
      {"target = \"https://x/\"\nheader_matches = { a = \"(\" }", "regular expression"},
      {"target = \"https://x/\"\nheaders = { authorization = \"Bearer x\" }", "carries a secret"},
      {"target = \"https://x/\"\nheaders = { a = \"b\\r\\nc: d\" }", "line breaks"},
      {"target = \"https://x/\"\njson = [{ pointer = \"a\" }]", "JSON pointer"},
      {"target = \"https://x/\"\njson = [{ pointer = \"/a\", exists = false, min = 1 }]", "nothing to compare"},
      {"target = \"https://x/\"\ntls = { certificate = \"c\" }", "both certificate and key"},
      {"target = \"https://x/\"\nbearer = { env = \"PATH\" }\nbasic = { user = \"u\", password = { env = \"PATH\" } }", "more than one"},
      {"target = \"https://x/\"\nbody_match = \"x\"", "body_matches"},
  };
  for (const auto& [toml, says] : wrong) {
    CAPTURE(toml);
    const auto problems = problems_of("http", toml);
    REQUIRE(problems.size() >= 1);
    CHECK(problems[0].find(says) != std::string::npos);
    if (problems[0].find(says) == std::string::npos) MESSAGE(problems[0]);
  }
}

}  // namespace http_test
