// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/points/loss.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "daemon/recovery/points/time_to_fix.hpp"
#include "platform.hpp"

namespace loss_test {

using namespace drwatch;
using namespace drwatch::testing;
using H = Health;

namespace {

// Signals stand for what people see: no health is needed to open and to end it.
Settings with_bad_change(const std::string& of_class = "logical") {
  Settings s = platform();
  Scenario deleted = scenario(s, "deleted", {"breach is raised"}, {"database"});
  deleted.of_class = *parse_class(of_class);
  deleted.trigger.hold_for = Duration{0};
  deleted.steps.front().run = {"/usr/lib/drwatch/pitr", "--target", "{{recovery_point}}"};
  s.scenarios["deleted"] = deleted;
  return s;
}
std::string open_it(Stage& stage) {
  stage.ran("primary", H::up);
  stage.recovery_point(stage.now);
  stage.feed(SetSignal{"breach", true, "ann", ""});
  REQUIRE(stage.open("deleted"));
  return stage.open("deleted")->id;
}
Incident& incident(Stage& stage, const std::string& id) { return *stage.state.record.incidents.edit(id); }
std::optional<Loss> loss(Stage& stage, const std::string& id) {
  return loss_of(stage.state, stage.settings, incident(stage, id), stage.now);
}
void points(Stage& stage, std::initializer_list<Time> at) {
  SourceKept& source = stage.state.kept.sources["wal"];
  source.continuous = false;
  source.points = at;
  source.recovery_point = source.points.back();
}

}  // namespace

TEST_CASE("the moment of the bad change: what is impossible is refused, and the same twice is one") {
  Stage stage(with_bad_change());
  const std::string id = open_it(stage);
  CHECK_FALSE(incident(stage, id).bad_change_at);
  CHECK(stage.feed(SayBadChange{"nothing", stage.now, "ann", ""}).refused->status == 404);
  CHECK(stage.feed(SayBadChange{id, stage.now + seconds{1}, "ann", ""}).refused->status == 422);
  const Time bad = stage.now - minutes{30};
  CHECK_FALSE(stage.feed(SayBadChange{id, bad, "ann", "release 7"}).refused);
  CHECK(incident(stage, id).bad_change_at == bad);
  CHECK(incident(stage, id).bad_change_by == "ann");
  CHECK(stage.events.back().kind == "incident.bad-change");
  CHECK(stage.feed(SayBadChange{id, bad, "bob", ""}).events.empty());
  stage.feed(Resolve{id, true, false, "ann", "restored"});
  CHECK(stage.feed(SayBadChange{id, bad - seconds{1}, "ann", ""}).refused->status == 409);
  CHECK(incident_from_json(to_json(incident(stage, id))).bad_change_at == bad);
}

TEST_CASE("only a logical failure has a bad change") {
  Stage stage(with_bad_change("host"));
  const std::string id = open_it(stage);
  CHECK(stage.feed(SayBadChange{id, stage.now - minutes{1}, "ann", ""}).refused->status == 422);
  CHECK_FALSE(loss(stage, id));
}

TEST_CASE("a continuous source restores to just before it, a discrete one to its newest point before it") {
  Stage stage(with_bad_change());
  const std::string id = open_it(stage);
  const Time bad = stage.now - minutes{30}, newest = stage.now;
  stage.feed(SayBadChange{id, bad, "ann", ""});
  SourceKept& source = stage.state.kept.sources["wal"];
  SUBCASE("continuous") {
    source.continuous = true;
    REQUIRE(loss(stage, id));
    CHECK(loss(stage, id)->from == bad - seconds{1});
    CHECK(loss(stage, id)->lost == minutes{30} + seconds{1});
    CHECK(loss(stage, id)->noticed_after == minutes{30});
    CHECK_FALSE(loss(stage, id)->estimated);
    SUBCASE("but not before its oldest") {
      source.oldest = bad;
      CHECK_FALSE(loss(stage, id)->from);
      CHECK_FALSE(loss(stage, id)->lost);
      CHECK_FALSE(restore_point(stage.state, stage.settings, incident(stage, id), stage.now));
    }
    SUBCASE("and not beyond what it holds") {
      source.recovery_point = bad - hours{2};
      CHECK(loss(stage, id)->from == bad - hours{2});
    }
  }
  SUBCASE("discrete") {
    points(stage, {bad - hours{30}, bad - hours{6}, bad, newest});
    CHECK(loss(stage, id)->from == bad - hours{6});  // the one at that very moment may hold it
  }
  SUBCASE("nothing from before is left") {
    points(stage, {bad, newest});
    CHECK_FALSE(loss(stage, id)->from);
  }
  SUBCASE("a command goes to the same moment") {
    source.continuous = true;
    const Decision d = stage.feed(StepAction{id, "act", OnStep::run, "ann", ""});
    REQUIRE(d.commands.size() == 1);
    CHECK(d.commands[0].argv[2] == time_text(bad - seconds{1}));
  }
  SUBCASE("a source that cannot be read makes it an estimate") {
    source.continuous = true;
    stage.ran("wal", H::unknown, Reason::timeout);
    CHECK(loss(stage, id)->estimated);
  }
}

TEST_CASE("what it cost is written down at the end, and stays") {
  Stage stage(with_bad_change());
  const std::string id = open_it(stage);
  stage.state.kept.sources["wal"].continuous = true;
  stage.feed(SayBadChange{id, stage.now - minutes{10}, "ann", ""});
  stage.pass(minutes{5});
  stage.feed(StepAction{id, "act", OnStep::done, "ann", ""});
  REQUIRE(incident(stage, id).state == IncidentState::recovered);
  const Duration cost = minutes{15} + seconds{1};
  CHECK(loss(stage, id)->lost == cost);
  stage.pass(minutes{30});
  stage.state.kept.sources.clear();
  CHECK(loss(stage, id)->lost == cost);
  CHECK(stage.replayed.incidents.at(id).loss->lost == cost);
  stage.feed(Reopen{id, "ann", "not over"});
  CHECK_FALSE(incident(stage, id).loss);
}

TEST_CASE("time to fix is what mending has taken: final incidents about the points, no false alarm, of the last four quarters") {
  Settings s = platform();
  s.components["backups"].name = "backups";
  s.components["backups"].probes = {"wal"};
  s.scenarios["stalled"] = scenario(s, "stalled", {"backups is down", "database rpo is at-risk"}, {"database"});
  s.scenarios["mixed"] = scenario(s, "mixed", {"database rpo is at-risk", "api is down"}, {"database"});
  Stage stage(s);
  const auto took = [&](const char* id, const char* of, Duration fix, Duration ago, IncidentState state, bool false_alarm) {
    Incident i;
    i.id = id;
    i.scenario = of;
    i.trigger = s.scenarios.at(of).trigger;
    i.state = state;
    i.false_alarm = false_alarm;
    i.recovered_at = stage.now - ago;
    i.detected_at = *i.recovered_at - fix;
    i.reopen_within = hours{24 * 400};  // one that is recovered does not end while this goes on
    for (Record* record : {&stage.state.record, &stage.replayed}) {
      record->incidents.put(i);
      if (state == IncidentState::resolved) learn(record->measured, i);
    }
  };
  const auto fix = [&] { return time_to_fix(stage.state, stage.settings, "database", stage.now); };
  CHECK(fix().is == minutes{30});
  CHECK(fix().basis() == "plan");
  took("mixed", "mixed", hours{9}, hours{1}, IncidentState::resolved, false);
  took("false", "stalled", hours{9}, hours{1}, IncidentState::resolved, true);
  took("open", "stalled", hours{9}, hours{1}, IncidentState::recovered, false);
  took("old", "stalled", hours{9}, hours{24 * 366}, IncidentState::resolved, false);
  CHECK(fix().samples == 0);
  stage.feed(RecordDrill{"stalled", true, minutes{20}, std::nullopt, {}, "ann", ""});
  CHECK(fix().samples == 1);
  CHECK(fix().is == minutes{28});
  stage.state.record.measured = stage.replayed.measured = {};
  took("one", "stalled", minutes{10}, hours{1}, IncidentState::resolved, false);
  CHECK(fix().is == minutes{26});  // a fifth of 10 min, four of the plan
  CHECK(fix().basis() == "blended");
  for (const char* id : {"two", "three", "four"}) took(id, "stalled", minutes{12}, hours{2}, IncidentState::resolved, false);
  took("five", "stalled", minutes{50}, hours{3}, IncidentState::resolved, false);
  CHECK(fix().basis() == "measured");
  CHECK(fix().samples == 5);
  CHECK(fix().is == minutes{50});  // the nearest rank of 0.9 among five is the worst
  // RPO 1 h: what takes 50 min to mend is at risk from half the fraction on, not from half an hour.
  stage.ran("primary", H::up);
  stage.recovery_point(stage.now);
  stage.pass(minutes{14});
  CHECK(stage.state.record.objectives.at("database rpo host").standing == Standing::met);
  stage.pass(minutes{2});
  CHECK(stage.state.record.objectives.at("database rpo host").standing == Standing::at_risk);
  CHECK(stage.state.record.objectives.at("database rpo host").message.find("breach at 03:00 UTC") != std::string::npos);
}

}  // namespace loss_test
