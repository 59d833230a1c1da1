// SPDX-License-Identifier: Apache-2.0
// The disk is full while the platform fails: watching, paging and answering go on, and nothing is lost. Design 3.
#include "tests/daemon/machine.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace journal_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

void check_the_record(const Machine& m) {
  std::uint64_t seq = 0;
  Time at{};
  Record replayed;
  for (const Event& e : m.disk.events) {
    CHECK(e.seq == ++seq);
    CHECK(e.at >= at);
    at = e.at;
    apply(replayed, e);
  }
  CHECK(seq == m.state().record.seq);
  CHECK(to_json(replayed) == to_json(m.state().record));
}

}  // namespace

TEST_CASE("a full disk delays no incident and no page, and all is written when there is room") {
  Machine m;
  m.start();
  m.pass(minutes{3});
  m.truth.disk_full = true;
  m.breaks("primary");
  // Three bad runs, the minute of `for`, and the journal's patience.
  REQUIRE(m.until([&] { return m.incident() != nullptr; }, seconds{30 + 30 + 60 + 5}));
  const Time opened = m.clock.now();
  CHECK(m.until([&] { return m.alert("DrwatchIncident"); }, seconds{4}));
  CHECK(m.clock.now() - opened <= seconds{3});
  CHECK(m.until([&] { return m.alert("DrwatchJournalFailing"); }, seconds{4}));
  CHECK_FALSE(m.daemon().figures().durable);
  CHECK(m.told.count("journal.failing") == 1);

  const Time asked = m.clock.now();
  auto answer = m.submit(AddNote{m.incident()->id, "seen on the phone", "oncall"});
  REQUIRE(answer);
  CHECK_FALSE(answer->durable);
  CHECK(m.clock.now() - asked <= seconds{2} + Duration{100});
  CHECK(m.disk.events.back().seq < m.state().record.seq);
  CHECK(m.daemon().figures().journal_waiting > 0);

  m.truth.disk_full = false;
  m.pass(seconds{10});
  CHECK(m.told.count("journal.mended") == 1);
  CHECK(m.daemon().figures().durable);
  CHECK(m.daemon().figures().journal_waiting == 0);
  CHECK_FALSE(m.alert("DrwatchJournalFailing"));
  CHECK(m.alert("DrwatchIncident"));
  check_the_record(m);
  answer = m.submit(AddNote{m.incident()->id, "again", "oncall"});
  REQUIRE(answer);
  CHECK(answer->durable);
}

TEST_CASE("while the disk refuses, what waits grows by events alone, and the newest values come with the rest") {
  Machine m;
  m.start();
  m.pass(minutes{3});
  m.truth.disk_full = true;
  m.pass(minutes{1});
  const std::uint64_t seq = m.state().record.seq;
  const std::size_t waiting = m.daemon().figures().journal_waiting;  // this disk counts writes
  for (int i = 0; i < 60; ++i) {
    m.submit_and_leave(Pinged{"nightly", Pinged::What::log, "", 0, "at work"});
    m.pass(seconds{10});
  }
  CHECK(m.daemon().figures().journal_waiting - waiting <= m.state().record.seq - seq + 1);
  m.truth.disk_full = false;
  m.pass(seconds{10});
  CHECK(m.daemon().figures().journal_waiting <= 1);
  CHECK(m.daemon().figures().durable);
  REQUIRE(parse_time(Json::parse(m.disk.kept.at("alive_at")).get<std::string>()));
  CHECK(m.clock.now() - *parse_time(Json::parse(m.disk.kept.at("alive_at")).get<std::string>()) <= seconds{4});
  check_the_record(m);
  // What is gathered when it ends is not left behind.
  m.disk_turn = minutes{1};
  m.pass(seconds{70});
  m.submit_and_leave(Pinged{"nightly", Pinged::What::success, "", 0, "done"});
  const Time ended = m.clock.now();
  m.stop();
  CHECK(ended - *parse_time(Json::parse(m.disk.kept.at("alive_at")).get<std::string>()) <= seconds{1});
}

TEST_CASE("many inputs at once wait for the disk together, and each has its answer") {
  Machine m;
  m.start();
  m.pass(minutes{1});
  auto opened = m.submit(OpenIncident{"database-outage", "oncall", ""});
  REQUIRE(opened);
  m.disk_turn = Duration{500};
  m.pass(seconds{2});
  std::vector<Input> inputs;
  for (int i = 0; i < 100; ++i)
    inputs.push_back(AddNote{i == 50 ? "no-such-incident" : opened->subject, "note " + std::to_string(i), "oncall"});
  const Time asked = m.clock.now();
  auto answers = m.submit_all(inputs);
  REQUIRE(answers);
  // One after the other would be fifty seconds. What is under way ends first.
  CHECK(m.clock.now() - asked <= seconds{2});
  REQUIRE(answers->size() == 100);
  for (std::size_t i = 0; i < answers->size(); ++i) {
    CHECK((*answers)[i].refused.has_value() == (i == 50));
    CHECK((*answers)[i].durable);
  }
  m.truth.disk_full = true;
  answers = m.submit_all({inputs[0], inputs[1]});
  REQUIRE(answers);
  for (const Answer& answer : *answers) CHECK_FALSE(answer.durable);
  m.truth.disk_full = false;
  m.pass(seconds{30});
  check_the_record(m);
}

TEST_CASE("a disk that is only slow is told of too, once, and once when it is well") {
  Machine m;
  m.start();
  m.pass(minutes{1});
  auto opened = m.submit(OpenIncident{"database-outage", "oncall", ""});
  REQUIRE(opened);
  CHECK(opened->durable);
  m.disk_turn = seconds{20};
  m.pass(seconds{1});
  const Time asked = m.clock.now();
  auto answer = m.submit(AddNote{opened->subject, "slow", "oncall"}, "slow-note");
  REQUIRE(answer);
  CHECK_FALSE(answer->durable);
  CHECK(m.clock.now() - asked <= seconds{2} + Duration{100});
  CHECK(m.until([&] { return m.alert("DrwatchJournalFailing"); }, seconds{6}));
  m.disk_turn = Duration{50};
  m.pass(minutes{1});
  CHECK_FALSE(m.alert("DrwatchJournalFailing"));
  CHECK(m.told.count("journal.failing") == 1);
  CHECK(m.told.count("journal.mended") == 1);
  // The same question again is now answered with what has become of it.
  auto again = m.submit(AddNote{opened->subject, "slow", "oncall"}, "slow-note");
  REQUIRE(again);
  CHECK(again->repeated);
  CHECK(again->durable);
  check_the_record(m);
}

TEST_CASE("a step's command begins only once its start is on disk, however long that takes, and once") {
  Machine m;
  m.start();
  m.pass(minutes{1});
  auto opened = m.submit(OpenIncident{"database-outage", "oncall", ""});
  REQUIRE(opened);
  m.truth.disk_full = true;
  auto answer = m.submit(StepAction{opened->subject, "restart", OnStep::run, "oncall", ""}, "run-1");
  REQUIRE(answer);
  CHECK_FALSE(answer->refused);
  CHECK_FALSE(answer->durable);
  m.pass(minutes{3});
  CHECK(m.commands.begun.empty());
  CHECK(m.incident()->step("restart")->state == StepState::running);
  m.submit(StepAction{opened->subject, "restart", OnStep::run, "oncall", ""}, "run-2");
  m.truth.disk_full = false;
  m.pass(seconds{5});
  REQUIRE(m.commands.begun.size() == 1);
  CHECK(m.commands.begun[0] == std::vector<std::string>{"/usr/sbin/restart-database", "--now"});
  m.pass(minutes{1});
  CHECK(m.commands.begun.size() == 1);
  CHECK(m.incident()->step("restart")->state == StepState::done);
  CHECK(m.incident()->step("restart")->evidence == "restarted");
}

TEST_CASE("a command is never begun twice: after a crash a person decides") {
  Machine m;
  m.start();
  m.pass(minutes{1});
  auto opened = m.submit(OpenIncident{"database-outage", "oncall", ""});
  REQUIRE(opened);
  SUBCASE("its start was on disk") {
    m.submit(StepAction{opened->subject, "restart", OnStep::run, "oncall", ""});
    m.pass(seconds{5});
    CHECK(m.commands.begun.size() == 1);
    m.crash();
    m.start();
    m.pass(minutes{10});
    CHECK(m.commands.begun.size() == 1);
    CHECK(m.incident()->step("restart")->state == StepState::interrupted);
  }
  SUBCASE("its start was not") {
    m.truth.disk_full = true;
    m.submit(StepAction{opened->subject, "restart", OnStep::run, "oncall", ""});
    m.crash();
    m.truth.disk_full = false;
    m.start();
    m.pass(minutes{10});
    CHECK(m.commands.begun.empty());
    CHECK(m.incident()->step("restart")->state == StepState::open);
  }
}

TEST_CASE("a command can be cancelled, run again, and cancelled again") {
  Machine m;
  m.start();
  m.pass(minutes{1});
  auto opened = m.submit(OpenIncident{"database-outage", "oncall", ""});
  REQUIRE(opened);
  auto act = [&](OnStep action) { REQUIRE(m.submit(StepAction{opened->subject, "restart", action, "oncall", ""})); };
  act(OnStep::run);
  m.pass(seconds{2});
  act(OnStep::cancel);
  act(OnStep::run);
  m.pass(seconds{10});  // the first one has died meanwhile
  CHECK(m.commands.begun.size() == 2);
  act(OnStep::cancel);
  m.pass(minutes{2});
  CHECK(m.commands.ended == 0);
  CHECK(m.incident()->step("restart")->state == StepState::failed);
}

}  // namespace journal_test
