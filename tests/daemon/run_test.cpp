// SPDX-License-Identifier: Apache-2.0
// A probe with a bug and a probe that never returns harm nobody but themselves.
#include "tests/daemon/machine.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace run_test {

using namespace drwatch;
using namespace drwatch::testing;

TEST_CASE("a probe with a bug is unknown, never down, and each of its runs is logged once") {
  Machine m;
  m.throwing.insert("primary");
  m.start();
  m.pass(minutes{5});
  const auto& sight = m.state().sight.probes.at("primary");
  REQUIRE(sight.last);
  CHECK(sight.last->outcome == Health::unknown);
  CHECK(sight.last->reason == Reason::internal);
  CHECK(sight.runs[static_cast<int>(Health::down)] == 0);
  const std::size_t runs = m.seen["primary"].size();
  CHECK(runs >= 10);
  CHECK(sight.runs[static_cast<int>(Health::unknown)] == runs);
  std::size_t lines = 0;
  for (const std::string& line : m.told.lines)
    lines += line.find("primary") != std::string::npos && line.find("vector is empty") != std::string::npos;
  CHECK(lines == runs);
  CHECK(m.state().record.incidents.empty());
  CHECK(m.health("api") == Health::up);
  m.throwing.clear();
  CHECK(m.until([&] { return m.health("database") == Health::up; }, minutes{2}));
}

TEST_CASE("a probe that never returns ends at its timeout and delays no neighbour") {
  auto starts = [](bool stalls) {
    Machine m;
    m.truth.targets["primary"].stalls = stalls;
    m.start();
    m.pass(minutes{5});
    if (stalls) {
      const auto& sight = m.state().sight.probes.at("primary");
      REQUIRE(sight.last);
      CHECK(sight.last->outcome == Health::down);
      CHECK(sight.last->reason == Reason::timeout);
      CHECK(*sight.last->phases[Phase::total] >= seconds{10});
      CHECK(*sight.last->phases[Phase::total] <= seconds{10} + Duration{100});
      CHECK(m.health("database") == Health::down);
      CHECK_FALSE(m.runs.overlapped);
    }
    return std::vector{m.seen["app"], m.seen["front"], m.seen["wal-archive"]};
  };
  CHECK(starts(true) == starts(false));
}

TEST_CASE("asked for a run now, the answer is of a run that began after the question") {
  Machine m;
  m.start();
  m.pass(minutes{2});
  m.breaks("front");
  auto outcome = std::make_shared<std::optional<Outcome>>();
  TaskGroup asking(m.loop.get_executor(), [](const std::string&, std::exception_ptr) {});
  struct Ask {
    static Task<void> once(Daemon& daemon, std::shared_ptr<std::optional<Outcome>> into) { *into = co_await daemon.run_probe("front"); }
  };
  asking.spawn("ask", Ask::once(m.daemon(), outcome));
  const Time asked = m.clock.now();
  REQUIRE(m.until([&] { return outcome->has_value(); }, seconds{2}));
  CHECK((*outcome)->outcome == Health::down);
  CHECK((*outcome)->at >= asked);
  CHECK(m.health("api") == Health::up);  // one run is no health
}

}  // namespace run_test
