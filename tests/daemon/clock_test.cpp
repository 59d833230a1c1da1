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
      quiet = quiet && !seen.jumped && seen.moved == Duration{0} && now() >= before;
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
  CHECK(m.clock.ahead() == seconds{2});
  CHECK(m.quiet_for(seconds{2}));
  CHECK(m.now() == noon + seconds{2});
  CHECK(m.quiet_for(seconds{2}));
  CHECK(m.now() == noon + seconds{4});
  CHECK(m.clock.ahead() == Duration{0});
}

TEST_CASE("set back by up to an hour, own time runs slower until the wall's has caught up, within ten times that") {
  for (Duration by : {Duration{2001}, Duration{seconds{30}}, Duration{seconds{60}}, Duration{hours{1}}}) {
    CAPTURE(by.count());
    Machine m;
    CHECK(m.quiet_for(minutes{5}));
    const Time before = m.now();
    m.set(-by);
    const OwnClock::Seen seen = m.look();
    REQUIRE(seen.jumped);
    CHECK(seen.jumped->by == -by);
    CHECK(seen.jumped->from == before);
    CHECK(seen.jumped->back == Duration{0});
    CHECK(seen.moved == Duration{0});
    CHECK(m.now() == before);
    CHECK(m.clock.ahead() == by);
    CHECK(m.quiet_for(by));
    CHECK(m.clock.ahead() > Duration{0});
    CHECK(m.now() > before + by / 2);  // it goes on all the while
    CHECK(m.quiet_for(9 * by));
    CHECK(m.clock.ahead() == Duration{0});
    CHECK(m.now() == m.wall);
  }
}

TEST_CASE("between two looks own time runs as it will have run at the next, and the wall's clock for it is known") {
  Machine m;
  m.set(-minutes{10});
  REQUIRE(m.look().jumped);
  CHECK(m.quiet_for(minutes{3}));
  for (Duration later : {Duration{0}, Duration{1}, Duration{499}, Duration{minutes{40}}, Duration{hours{3}}}) {
    CAPTURE(later.count());
    const Time wall = m.wall + later, own = m.clock.now(wall);
    CHECK(std::chrono::abs(m.clock.wall_at(own) - wall) <= Duration{4});
    CHECK(m.clock.now(m.clock.wall_at(own)) >= own);  // who waits for it does not wake too early
    Machine slept = m;
    slept.sleep(later);
    slept.look();
    CHECK(slept.now() == own);
  }
}

TEST_CASE("who looks all the time catches up as well") {
  Machine m;
  m.set(-seconds{8});
  REQUIRE(m.look().jumped);
  for (int i = 0; i < 40'000; ++i) {
    const Time before = m.now();
    m.sleep(Duration{1});
    CHECK_FALSE(m.look().jumped);
    CHECK(m.now() >= before);
  }
  CHECK(m.clock.ahead() == seconds{3});
}

TEST_CASE("wrong for four seconds: nothing of it is left after ten minutes") {
  Machine m;
  m.set(seconds{60});
  REQUIRE(m.look().jumped);
  CHECK(m.quiet_for(seconds{4}));
  m.set(-seconds{60});
  REQUIRE(m.look().jumped);
  CHECK(m.clock.ahead() == seconds{60});
  CHECK(m.quiet_for(minutes{2}));
  m.restart(m.now());  // and a restart forgets nothing of the way that was made
  CHECK(m.clock.ahead() == seconds{45});
  CHECK(m.quiet_for(minutes{8}));
  CHECK(m.clock.ahead() == Duration{0});
  CHECK(m.now() == m.wall);
}

TEST_CASE("set back by more than an hour, own time follows at once and says so once") {
  for (Duration by : {Duration{hours{1}} + Duration{1}, Duration{hours{3}}, Duration{hours{24 * 365}}}) {
    CAPTURE(by.count());
    Machine m;
    CHECK(m.quiet_for(minutes{5}));
    const Time before = m.now();
    m.set(-by);
    const OwnClock::Seen seen = m.look();
    REQUIRE(seen.jumped);
    CHECK(seen.jumped->by == -by);
    CHECK(seen.jumped->from == before);
    CHECK(seen.jumped->back == by);
    CHECK(seen.moved == -by);
    CHECK(m.now() == m.wall);
    CHECK(m.clock.ahead() == Duration{0});
    CHECK(m.clock.was_set_since(before - minutes{1}));  // a run that began before, by own time in the future
    CHECK(m.quiet_for(minutes{10}));
    CHECK(m.now() == m.wall);
    CHECK_FALSE(m.clock.was_set_since(m.now() - minutes{1}));
  }
  Machine m;  // little by little
  m.set(-minutes{50});
  CHECK(m.look().jumped->back == Duration{0});
  m.set(-minutes{20});
  const OwnClock::Seen seen = m.look();
  CHECK(seen.jumped->back == minutes{70});
  CHECK(seen.moved == -minutes{70});
  CHECK(m.now() == m.wall);
}

TEST_CASE("set back and set right again, nothing jumps forward") {
  Machine m;
  m.set(-minutes{45});
  REQUIRE(m.look().jumped);
  CHECK(m.quiet_for(minutes{8}));  // of which it has caught up one minute
  const Time before = m.now();
  m.set(minutes{45});
  const OwnClock::Seen seen = m.look();
  REQUIRE(seen.jumped);             // it is said
  CHECK(seen.moved == minutes{1});  // only what it has caught up with comes back
  CHECK(m.now() == before + minutes{1});
  CHECK(m.clock.ahead() == Duration{0});
  CHECK(m.now() == noon + minutes{8});
}

TEST_CASE("set forward by more than it was set back, own time jumps by the rest") {
  Machine m;
  m.set(-minutes{10});
  REQUIRE(m.look().jumped);
  m.set(minutes{30});
  const OwnClock::Seen seen = m.look();
  REQUIRE(seen.jumped);
  CHECK(seen.jumped->by == minutes{20});
  CHECK(seen.moved == minutes{20});
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
  CHECK(seen.moved == hours{1});
  CHECK(m.now() == noon + minutes{61});
  CHECK(m.quiet_for(minutes{1}));
}

TEST_CASE("a pause is said, and moves nothing that is planned") {
  Machine m;
  m.sleep(seconds{2});
  CHECK_FALSE(m.look().jumped);
  for (Duration long_one : {Duration{2001}, Duration{seconds{45}}, Duration{minutes{10}}}) {
    const Time before = m.now();
    m.sleep(long_one);
    const OwnClock::Seen seen = m.look();
    REQUIRE(seen.jumped);
    CHECK(seen.jumped->by == long_one);
    CHECK(seen.jumped->from == before);
    CHECK(seen.jumped->pause);
    CHECK(seen.moved == Duration{0});
    CHECK_FALSE(m.clock.was_set_since(before));
  }
}

TEST_CASE("after a start time does not go back behind what was decided or seen before it") {
  SUBCASE("the wall's clock was set back meanwhile") {
    Machine m(noon + minutes{20}, noon + minutes{25});
    CHECK_FALSE(m.clock.turned_back());
    CHECK(m.clock.last() == noon + minutes{25});
    CHECK(m.clock.ahead() == minutes{25});
    CHECK(m.quiet_for(minutes{8}));
    CHECK(m.now() == noon + minutes{32});
    CHECK(m.quiet_for(minutes{192}));
    CHECK(m.now() == m.wall);
  }
  SUBCASE("the last event lies in the future") {
    Machine m(noon + hours{24 * 365});
    REQUIRE(m.clock.turned_back());
    CHECK(m.clock.turned_back()->back == hours{24 * 365});
    CHECK(m.clock.turned_back()->by == -hours{24 * 365});
    CHECK(m.clock.turned_back()->from == noon + hours{24 * 365});
    CHECK(m.now() == noon);
    CHECK(m.quiet_for(minutes{1}));
    CHECK(m.now() == noon + minutes{1});
  }
  SUBCASE("it went on") {
    Machine m(noon - minutes{5}, noon - seconds{2});
    CHECK_FALSE(m.clock.turned_back());
    CHECK(m.now() == noon);
    CHECK(m.clock.ahead() == Duration{0});
  }
  SUBCASE("the journal is new") {
    Machine m(Time{});
    CHECK(m.now() == noon);
  }
}

TEST_CASE("what another's clock says is brought into own time, of two meanings the older") {
  Machine m;
  CHECK(m.quiet_for(minutes{5}));
  m.set(-minutes{40});  // 12:05 is 11:25 again
  REQUIRE(m.look().jumped);
  CHECK(m.clock.ahead_of(noon - hours{3}) == Duration{0});      // 9:00 was before all that
  CHECK(m.clock.ahead_of(noon - minutes{30}) == Duration{0});   // 11:30 may be the one before it was set
  CHECK(m.clock.ahead_of(noon + minutes{5}) == Duration{0});    // 12:05 as well
  CHECK(m.clock.ahead_of(noon + minutes{30}) == -minutes{25});  // 12:30 was never told yet: it was there at 12:05
  m.set(-minutes{15});
  REQUIRE(m.look().jumped);
  CHECK(m.clock.ahead() == minutes{55});
  CHECK(m.clock.ahead_of(noon - minutes{40}) == Duration{0});  // 11:20: before either
  CHECK(m.quiet_for(minutes{50}));                             // it is 12:00 again: own time is 6 minutes less ahead
  CHECK(m.clock.ahead_of(noon - seconds{10}) == Duration{0});  // 11:59:50 may be from before the first
}

TEST_CASE("a start while own time is ahead does not know which moments were told twice: any from before it may have been") {
  Machine m;
  m.set(-minutes{15});
  REQUIRE(m.look().jumped);
  m.restart(m.now());
  CHECK(m.clock.ahead() == minutes{15});
  CHECK(m.clock.ahead_of(noon - minutes{16}) == Duration{0});
  CHECK(m.quiet_for(minutes{1}));
  CHECK(m.clock.ahead_of(noon - minutes{16}) == Duration{0});
  CHECK(m.clock.ahead_of(m.wall - seconds{5}) == m.clock.ahead());
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
