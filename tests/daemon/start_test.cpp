// SPDX-License-Identifier: Apache-2.0
// After a crash, a pause or a jump of the clock: the same incidents, and nothing is judged that was not seen. Design 3, contract "The life
// of an incident".
#include "tests/daemon/machine.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace start_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {
const std::vector<std::string> runners = {"primary", "app", "front", "wal-archive"};

// A run of each that began since then has been seen to its end.
bool all_ran_since(const Machine& m, Time t) {
  return std::all_of(runners.begin(), runners.end(), [&](const std::string& name) {
    auto sight = m.state().sight.probes.find(name);
    return sight != m.state().sight.probes.end() && sight->second.seen && sight->second.last_run_at >= t;
  });
}

// An incident with a ticked step and its alert.
struct Outage {
  Machine m;
  Incident before;
  Outage() {
    m.start();
    m.pass(minutes{3});
    m.breaks("primary");
    REQUIRE(m.until([&] { return m.incident() && m.alert("DrwatchIncident"); }, minutes{5}));
    REQUIRE(m.submit(StepAction{m.incident()->id, "look", OnStep::done, "oncall", "it hangs"}));
    m.pass(seconds{5});
    before = *m.incident();
  }
};
}  // namespace

TEST_CASE("after a crash the same incident goes on, with its start, its ticks and its alert") {
  Outage o;
  o.m.crash();
  SUBCASE("at once") {}
  SUBCASE("after half an hour, when Alertmanager has let go of the alert") { o.m.pass(minutes{30}); }
  o.m.start();
  REQUIRE(o.m.incident());
  CHECK(o.m.state().record.incidents.size() == 1);
  CHECK(o.m.health("database") == Health::down);
  CHECK(o.m.daemon().figures().probes_not_seen.size() == runners.size());
  o.m.pass(seconds{2});  // before anything can have been confirmed
  CHECK(o.m.alert("DrwatchIncident"));
  o.m.pass(minutes{10});
  const Incident& after = *o.m.incident();
  CHECK(o.m.state().record.incidents.size() == 1);
  CHECK(after.id == o.before.id);
  CHECK(after.state == IncidentState::open);
  CHECK(after.started_at == o.before.started_at);
  CHECK(after.detected_at == o.before.detected_at);
  CHECK(after.opened_at == o.before.opened_at);
  CHECK(after.step("look")->state == StepState::done);
  CHECK(after.step("look")->by == "oncall");
  CHECK(o.m.starts_told().at("DrwatchIncident/database-outage") == std::set<std::string>{time_text(o.before.opened_at)});
  CHECK(o.m.alert("DrwatchIncident"));
}

TEST_CASE("an incident whose cause is over meanwhile recovers only when that was seen") {
  Outage o;
  o.m.crash();
  o.m.mends("primary");
  o.m.pass(minutes{5});
  o.m.start();
  const Time started = o.m.clock.now();
  REQUIRE(o.m.until([&] { return o.m.incident()->state == IncidentState::recovered; }, minutes{5}));
  CHECK(o.m.state().sight.probes.at("primary").seen);
  CHECK(*o.m.incident()->recovered_at >= started);
  o.m.pass(minutes{1});
  CHECK_FALSE(o.m.alert("DrwatchIncident"));
}

TEST_CASE("who reads events goes on behind a restart where he was, up to a bound") {
  Machine m;
  m.start();
  m.pass(minutes{5});
  m.stop();
  const std::uint64_t before = m.disk.events.back().seq;
  REQUIRE(before > 6);
  m.start();
  const auto since = m.daemon().events_since(5, 100'000);
  REQUIRE(since.size() == m.state().record.seq - 5);
  CHECK(since.size() > before - 5);
  for (std::size_t i = 0; i < since.size(); ++i) CHECK(since[i]->seq == 6 + i);
  CHECK(to_json(*since.front()) == to_json(m.disk.events[5]));
  const auto page = m.daemon().events_since(before - 1, 2);
  REQUIRE(page.size() == 2);
  CHECK(page.front()->seq == before);
  CHECK(m.daemon().events_since(m.state().record.seq, 10).empty());
  CHECK(m.daemon().events_since(std::uint64_t(-1), 10).empty());
  CHECK(m.daemon().events_since(0, 0).empty());

  RecentEvents recent;
  for (std::uint64_t seq = 1; seq <= recent_events + 5; ++seq) {
    Event event;
    event.seq = seq;
    remember(recent, event);
  }
  CHECK(recent.size() == recent_events);
  CHECK(recent.front()->seq == 6);
}

TEST_CASE("what is down when drwatch first starts opens only after it was seen") {
  Machine m;
  m.breaks("primary");
  m.start();
  const Time started = m.clock.now();
  REQUIRE(m.until([&] { return m.incident() != nullptr; }, minutes{5}));
  CHECK(all_ran_since(m, started));
  CHECK(m.incident()->opened_at >= started + minutes{1});
}

TEST_CASE("a pending opening does not ripen while nobody watches") {
  Machine m;
  m.start();
  m.pass(minutes{3});
  m.breaks("primary");
  REQUIRE(m.until([&] { return m.state().record.pending.count("database-outage") > 0; }, minutes{3}));
  m.pass(seconds{2});
  m.crash();
  m.mends("primary");
  m.pass(minutes{10});
  m.start();
  m.pass(minutes{10});
  CHECK(m.state().record.incidents.empty());
}

namespace {
// A job is nearly late, the recovery point is well: ten minutes later both would be bad, had anybody watched.
struct Quiet {
  Machine m;
  Quiet() {
    m.configuration.edit("rpo = \"1h\"", "rpo = \"8m\"\ntime_to_fix = \"1m\"");
    m.start();
    m.pass(minutes{3});
    REQUIRE(m.submit(Pinged{"nightly", Pinged::What::success, "", 0, ""}));
    m.pass(minutes{5});
  }
  void check() {
    const Time resumed = m.clock.now();
    m.told.events.clear();
    auto misjudged = [&] {
      return m.told.count("incident.opened") + m.told.count("objective.changed") + m.told.count("component.changed") > 0;
    };
    CHECK_FALSE(m.until([&] { return misjudged() && !all_ran_since(m, resumed); }, minutes{1}));
    CHECK(all_ran_since(m, resumed));
    CHECK(m.told.count("clock.jumped") == 1);
    CHECK(m.told.count("objective.changed") == 0);
    for (const auto& [key, objective] : m.state().record.objectives) CHECK_MESSAGE(objective.standing == Standing::met, key);
    CHECK(m.health("cron") != Health::down);  // late: its call was due while nobody watched, and the grace began after that
    CHECK(m.state().record.incidents.empty());
    CHECK_FALSE(m.runs.overlapped);
    // What it missed after that is missed: the grace goes on from where it was.
    CHECK(m.until([&] { return m.health("cron") == Health::down; }, minutes{8}));
  }
};
}  // namespace

TEST_CASE("after a pause of ten minutes each probe is run before anything is missed or breached") {
  Quiet q;
  q.m.clock.pause(minutes{10});
  q.check();
}

TEST_CASE("after a jump of the clock each probe is run before anything is missed or breached") {
  Quiet q;
  q.m.clock.set_wall(q.m.clock.now() + minutes{10});
  q.check();
}

TEST_CASE("a clock that is set back by less than an hour stops nothing, and drwatch's time finds back to it") {
  Quiet q;
  const Time before = q.m.daemon().now();
  q.m.clock.set_wall(q.m.clock.now() - minutes{40});
  q.m.pass(minutes{1});
  CHECK(q.m.daemon().now() > before + seconds{50});
  CHECK(q.m.daemon().now() < before + minutes{1});
  CHECK(q.m.state().record.incidents.empty());
  q.m.breaks("primary");
  CHECK(q.m.until([&] { return q.m.alert("DrwatchIncident"); }, minutes{5}));
  q.m.pass(minutes{395});
  CHECK(q.m.daemon().now() == q.m.clock.now());
}

namespace {
// Every five minutes, with twenty seconds of grace.
void make_punctual(Machine& m) {
  m.configuration.edit("period      = \"6m\"\nstart_grace = \"4m\"", "schedule    = \"*/5 * * * *\"\nstart_grace = \"20s\"");
}
// The job calls exactly on time, by the wall's clock, so many times. False: it was called late or missed.
bool calls_on_time(Machine& m, int times) {
  bool well = true;
  for (int i = 0; i < times; ++i) {
    const Duration five = minutes{5};
    const Duration into = (m.clock.now() - Time{}) % five;
    m.pass(five - into + Duration{200});
    m.submit_and_leave(Pinged{"nightly", Pinged::What::success, "", 0, ""});
    well = well && m.told.count("component.changed") == 0;
  }
  return well;
}
}  // namespace

TEST_CASE("a clock that was wrong for four seconds makes no job late, then or later, also over a restart") {
  Machine m;
  make_punctual(m);
  m.start();
  calls_on_time(m, 2);
  m.told.events.clear();
  Duration wrong = seconds{60};
  SUBCASE("by a minute") {}
  SUBCASE("by less, just before it is due") {
    wrong = seconds{55};
    m.pass(minutes{4} + seconds{57});
  }
  SUBCASE("by fifty minutes") { wrong = minutes{50}; }
  SUBCASE("by three hours") { wrong = hours{3}; }
  SUBCASE("by a year") { wrong = hours{24 * 365}; }
  m.clock.set_wall(m.clock.now() + wrong);
  m.pass(seconds{4});
  m.clock.set_wall(m.clock.now() - wrong);
  m.pass(seconds{1});
  CHECK(calls_on_time(m, 3));
  m.stop();
  m.start();
  CHECK(calls_on_time(m, 20));
  CHECK(m.told.count("clock.jumped") == 0);
  // And what it does not do is noticed in time.
  m.pass(minutes{5} + seconds{22});
  CHECK(m.health("cron") == Health::down);
  CHECK(m.daemon().now() - m.clock.now() < wrong);
}

TEST_CASE("a year ahead and back: one event says so, and everything is by the wall's clock again") {
  Outage o;
  Machine& m = o.m;
  const Duration year = hours{24 * 365};
  const Time right = m.clock.now();
  const auto opened_ago = [&] { return m.daemon().now() - m.incident()->opened_at; };
  const Duration ago = opened_ago();
  m.clock.set_wall(m.clock.now() + year);
  m.pass(minutes{2});
  REQUIRE(m.submit(AddNote{m.incident()->id, "in the wrong year", "oncall"}));
  m.told.events.clear();
  SUBCASE("while it runs") {
    m.clock.set_wall(m.clock.now() - year);
    m.pass(seconds{2});
    CHECK(m.told.count("clock.jumped") == 1);
  }
  SUBCASE("while it is away") {
    m.crash();
    m.clock.set_wall(m.clock.now() - year);
    m.start();
    m.pass(seconds{2});
    CHECK(m.told.count("clock.jumped") == 1);
  }
  SUBCASE("and it is stopped in between") {
    m.stop();
    m.clock.set_wall(m.clock.now() - year);
    m.start();
    m.pass(seconds{2});
    CHECK(m.told.count("clock.jumped") == 1);
  }
  CHECK(m.daemon().now() - right < minutes{4});
  CHECK(m.daemon().now() == m.clock.now());
  const Event* jumped = m.told.last("clock.jumped");
  REQUIRE(jumped);
  CHECK(jumped->message.find("was set back by") != std::string::npos);
  CHECK(jumped->at - right < minutes{4});
  // The incident goes on, with a clock that has counted no year.
  REQUIRE(m.incident());
  CHECK(m.incident()->id == o.before.id);
  CHECK(m.incident()->state == IncidentState::open);
  CHECK(m.incident()->elapsed(m.daemon().now()) < minutes{15});
  CHECK(opened_ago() >= ago);
  CHECK(opened_ago() < minutes{15});
  m.pass(minutes{2});
  CHECK(m.alert("DrwatchIncident"));
  m.mends("primary");
  CHECK(m.until([&] { return m.incident()->state == IncidentState::recovered; }, minutes{5}));
  for (const Span& span : m.state().record.blind_spans) CHECK(span.until <= m.daemon().now());
  // The journal replays to the same state.
  m.pass(seconds{5});
  Record replayed;
  for (const Event& e : m.disk.events) apply(replayed, e);
  CHECK(to_json(replayed) == to_json(m.state().record));
  // What was late then is late now.
  CHECK(m.until([&] { return m.health("cron") == Health::down; }, minutes{30}));
}

TEST_CASE("a pause of less than a minute is not held against a job whose grace is shorter") {
  Machine m;
  make_punctual(m);
  m.start();
  calls_on_time(m, 1);
  m.told.events.clear();
  m.pass(minutes{4} + seconds{50});
  m.clock.pause(seconds{50});  // it is due in the middle
  m.pass(seconds{1});
  const auto runs = m.seen["primary"].size();
  m.submit_and_leave(Pinged{"nightly", Pinged::What::success, "", 0, ""});
  m.pass(seconds{30});
  CHECK(m.told.count("component.changed") == 0);
  CHECK(m.told.count("probe.changed") == 0);
  REQUIRE(m.told.last("clock.jumped"));
  CHECK(m.told.last("clock.jumped")->message.find("did not run") != std::string::npos);
  CHECK(m.seen["primary"].size() <= runs + 2);  // not everything is asked anew for it
}

TEST_CASE("the time away after a first life of a moment is not held against a job") {
  Machine m;
  make_punctual(m);
  m.start();
  m.pass(seconds{1});
  SUBCASE("killed") { m.crash(); }
  SUBCASE("stopped") { m.stop(); }
  SUBCASE("killed before anything but its first events were on the disk") {
    m.crash();
    m.disk.kept.clear();
  }
  m.pass(minutes{20});
  m.start();
  const Time started = m.clock.now();
  m.pass(seconds{2});
  REQUIRE_FALSE(m.state().record.blind_spans.empty());
  CHECK(m.state().record.blind_spans.back().until - started <= seconds{1});
  CHECK(m.state().record.blind_spans.back().until - m.state().record.blind_spans.back().from >= minutes{20});
  CHECK(m.health("cron") != Health::down);
}

TEST_CASE("a probe is told what it handed back before a crash, but not when its settings are others") {
  Machine m;
  m.start();
  m.pass(minutes{3});
  CHECK(m.recalled.empty());
  const auto runs = static_cast<int>(m.seen["primary"].size());
  m.pass(seconds{5});  // what changed is written every two seconds
  m.crash();
  SUBCASE("the same settings") {
    m.start();
    CHECK(m.recalled["primary"] == runs);
    m.pass(minutes{1});
    m.recalled.clear();
    m.configuration.edit("192.0.2.12:443", "192.0.2.98:443");  // of `front`
    CHECK(m.reload().empty());
    CHECK(m.recalled.empty());  // what goes on was not made anew, and `front` is another one
  }
  SUBCASE("other settings") {
    m.configuration.edit("192.0.2.12:443", "192.0.2.98:443");
    m.start();
    CHECK(m.recalled.count("front") == 0);
    CHECK(m.recalled.count("primary") == 1);
  }
}

}  // namespace start_test
