// SPDX-License-Identifier: Apache-2.0
// The file that a drill's command leaves is removed when the journal has what stands in it, and not before.
#include "tests/daemon/machine.hpp"

#include <doctest/doctest.h>

namespace evidence_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

struct Drilled {
  Machine m;
  Drilled() {
    m.configuration.edit_scenario(
        "[trigger]",
        "[drill]\nschedule = \"0 10 1 1,4,7,10 *\"\ntype = \"restore\"\nrun = [\"/usr/bin/drill\"]\ntimeout = \"5m\"\n[trigger]");
    m.start();
    m.pass(minutes{1});
    const auto begun = m.submit(StartDrill{"database-outage", "oncall", ""});
    REQUIRE(begun);
    REQUIRE_FALSE(begun->refused);
    const std::string now = time_text(m.state().record.drilling.held.at(begun->subject).wall_at.value());
    m.commands.document = R"({"drwatch_drill": 1, "kind": "restore", "verdict": "failed", "began_at": ")" + now + R"(", "ended_at": ")" +
                          now + R"(", "checks": [{"name": "wal", "verdict": "failed", "mandatory": true}]})";
    m.pass(seconds{10});
    REQUIRE(m.commands.begun.size() == 1);
  }
  bool left() const { return !m.commands.left_at.empty() && std::filesystem::exists(m.commands.left_at); }
  std::string verdict() const { return m.state().record.drilling.held.begin()->second.verdict; }
};

}  // namespace

TEST_CASE("what a drill left is there until the journal has it") {
  Drilled d;
  SUBCASE("and then it is gone") {
    d.m.pass(minutes{1});
    CHECK(d.verdict() == "failed");
    CHECK_FALSE(d.left());
  }
  SUBCASE("also while the disk is full") {
    d.m.truth.disk_full = true;
    d.m.pass(minutes{1});
    CHECK(d.verdict() == "failed");
    CHECK(d.left());
    d.m.truth.disk_full = false;
    d.m.pass(seconds{30});
    CHECK_FALSE(d.left());
  }
}

TEST_CASE("what is not understood of it stays for people to look at") {
  Drilled d;
  d.m.commands.document = "Segmentation fault";
  d.m.pass(minutes{1});
  CHECK(d.verdict() == "partial");
  CHECK(d.left());
}

}  // namespace evidence_test
