// SPDX-License-Identifier: Apache-2.0
// What a scenario can never keep is said before it happens.
#include "config/check/plan.hpp"

#include "tests/config/loaded.hpp"

#include <doctest/doctest.h>

namespace drwatch::test::plan_test {
namespace {

// Noticed after half of 30s, twice 10s, and the trigger's minute: 1m35s.
Loaded with(const std::string& scenario, const std::string& steps) {
  Folder folder;
  folder.write("drwatch.toml",
               "[component.database]\n[probe.primary]\ncomponent = \"database\"\nkind = \"tcp\"\ntarget = \"192.0.2.1:5432\"\n");
  folder.write("scenarios/outage.toml", "title = \"Outage\"\naffects = [\"database\"]\nack_within = \"10m\"\n" + scenario +
                                            "[trigger]\nany = [\"database is down\"]\nfor = \"1m\"\n" + steps);
  return load(folder);
}
std::string step(const std::string& id, const std::string& expect, const std::string& more = "") {
  return "[[step]]\nid = \"" + id + "\"\ntitle = \"Do it\"\ncritical = true\nexpect = \"" + expect + "\"\n" + more;
}
const std::string verified = "[[step]]\nid = \"answers\"\ntitle = \"It answers\"\ncritical = true\nverify = \"database is up\"\n";

}  // namespace

TEST_CASE("a plan that takes longer than the RTO is warned of, with the sum") {
  const auto late = with("rto = \"1h\"\n", step("scope", "20m") + step("restore", "35m") + verified);
  REQUIRE(late.settings);
  CHECK(contains(
      late.warnings,
      "scenarios/outage.toml:4:7: warning: rto: cannot be kept by the plan: noticing 1m35s, acknowledging up to 10m, scope, restore 55m "
      "make 1h6m35s, the RTO is 1h; make it quicker, or promise no less than that"));
  CHECK_FALSE(contains(with("rto = \"2h\"\n", step("scope", "20m") + step("restore", "35m") + verified).warnings, "cannot be kept"));
}

TEST_CASE("an RTO shorter than noticing and acknowledging take") {
  const auto late = with("rto = \"5m\"\n", verified + "[[step]]\nid = \"ask\"\ntitle = \"Ask\"\ncritical = true\nafter = []\n");
  CHECK(contains(late.warnings, "cannot be kept by the plan: noticing 1m35s, acknowledging up to 10m make 11m35s, the RTO is 5m"));
  // Where nothing waits for people nobody has to take it.
  CHECK_FALSE(contains(with("rto = \"5m\"\n", verified).warnings, "cannot be kept"));
  CHECK(contains(with("rto = \"1m\"\n", verified).warnings, "cannot be kept by the plan: noticing 1m35s make 1m35s"));
}

TEST_CASE("the longest chain counts, not the sum of what goes on side by side; of several ways out the quickest") {
  const std::string first = step("first", "10m");
  const std::string beside = step("a", "30m", "after = [\"first\"]\n") + step("b", "40m", "after = [\"first\"]\n");
  CHECK_FALSE(contains(with("rto = \"65m\"\n[exit]\nby = \"steps\"\n", first + beside).warnings, "cannot be kept"));
  CHECK(contains(with("rto = \"1h\"\n[exit]\nby = \"steps\"\n", first + beside).warnings, "first, b 50m"));
  const std::string ways = step("wait", "5h", "option = \"wait\"\n") + step("switch", "20m", "after = []\noption = \"fail-over\"\n");
  CHECK_FALSE(contains(with("rto = \"1h\"\n[exit]\nby = \"steps\"\n", ways).warnings, "cannot be kept"));
  CHECK(contains(with("rto = \"25m\"\n[exit]\nby = \"steps\"\n", ways).warnings, "switch 20m"));
}

TEST_CASE("what comes after the platform is back is no part of the recovery, unless the exit is by steps") {
  const std::string after = verified + step("post-mortem", "8h");
  CHECK_FALSE(contains(with("rto = \"1h\"\n", step("mend", "20m") + after).warnings, "cannot be kept"));
  CHECK(contains(with("rto = \"1h\"\n[exit]\nby = \"steps\"\n", step("mend", "20m") + after).warnings, "mend, post-mortem 8h20m"));
}

TEST_CASE("a step that grows with data of which nobody reads the size") {
  const auto blind = with("", step("restore", "3m", "per_gib = \"2s\"\n") + verified);
  REQUIRE(blind.settings);
  CHECK(blind.settings->scenarios.at("outage").steps.front().per_gib == seconds{2});
  CHECK(contains(blind.warnings, "step.restore.per_gib: no probe reads how much data there is: 'expect' alone is the plan"));
}

}  // namespace drwatch::test::plan_test
