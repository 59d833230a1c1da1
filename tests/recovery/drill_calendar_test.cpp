// SPDX-License-Identifier: Apache-2.0
// Drills that were held elsewhere, by the document that they left; and the calendar that asks for drills.
#include "drilled.hpp"

namespace drill_calendar_test {

using namespace drwatch;
using namespace drwatch::testing;
using namespace drwatch::testing::drilled;
using H = Health;

TEST_CASE("a drill that was held elsewhere comes in by its evidence, once") {
  Stage stage(planned());
  RecordDrill record;
  record.scenario = outage;
  record.by = "cron";
  record.evidence = evidence(stage.now - hours{24}).dump();
  const Decision first = stage.feed(record);
  REQUIRE_FALSE(first.refused);
  CHECK(drill(stage, first.subject).recorded);
  CHECK(stage.state.record.drills.at(outage).at == stage.now - hours{24} + minutes{10});  // when it was held
  CHECK(standing(stage) == Standing::met);
  CHECK(stage.feed(record).subject == first.subject);
  CHECK(count(stage, "drill.passed") == 1);
  for (const char* wrong : {"[]", "{", R"({"drwatch_drill": 2})", "null"}) {
    record.evidence = wrong;
    const Decision d = stage.feed(record);
    REQUIRE(d.refused);
    CHECK(d.refused->status == 422);
  }
  record.evidence = evidence(stage.now + hours{24}).dump();
  CHECK(stage.feed(record).refused->title == "the drill lies in the future");
}

TEST_CASE("evidence: what is missing, too much or no sense is refused with its reason") {
  const Time at = *parse_time("2026-03-01T02:00:00Z");
  const auto wrong = [](const Json& j) { return read_evidence(j.dump()).wrong; };
  CHECK(wrong(evidence(at)).empty());
  const std::vector<std::pair<const char*, Json>> bad = {
      {"verdict", "perfect"}, {"began_at", "yesterday"}, {"ended_at", "2026-02-01T02:00:00Z"},
      {"copy", nullptr},      {"classes", {"planet"}},   {"checks", 3},
      {"measured", "fast"},   {"claim", "all"},          {"kind", nullptr}};
  for (const auto& [key, value] : bad) {
    Json j = evidence(at);
    j[key] = value;
    CAPTURE(key);
    CHECK_FALSE(wrong(j).empty());
  }
  Json negative = evidence(at);
  negative["measured"]["took_seconds"] = -1;
  CHECK(says(wrong(negative), "took_seconds"));
  Json loose = evidence(at);
  loose["checks"][0].erase("mandatory");
  CHECK(says(wrong(loose), "mandatory"));
  CHECK(says(read_evidence(std::string(100, '[')).wrong, "too deeply"));
  CHECK(says(read_evidence(std::string(70 * 1024, ' ')).wrong, "larger"));
  Json none = evidence(at);
  none["checks"] = Json::array();
  CHECK(verdict_of(*read_evidence(none.dump()).evidence).verdict == "partial");
  Json late = evidence(at);
  late["checks"][0]["verdict"] = "timed-out";
  CHECK(verdict_of(*read_evidence(late.dump()).evidence).verdict == "partial");
  Json nowhere = evidence(at, "failed");  // it came to no copy
  nowhere["copy"] = {{"reads", "dump"}, {"label", nullptr}, {"taken_at", nullptr}, {"chosen", nullptr}};
  nowhere["measured"] = {{"took_seconds", nullptr}, {"lost_seconds", nullptr}, {"phases", Json::array()}};
  CHECK(wrong(nowhere).empty());
  Json optional = evidence(at);
  optional["checks"][1] = {{"name", "amcheck"}, {"verdict", "failed"}, {"mandatory", false}, {"detail", ""}};
  CHECK(verdict_of(*read_evidence(optional.dump()).evidence).verdict == "failed");
  Json failed = evidence(at);
  failed["checks"][0]["verdict"] = "failed";
  CHECK(verdict_of(*read_evidence(failed.dump()).evidence).verdict == "failed");
}

TEST_CASE("the calendar says due and overdue once each, and again after a restart only what is new") {
  Stage stage(planned());
  stage.ran("primary", H::up);
  CHECK(stage.feed(RecordDrill{outage, true, Duration{0}, std::nullopt, {}, "lena", ""}).refused->status == 422);
  stage.feed(RecordDrill{outage, true, minutes{30}, std::nullopt, {}, "lena", ""});
  const Scenario& scenario = stage.settings.scenarios.at(outage);
  const DrillDates dates = drill_dates(stage.state.record, scenario);
  REQUIRE(dates.due_at);
  CHECK(time_text(*dates.due_at) == "2026-07-01T10:00:00Z");
  CHECK(drill_state(dates, *dates.due_at - hours{24 * 20}) == DrillState::planned);
  CHECK(drill_state(dates, *dates.due_at - hours{24 * 10}) == DrillState::soon);
  CHECK(drill_state(dates, *dates.due_at) == DrillState::due);
  stage.pass(*dates.due_at - stage.now - seconds{1});
  CHECK(count(stage, "drill.due") == 0);
  stage.pass(seconds{2});
  CHECK(count(stage, "drill.due") == 1);
  CHECK_FALSE(stage.fires("DrwatchDrillOverdue/database-outage"));
  stage.pass(hours{24 * 14});
  CHECK(count(stage, "drill.overdue") == 1);
  CHECK(stage.fires("DrwatchDrillOverdue/database-outage"));
  stage.feed(DaemonStarted{"test"});
  stage.feed(ConfigurationLoaded{});
  stage.pass(hours{24});
  CHECK(count(stage, "drill.due") == 1);
  CHECK(count(stage, "drill.overdue") == 1);
  stage.feed(RecordDrill{outage, true, minutes{30}, std::nullopt, {}, "lena", ""});
  CHECK_FALSE(stage.fires("DrwatchDrillOverdue/database-outage"));
  // What changed since makes another one due at once.
  SUBCASE("the critical steps") { stage.settings.scenarios.at(outage).critical_hash = "two"; }
  SUBCASE("the objective, which got tighter") { stage.settings.scenarios.at(outage).rto = hours{3}; }
  stage.settings.scenarios.at(outage).hash = "two";
  stage.feed(ConfigurationLoaded{});
  CHECK(count(stage, "drill.due") == 2);
  CHECK(drill_state(drill_dates(stage.state.record, stage.settings.scenarios.at(outage)), stage.now) == DrillState::due);
  stage.pass(hours{24 * 15});
  CHECK(stage.fires("DrwatchDrillOverdue/database-outage"));
  stage.feed(RecordDrill{outage, true, minutes{30}, std::nullopt, {}, "lena", ""});
  CHECK_FALSE(stage.fires("DrwatchDrillOverdue/database-outage"));
  CHECK(count(stage, "drill.due") == 2);
}

TEST_CASE("an automatic drill begins on its date, once, and waits while a real incident is open") {
  Settings s = commanded();
  s.scenarios.at(outage).drill->automatic = true;
  Stage stage(s);
  stage.ran("primary", H::up);
  const Time date = *parse_time("2026-04-01T10:00:00Z");
  stage.pass(date - stage.now - seconds{1});
  CHECK(count(stage, "drill.started") == 0);
  std::string real;
  SUBCASE("at its time") {}
  SUBCASE("an incident is open") {
    real = stage.feed(OpenIncident{outage, "anna", ""}).subject;
    stage.pass(hours{2});
    CHECK(count(stage, "drill.started") == 0);
    stage.feed(Resolve{real, true, false, "anna", "over"});
  }
  SUBCASE("drills are on hold") {
    stage.feed(HoldDrills{true, "anna", ""});
    stage.pass(hours{2});
    CHECK(count(stage, "drill.started") == 0);
    stage.feed(HoldDrills{false, "anna", ""});
  }
  stage.pass(seconds{2});
  REQUIRE(count(stage, "drill.started") == 1);
  const HeldDrill* running = running_drill(stage.state.record, outage);
  REQUIRE(running);
  CHECK(running->by_calendar);
  const std::string id = running->work.id;
  stage.feed(ended(id, 1, nullptr));
  CHECK(drill(stage, id).verdict == "failed");
  stage.pass(hours{24 * 60});
  CHECK(count(stage, "drill.started") == 1);  // not again before the next date
  stage.pass(hours{24 * 40});
  CHECK(count(stage, "drill.started") == 2);
}

}  // namespace drill_calendar_test
