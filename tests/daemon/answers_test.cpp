// SPDX-License-Identifier: Apache-2.0
// The same Idempotency-Key is one action, whatever happens in between. Contract: "HTTP".
#include "daemon/answers.hpp"
#include "tests/daemon/machine.hpp"

#include <doctest/doctest.h>

namespace answers_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {
int notes(const Machine& m, const std::string& text) {
  int found = 0;
  for (const Event& e : m.incident()->timeline) found += e.kind == "incident.noted" && e.body.text("text") == text;
  return found;
}
struct Opened {
  Machine m;
  std::string id;
  Opened() {
    m.start();
    m.pass(minutes{1});
    id = m.submit(OpenIncident{"database-outage", "oncall", ""}, "open")->subject;
  }
  Answer note(const std::string& text, const std::string& key) {
    auto answer = m.submit(AddNote{id, text, "oncall"}, key);
    REQUIRE(answer);
    return *answer;
  }
};
}  // namespace

TEST_CASE("the same key twice is one action, different keys are two") {
  Opened o;
  CHECK_FALSE(o.note("hello", "a").repeated);
  Answer again = o.note("hello", "a");
  CHECK(again.repeated);
  CHECK(again.durable);
  CHECK(again.subject == o.id);
  CHECK(notes(o.m, "hello") == 1);
  CHECK_FALSE(o.note("hello", "b").repeated);
  CHECK(notes(o.m, "hello") == 2);
  o.note("no key", "");
  o.note("no key", "");
  CHECK(notes(o.m, "no key") == 2);
}

TEST_CASE("a key is remembered over a restart and a crash, with its answer") {
  Opened o;
  o.note("hello", "a");
  auto refused = o.m.submit(StepAction{o.id, "dance", OnStep::done, "oncall", ""}, "wrong");
  REQUIRE(refused);
  REQUIRE(refused->refused);
  SUBCASE("restart") { o.m.stop(); }
  SUBCASE("crash") {
    o.m.pass(seconds{1});
    o.m.crash();
  }
  o.m.start();
  Answer again = o.note("hello", "a");
  CHECK(again.repeated);
  CHECK(again.subject == o.id);
  CHECK(notes(o.m, "hello") == 1);
  auto refused_again = o.m.submit(StepAction{o.id, "dance", OnStep::done, "oncall", ""}, "wrong");
  REQUIRE(refused_again);
  REQUIRE(refused_again->refused);
  CHECK(refused_again->repeated);
  CHECK(refused_again->refused->status == refused->refused->status);
  CHECK(refused_again->refused->title == refused->refused->title);
}

TEST_CASE("what was refused because of how things stood is decided anew") {
  Opened o;
  const auto resolve = [&] { return o.m.submit(Resolve{o.id, false, false, "oncall", ""}, "end"); };
  const auto refused = resolve();
  REQUIRE(refused);
  REQUIRE(refused->refused);
  CHECK(refused->refused->status == 409);
  for (const IncidentStep& step : std::vector(o.m.incident()->steps))
    REQUIRE_FALSE(o.m.submit(StepAction{o.id, step.plan.id, OnStep::skip, "oncall", "not needed", true})->refused);
  const auto done = resolve();
  REQUIRE(done);
  CHECK_FALSE(done->refused);
  CHECK_FALSE(done->repeated);
  CHECK(resolve()->repeated);
}

TEST_CASE("wherever a crash falls, asking again with the same key does it once") {
  for (int turns = 0; turns < 6; ++turns) {
    CAPTURE(turns);
    Opened o;
    o.m.pass(seconds{1});
    o.m.writes_a_turn = 1;  // the disk takes one write every 50 ms
    o.m.submit_and_leave(AddNote{o.id, "hello", "oncall"}, "a");
    o.m.pass(Duration{50} * turns);
    o.m.crash();
    o.m.writes_a_turn = 1000;
    o.m.start();
    o.note("hello", "a");
    CHECK(notes(o.m, "hello") == 1);
  }
}

TEST_CASE("asked again, what was made is said to have been made, and what was there already is not; also after a restart") {
  Machine m;
  m.start();
  m.pass(minutes{1});
  const auto open = [&](const std::string& key) { return m.submit(OpenIncident{"database-outage", "oncall", ""}, key)->made; };
  const auto maintain = [&](const std::string& key) { return m.submit(StartMaintenance{{"database"}, hours{1}, "oncall", ""}, key)->made; };
  CHECK(open("a"));
  CHECK_FALSE(open("b"));
  CHECK(maintain("c"));
  CHECK(open("a"));
  m.stop();
  m.start();
  CHECK(open("a"));
  CHECK_FALSE(open("b"));
  CHECK(maintain("c"));
  CHECK(maintain("d"));
}

TEST_CASE("so many keys are remembered, and beyond that the newest") {
  Opened o;
  o.m.stop();
  Answer earlier;
  earlier.subject = o.id;
  const Time from = o.m.clock.now() - hours{1};
  for (int n = 0; n < 10'000; ++n) o.m.disk.kept["answer/k" + std::to_string(n)] = answer_text(from + milliseconds{n}, earlier);
  o.m.start();
  CHECK(o.note("hello", "k2").repeated);
  o.note("one more", "new");
  o.m.pass(seconds{1});
  CHECK_FALSE(o.m.disk.kept.contains("answer/k0"));
  CHECK(o.m.disk.kept.contains("answer/k2"));
  CHECK(o.note("one more", "new").repeated);
  CHECK_FALSE(o.note("hello", "k0").repeated);
  CHECK(notes(o.m, "hello") == 1);
}

TEST_CASE("a key is forgotten after a day") {
  Opened o;
  o.note("hello", "a");
  o.m.stop();  // most of the day without it: time with nothing in it costs nothing
  o.m.pass(hours{23} + minutes{50});
  o.m.start();
  o.m.pass(minutes{1});
  CHECK(o.note("hello", "a").repeated);
  o.m.pass(minutes{15});
  CHECK_FALSE(o.note("hello", "a").repeated);
  CHECK(notes(o.m, "hello") == 2);
  o.note("other", "b");
  o.m.pass(seconds{1});
  CHECK(o.m.disk.kept.count("answer/a") == 1);
  CHECK(o.m.disk.kept.count("answer/open") == 0);
}

TEST_CASE("what comes while it stops is refused, not swallowed") {
  Opened o;
  o.m.truth.targets["primary"].stalls = true;  // there is something to wait for
  o.m.pass(seconds{35});
  const std::string id = o.id;
  TaskGroup stopping(o.m.loop.get_executor(), [](const std::string&, std::exception_ptr) {});
  stopping.spawn("stop", o.m.daemon().stop("told to"));
  o.m.clock.settle();
  Answer answer = o.note("too late", "late");
  REQUIRE(answer.refused);
  CHECK(answer.refused->status == 503);
  o.m.pass(seconds{11});
  o.m.crash();
  o.m.start();
  CHECK(notes(o.m, "too late") == 0);
  CHECK_FALSE(o.note("too late", "late").refused);
  CHECK(notes(o.m, "too late") == 1);
}

}  // namespace answers_test
