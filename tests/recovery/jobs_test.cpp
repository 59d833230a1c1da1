// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "platform.hpp"

namespace jobs_test {

using namespace drwatch;
using namespace drwatch::testing;
using What = Pinged::What;

namespace {
// 02:00 + m minutes; the job is due on the hour, has 10 minutes to start and 20 to run.
Time at(int m) { return *parse_time("2026-03-01T02:00:00Z") + minutes{m}; }
void to(Stage& stage, int m) { stage.pass(at(m) - stage.now); }
std::string_view is(Stage& stage) { return health_name(stage.probe("nightly")); }
Reason why(Stage& stage) { return stage.state.record.probes["nightly"].reason; }
void ping(Stage& stage, What what, std::string rid = "", int code = 0) { stage.feed(Pinged{"nightly", what, rid, code, ""}); }
}  // namespace

TEST_CASE("a job that nobody heard of is unknown, then late, then missed") {
  Stage stage(platform());
  to(stage, 59);
  CHECK(is(stage) == "unknown");
  to(stage, 61);
  CHECK(is(stage) == "degraded");
  CHECK(why(stage) == Reason::absent);
  to(stage, 70);
  CHECK(is(stage) == "down");
  to(stage, 75);
  ping(stage, What::start);
  CHECK(is(stage) == "down");  // only a success mends it
  ping(stage, What::success);
  CHECK(is(stage) == "up");
}

TEST_CASE("start and success in time; the occurrence after is another one") {
  Stage stage(platform());
  to(stage, 60);
  ping(stage, What::start);
  to(stage, 79);
  ping(stage, What::success);
  CHECK(is(stage) == "up");
  to(stage, 120);
  CHECK(is(stage) == "up");
  to(stage, 130);
  CHECK(is(stage) == "down");
}

TEST_CASE("running over, twice over, and the end of it") {
  Stage stage(platform());
  ping(stage, What::success);
  to(stage, 60);
  ping(stage, What::start);
  to(stage, 80);
  CHECK(is(stage) == "degraded");
  CHECK(why(stage) == Reason::timeout);
  to(stage, 100);
  CHECK(is(stage) == "down");
  ping(stage, What::success);
  CHECK(is(stage) == "up");
}

TEST_CASE("runs are told apart by their ids") {
  Stage stage(platform());
  ping(stage, What::success);
  to(stage, 60);
  ping(stage, What::start, "a");
  to(stage, 65);
  ping(stage, What::start, "b");
  ping(stage, What::success, "b");
  to(stage, 80);
  CHECK(is(stage) == "degraded");  // a still runs
  ping(stage, What::success, "a");
  CHECK(is(stage) == "up");
}

TEST_CASE("a failure lasts until the next success, and says its exit code") {
  Stage stage(platform());
  ping(stage, What::success);
  to(stage, 60);
  ping(stage, What::start);
  ping(stage, What::fail, "", 3);
  CHECK(is(stage) == "down");
  CHECK(why(stage) == Reason::assertion);
  CHECK(stage.state.record.probes["nightly"].message.find("exit code 3") != std::string::npos);
  to(stage, 119);
  CHECK(is(stage) == "down");
  ping(stage, What::success);
  CHECK(is(stage) == "up");
}

TEST_CASE("no success for too long") {
  Settings s = platform();
  s.probes["nightly"].job->schedule.reset();
  s.probes["nightly"].job->period = hours{24};
  s.probes["nightly"].job->max_success_age = hours{2};
  Stage stage(s);
  ping(stage, What::success);
  to(stage, 119);
  CHECK(is(stage) == "up");
  to(stage, 120);
  CHECK(is(stage) == "down");
  CHECK(why(stage) == Reason::stale);
}

TEST_CASE("however long drwatch could not hear: the rest of the grace is still to come") {
  Stage stage(platform());
  to(stage, 65);  // due at 60, late, five of the ten minutes left
  stage.state.kept.alive_at = stage.now;
  stage.now += hours{5};
  stage.feed(DaemonStarted{"test"});
  stage.feed(ConfigurationLoaded{});
  stage.pass(minutes{4});
  CHECK(is(stage) == "degraded");
  stage.pass(minutes{1});
  CHECK(is(stage) == "down");
}

TEST_CASE("time in which drwatch could not hear is credited") {
  Stage stage(platform());
  ping(stage, What::success);
  to(stage, 55);
  stage.state.kept.alive_at = stage.now;
  SUBCASE("the due time itself fell into it: that occurrence is not judged") {
    stage.now = at(65);
    stage.feed(DaemonStarted{"test"});
    to(stage, 119);
    CHECK(is(stage) == "up");
    to(stage, 130);
    CHECK(is(stage) == "down");
  }
  SUBCASE("part of the grace fell into it") {
    to(stage, 60);
    stage.state.kept.alive_at = at(60) + seconds{1};
    stage.now = at(66);
    stage.feed(DaemonStarted{"test"});
    to(stage, 75);
    CHECK(is(stage) == "degraded");
    to(stage, 76);
    CHECK(is(stage) == "down");
  }
}

TEST_CASE("a job's log is told by its last line, with the rest behind it") {
  struct Row {
    const char* sent;
    int code;
    std::string message, said;
  };
  const std::string log = "step 1\nstep 2\n\tdisk full: /srv\r\n\n";
  const std::string wide(500, 'x');
  const Row rows[] = {
      {"", 0, "failed", ""},
      {"", 3, "failed: exit code 3", ""},
      {"no space", 0, "failed: no space", ""},
      {"no space", 3, "failed: exit code 3, no space", ""},
      {log.c_str(), 3, "failed: exit code 3, disk full: /srv", log},
      {log.c_str(), 0, "failed: disk full: /srv", log},
      {wide.c_str(), 0, "failed: ..." + std::string(200, 'x'), wide},
      {"\n \n", 0, "failed: ", "\n \n"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.sent);
    Stage stage(platform());
    stage.feed(Pinged{"nightly", What::fail, "", row.code, row.sent});
    const Outcome& last = *stage.state.sight.probes.at("nightly").last;
    CHECK(last.outcome == Health::down);
    CHECK(last.message == row.message);
    CHECK((last.facts.count("said") ? last.facts.at("said") : "") == row.said);
  }
}

}  // namespace jobs_test
