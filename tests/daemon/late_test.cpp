// SPDX-License-Identifier: Apache-2.0
// A loop that is late: what it saw meanwhile is not held against the platform. Contract: "Late". A pause of the machine makes it late;
// virtual time by itself never is.
#include "tests/daemon/machine.hpp"

#include <doctest/doctest.h>

namespace late_test {

using namespace drwatch;
using namespace drwatch::testing;
using Moment = LoopWatch::Moment;

namespace {

std::uint64_t runs_seen(const Machine& m, const std::string& probe, Health health) {
  return m.state().sight.probes.at(probe).runs[static_cast<int>(health)];
}

}  // namespace

TEST_CASE("a turn is late when it comes more than 250 ms after it was due") {
  LoopWatch watch;
  CHECK_FALSE(watch.turned(seconds{1}));  // nothing was due
  watch.sleeps_until(seconds{2});
  CHECK_FALSE(watch.turned(seconds{2} + Duration{250}));
  CHECK_FALSE(watch.late_since());
  CHECK(watch.late_in(Moment{0}, seconds{3}) == Duration{0});
  watch.sleeps_until(seconds{4});
  CHECK(watch.late_in(seconds{3}, seconds{4} + Duration{250}) == Duration{0});
  CHECK(watch.late_in(seconds{3}, seconds{4} + Duration{251}) == Duration{251});  // it has not turned yet
  CHECK_FALSE(watch.turned(seconds{5}));
  CHECK(watch.late_since() == Moment(seconds{4}));
  CHECK(watch.late_in(seconds{3}, seconds{6}) == seconds{1});
  CHECK(watch.late_in(seconds{5}, seconds{6}) == Duration{0});  // began after the turn
  CHECK(watch.late_in(seconds{2}, seconds{4}) == Duration{0});  // ended before it was due
  watch.sleeps_until(seconds{6});
  CHECK_FALSE(watch.turned(seconds{9}));
  CHECK(watch.late_since() == Moment(seconds{4}));
  CHECK(watch.late_in(seconds{3}, seconds{10}) == seconds{3});
  watch.sleeps_until(seconds{9});
  CHECK_FALSE(watch.turned(minutes{2}));  // the machine slept
  CHECK_FALSE(watch.late_since());
  watch.sleeps_until(minutes{2});
  CHECK(watch.turned(minutes{2}));
  watch.sleeps_until(minutes{3});
  CHECK_FALSE(watch.turned(minutes{3} + seconds{1}));
  CHECK(watch.late_since() == Moment(minutes{3}));
  watch.sleeps_until(minutes{4});
  CHECK(watch.turned(minutes{4}));        // on time again
  CHECK_FALSE(watch.turned(minutes{5}));  // nothing was due
}

TEST_CASE("a stretch in which each turn is late has one beginning, and one end") {
  LoopWatch watch;
  watch.sleeps_until(seconds{4});
  CHECK_FALSE(watch.turned(seconds{5}));
  watch.sleeps_until(seconds{6});
  CHECK_FALSE(watch.turned(seconds{9}));
  watch.sleeps_until(seconds{10});
  CHECK(watch.turned(seconds{10}));  // on time again
  CHECK_FALSE(watch.late_since());
  CHECK(watch.late_in(seconds{3}, seconds{11}) == seconds{3});  // it was late meanwhile
}

TEST_CASE("a run that its deadline ends while the loop was late is unknown, and repeated as soon as it is on time") {
  Machine m;
  m.start();
  m.pass(minutes{5});
  const auto down = runs_seen(m, "primary", Health::down);
  // The run has begun, and would have been answered in time: the machine stands still for longer than its timeout.
  m.truth.targets["primary"].stalls = true;
  REQUIRE(m.until([&] { return m.runs.running["primary"] > 0; }, minutes{1}));
  m.clock.pause(seconds{15});
  m.truth.targets["primary"].stalls = false;
  m.pass(seconds{1});
  CHECK(runs_seen(m, "primary", Health::down) == down);
  CHECK(runs_seen(m, "primary", Health::unknown) == 1);
  const auto& failures = m.state().sight.probes.at("primary").failures;
  REQUIRE_FALSE(failures.empty());
  REQUIRE(failures.back().whole);
  CHECK(failures.back().whole->reason == Reason::own_fault);
  CHECK(failures.back().whole->message.find("drwatch itself was late by ") == 0);
  CHECK(failures.back().whole->message.find("it saw: no answer within 10 s") != std::string::npos);
  // Repeated at once, not at the next turn, and well.
  m.pass(seconds{1});
  CHECK(m.state().sight.probes.at("primary").last->outcome == Health::up);
  CHECK_FALSE(m.state().record.blind_since);
}

TEST_CASE("a run that goes on after the loop was late is repeated when it ends") {
  Machine m;
  m.configuration.edit("retry    = \"10s\"", "retry    = \"25s\"");  // a suspicion alone would have it repeated only then
  m.start();
  m.pass(minutes{5});
  m.truth.targets["primary"].stalls = true;
  REQUIRE(m.until([&] { return m.runs.running["primary"] > 0; }, minutes{1}));
  m.clock.pause(seconds{1});
  m.pass(seconds{2});  // on time again, and the run waits on
  m.truth.targets["primary"].stalls = false;
  REQUIRE(m.runs.running["primary"] > 0);
  REQUIRE(m.until([&] { return runs_seen(m, "primary", Health::unknown) == 1; }, seconds{11}));
  m.pass(seconds{1});  // not at its next turn
  CHECK(m.state().sight.probes.at("primary").last->outcome == Health::up);
}

TEST_CASE("what is down while the loop is on time is down") {
  Machine m;
  m.start();
  m.pass(minutes{5});
  m.breaks("primary");
  CHECK(m.until([&] { return m.health("database") == Health::down; }, minutes{2}));
  CHECK(runs_seen(m, "primary", Health::unknown) == 0);
}

TEST_CASE("a loop that was late for more than half a minute was blind, and says so") {
  Machine m;
  m.start();
  m.pass(minutes{5});
  for (int turn = 0; turn < 30; ++turn) {  // no turn is on time, and none is late enough to be a pause
    m.clock.pause(milliseconds{1500});
    m.pass(milliseconds{1});
  }
  m.pass(seconds{5});
  REQUIRE(m.told.last("blind.began"));
  CHECK(m.told.last("blind.began")->message.find("drwatch is blind: it is late itself") == 0);
  REQUIRE(m.told.last("blind.ended"));
  CHECK(m.told.last("blind.ended")->message == "drwatch can see again: it is on time");
  CHECK_FALSE(m.state().record.blind_since);
  CHECK(m.until([&] { return m.health("database") == Health::up; }, minutes{1}));
  CHECK(m.told.count("blind.began") == 1);
}

// It is over when it is seen. What lies in it is blind time.
TEST_CASE("a pause is no blindness") {
  for (const Duration paused : {seconds{20}, seconds{40}}) {
    Machine m;
    m.start();
    m.pass(minutes{5});
    m.clock.pause(paused);
    m.pass(minutes{2});
    CHECK(m.told.count("blind.began") == 0);
    REQUIRE(m.told.last("clock.jumped"));
    CHECK(m.health("database") == Health::up);
  }
}

}  // namespace late_test
