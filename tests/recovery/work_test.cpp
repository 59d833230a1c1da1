// SPDX-License-Identifier: Apache-2.0
// What people do in an incident: commands that go on in a wider one, steps taken back, ways out that were chosen, and what their work
// latches.
#include <doctest/doctest.h>

#include "platform.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace work_test {

using namespace drwatch;
using namespace drwatch::testing;
using H = Health;

namespace {

Step command(const std::string& id, bool automatic = false) {
  Step s;
  s.id = id;
  s.title = id;
  s.critical = true;
  s.run = {"/bin/" + id};
  s.automatic = automatic;
  return s;
}

// `work` affects the database and is opened by people; `everything` supersedes it and the outage.
Settings worked() {
  Settings s = platform();
  s.scenarios["work"] = scenario(s, "work", {}, {"database"});
  s.scenarios["work"].steps.push_back(command("restore"));
  s.scenarios["everything"] = scenario(s, "everything", {}, {"database", "api"});
  s.scenarios["everything"].trigger.supersedes = {"work", "database-outage"};
  return s;
}

std::string opened(Stage& stage, const std::string& scenario) { return stage.feed(OpenIncident{scenario, "lena", ""}).subject; }
Decision act(Stage& stage, const std::string& id, const std::string& step, OnStep action, const std::string& note = "") {
  return stage.feed(StepAction{id, step, action, "lena", note});
}
const IncidentStep& step(Stage& stage, const std::string& id, const std::string& name) {
  const IncidentStep* found = stage.state.record.incidents.at(id).step(name);
  REQUIRE(found);
  return *found;
}
void runs(Stage& stage, H health, int count) {
  for (int i = 0; i < count; ++i) {
    stage.ran("primary", health, health == H::up ? Reason::none : Reason::connect);
    stage.pass(seconds{10});
  }
}
bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("a command that runs goes on in the incident that absorbs its own: seen there, not started twice, ended and cancelled there") {
  for (const bool known : {false, true}) {  // the wide one has the step as well, or not
    Settings settings = worked();
    if (known) settings.scenarios["everything"].steps.push_back(command("restore"));
    Stage stage(settings);
    const std::string narrow = opened(stage, "work");
    REQUIRE(act(stage, narrow, "restore", OnStep::run).commands.size() == 1);
    stage.pass(minutes{1});
    const std::string wide = opened(stage, "everything");
    REQUIRE(stage.state.record.incidents.at(narrow).state == IncidentState::absorbed);
    CHECK(step(stage, wide, "restore").state == StepState::running);
    CHECK(act(stage, wide, "restore", OnStep::run).commands.empty());
    CHECK(act(stage, wide, "restore", OnStep::cancel).cancels == std::vector<CancelCommand>{{narrow, "restore", "lena"}});
    stage.feed(CommandEnded{narrow, "restore", 0, "done\n"});
    CHECK(step(stage, wide, "restore").state == StepState::done);
    CHECK(step(stage, wide, "restore").evidence == "done\n");
    CHECK(step(stage, narrow, "restore").state == StepState::done);
  }
}

TEST_CASE("a cancelled command says who cancelled it, and keeps what it had printed") {
  Stage stage(worked());
  const std::string id = opened(stage, "work");
  act(stage, id, "restore", OnStep::run);
  act(stage, id, "restore", OnStep::cancel);
  stage.feed(CommandEnded{id, "restore", 130, "3 of 40 tables", "lena"});
  CHECK(step(stage, id, "restore").state == StepState::failed);
  CHECK(step(stage, id, "restore").evidence == "3 of 40 tables");
  CHECK(step(stage, id, "restore").by == "lena");
  const auto told = std::find_if(stage.events.rbegin(), stage.events.rend(), [](const Event& e) { return e.kind == "step.failed"; });
  CHECK(told->message == "'restore' was cancelled by lena");
}

TEST_CASE("a command runs once by the same order, and by itself only once at all") {
  Settings settings = worked();
  settings.scenarios["work"].steps = {command("restore", true)};
  Stage stage(settings);
  const std::string id = stage.feed(OpenIncident{"work", "lena", ""}).subject;
  REQUIRE(step(stage, id, "restore").state == StepState::running);
  stage.feed(CommandEnded{id, "restore", 0, ""});
  CHECK(act(stage, id, "restore", OnStep::run).commands.empty());
  CHECK(act(stage, id, "restore", OnStep::undo).commands.empty());
  stage.pass(minutes{5});
  CHECK(step(stage, id, "restore").state == StepState::open);
  CHECK(act(stage, id, "restore", OnStep::run).commands.size() == 1);
}

TEST_CASE("a verified step that a person took back is ticked by what is seen after that only") {
  Settings settings = platform();
  Step answers;
  answers.id = answers.title = "answers";
  answers.critical = true;
  answers.verify = condition(settings, "database is up");
  settings.scenarios["database-outage"].steps.push_back(answers);
  Stage stage(settings);
  stage.ran("primary", H::up);
  stage.pass(seconds{30});
  runs(stage, H::down, 3);
  stage.pass(minutes{2});
  const std::string id = stage.open("database-outage")->id;
  runs(stage, H::up, 12);
  REQUIRE(step(stage, id, "answers").state == StepState::done);
  act(stage, id, "answers", OnStep::undo, "it answered from the replica");
  const Time undone = stage.now;
  CHECK(step(stage, id, "answers").state == StepState::open);
  runs(stage, H::up, 5);
  CHECK(step(stage, id, "answers").state == StepState::open);
  runs(stage, H::up, 4);
  REQUIRE(step(stage, id, "answers").state == StepState::done);
  CHECK(*step(stage, id, "answers").holds_since >= undone);
}

TEST_CASE("who chooses a way out: what was known then is written down") {
  Settings settings = worked();
  Scenario& two = settings.scenarios["work"];
  Step wait, copy;
  wait.id = wait.title = "wait";
  wait.option = "waiting";
  wait.critical = copy.critical = true;
  wait.expect = minutes{50};
  copy.id = copy.title = "copy";
  copy.option = "fail-over";
  copy.expect = minutes{20};
  two.steps = {wait, copy};
  Stage stage(settings);
  stage.recovery_point(stage.now - seconds{90});
  const std::string id = opened(stage, "work");
  stage.pass(minutes{5});
  const Decision chosen = act(stage, id, "copy", OnStep::start);
  const Event& told = chosen.events.front();
  REQUIRE(told.kind == "step.started");
  CHECK(says(told.message, "this chooses 'fail-over'. Known then: by 'waiting' likely over at"));
  CHECK(says(told.message, "; by 'fail-over' likely over at"));
  CHECK(says(told.message, "; decide by 2026-03-01"));
  CHECK(says(told.message, "; exposure 6 min 30 s (wal)"));
  const Json known = told.body.json().at("known");
  CHECK(known.at("option") == "fail-over");
  CHECK(known.at("exposure_seconds") == 390.0);
  CHECK(known.at("projection").at("ways").size() == 2);
  CHECK(known.at("decide_by").is_string());
  // It is chosen: more of the same way is no new choice.
  CHECK_FALSE(says(act(stage, id, "copy", OnStep::done).events.front().message, "this chooses"));
}

TEST_CASE("the clock started at a degraded run: it is called that") {
  Stage stage(platform());
  stage.ran("primary", H::up);
  stage.pass(seconds{30});
  stage.ran("primary", H::degraded, Reason::timeout);
  stage.pass(seconds{30});
  const Time degraded = stage.now - seconds{30};
  runs(stage, H::down, 3);
  stage.pass(minutes{2});
  REQUIRE(stage.open("database-outage"));
  CHECK(stage.open("database-outage")->started_at == degraded);
  CHECK(stage.open("database-outage")->started_by == "last degraded outcome of primary");
  CHECK(record_from_json(to_json(stage.state.record)).probes["primary"].down->last_degraded);
}

TEST_CASE("a resolved alert says who took the incident and how it ended") {
  Stage stage(platform());
  const std::string id = opened(stage, "database-outage");
  const auto& alert = stage.state.record.alerts.at("DrwatchIncident/database-outage");
  CHECK(says(alert.annotations.at("description"), "Not acknowledged yet: 'drwatch incident ack "));
  stage.feed(Acknowledge{id, "lena", ""});
  stage.pass(minutes{1});
  stage.feed(Resolve{id, true, false, "lena", "enough"});
  REQUIRE(alert.resolved_at);
  CHECK_FALSE(says(alert.annotations.at("description"), "Not acknowledged"));
  CHECK(says(alert.annotations.at("description"), "Acknowledged by lena at "));
  CHECK(says(alert.annotations.at("description"), "Resolved at "));
}

namespace {

struct Latching : Stage {
  Latching() : Stage(worked()) {}
  void run(std::vector<Latch> latches) {
    pass(seconds{30});
    Outcome o = outcome_of(H::up, Reason::none, "", "fine");
    o.at = now;
    o.latches = std::move(latches);
    feed(Ran{"primary", o});
  }
  void runs(int times, const std::vector<Latch>& latches) {
    for (int i = 0; i < times; ++i) run(latches);
  }
  Latch emptied() const { return {"rows", now, "public.orders was emptied"}; }
  bool found() const { return state.record.findings.contains("latched/database/primary"); }
};

}  // namespace

TEST_CASE("what people's work latches is a finding while it goes on, is named at its end, and opens then unless somebody has looked") {
  for (const bool acknowledged : {false, true}) {
    Latching w;
    w.runs(3, {});
    const std::string id = opened(w, "work");
    w.runs(10, {w.emptied()});
    CHECK(w.health("database") == H::down);
    CHECK_FALSE(w.open("database-outage"));
    CHECK(w.state.record.pending.empty());
    CHECK(w.found());
    if (acknowledged) {
      w.feed(AcknowledgeProbe{"primary", "lena", "that was the restore"});
      w.runs(3, {});
      CHECK_FALSE(w.found());
    }
    w.feed(Resolve{id, true, false, "lena", "restored"});
    const auto told = std::find_if(w.events.rbegin(), w.events.rend(), [](const Event& e) { return e.kind == "incident.resolved"; });
    CHECK(says(told->message, "latched meanwhile and not acknowledged: primary: public.orders was emptied") != acknowledged);
    CHECK(told->body.texts("latched").size() == (acknowledged ? 0 : 1));
    CHECK_FALSE(w.found());
    w.runs(5, {});
    CHECK((w.open("database-outage") != nullptr) != acknowledged);
  }
}

TEST_CASE("what is latched in maintenance opens when that ends; what was latched before the work opens as ever") {
  Latching w;
  w.runs(3, {});
  w.feed(StartMaintenance{{"database"}, minutes{30}, "lena", ""});
  w.runs(10, {w.emptied()});
  CHECK(w.found());
  CHECK_FALSE(w.open("database-outage"));
  w.pass(minutes{30});
  w.runs(5, {});
  CHECK(w.open("database-outage"));
  CHECK_FALSE(w.found());

  Latching before;
  before.runs(3, {});
  before.run({before.emptied()});
  opened(before, "work");
  before.runs(10, {});
  CHECK(before.open("database-outage"));
}

}  // namespace work_test
