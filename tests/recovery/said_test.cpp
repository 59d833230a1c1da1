// SPDX-License-Identifier: Apache-2.0
// What a person says against what drwatch sees: taken for the checklist with a note and force, and counted for nothing else.
#include <doctest/doctest.h>

#include "platform.hpp"

#include <nlohmann/json.hpp>

namespace said_test {

using namespace drwatch;
using namespace drwatch::testing;
using H = Health;

namespace {

// The platform with a critical verified step in its outage, and one that nobody needs.
Settings verified() {
  Settings s = platform();
  Step answers, quick;
  answers.id = "answers";
  answers.title = "The database answers";
  answers.critical = true;
  answers.verify = condition(s, "database is up");
  quick.id = "quick";
  quick.title = "The API is quick";
  quick.verify = condition(s, "api is up");
  s.scenarios["database-outage"].steps.push_back(answers);
  s.scenarios["database-outage"].steps.push_back(quick);
  return s;
}

void runs(Stage& stage, H health, int count) {
  for (int i = 0; i < count; ++i) {
    stage.ran("primary", health, health == H::up ? Reason::none : Reason::connect);
    stage.pass(seconds{10});
  }
}

std::string down(Stage& stage) {
  stage.ran("primary", H::up);
  stage.pass(seconds{30});
  runs(stage, H::down, 3);
  stage.pass(minutes{2});
  REQUIRE(stage.open("database-outage"));
  return stage.open("database-outage")->id;
}

const IncidentStep& step(Stage& stage, const std::string& id, const std::string& name) {
  return *stage.state.record.incidents.at(id).step(name);
}

Decision act(Stage& stage, const std::string& id, const std::string& name, OnStep action, const std::string& note = "",
             bool force = false) {
  return stage.feed(StepAction{id, name, action, "lena", note, force});
}

}  // namespace

TEST_CASE("a tick against what drwatch sees takes force and a note, and counts for the checklist alone") {
  Stage stage(verified());
  const std::string id = down(stage);
  act(stage, id, "act", OnStep::done);
  const Decision without = act(stage, id, "answers", OnStep::done, "I looked");
  REQUIRE(without.refused);
  CHECK(without.refused->status == 409);
  CHECK(without.refused->detail.find("primary: connect") != std::string::npos);
  CHECK(without.refused->detail.find("force") != std::string::npos);
  const Decision unexplained = act(stage, id, "answers", OnStep::done, "  ", true);
  REQUIRE(unexplained.refused);
  CHECK(unexplained.refused->status == 422);

  const Decision taken = act(stage, id, "answers", OnStep::done, "psql answers here", true);
  REQUIRE_FALSE(taken.refused);
  CHECK(taken.events.front().message.find("says lena, against what drwatch sees (primary: connect") != std::string::npos);
  CHECK(step(stage, id, "answers").closed());
  CHECK(step(stage, id, "answers").against_evidence);
  CHECK_FALSE(step(stage, id, "answers").counts());
  CHECK(act(stage, id, "answers", OnStep::done).events.empty());  // the same action twice is one action

  // It neither recovers nor resolves by it, and drwatch does not take it back either.
  runs(stage, H::down, 30);
  CHECK(stage.open("database-outage"));
  CHECK(step(stage, id, "answers").state == StepState::done);
  const Decision resolve = stage.feed(Resolve{id, false, false, "lena", ""});
  REQUIRE(resolve.refused);
  CHECK(resolve.refused->list == std::vector<std::string>{"answers"});
  CHECK(resolve.refused->title == "a critical step is open");
  CHECK(resolve.refused->detail.starts_with("answers (against what drwatch sees); finish or skip it"));

  // When it is seen to be so it is drwatch's own, with the evidence, and the incident recovers by it.
  runs(stage, H::up, 9);
  CHECK(step(stage, id, "answers").by == "drwatch");
  CHECK_FALSE(step(stage, id, "answers").against_evidence);
  CHECK(stage.state.record.incidents.at(id).state == IncidentState::recovered);
}

TEST_CASE("what cannot be seen is not seen either") {
  Stage stage(verified());
  const std::string id = down(stage);
  stage.feed(DaemonStarted{"test"});
  CHECK(act(stage, id, "answers", OnStep::done, "I looked").refused);
}

TEST_CASE("a critical verified step is skipped against what drwatch sees in the same way; one that nobody needs freely") {
  Stage stage(verified());
  const std::string id = down(stage);
  act(stage, id, "act", OnStep::done);
  CHECK_FALSE(act(stage, id, "quick", OnStep::skip).refused);
  CHECK(step(stage, id, "quick").counts());
  const Decision refused = act(stage, id, "answers", OnStep::skip, "another database now");
  REQUIRE(refused.refused);
  CHECK(refused.refused->status == 409);
  REQUIRE_FALSE(act(stage, id, "answers", OnStep::skip, "another database now", true).refused);
  CHECK(step(stage, id, "answers").state == StepState::skipped);
  CHECK(step(stage, id, "answers").against_evidence);
  CHECK(stage.feed(Resolve{id, false, false, "lena", ""}).refused);
}

TEST_CASE("by steps as well, what was said against what drwatch sees does not recover it") {
  Settings settings = verified();
  settings.scenarios["database-outage"].exit.by = Exit::By::steps;
  Stage stage(settings);
  const std::string id = down(stage);
  act(stage, id, "act", OnStep::done);
  act(stage, id, "answers", OnStep::done, "psql answers here", true);
  CHECK(stage.open("database-outage"));
  act(stage, id, "answers", OnStep::undo);
  CHECK_FALSE(step(stage, id, "answers").against_evidence);
  CHECK(step(stage, id, "answers").state == StepState::open);
}

TEST_CASE("a tick that drwatch saw to be right is open again when the condition fails, whoever made it") {
  Stage stage(verified());
  const std::string id = down(stage);
  act(stage, id, "act", OnStep::done);
  runs(stage, H::up, 2);  // up, and its hold of a minute has only begun
  REQUIRE_FALSE(act(stage, id, "answers", OnStep::done).refused);
  CHECK(step(stage, id, "answers").by == "lena");
  CHECK(step(stage, id, "answers").counts());
  runs(stage, H::down, 3);
  CHECK(step(stage, id, "answers").state == StepState::open);
  CHECK(step(stage, id, "answers").broke_at);
  CHECK(stage.open("database-outage"));
}

TEST_CASE("an incident that was called over before it was seen to recover teaches nothing of how long it takes") {
  Stage stage(verified());
  const std::string id = down(stage);
  act(stage, id, "answers", OnStep::done, "psql answers here", true);
  stage.feed(Resolve{id, true, false, "lena", "we moved away"});
  const Incident& incident = stage.state.record.incidents.at(id);
  CHECK(incident.state == IncidentState::resolved);
  CHECK(incident.recovery_said);
  const Measured& measured = stage.state.record.measured;
  CHECK(measured.scored == 0);
  CHECK(measured.of_fixing(stage.now).empty());
  CHECK(measured.of_step("database-outage", "answers", "The database answers", stage.now).empty());
}

TEST_CASE("that it was a false alarm is refused when it was resolved otherwise before; the same order again is not") {
  for (const bool false_alarm : {false, true}) {
    Stage stage(verified());
    const std::string id = down(stage);
    stage.feed(Resolve{id, true, false_alarm, "lena", "we moved away"});
    CHECK_FALSE(stage.feed(Resolve{id, true, false_alarm, "lena", "we moved away"}).refused);
    const Decision said = stage.feed(Resolve{id, false, true, "mara", "a slip"});
    CHECK(said.events.empty());
    CHECK(said.refused.has_value() == !false_alarm);
    if (said.refused) CHECK(said.refused->status == 409);
    CHECK(stage.state.record.incidents.at(id).false_alarm == false_alarm);
  }
}

TEST_CASE("a command can be cancelled when its incident is over, and is interrupted by a restart") {
  Settings settings = platform();
  Step restore;
  restore.id = "restore";
  restore.title = "Restore";
  restore.run = {"/bin/restore"};
  settings.scenarios["database-outage"].steps.push_back(restore);
  Stage stage(settings);
  const std::string id = down(stage);
  CHECK(act(stage, id, "restore", OnStep::run).commands.size() == 1);
  stage.feed(Resolve{id, true, false, "lena", "enough"});
  REQUIRE(step(stage, id, "restore").state == StepState::running);
  const Decision cancel = act(stage, id, "restore", OnStep::cancel);
  CHECK_FALSE(cancel.refused);
  CHECK(cancel.cancels == std::vector<CancelCommand>{{id, "restore", "lena"}});
  CHECK(act(stage, id, "act", OnStep::done).refused);  // all else it refuses, as ever
  stage.feed(DaemonStarted{"test"});
  CHECK(step(stage, id, "restore").state == StepState::interrupted);
  CHECK(act(stage, id, "restore", OnStep::cancel).refused);
}

TEST_CASE("the clock of an absorbed incident stops when it is absorbed") {
  Settings settings = platform();
  settings.scenarios["everything"] = scenario(settings, "everything", {}, {"database"});
  settings.scenarios["everything"].trigger.supersedes = {"database-outage"};
  settings.scenarios["database-outage"].rto = minutes{10};
  Stage stage(settings);
  const std::string id = down(stage);
  stage.feed(OpenIncident{"everything", "lena", ""});
  const Incident narrow = stage.state.record.incidents.at(id);
  REQUIRE(narrow.state == IncidentState::absorbed);
  CHECK(narrow.absorbed_at == stage.now);
  const Duration took = narrow.elapsed(stage.now);
  CHECK(took < minutes{10});
  CHECK(narrow.elapsed(stage.now + hours{1}) == took);

  // A snapshot of a release that did not write it down.
  Json old = Json::parse(to_json(narrow).dump());
  old.erase("absorbed_at");
  CHECK(incident_from_json(old).absorbed_at == stage.now);
}

}  // namespace said_test
