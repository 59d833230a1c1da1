// SPDX-License-Identifier: Apache-2.0
// A reload: what is unchanged goes on as if nothing had happened, and what is wrong changes nothing. Contract: "Configuration".
#include "tests/daemon/machine.hpp"

#include <doctest/doctest.h>

namespace reload_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {
std::uint64_t runs_of(const Machine& m, const std::string& probe) {
  std::uint64_t all = 0;
  for (std::uint64_t n : m.state().sight.probes.at(probe).runs) all += n;
  return all;
}
}  // namespace

TEST_CASE("an unchanged probe keeps its health, its counters and its phase") {
  Machine m;
  m.start();
  m.pass(minutes{5} + seconds{7});
  const Time since = m.state().record.probes.at("primary").since;
  const auto runs = runs_of(m, "primary");
  const auto next = m.daemon().next_run("primary");
  const auto next_app = m.daemon().next_run("app");
  CHECK(runs >= 10);
  m.configuration.edit("192.0.2.11:443", "192.0.2.99:443");
  CHECK(m.reload().empty());
  m.clock.settle();
  CHECK(m.daemon().next_run("primary") == next);
  CHECK(runs_of(m, "primary") == runs);
  CHECK(m.state().record.probes.at("primary").since == since);
  CHECK(m.state().record.probes.at("primary").health == Health::up);
  CHECK(m.state().sight.probes.at("primary").seen);
  // The changed one is looked at soon, not when the old one would have been.
  CHECK(m.daemon().next_run("app") != next_app);
  m.pass(seconds{31});
  CHECK(m.state().sight.probes.at("app").seen);
  CHECK(runs_of(m, "primary") == runs + 1);
  CHECK(m.seen["primary"].back() == *next);
  CHECK(m.told.count("configuration.loaded") == 2);
  CHECK(m.daemon().figures().last_reload_successful);
}

TEST_CASE("a changed probe keeps its health, not seen since, until it has run") {
  Machine m;
  m.start();
  m.pass(minutes{2});
  m.breaks("front");
  REQUIRE(m.until([&] { return m.health("api") == Health::down; }, minutes{3}));
  m.configuration.edit("192.0.2.12:443", "192.0.2.98:443");
  CHECK(m.reload().empty());
  CHECK(m.state().record.probes.at("front").health == Health::down);
  CHECK(m.health("api") == Health::down);
  CHECK_FALSE(m.state().sight.probes.at("front").seen);
  CHECK(m.daemon().figures().probes_not_seen == std::vector<std::string>{"front"});
  m.mends("front");
  m.pass(seconds{31});
  CHECK(m.state().sight.probes.at("front").seen);
  CHECK(m.until([&] { return m.health("api") == Health::up; }, minutes{2}));
}

TEST_CASE("a run of the old settings that is still on its way does not count for the new ones") {
  Machine m;
  m.start();
  m.pass(minutes{2});
  m.truth.targets["front"].stalls = true;
  REQUIRE(m.until([&] { return m.runs.running["front"] == 1; }, minutes{1}));
  m.pass(seconds{1});
  m.configuration.edit("192.0.2.12:443", "192.0.2.98:443");
  m.truth.targets["front"].stalls = false;
  CHECK(m.reload().empty());
  m.pass(seconds{40});
  CHECK(m.state().sight.probes.at("front").runs[static_cast<int>(Health::down)] == 0);
  CHECK(runs_of(m, "front") >= 1);
  CHECK_FALSE(m.runs.overlapped);
  const auto runs = runs_of(m, "front");
  m.pass(minutes{5});
  CHECK(runs_of(m, "front") == runs + 10);
}

TEST_CASE("a removed probe is gone, an added one is run") {
  Machine m;
  m.start();
  m.pass(minutes{2});
  m.breaks("front");
  REQUIRE(m.until([&] { return m.health("api") == Health::down; }, minutes{3}));
  m.configuration.edit("[probe.front]", "[probe.side]");
  m.truth.targets["side"].health = Health::up;
  CHECK(m.reload().empty());
  CHECK(m.told.count("probe.removed") == 1);
  CHECK_FALSE(m.state().record.probes.count("front"));
  CHECK_FALSE(m.state().sight.probes.count("front"));
  CHECK_FALSE(m.daemon().next_run("front").has_value());
  const std::size_t runs = m.seen["front"].size();
  m.pass(minutes{2});
  CHECK(m.seen["front"].size() == runs);
  CHECK(m.seen["side"].size() >= 4);
  CHECK(m.health("api") == Health::up);
}

TEST_CASE("an open incident keeps its copy of the scenario, through a restart too") {
  Machine m;
  m.start();
  m.pass(minutes{2});
  m.breaks("primary");
  REQUIRE(m.until([&] { return m.incident() != nullptr; }, minutes{5}));
  const std::string id = m.incident()->id;
  m.configuration.edit_scenario("Look at the server", "Look at the new server");
  CHECK(m.reload().empty());
  CHECK(m.daemon().settings()->scenarios.at("database-outage").steps.at(0).title == "Look at the new server");
  CHECK(m.incident()->steps.at(0).plan.title == "Look at the server");
  CHECK(m.incident()->scenario_hash != m.daemon().settings()->scenarios.at("database-outage").hash);
  m.pass(seconds{5});
  m.crash();
  m.start();
  REQUIRE(m.incident());
  CHECK(m.incident()->id == id);
  CHECK(m.incident()->steps.at(0).plan.title == "Look at the server");
}

TEST_CASE("a reload that cannot be done leaves everything as it was and says so") {
  Machine m;
  m.start();
  m.pass(minutes{2});
  const auto settings = m.daemon().settings();
  const auto next = m.daemon().next_run("primary");
  std::string named;
  SUBCASE("an error in the file") { m.configuration.edit("rto = \"4h\"", "rto = 4"), named = "rto"; }
  SUBCASE("a name that is not there") { m.configuration.edit("component = \"api\"", "component = \"apu\""), named = "apu"; }
  SUBCASE("another address") { m.configuration.edit("127.0.0.1:9780", "127.0.0.1:9781"), named = "server.listen"; }
  SUBCASE("another journal") { m.configuration.edit("journal.db", "other.db"), named = "journal.path"; }
  SUBCASE("other workers") { m.configuration.edit("workers = 2", "workers = 3"), named = "server.workers"; }
  const auto problems = m.reload();
  REQUIRE_FALSE(problems.empty());
  CHECK_MESSAGE(problems.at(0).find(named) != std::string::npos, problems.at(0));
  CHECK(m.daemon().settings() == settings);
  CHECK_FALSE(m.daemon().figures().last_reload_successful);
  CHECK(m.daemon().figures().last_reload_error == problems.at(0));
  REQUIRE(m.told.last("configuration.refused"));
  CHECK(m.told.last("configuration.refused")->body.texts("problems") == problems);
  CHECK(m.daemon().next_run("primary") == next);
  m.breaks("primary");
  CHECK(m.until([&] { return m.health("database") == Health::down; }, minutes{2}));
}

TEST_CASE("after a refused reload a good one is taken, and said to be") {
  Machine m;
  m.start();
  m.pass(minutes{1});
  m.configuration.edit("rto = \"4h\"", "rto = 4");
  CHECK_FALSE(m.reload().empty());
  m.configuration.edit("rto = 4", "rto = \"5h\"");
  CHECK(m.reload().empty());
  CHECK(m.daemon().figures().last_reload_successful);
  CHECK(m.daemon().figures().last_reload_error.empty());
  CHECK(m.daemon().settings()->recovery.rto == hours{5});
}

TEST_CASE("a reload whose files take long delays nothing, and two at once are done one after the other") {
  Machine m;
  m.start();
  m.pass(minutes{5});
  const auto runs = runs_of(m, "primary");
  m.loading_takes = minutes{2};
  m.reload_and_leave();
  m.pass(seconds{30});
  m.reload_and_leave();
  m.pass(minutes{1});
  CHECK(m.told.count("configuration.loaded") == 1);  // of the start
  CHECK(runs_of(m, "primary") >= runs + 2);
  m.pass(minutes{1});
  CHECK(m.told.count("configuration.loaded") == 2);
  m.pass(minutes{2});
  CHECK(m.told.count("configuration.loaded") == 3);
  SUBCASE("and none keeps it from stopping") {
    m.reload_and_leave();
    m.pass(seconds{1});
    m.stop();
  }
  SUBCASE("nor from being killed") {
    m.reload_and_leave();
    m.pass(seconds{1});
    m.crash();
  }
}

}  // namespace reload_test
