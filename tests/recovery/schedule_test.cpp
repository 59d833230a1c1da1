// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/seen/schedule.hpp"
#include "probes/outcome.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

namespace schedule_test {

using namespace drwatch;

namespace {
Settings probes(int count, Duration interval) {
  Settings s;
  for (int i = 0; i < count; ++i) {
    ProbeSettings p;
    p.name = "p" + std::to_string(i);
    p.interval = interval;
    p.retry = seconds{2};
    p.fingerprint = p.name;
    s.probes[p.name] = p;
  }
  return s;
}
const Time start = *parse_time("2026-03-01T02:00:00Z");
}  // namespace

TEST_CASE("runs are spread evenly, in shared slots, and the same on every start") {
  Schedule a, b;
  Settings s = probes(1000, seconds{10});
  a.load(s, start);
  b.load(s, start);
  std::map<Time, int> per_slot;
  int runs = 0;
  while (*a.next() < start + seconds{60}) {
    Time at = *a.next();
    REQUIRE(b.next() == at);
    auto due = a.take_due(at);
    CHECK(due == b.take_due(at));
    for (const std::string& probe : due) {
      if (at >= start + seconds{20}) ++per_slot[at], ++runs;
      a.finished(probe, at, false);
      b.finished(probe, at, false);
    }
  }
  CHECK(runs == 4000);
  CHECK(per_slot.size() <= 40 * 10);  // 100 ms slots
  int most = 0;
  for (const auto& [at, n] : per_slot) most = std::max(most, n);
  CHECK(most <= 30);  // 10 on average
}

TEST_CASE("a probe never overlaps itself, and a slow one does not run late for ever") {
  Schedule s(false);
  s.load(probes(1, seconds{10}), start);
  CHECK(s.take_due(start).size() == 1);
  CHECK(!s.next());
  CHECK(s.take_due(start + seconds{30}).empty());
  s.finished("p0", start + seconds{25}, false);
  CHECK(s.next() == start + seconds{30});
}

TEST_CASE("while a change is being confirmed runs come `retry` apart, then the grid goes on") {
  Schedule s(false);
  s.load(probes(1, seconds{30}), start);
  s.take_due(start);
  s.finished("p0", start + seconds{1}, true);
  CHECK(s.next() == start + seconds{2});
  s.take_due(start + seconds{2});
  s.finished("p0", start + seconds{3}, false);
  CHECK(s.next() == start + seconds{30});
}

TEST_CASE("a reload keeps the phase of what did not change") {
  Schedule s;
  Settings two = probes(2, seconds{10});
  s.load(two, start);
  auto before = s.next_run("p0");
  two.probes["p1"].fingerprint = "changed";
  two.probes.erase("p2");
  s.load(two, start + seconds{1});
  CHECK(s.next_run("p0") == before);
  s.load(probes(1, seconds{10}), start + seconds{2});
  CHECK(!s.next_run("p1"));
}

TEST_CASE("out of turn, and once more after the run that is on its way") {
  Schedule s(false);
  s.load(probes(1, seconds{30}), start);
  s.take_due(start);
  s.run_now("p0", start + seconds{1});
  CHECK(!s.next());
  s.finished("p0", start + seconds{2}, false);
  CHECK(s.next() == start + seconds{2});
}

TEST_CASE("a target that refuses is asked less and less often, at most every ten minutes, until it takes drwatch again") {
  CHECK(refusal_wait(1) == seconds{20});
  CHECK(refusal_wait(2) == seconds{40});
  CHECK(refusal_wait(5) == seconds{320});
  CHECK(refusal_wait(6) == minutes{10});
  CHECK(refusal_wait(1000) == minutes{10});

  Settings settings;
  ProbeSettings& p = settings.probes["p"];
  p.name = "p";
  p.interval = seconds{30};
  p.retry = seconds{5};
  Schedule s(false);
  const Time start = *parse_time("2026-03-01T02:00:00Z");
  s.load(settings, start);
  std::vector<Duration> gaps;
  Time last = start;
  for (int i = 0; i < 8; ++i) {
    const Time now = *s.next();
    REQUIRE(s.take_due(now).size() == 1);
    gaps.push_back(now - last);
    last = now;
    s.finished("p", now + seconds{1}, true, LeftAlone{hours{1}, {}});
    CHECK(s.refusals("p") == i + 1);
  }
  const std::vector<Duration> grown = {seconds{0},   seconds{20},  seconds{40},  seconds{80},
                                       seconds{160}, seconds{320}, seconds{600}, seconds{600}};
  CHECK(gaps == grown);
  // A person may ask at any time; a run that is not refused ends it.
  s.run_now("p", last + seconds{2});
  CHECK(*s.next() == last + seconds{2});
  (void)s.take_due(last + seconds{2});
  s.finished("p", last + seconds{3}, false);
  CHECK(s.refusals("p") == 0);
  CHECK(*s.next() <= last + seconds{32});
}

TEST_CASE("what counts as refused") {
  const auto refused = [](Health h, Reason r, const char* code) { return outcome_of(h, r, code, "").refused(); };
  CHECK(refused(Health::down, Reason::auth, "28P01"));
  CHECK(refused(Health::unknown, Reason::auth, "28000"));
  CHECK(refused(Health::down, Reason::assertion, "429"));
  CHECK(refused(Health::down, Reason::assertion, "401"));
  CHECK_FALSE(refused(Health::up, Reason::none, "401"));  // refusal was the expectation
  CHECK_FALSE(refused(Health::down, Reason::connect, "ECONNREFUSED"));
}

TEST_CASE("a target that asks for a wait gets it, and never more than five minutes of it") {
  const auto next_after = [](const Outcome& outcome) {
    Settings settings;
    ProbeSettings& p = settings.probes["p"];
    p.name = "p";
    p.interval = seconds{30};
    p.retry = seconds{5};
    Schedule s(false);
    const Time start = *parse_time("2026-03-01T02:00:00Z");
    s.load(settings, start);
    (void)s.take_due(start);
    s.finished("p", start + seconds{1}, true, left_alone(outcome));
    return *s.next() - start;
  };
  const auto told = [](Health health, const char* code, std::optional<Duration> wait) {
    Outcome outcome = outcome_of(health, Reason::assertion, code, "");
    outcome.rate_limited = outcome.code == "429";
    outcome.wait = wait;
    return outcome;
  };
  CHECK(next_after(told(Health::down, "503", std::nullopt)) == seconds{5});
  CHECK(next_after(told(Health::down, "503", Duration{0})) == seconds{5});
  CHECK(next_after(told(Health::down, "503", minutes{2})) == seconds{121});
  CHECK(next_after(told(Health::down, "503", hours{24})) == seconds{301});
  CHECK(next_after(told(Health::unknown, "429", std::nullopt)) == seconds{20});
  CHECK(next_after(told(Health::unknown, "429", seconds{3})) == seconds{5});  // as it says, and as a change is confirmed
  CHECK(next_after(told(Health::unknown, "429", minutes{1})) == seconds{61});
  CHECK(next_after(told(Health::up, "503", minutes{2})) == seconds{5});  // it was what was expected
  // The pauses that drwatch makes of itself before such a target are bounded likewise.
  CHECK(wait_of(left_alone(told(Health::unknown, "429", std::nullopt)), 1000) == minutes{5});
  CHECK(wait_of(left_alone(told(Health::down, "401", std::nullopt)), 1000) == minutes{10});
}

}  // namespace schedule_test
