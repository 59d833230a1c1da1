// SPDX-License-Identifier: Apache-2.0
// http: redirects as servers write them, and what goes along with them.
#include "probes/parts/http_redirect.hpp"
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

namespace http_redirect_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

std::vector<std::string> sent(const HttpRequest& request, const std::string& name) {
  std::vector<std::string> values;
  for (const auto& [key, value] : request.headers)
    if (key == name) values.push_back(value);
  return values;
}

}  // namespace

TEST_CASE("http: where a redirect leads, however it is written") {
  const std::pair<const char*, const char*> rows[] = {
      {"/next page", "https://api.example.org/next%20page"},
      {"/a[1]{2}|<3>\"", "https://api.example.org/a%5B1%5D%7B2%7D%7C%3C3%3E%22"},
      {"/stra\u00dfe?q=\u00fc", "https://api.example.org/stra%C3%9Fe?q=%C3%BC"},
      {"/100%", "https://api.example.org/100%25"},
      {"https://b\u00fccher.example/x", "https://xn--bcher-kva.example/x"},
      {" /padded ", "https://api.example.org/padded"},
      {"/kept%20as%2Fit%20is", "https://api.example.org/kept%20as%2Fit%20is"},
      {"//other.example.org/a b", "https://other.example.org/a%20b"},
      {"next", "https://api.example.org/start/next"},
      {"../up?a=b#c", "https://api.example.org/up?a=b"},
      {"./here/.", "https://api.example.org/start/here/"},
      {"/a/b/../../../c", "https://api.example.org/c"},
      {"/a/%2E%2e/b", "https://api.example.org/b"},
      {"?only=query", "https://api.example.org/start/?only=query"},
      {"HTTPS://user:pass@API.example.org:8443", "https://API.example.org:8443"},
  };
  for (const auto& [location, leads_to] : rows) {
    CAPTURE(location);
    FakeWorld world;
    world.http.answers = {response(302, "", {{"Location", location}}), response(200)};
    const Outcome outcome = world.run(*probe_of("http", "target = \"https://api.example.org/start/?x=y\"\n"));
    CHECK(outcome.outcome == Health::up);
    REQUIRE(world.http.requests.size() == 2);
    CHECK(world.http.requests[1].url == leads_to);
  }
}

TEST_CASE("http: a Host and a server's name of one's own stay at home") {
  FakeWorld world;
  const auto probe = probe_of("http", R"(
target = "https://192.0.2.7/start"
headers = { host = "api.example.org", accept = "a/b" }
tls = { server_name = "api.example.org" }
)");
  world.http.answers = {response(302, "", {{"Location", "/next"}}), response(302, "", {{"Location", "https://other.example.org/"}}),
                        response(200)};
  CHECK(world.run(*probe).outcome == Health::up);
  const auto& requests = world.http.requests;
  REQUIRE(requests.size() == 3);
  for (int i : {0, 1}) {
    CHECK(sent(requests[i], "host") == std::vector<std::string>{"api.example.org"});
    CHECK(requests[i].tls.server_name == "api.example.org");
  }
  CHECK(sent(requests[2], "host").empty());
  CHECK(requests[2].tls.server_name.empty());
  CHECK(sent(requests[2], "accept") == std::vector<std::string>{"a/b"});
}

TEST_CASE("http: what describes a body goes with it") {
  FakeWorld world;
  const auto probe = probe_of("http", R"(
target = "https://api.example.org/form"
method = "POST"
body = "{}"
headers = { Content-Type = "application/json", Content-Language = "en", accept = "a/b" }
)");
  world.http.answers = {response(302, "", {{"Location", "/done"}}), response(200)};
  CHECK(world.run(*probe).outcome == Health::up);
  CHECK(world.http.requests[1].method == "GET");
  CHECK(sent(world.http.requests[1], "Content-Type").empty());
  CHECK(sent(world.http.requests[1], "Content-Language").empty());
  CHECK(sent(world.http.requests[1], "accept").size() == 1);
  world.http.requests.clear();
  world.http.answers = {response(307, "", {{"Location", "/done"}}), response(200)};
  CHECK(world.run(*probe).outcome == Health::up);
  CHECK(world.http.requests[1].method == "POST");
  CHECK(sent(world.http.requests[1], "Content-Type").size() == 1);
}

TEST_CASE("http: a body that nobody looks at may be packed as it likes") {
  const std::string target = "target = \"https://api.example.org/\"\n";
  const HttpResponse odd[] = {response(200, "x", {{"Content-Encoding", "zstd"}}), response(200, "not gzip", {{"Content-Encoding", "gzip"}}),
                              response(200, "x", {{"Content-Encoding", "gzip, gzip, gzip, gzip"}})};
  for (const HttpResponse& answer : odd) {
    const auto asked = [&](const std::string& toml) {
      FakeWorld world;
      world.http.answers = {answer};
      return world.run(*probe_of("http", target + toml));
    };
    CHECK(asked("").outcome == Health::up);
    CHECK(asked("header_matches = { Content-Encoding = \".\" }").outcome == Health::up);
    for (const char* looks : {"body_matches = \"x\"", "body_not_matches = \"error\"", "json = [{ pointer = \"/a\" }]"}) {
      CAPTURE(looks);
      const Outcome outcome = asked(looks);
      CHECK(outcome.outcome == Health::down);
      CHECK(outcome.reason == Reason::protocol);
    }
    CHECK(asked("status = 404").reason == Reason::assertion);  // the status says more than the packing
    CHECK(asked("status = 404\nbody_matches = \"x\"").code == "200");
  }
}

TEST_CASE("the same host, by whatever scheme and port") {
  CHECK(same_host("https://a.example/x", "http://A.example:8080/"));
  CHECK_FALSE(same_host("https://a.example/x", "https://b.example/x"));
  CHECK_FALSE(same_host("https://a.example/x", "x"));
}

}  // namespace http_redirect_test
