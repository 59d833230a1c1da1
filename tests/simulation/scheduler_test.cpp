// SPDX-License-Identifier: Apache-2.0
// The probe loop in virtual time: deadlines, and that it wakes when it should.
#include "daemon/scheduler.hpp"
#include "tests/simulation/sim_world.hpp"

#include <doctest/doctest.h>
#include <boost/asio/io_context.hpp>

namespace scheduler_test {

using namespace drwatch;

namespace {

// Takes `takes` to answer up; counts how its runs end.
struct Slow : Probe {
  Duration takes{0};
  int begun = 0, answered = 0;
  Task<Outcome> run(World& world) override {
    ++begun;
    co_await world.clock.sleep_for(takes);
    ++answered;
    co_return outcome_of(Health::up, Reason::none, "", "fine");
  }
};

struct Fixture {
  boost::asio::io_context loop;
  VirtualClock clock{loop};
  sim::Chance chance{1};
  sim::Truth truth;
  sim::SimHttp http{clock, truth, chance};
  sim::NoResolver resolver;
  sim::NoNet net;
  sim::NoPostgres postgres;
  sim::NoExec exec;
  sim::NoFiles files;
  World world{loop.get_executor(), clock, chance, resolver, net, http, postgres, exec, files};
  std::vector<std::string> bugs;
  TaskGroup tasks{loop.get_executor(), [this](const std::string& name, std::exception_ptr) { bugs.push_back(name); }};
  std::map<std::string, Slow*> probes;
  std::map<std::string, Duration> takes;
  std::vector<std::pair<std::string, Outcome>> ran;
  std::optional<Time> due;
  std::vector<Time> ticks;
  Scheduler scheduler{world,
                      tasks,
                      [this](const ProbeSettings& p) {
                        auto probe = std::make_unique<Slow>();
                        probe->takes = takes[p.name];
                        probes[p.name] = probe.get();
                        return probe;
                      },
                      {.now = [this] { return clock.now(); },
                       .ran = [this](const std::string& name, Outcome o, Duration) { ran.emplace_back(name, std::move(o)); },
                       .confirming = [](const std::string&) { return false; },
                       .due = [this] { return due; },
                       .tick =
                           [this] {
                             ticks.push_back(clock.now());
                             due.reset();
                           },
                       .failed = [this](const std::string& name, std::exception_ptr) { bugs.push_back(name); },
                       .late_since = [](std::chrono::nanoseconds) { return Duration{0}; }}};
  std::shared_ptr<Settings> settings = std::make_shared<Settings>();

  void add(const std::string& name, Duration needs, std::string fingerprint = "1") {
    ProbeSettings p;
    p.name = name;
    p.kind = "slow";
    p.interval = seconds{60};
    p.retry = seconds{10};
    p.timeout = seconds{5};
    p.fingerprint = std::move(fingerprint);
    takes[name] = needs;
    settings->probes[name] = std::move(p);
  }
  void start() {
    scheduler.load(settings);
    scheduler.start();
  }
  // What of `name` was seen so far.
  std::vector<Outcome> of(const std::string& name) const {
    std::vector<Outcome> seen;
    for (const auto& [probe, outcome] : ran)
      if (probe == name) seen.push_back(outcome);
    return seen;
  }
  ~Fixture() {
    tasks.cancel_all();
    clock.settle();
  }
};

}  // namespace

TEST_CASE("scheduler: a run ends at its deadline, though nothing else wakes the loop, and the next one follows in its turn") {
  Fixture f;
  f.add("hangs", hours{1});
  f.start();
  f.clock.run_for(seconds{60} + seconds{59});
  auto seen = f.of("hangs");
  REQUIRE(seen.size() >= 1);
  for (const Outcome& o : seen) {
    CHECK(o.outcome == Health::down);
    CHECK(o.reason == Reason::timeout);
    CHECK(o.message == "no answer within 5 s");
    CHECK(o.phases[Phase::total] == std::chrono::microseconds(seconds{5}));
  }
  REQUIRE(seen.size() >= 2);
  CHECK((seen[1].at - seen[0].at) % seconds{10} == Duration{0});
  CHECK(f.probes["hangs"]->answered == 0);
  CHECK(f.bugs.empty());
}

TEST_CASE("scheduler: one that hangs costs the others nothing") {
  Fixture f;
  f.add("hangs", hours{1});
  f.add("quick", milliseconds{3});
  f.start();
  f.clock.run_for(minutes{5});
  auto seen = f.of("quick");
  REQUIRE(seen.size() >= 5);
  for (const Outcome& o : seen) CHECK(o.outcome == Health::up);
  for (std::size_t i = 2; i < seen.size(); ++i) CHECK(seen[i].at - seen[i - 1].at == seconds{60});
  CHECK(f.of("hangs").size() >= 4);
}

TEST_CASE("scheduler: an answer in time is told, with how long it took") {
  Fixture f;
  f.add("slow", seconds{4});
  f.start();
  f.clock.run_for(seconds{59});
  auto seen = f.of("slow");
  REQUIRE(seen.size() >= 1);
  CHECK(seen[0].outcome == Health::up);
  CHECK(seen[0].phases[Phase::total] == std::chrono::microseconds(seconds{4}));
}

TEST_CASE("scheduler: a changed probe's old run is not told, not even as late") {
  Fixture f;
  f.add("hangs", hours{1});
  f.start();
  REQUIRE(f.clock.run_until([&] { return f.probes["hangs"]->begun == 1; }, minutes{2}));
  f.settings = std::make_shared<Settings>(*f.settings);
  f.add("hangs", milliseconds{1}, "2");
  f.scheduler.load(f.settings);
  f.clock.run_for(minutes{3});
  auto seen = f.of("hangs");
  REQUIRE(seen.size() >= 1);
  for (const Outcome& o : seen) CHECK(o.outcome == Health::up);
  CHECK(f.bugs.empty());
}

TEST_CASE("scheduler: what becomes due earlier wakes the loop; what comes later does not") {
  Fixture f;
  f.start();  // nothing to run: the loop sleeps a minute at a time
  f.clock.run_for(seconds{1});
  Time at = f.clock.now() + seconds{7};
  f.due = at;
  f.scheduler.wake();
  f.clock.run_for(seconds{30});
  REQUIRE(f.ticks.size() == 1);
  CHECK(f.ticks[0] == at);
  f.due = f.clock.now() + hours{1};
  f.scheduler.wake();
  f.clock.run_for(minutes{59});
  CHECK(f.ticks.size() == 1);
  f.clock.run_for(minutes{2});
  CHECK(f.ticks.size() == 2);
}

TEST_CASE("scheduler: run_now does not wait for the turn") {
  Fixture f;
  f.add("quick", milliseconds{3});
  f.start();
  f.clock.run_for(seconds{61});
  const auto before = f.of("quick").size();
  f.scheduler.run_now("quick");
  f.clock.run_for(milliseconds{10});
  CHECK(f.of("quick").size() == before + 1);
}

}  // namespace scheduler_test
