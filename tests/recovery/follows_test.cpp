// SPDX-License-Identifier: Apache-2.0
// What follows from a signal: whoever raises it learns what it opens, or why it opens nothing.
#include <doctest/doctest.h>

#include "daemon/recovery/scenarios/follows.hpp"
#include "platform.hpp"

namespace follows_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

// `break-in` opens by the signal alone, `both` asks for the database as well, `calm` not while another signal is raised.
Settings heard() {
  Settings s = platform();
  s.signals["planned"] = {"planned", std::nullopt};
  s.scenarios["break-in"] = scenario(s, "break-in", {"breach is raised"}, {"api"});
  s.scenarios["break-in"].trigger.hold_for = minutes{1};
  s.scenarios["both"] = scenario(s, "both", {"breach is raised"}, {"api"});
  s.scenarios["both"].trigger.all = {condition(s, "database is down")};
  s.scenarios["calm"] = scenario(s, "calm", {"breach is raised"}, {"api"});
  s.scenarios["calm"].trigger.none = {condition(s, "planned is raised"), condition(s, "api is up")};
  return s;
}
std::string follows(Stage& stage, const std::string& scenario) {
  for (const Follows& each : follows_from(stage.state, stage.settings, "breach"))
    if (each.scenario == scenario) return std::string(follows_name(each.what)) + (each.why.empty() ? "" : ": " + each.why);
  return "";
}
Decision raise(Stage& stage, const std::string& signal = "breach") { return stage.feed(SetSignal{signal, true, "lena", ""}); }

}  // namespace

TEST_CASE("a signal says what it opens, and what it waits for") {
  Stage stage(heard());
  stage.ran("primary", Health::up);
  stage.ran("web", Health::up);
  raise(stage, "planned");
  raise(stage);
  CHECK(follows(stage, "break-in") == "pending");
  CHECK(follows(stage, "both") == "waits: it asks for 'database is down' as well");
  CHECK(follows(stage, "calm") == "waits: 'planned is raised' forbids it");
  stage.pass(minutes{1});
  CHECK(follows(stage, "break-in") == "open");

  // What forbids it is said one after the other, and it opens when nothing does any more.
  stage.feed(SetSignal{"planned", false, "lena", ""});
  stage.pass(minutes{1});
  CHECK(follows(stage, "calm") == "waits: 'api is up' forbids it");
  for (int i = 0; i < 3; ++i) stage.ran("web", Health::down);
  stage.pass(minutes{2});
  CHECK(follows(stage, "calm") == "open");
  CHECK(follows_from(stage.state, stage.settings, "planned").empty());
}

TEST_CASE("a signal says why it opens nothing: what people said of it before") {
  Stage stage(heard());
  raise(stage);
  stage.pass(minutes{1});
  const std::string id = stage.open("break-in")->id;
  stage.now += minutes{1};
  stage.feed(Resolve{id, true, true, "lena", "a drill of theirs"});
  CHECK(follows(stage, "break-in") ==
        "kept-shut: lena said that " + id + " was a false alarm: it opens when its trigger has once been false");
  CHECK(stage.state.record.false_alarms.count("break-in") == 1);
  CHECK(stage.replayed.false_alarms.count("break-in") == 1);

  // It is over when the trigger was false once, and does not outlive a restart in the snapshot alone.
  const auto again = record_of_snapshot(snapshot_text(stage.state.record));
  REQUIRE(again);
  CHECK(again->false_alarms.at("break-in").conditions == std::vector<std::string>{"breach is raised"});
  stage.now += minutes{1};
  stage.feed(SetSignal{"breach", false, "lena", ""});
  CHECK(stage.state.record.false_alarms.empty());
  CHECK(stage.replayed.false_alarms.empty());
}

TEST_CASE("a false alarm keeps shut what it was said of; what gets worse is news") {
  Settings s = platform();
  s.scenarios["slow"] = scenario(s, "slow", {"api is degraded"}, {"api"});
  s.scenarios["slow"].trigger.hold_for = minutes{1};
  Stage stage(s);
  const auto runs = [&](Health health) {
    for (int i = 0; i < 10; ++i) {
      stage.pass(seconds{30});
      stage.ran("primary", Health::up);
      stage.ran("web", health);
    }
  };
  for (const char* probe : {"primary", "web"}) stage.ran(probe, Health::up);
  runs(Health::degraded);
  const auto slow = stage.open("slow");
  REQUIRE(slow);
  stage.feed(Resolve{slow->id, true, true, "lena", "a slow report"});
  runs(Health::degraded);
  CHECK(stage.open("slow") == nullptr);
  runs(Health::down);
  CHECK(stage.open("slow") != nullptr);
}

}  // namespace follows_test
