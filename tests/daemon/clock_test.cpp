// SPDX-License-Identifier: Apache-2.0
// The time that drwatch decides by, whatever somebody does to the wall's clock.
#include "daemon/clock.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace clock_test {

using namespace drwatch;

namespace {

const Time noon = Time(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)) + hours{12};

// A machine whose drwatch looks at its clocks twice a second.
struct Machine {
  Time wall = noon;
  std::chrono::nanoseconds boot = hours{100};
  OwnClock clock;

  explicit Machine(Time last_event = noon - hours{1}, std::optional<Time> alive_at = std::nullopt) { restart(last_event, alive_at); }
  void restart(Time last_event, std::optional<Time> alive_at = std::nullopt) { clock = OwnClock({wall, boot}, last_event, alive_at); }
  void set(Duration by) { wall += by; }
  void sleep(Duration d) { wall += d, boot += d; }
  OwnClock::Seen look() { return clock.look({wall, boot}); }
  Time now() const { return clock.now(wall); }
  // False when a look found anything, or time went back.
  bool quiet_for(Duration d) {
    bool quiet = true;
    for (Duration passed{0}; passed < d; passed += Duration{500}) {
      const Time before = now();
      sleep(Duration{500});
      const OwnClock::Seen seen = look();
      quiet = quiet && !seen.jumped && seen.forward == Duration{0} && now() >= before;
    }
    return quiet;
  }
};

}  // namespace

TEST_CASE("a steady clock is the wall's") {
  Machine m;
  CHECK(m.clock.last() == noon);
  CHECK(m.quiet_for(hours{1}));
  CHECK(m.now() == noon + hours{1});
  CHECK(m.clock.last() == m.now());
  CHECK(m.clock.ahead() == Duration{0});
  CHECK_FALSE(m.clock.was_set_since(noon));
}

TEST_CASE("a clock that runs a little fast or slow is followed, and never back") {
  Machine m;
  m.set(seconds{2});
  CHECK_FALSE(m.look().jumped);
  CHECK(m.now() == noon + seconds{2});
  m.set(-seconds{2});
  CHECK_FALSE(m.look().jumped);
  CHECK(m.now() == noon + seconds{2});  // it stands until the wall's has come so far
  CHECK(m.quiet_for(seconds{2}));
  CHECK(m.now() == noon + seconds{2});
  CHECK(m.quiet_for(seconds{2}));
  CHECK(m.now() == noon + seconds{4});
  CHECK(m.clock.ahead() == Duration{0});
}

TEST_CASE("set back, own time goes on ahead of the wall's") {
  for (Duration by : {Duration{2001}, Duration{seconds{30}}, Duration{hours{1}}, Duration{hours{3}}}) {
    CAPTURE(by.count());
    Machine m;
    CHECK(m.quiet_for(minutes{5}));
    const Time before = m.now();
    m.set(-by);
    const OwnClock::Seen seen = m.look();
    REQUIRE(seen.jumped);
    CHECK(seen.jumped->by == -by);
    CHECK(seen.jumped->from == before);
    CHECK(seen.forward == Duration{0});
    CHECK(m.now() == before);
    CHECK(m.clock.ahead() == by);
    CHECK(m.quiet_for(minutes{1}));
    CHECK(m.now() == before + minutes{1});
  }
}

TEST_CASE("set back and set right again, nothing jumps forward") {
  Machine m;
  m.set(-minutes{45});
  REQUIRE(m.look().jumped);
  CHECK(m.quiet_for(minutes{10}));
  m.set(minutes{45});
  const OwnClock::Seen seen = m.look();
  REQUIRE(seen.jumped);  // it is said, and nothing follows
  CHECK(seen.jumped->by == minutes{45});
  CHECK(seen.forward == Duration{0});
  CHECK(m.clock.ahead() == Duration{0});
  CHECK(m.now() == noon + minutes{10});
}

TEST_CASE("set forward by more than it was set back, own time jumps by the rest") {
  Machine m;
  m.set(-minutes{10});
  REQUIRE(m.look().jumped);
  m.set(minutes{30});
  const OwnClock::Seen seen = m.look();
  REQUIRE(seen.jumped);
  CHECK(seen.jumped->by == minutes{20});
  CHECK(seen.forward == minutes{20});
  CHECK(m.clock.ahead() == Duration{0});
  CHECK(m.now() == noon + minutes{20});
}

TEST_CASE("set forward, own time jumps along and says from where") {
  Machine m;
  CHECK(m.quiet_for(minutes{1}));
  m.set(hours{1});
  const OwnClock::Seen seen = m.look();
  REQUIRE(seen.jumped);
  CHECK(seen.jumped->by == hours{1});
  CHECK(seen.jumped->from == noon + minutes{1});
  CHECK(seen.forward == hours{1});
  CHECK(m.now() == noon + minutes{61});
  CHECK(m.quiet_for(minutes{1}));
}

TEST_CASE("a pause is said, and moves nothing that is planned") {
  Machine m;
  m.sleep(minutes{1});
  CHECK_FALSE(m.look().jumped);
  m.sleep(minutes{1} + Duration{1});
  const OwnClock::Seen seen = m.look();
  REQUIRE(seen.jumped);
  CHECK(seen.jumped->by == minutes{1} + Duration{1});
  CHECK(seen.jumped->from == noon + minutes{1});
  CHECK(seen.forward == Duration{0});
  CHECK_FALSE(m.clock.was_set_since(noon));
}

TEST_CASE("after a start time does not go back behind what was decided or seen before it") {
  SUBCASE("the wall's clock was set back meanwhile") {
    Machine m(noon + minutes{20}, noon + minutes{25});
    CHECK(m.clock.last() == noon + minutes{25});
    CHECK(m.clock.ahead() == minutes{25});
    CHECK(m.quiet_for(minutes{1}));
    CHECK(m.now() == noon + minutes{26});
  }
  SUBCASE("the last event lies in the future") {
    Machine m(noon + hours{24 * 365});
    CHECK(m.now() == noon + hours{24 * 365});
    CHECK(m.quiet_for(minutes{1}));
    CHECK(m.now() == noon + hours{24 * 365} + minutes{1});
  }
  SUBCASE("it went on") {
    Machine m(noon - minutes{5}, noon - seconds{2});
    CHECK(m.now() == noon);
    CHECK(m.clock.ahead() == Duration{0});
  }
  SUBCASE("the journal is new") {
    Machine m(Time{});
    CHECK(m.now() == noon);
  }
  SUBCASE("it was ahead before, and is so again") {
    Machine m;
    m.set(-hours{1});
    REQUIRE(m.look().jumped);
    CHECK(m.quiet_for(minutes{5}));
    m.restart(m.now());
    CHECK(m.now() == noon + minutes{5});
    CHECK(m.clock.ahead() == hours{1});
  }
}

TEST_CASE("what another's clock says is brought into own time, of two meanings the older") {
  Machine m;
  CHECK(m.quiet_for(minutes{5}));
  m.set(-hours{1});  // 12:05 is 11:05 again
  REQUIRE(m.look().jumped);
  CHECK(m.quiet_for(minutes{10}));
  CHECK(m.clock.ahead_of(noon - minutes{55}) == hours{1});               // 11:05 was told at 12:05 own time, as the clock was set
  CHECK(m.clock.ahead_of(noon - minutes{50}) == Duration{0});            // 11:10 may be the one before that
  CHECK(m.clock.ahead_of(noon + minutes{5}) == Duration{0});             // 12:05 as well
  CHECK(m.clock.ahead_of(noon + minutes{5} + Duration{1}) == hours{1});  // and what follows was told once
  m.set(-hours{2});
  REQUIRE(m.look().jumped);
  CHECK(m.clock.ahead() == hours{3});
  CHECK(m.clock.ahead_of(noon - hours{1}) == hours{1});  // of the first time, when own time was an hour ahead
}

TEST_CASE("a run under which the wall's clock was set is known by its start") {
  Machine m;
  CHECK(m.quiet_for(minutes{1}));
  const Time began = m.now();
  CHECK(m.quiet_for(seconds{5}));
  for (Duration by : {-minutes{10}, minutes{10}}) {
    m.set(by);
    REQUIRE(m.look().jumped);
    CHECK(m.clock.was_set_since(began));
    CHECK_FALSE(m.clock.was_set_since(m.now()));
  }
}

}  // namespace clock_test
