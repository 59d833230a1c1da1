// SPDX-License-Identifier: Apache-2.0
// Drills: begun, worked, ended; what they prove, and what goes before them.
#include "drilled.hpp"

namespace drills_test {

using namespace drwatch;
using namespace drwatch::testing;
using namespace drwatch::testing::drilled;
using H = Health;

TEST_CASE("a drill is led by people: its own id, its own alert, no page, no message outside; it passes with what was measured") {
  Stage stage(planned());
  stage.ran("primary", H::up);
  const std::string id = started(stage);
  CHECK(id == "drill-20260301-0200-database-outage");
  CHECK(stage.state.record.incidents.empty());
  CHECK(stage.fires("DrwatchIncident/database-outage/drill"));
  CHECK_FALSE(stage.fires("DrwatchIncident/database-outage"));
  const auto& labels = stage.state.record.alerts.at("DrwatchIncident/database-outage/drill").labels;
  CHECK(labels.at("severity") == "info");
  CHECK(labels.at("drill") == "true");
  stage.pass(minutes{30});
  CHECK_FALSE(stage.fires("DrwatchUnacknowledged/database-outage"));

  const auto& messages = drill(stage, id).work.messages;
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].subject == "[DRILL] database-outage");
  const Decision outside = stage.feed(MessageAction{id, "customers", OnMessage::approve, "lena"});
  REQUIRE(outside.refused);
  CHECK(outside.refused->status == 409);
  CHECK_FALSE(stage.feed(MessageAction{id, "inside", OnMessage::sent, "lena"}).refused);

  // Production is well all the time; nobody's step is ticked by that.
  for (int i = 0; i < 10; ++i) stage.ran("primary", H::up), stage.pass(seconds{30});
  CHECK(drill(stage, id).work.step("connectivity")->state == StepState::open);
  const Decision early = stage.feed(FinishDrill{id, true, std::nullopt, "lena", ""});
  REQUIRE(early.refused);
  CHECK(early.refused->list == std::vector<std::string>{"act", "connectivity"});
  act(stage, id, "act", OnStep::start);
  stage.pass(minutes{20});
  act(stage, id, "act", OnStep::done);
  // Also while production is down, a person ticks what the copy shows.
  CHECK_FALSE(act(stage, id, "connectivity", OnStep::done).refused);
  CHECK_FALSE(drill(stage, id).work.step("connectivity")->against_evidence);
  stage.pass(hours{1});
  CHECK(stage.feed(FinishDrill{id, true, seconds{20}, "lena", "ticket 7"}).subject == id);
  CHECK(drill(stage, id).verdict == "passed");
  CHECK(drill(stage, id).recovery_seconds == 55 * 60);  // up to the last critical step, not to the word
  CHECK(drill(stage, id).data_loss_seconds == 20);
  CHECK(standing(stage) == Standing::met);
  CHECK_FALSE(stage.fires("DrwatchIncident/database-outage/drill"));
  const auto samples = stage.state.record.measured.of_step(outage, "act", "", stage.now);
  REQUIRE(samples.size() == 1);
  CHECK(samples[0].seconds == 20 * 60);
  CHECK(stage.feed(AbortDrill{id, "lena", ""}).refused->status == 409);
  CHECK(act(stage, id, "act", OnStep::undo).refused->status == 409);
}

TEST_CASE("one drill of a scenario at a time, none while a real incident is open, and a real one that opens goes first") {
  Stage stage(planned());
  stage.ran("primary", H::up);
  const std::string id = started(stage);
  const Decision second = stage.feed(StartDrill{outage, "anna", ""});
  REQUIRE(second.refused);
  CHECK(second.refused->status == 409);
  CHECK(second.refused->list == std::vector<std::string>{id});
  CHECK(stage.feed(StartDrill{"databse-outage", "anna", ""}).refused->status == 404);
  CHECK(stage.feed(Resolve{id, false, false, "lena", ""}).refused->status == 409);

  stage.feed(OpenIncident{outage, "anna", ""});
  CHECK(stage.fires("DrwatchIncident/database-outage"));
  CHECK(drill(stage, id).verdict == "aborted");
  CHECK(says(drill(stage, id).reason, "a real incident is open: 20260301-0200-database-outage"));
  CHECK(stage.feed(StartDrill{outage, "anna", ""}).refused->status == 409);
  CHECK(standing(stage) == Standing::unproven);
}

TEST_CASE("a drill that failed or left out what is critical proves nothing, and stays on record; a tabletop proves the plan") {
  Stage stage(planned());
  stage.ran("primary", H::up);
  SUBCASE("failed") {
    const std::string id = started(stage);
    stage.pass(hours{5});
    stage.feed(FinishDrill{id, false, std::nullopt, "lena", "the copy did not start"});
    CHECK(drill(stage, id).verdict == "failed");
    CHECK(standing(stage) == Standing::breached);  // five hours were not enough
  }
  SUBCASE("skipped") {
    const std::string id = started(stage);
    act(stage, id, "act", OnStep::done);
    CHECK(act(stage, id, "connectivity", OnStep::skip).refused->status == 422);
    act(stage, id, "connectivity", OnStep::skip, "no client at hand");
    stage.feed(FinishDrill{id, true, std::nullopt, "lena", ""});
    CHECK(drill(stage, id).verdict == "partial");
    CHECK(says(drill(stage, id).reason, "connectivity"));
    CHECK(standing(stage) == Standing::unproven);
    const Decision again = stage.feed(FinishDrill{id, true, std::nullopt, "lena", ""});  // the same action twice is one
    CHECK_FALSE(again.refused);
    CHECK(again.subject == id);
    CHECK(stage.feed(FinishDrill{id, false, std::nullopt, "lena", ""}).refused->status == 409);
  }
  SUBCASE("tabletop") {
    const std::string id = started(stage, "tabletop");
    act(stage, id, "act", OnStep::done);
    act(stage, id, "connectivity", OnStep::done);
    stage.feed(FinishDrill{id, true, std::nullopt, "lena", ""});
    CHECK(drill(stage, id).verdict == "passed");
    CHECK(standing(stage) == Standing::unproven);
    // The plan asks for a restore: that is due as before.
    CHECK_FALSE(drill_dates(stage.state.record, stage.settings.scenarios.at(outage)).last_success_at);
    stage.settings.scenarios.at(outage).drill->type = "tabletop";
    CHECK(drill_dates(stage.state.record, stage.settings.scenarios.at(outage)).last_success_at);
    // There are no figures of it, and what looks ahead does without.
    stage.pass(hours{1});
    CHECK(standing(stage) == Standing::unproven);
  }
}

TEST_CASE("a drill's command runs once, and its evidence decides: for the class and the copy that were drilled") {
  Stage stage(commanded());
  stage.ran("primary", H::up);
  stage.recovery_point(stage.now - seconds{9});
  const Decision begun = stage.feed(StartDrill{outage, "lena", ""});
  const std::string id = begun.subject;
  REQUIRE(begun.commands.size() == 1);
  CHECK(begun.commands[0].argv == std::vector<std::string>{"/usr/lib/drwatch/drwatch-restore-drill", "--to", "scratch", "--evidence",
                                                           "/var/lib/drwatch/" + id + ".json"});
  CHECK(begun.commands[0].evidence == "/var/lib/drwatch/" + id + ".json");
  REQUIRE(drill(stage, id).claim);
  CHECK(drill(stage, id).claim->source == "wal");
  CHECK(act(stage, id, std::string(drill_command), OnStep::run).refused->status == 409);
  CHECK(stage.feed(FinishDrill{id, true, std::nullopt, "lena", ""}).refused->status == 409);
  const Time began = stage.now;
  stage.pass(minutes{10});
  SUBCASE("passed") {
    Json document = evidence(began);
    document["checks"].push_back({{"name", "connectivity"}, {"verdict", "passed"}, {"mandatory", false}, {"detail", "psql answers"}});
    stage.feed(ended(id, 0, document));
    CHECK(drill(stage, id).verdict == "passed");
    CHECK(drill(stage, id).recovery_seconds == 600);
    CHECK(drill(stage, id).data_loss_seconds == 10);
    CHECK(drill(stage, id).proves == std::vector<std::string>{"host from wal", "logical from wal"});
    CHECK(drill(stage, id).work.step("connectivity")->state == StepState::done);
    CHECK(standing(stage) == Standing::met);
    CHECK(stage.state.record.measured.of_step(outage, "act", "", stage.now).size() == 1);
    stage.settings.probes["offsite"] = stage.settings.probes.at("wal");
    stage.settings.probes["offsite"].backup->survives = {DisasterClass::host, DisasterClass::region};
    int shown = 0;
    for (const Proven& each : proven(stage.state.record, stage.settings, stage.settings.scenarios.at(outage), stage.now)) {
      CHECK(each.shown == (each.source == "wal"));
      shown += each.shown;
    }
    CHECK(shown == 2);
    // A failed one of the same copy takes it back.
    stage.pass(minutes{1});
    const std::string again = started(stage);
    const Time later = stage.now;
    stage.pass(minutes{10});
    stage.feed(ended(again, 1, evidence(later, "failed")));
    CHECK(standing(stage) == Standing::unproven);
    for (const Proven& each : proven(stage.state.record, stage.settings, stage.settings.scenarios.at(outage), stage.now))
      CHECK_FALSE(each.shown);
  }
  SUBCASE("another class") {
    Json document = evidence(began);
    document["classes"] = Json::array({"region"});
    document["claim"]["source"] = "offsite";
    stage.feed(ended(id, 0, document));
    CHECK(drill(stage, id).verdict == "passed");
    CHECK(standing(stage) == Standing::unproven);
    CHECK(std::any_of(stage.events.begin(), stage.events.end(),
                      [](const Event& e) { return e.kind == "drill.passed" && says(e.message, "nothing of the class host"); }));
  }
  SUBCASE("a mandatory check was skipped, whatever the file says") {
    Json document = evidence(began);
    document["checks"][1]["verdict"] = "skipped";
    stage.feed(ended(id, 0, document));
    CHECK(drill(stage, id).verdict == "partial");
    CHECK(standing(stage) == Standing::unproven);
  }
  SUBCASE("it says that it took no time") {
    Json document = evidence(began);
    document["measured"]["took_seconds"] = 0;
    stage.feed(ended(id, 0, document));
    CHECK(drill(stage, id).verdict == "partial");
    CHECK(standing(stage) == Standing::unproven);
  }
  SUBCASE("its exit code says otherwise") {
    stage.feed(ended(id, 1, evidence(began)));
    CHECK(drill(stage, id).verdict == "failed");
  }
  SUBCASE("no evidence") {
    stage.feed(ended(id, 0, nullptr));
    CHECK(drill(stage, id).verdict == "partial");
  }
  SUBCASE("evidence of another day") {
    stage.feed(ended(id, 0, evidence(began - hours{24})));
    CHECK(drill(stage, id).verdict == "partial");
    CHECK(says(drill(stage, id).reason, "not of this drill"));
  }
  SUBCASE("it could not run") {
    stage.feed(ended(id, 2, nullptr));
    CHECK(drill(stage, id).verdict == "aborted");
  }
  SUBCASE("it did not end in time") {
    stage.feed(ended(id, 124, nullptr));
    CHECK(drill(stage, id).verdict == "failed");
    CHECK(says(drill(stage, id).reason, "timeout"));
  }
  SUBCASE("drwatch ended meanwhile: it is aborted, and not run again") {
    const Decision up = stage.feed(DaemonStarted{"test"});
    CHECK(up.commands.empty());
    CHECK(drill(stage, id).verdict == "aborted");
    CHECK(drill(stage, id).work.step(drill_command)->state == StepState::interrupted);
    stage.pass(hours{1});
    CHECK(count(stage, "step.running") == 1);
  }
  SUBCASE("a real incident opens: the command is ended") {
    const Decision real = stage.feed(OpenIncident{outage, "anna", ""});
    REQUIRE(real.cancels.size() == 1);
    CHECK(real.cancels[0].incident == id);
    CHECK(drill(stage, id).verdict == "aborted");
    CommandEnded cancelled = ended(id, 130, nullptr);
    cancelled.cancelled_by = "drwatch";
    stage.feed(cancelled);
    CHECK(drill(stage, id).verdict == "aborted");
    CHECK(drill(stage, id).work.step(drill_command)->state == StepState::failed);
  }
  SUBCASE("hold stops all of them, and lets none begin") {
    const Decision held = stage.feed(HoldDrills{true, "anna", "release day"});
    CHECK(held.cancels.size() == 1);
    CHECK(drill(stage, id).verdict == "aborted");
    CHECK(stage.feed(StartDrill{outage, "lena", ""}).refused->status == 409);
    stage.feed(HoldDrills{false, "anna", ""});
    CHECK_FALSE(stage.feed(StartDrill{outage, "lena", ""}).refused);
  }
  SUBCASE("an objective gets worse while it runs") {
    stage.recovery_point(began - seconds{9});
    for (int i = 0; i < 80 && drill(stage, id).verdict.empty(); ++i) {
      stage.recovery_point(began - seconds{9});
      stage.pass(minutes{1});
    }
    CHECK(drill(stage, id).verdict == "aborted");
    CHECK(says(drill(stage, id).reason, "the RPO of database"));
  }
}

TEST_CASE("in a full drill people go on when the command has passed") {
  Stage stage(commanded("full"));
  stage.ran("primary", H::up);
  const std::string id = started(stage);
  const Time began = stage.now;
  stage.pass(minutes{10});
  stage.feed(ended(id, 0, evidence(began)));
  CHECK(drill(stage, id).verdict.empty());
  act(stage, id, "act", OnStep::done);
  act(stage, id, "connectivity", OnStep::done);
  stage.pass(minutes{5});
  stage.feed(FinishDrill{id, true, std::nullopt, "lena", ""});
  CHECK(drill(stage, id).verdict == "passed");
  CHECK(drill(stage, id).data_loss_seconds == 10);  // as the command measured it
  CHECK(drill(stage, id).proves == std::vector<std::string>{"host from wal", "logical from wal"});
}

}  // namespace drills_test
