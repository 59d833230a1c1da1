// SPDX-License-Identifier: Apache-2.0
// http: what must be refused, and what must stay as it is. A gateway that fails proves neither.
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

namespace http_guard_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

struct Row {
  const char* what;
  Result<HttpResponse> answer;
  Health health;
};

void judge(const std::string& toml, std::initializer_list<Row> rows) {
  const auto probe = probe_of("http", "target = \"https://api.example.org/user\"\n" + toml);
  CHECK(probe->when_late() == Health::unknown);
  for (const Row& row : rows) {
    CAPTURE(row.what);
    FakeWorld world;
    world.http.answers = {row.answer};
    const Outcome outcome = world.run(*probe);
    CHECK(health_name(outcome.outcome) == health_name(row.health));
  }
}

}  // namespace

TEST_CASE("http: a guard is down when something was let in, and only then") {
  judge("asks = \"refusal\"\nstatus = [401, 403]\nbody_not_matches = \"maintenance\"\n",
        {{"refused", response(401), Health::up},
         {"refused in another way", response(403, "no"), Health::up},
         {"let in", response(200, "{}"), Health::down},
         {"let in without a word", response(204), Health::down},
         {"by somebody else", response(403, "maintenance page"), Health::unknown},
         {"the gateway fails", response(502), Health::unknown},
         {"the service fails", response(500), Health::unknown},
         {"asked too often", response(429), Health::unknown},
         {"not there", response(404), Health::unknown},
         {"nobody listens", failure(Reason::connect, "ECONNREFUSED", "refused"), Health::unknown},
         {"no such name", failure(Reason::dns, "NXDOMAIN", "no such name"), Health::unknown},
         {"a certificate that is not believed", failure(Reason::tls, "CERT_HAS_EXPIRED", "expired"), Health::unknown}});
  // A page for everybody behind a redirect is not what was guarded.
  FakeWorld world;
  world.http.answers = {response(302, "", {{"Location", "/login"}}), response(200, "log in")};
  CHECK(world.run(*probe_of("http", "target = \"https://api.example.org/user\"\nasks = \"refusal\"\nstatus = 401\n")).outcome ==
        Health::unknown);
  CHECK(problems_of("http", "target = \"https://api.example.org/user\"\nasks = \"refusal\"\n").size() == 1);
  world.http.answers = {response(200)};
  const Outcome in = world.run(*probe_of("http", "target = \"https://api.example.org/user\"\nasks = \"refusal\"\nstatus = 401\n"));
  CHECK(in.message.find("was let in") != std::string::npos);
}

TEST_CASE("http: a decoy is down when it was changed or taken away, and only then") {
  judge("asks = \"content\"\nstatus = 200\nbody_matches = \"^name;month\"\n",
        {{"as it was", response(200, "name;month\n"), Health::up},
         {"changed", response(200, "pay us"), Health::down},
         {"gone", response(404), Health::down},
         {"gone for good", response(410), Health::down},
         {"the service fails", response(503), Health::unknown},
         {"not for us any more", response(403), Health::unknown},
         {"nobody listens", failure(Reason::connect, "ECONNREFUSED", "refused"), Health::unknown}});
}

}  // namespace http_guard_test
