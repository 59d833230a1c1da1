// SPDX-License-Identifier: Apache-2.0
// What a drill may take back, prove and set off: what is older, of another class or of another runbook changes nothing of today.
#include "drilled.hpp"

#include "daemon/recovery/record/json.hpp"

namespace drill_weight_test {

using namespace drwatch;
using namespace drwatch::testing;
using namespace drwatch::testing::drilled;
using H = Health;

namespace {

Decision hand_in(Stage& stage, const Json& document) {
  RecordDrill record;
  record.scenario = outage;
  record.by = "cron";
  record.evidence = document.dump();
  return stage.feed(record);
}

std::size_t proofs(Stage& stage) {
  const auto& all = stage.state.record.drilling.proofs;
  return all.count(outage) ? all.at(outage).size() : 0;
}

}  // namespace

TEST_CASE("a failure that is older, of another class, or talk takes back nothing that a newer drill proves") {
  Stage stage(planned());
  stage.ran("primary", H::up);
  hand_in(stage, evidence(stage.now - hours{2}));
  REQUIRE(standing(stage) == Standing::met);
  REQUIRE(proofs(stage) == 2);
  SUBCASE("older") {
    hand_in(stage, evidence(stage.now - hours{24 * 90}, "failed"));
    CHECK(standing(stage) == Standing::met);
    CHECK(proofs(stage) == 2);
  }
  SUBCASE("older, and of another class") {
    Json document = evidence(stage.now - hours{24 * 90}, "failed");
    document["classes"] = Json::array({"logical"});
    hand_in(stage, document);
    CHECK(standing(stage) == Standing::met);
  }
  SUBCASE("of another class") {
    Json document = evidence(stage.now - hours{1}, "failed");
    document["classes"] = Json::array({"region"});
    document["claim"]["source"] = "offsite";
    hand_in(stage, document);
    CHECK(standing(stage) == Standing::met);
    CHECK(proofs(stage) == 2);
  }
  SUBCASE("a tabletop") {
    const std::string id = started(stage, "tabletop");
    stage.feed(FinishDrill{id, false, std::nullopt, "lena", "nobody knew the plan"});
    CHECK(drill(stage, id).verdict == "failed");
    CHECK(standing(stage) == Standing::met);
    CHECK(proofs(stage) == 2);
  }
  SUBCASE("but one that is newer and came to no copy does") {
    Json document = evidence(stage.now - hours{1}, "failed");
    document["classes"] = Json::array();
    hand_in(stage, document);
    CHECK(standing(stage) == Standing::unproven);
    CHECK(proofs(stage) == 0);
  }
}

TEST_CASE("a change makes automatic drills due; their schedule begins them, one command at a time") {
  Settings s = commanded();
  s.scenarios.at(outage).drill->automatic = true;
  Scenario second = s.scenarios.at(outage);
  second.id = "database-second";
  s.scenarios[second.id] = second;
  Stage stage(s);
  stage.ran("primary", H::up);
  for (const char* id : {outage, "database-second"}) stage.feed(RecordDrill{id, true, minutes{30}, std::nullopt, {}, "lena", ""});
  for (const char* id : {outage, "database-second"}) {
    stage.settings.scenarios.at(id).rto = hours{3};
    stage.settings.scenarios.at(id).hash = "tighter";
  }
  stage.feed(ConfigurationLoaded{});
  CHECK(count(stage, "drill.due") == 2);
  stage.pass(hours{24});
  CHECK(count(stage, "drill.started") == 0);
  const Time date = *parse_time("2026-04-01T10:00:00Z");
  stage.pass(date - stage.now + seconds{1});
  CHECK(count(stage, "drill.started") == 1);
  stage.pass(minutes{5});
  CHECK(count(stage, "drill.started") == 1);
  const auto running = [&] { return running_drill(stage.state.record, outage) ? outage : "database-second"; };
  const std::string first = running();
  const Time began = running_drill(stage.state.record, first)->work.started_at;
  stage.pass(minutes{10});
  stage.feed(ended(running_drill(stage.state.record, first)->work.id, 0, evidence(began)));
  CHECK(count(stage, "drill.started") == 2);
  CHECK(running() != first);
}

TEST_CASE("a drill proves the runbook that it began with, and is no answer to a change that came after it") {
  Stage stage(planned());
  stage.ran("primary", H::up);
  SUBCASE("changed while it ran") {
    const std::string id = started(stage);
    stage.settings.scenarios.at(outage).critical_hash = "two";
    stage.settings.scenarios.at(outage).hash = "two";
    stage.feed(ConfigurationLoaded{});
    act(stage, id, "act", OnStep::done), act(stage, id, "connectivity", OnStep::done);
    stage.feed(FinishDrill{id, true, std::nullopt, "lena", ""});
    CHECK(stage.state.record.drills.at(outage).critical_hash == "one");
    CHECK(count(stage, "drill.due") == 1);
  }
  SUBCASE("changed before an older document came in") {
    stage.feed(RecordDrill{outage, true, minutes{30}, std::nullopt, {}, "lena", ""});
    stage.pass(hours{24});
    stage.settings.scenarios.at(outage).rto = hours{3};
    stage.settings.scenarios.at(outage).hash = "two";
    stage.feed(ConfigurationLoaded{});
    REQUIRE(stage.state.record.drilling.changes.contains(outage));
    hand_in(stage, evidence(stage.now - hours{2}));
    CHECK(stage.state.record.drilling.changes.contains(outage));
    stage.pass(hours{1});
    hand_in(stage, evidence(stage.now - minutes{20}));
    CHECK_FALSE(stage.state.record.drilling.changes.contains(outage));
  }
}

TEST_CASE("the overdue alert ends when the schedule moves") {
  Stage stage(planned());
  stage.ran("primary", H::up);
  stage.feed(RecordDrill{outage, true, minutes{30}, std::nullopt, {}, "lena", ""});
  stage.pass(*parse_time("2026-07-20T10:00:00Z") - stage.now);
  REQUIRE(stage.fires("DrwatchDrillOverdue/database-outage"));
  std::string error;
  Scenario& scenario = stage.settings.scenarios.at(outage);
  scenario.drill->schedule = Cron::parse("0 10 1 3 *", "UTC", &error);
  scenario.hash = "moved";
  stage.feed(ConfigurationLoaded{});
  REQUIRE(drill_state(drill_dates(stage.state.record, scenario), stage.now) == DrillState::planned);
  CHECK_FALSE(stage.fires("DrwatchDrillOverdue/database-outage"));
}

TEST_CASE("what is kept of drills is bounded: few proofs of a scenario, none of one that is gone") {
  Stage stage(planned());
  stage.ran("primary", H::up);
  for (int n = 0; n < 60; ++n) {
    Json document = evidence(stage.now - hours{100 - n});
    document["claim"]["source"] = "copy-" + std::to_string(n);
    hand_in(stage, document);
  }
  CHECK(proofs(stage) == 36);
  CHECK(stage.state.record.drilling.proofs.at(outage).contains("host/copy-59"));
  CHECK_FALSE(stage.state.record.drilling.proofs.at(outage).contains("host/copy-0"));
  stage.settings.scenarios.erase(outage);
  stage.feed(ConfigurationLoaded{});
  CHECK(stage.state.record.drilling.proofs.empty());
  CHECK(stage.state.record.drilling.told.empty());
}

TEST_CASE("evidence is dated by the wall, however far ahead of it drwatch's own time is") {
  Stage stage(commanded());
  stage.ran("primary", H::up);
  // Own time goes on from where it was when the clock was set back.
  const Duration ahead = minutes{40};
  State state = stage.state;
  const std::string id = decide(state, stage.settings, StartDrill{outage, "lena", ""}, stage.now, ahead).subject;
  const HeldDrill begun = state.record.drilling.held.at(id);
  REQUIRE(begun.wall_at == stage.now - ahead);
  CHECK(held_drill_from_json(to_json(begun)).wall_at == begun.wall_at);
  decide(state, stage.settings, ended(id, 0, evidence(*begun.wall_at)), stage.now + minutes{10}, ahead);
  CHECK(state.record.drilling.held.at(id).verdict == "passed");
}

TEST_CASE("a drill that begins or is written down is made; the same document again is not") {
  Stage stage(planned());
  stage.ran("primary", H::up);
  const Json document = evidence(stage.now - hours{2});
  CHECK(makes_its_subject(hand_in(stage, document)));
  CHECK_FALSE(makes_its_subject(hand_in(stage, document)));
  const Decision begun = stage.feed(StartDrill{outage, "lena", ""});
  CHECK(makes_its_subject(begun));
  CHECK_FALSE(makes_its_subject(stage.feed(FinishDrill{begun.subject, false, std::nullopt, "lena", ""})));
}

}  // namespace drill_weight_test
