// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/asked_to_wait.hpp"
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

namespace asked_to_wait_test {

using namespace drwatch;
using namespace drwatch::testing;

TEST_CASE("what a Retry-After asks for") {
  const Time now = *parse_time("2026-03-01T02:00:00Z");
  struct Row {
    int status;
    const char* text;
    std::optional<Duration> wait;
  };
  const Row rows[] = {
      {503, "120", seconds{120}},
      {429, " 7 ", seconds{7}},
      {503, "0", seconds{0}},
      {503, "86400", minutes{5}},
      {503, "99999999999999999999", minutes{5}},
      {503, "Sun, 01 Mar 2026 02:01:00 GMT", seconds{60}},
      {503, "Sun, 01 Mar 2026 01:00:00 GMT", seconds{0}},
      {503, "Sun, 01 Mar 2037 01:00:00 GMT", minutes{5}},
      {503, "-5", std::nullopt},
      {503, "soon", std::nullopt},
      {503, "", std::nullopt},
      {200, "120", std::nullopt},
      {301, "120", std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(asked_to_wait(response(row.status, "", {{"retry-after", row.text}}), now) == row.wait);
  }
  CHECK_FALSE(asked_to_wait(response(503), now));
  // By the answer's own clock, which made the date.
  const HttpResponse dated =
      response(503, "", {{"Date", "Sun, 01 Mar 2026 03:00:00 GMT"}, {"Retry-After", "Sun, 01 Mar 2026 03:00:30 GMT"}});
  CHECK(asked_to_wait(dated, now) == seconds{30});
}

TEST_CASE("http: 429 is unknown, 503 is down, and both may ask for a wait") {
  const auto probe = probe_of("http", "target = \"https://api.example.org/health\"\n");
  FakeWorld world;
  world.http.answers = {response(429, "slow down", {{"Retry-After", "120"}}), response(503, "", {{"Retry-After", "3600"}}), response(503),
                        response(429)};
  const Outcome often = world.run(*probe);
  CHECK(often.outcome == Health::unknown);
  CHECK(often.reason == Reason::own_fault);
  CHECK(often.code == "429");
  CHECK(often.rate_limited);
  CHECK(often.wait == minutes{2});
  CHECK(often.message.find(
            "GET https://api.example.org/health: turns drwatch away for asking too often (429), and asks it to wait 2 min") == 0);
  const Outcome away = world.run(*probe);
  CHECK(away.outcome == Health::down);
  CHECK_FALSE(away.rate_limited);
  CHECK(away.wait == minutes{5});
  const Outcome silent = world.run(*probe);
  CHECK(silent.outcome == Health::down);
  CHECK_FALSE(silent.wait);
  CHECK(world.run(*probe).outcome == Health::unknown);
}

TEST_CASE("http: a 429 that was asked for is what was asked for") {
  FakeWorld world;
  world.http.answers = {response(429, "", {{"Retry-After", "120"}}), response(200)};
  const auto probe = probe_of("http", "target = \"https://api.example.org/limited\"\nstatus = 429\n");
  const Outcome limited = world.run(*probe);
  CHECK(limited.outcome == Health::up);
  CHECK_FALSE(limited.wait);
  CHECK(world.run(*probe).outcome == Health::down);
}

TEST_CASE("a status page and Supabase's API turn drwatch away in the same words of the outcome") {
  FakeWorld world;
  world.http.answers = {response(429, "", {{"Retry-After", "60"}})};
  const auto page = probe_of("statuspage", "target = \"https://status.example.org\"\n");
  const Outcome seen = world.run(*page);
  CHECK(seen.outcome == Health::unknown);
  CHECK(seen.rate_limited);
  CHECK(seen.wait == minutes{1});
}

}  // namespace asked_to_wait_test
