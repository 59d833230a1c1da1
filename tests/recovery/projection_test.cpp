// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/outlook/projection.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "daemon/recovery/incidents/drills.hpp"
#include "daemon/recovery/outlook/rto.hpp"
#include "platform.hpp"

#include <algorithm>
#include <cmath>

namespace projection_test {

using namespace drwatch;
using namespace drwatch::testing;
using H = Health;

namespace {

Step person(const std::string& id, Duration expect, std::vector<std::string> after, std::string option = "") {
  Step s;
  s.id = id;
  s.title = "Step " + id;
  s.critical = true;
  s.expect = expect;
  s.after = std::move(after);
  s.option = std::move(option);
  return s;
}

// A scenario that people open, with these steps.
Settings with_steps(std::vector<Step> steps, Duration rto) {
  Settings s = platform();
  Scenario by_hand = scenario(s, "by-hand", {}, {});
  by_hand.rto = rto;
  by_hand.steps = std::move(steps);
  by_hand.hash = "by-hand";
  s.scenarios["by-hand"] = by_hand;
  return s;
}
const Incident& opened(Stage& stage) {
  stage.feed(OpenIncident{"by-hand", "anna", ""});
  stage.feed(Acknowledge{stage.open("by-hand")->id, "anna", ""});
  return *stage.open("by-hand");
}
void done(Stage& stage, const std::string& step) { stage.feed(StepAction{stage.open("by-hand")->id, step, OnStep::done, "anna", ""}); }
void started(Stage& stage, const std::string& step) { stage.feed(StepAction{stage.open("by-hand")->id, step, OnStep::start, "anna", ""}); }
const Projection& projection(Stage& stage) {
  REQUIRE(stage.open("by-hand"));
  REQUIRE(stage.open("by-hand")->projection);
  return *stage.open("by-hand")->projection;
}

}  // namespace

TEST_CASE("a start that a person corrects moves what is projected and decided by with it, however little it is") {
  Stage stage(with_steps({person("a", minutes{20}, {}), person("b", minutes{20}, {"a"})}, hours{4}));
  const Incident before = opened(stage);
  REQUIRE(before.projection);
  const Decision decision = stage.feed(CorrectStart{before.id, before.started_at - minutes{1}, "anna", ""});
  REQUIRE_FALSE(decision.refused);
  const Projection& now = projection(stage);
  CHECK(now.p50_seconds == doctest::Approx(before.projection->p50_seconds + 60).epsilon(0.001));
  CHECK(now.p90_seconds == doctest::Approx(before.projection->p90_seconds + 60).epsilon(0.001));
  CHECK(std::abs(in_seconds(before.projection->decide_by - now.decide_by) - 60) < 5);
  CHECK(std::any_of(decision.events.begin(), decision.events.end(), [](const Event& e) { return e.kind == "incident.projected"; }));
}

TEST_CASE("a chain of planned steps: the medians add up, the p90 is less than the sum of p90s") {
  Stage stage(with_steps({person("a", minutes{20}, {}), person("b", minutes{20}, {"a"}), person("c", minutes{20}, {"b"})}, hours{4}));
  opened(stage);
  const Projection& p = projection(stage);
  CHECK(p.p50_seconds > 3600);  // lognormal: the mean is over the median
  CHECK(p.p50_seconds < 4500);
  CHECK(p.p90_seconds > 4500);
  CHECK(p.p90_seconds < 7200);
  CHECK(p.basis == "planned");
  CHECK(p.critical_path == std::vector<std::string>{"a", "b", "c"});
  CHECK(p.missing < 0.01);
  CHECK(judge_rto(*stage.open("by-hand"), stage.now).standing == Standing::met);
  CHECK(std::abs(in_seconds(p.decide_by - (stage.open("by-hand")->deadline())) + p.p90_seconds) < 1);
}

TEST_CASE("side by side the longest counts, and the maximum of two is more than each") {
  Stage alone(with_steps({person("a", minutes{60}, {})}, hours{4}));
  opened(alone);
  Stage both(with_steps({person("a", minutes{60}, {}), person("b", minutes{60}, {}), person("quick", minutes{1}, {})}, hours{4}));
  opened(both);
  CHECK(projection(both).p50_seconds > projection(alone).p50_seconds * 1.1);
  CHECK(projection(both).p50_seconds < projection(alone).p50_seconds * 1.9);
  CHECK(projection(both).critical_path.size() == 1);
}

TEST_CASE("numbers do not dance: the same moment gives the same figures, a step done as planned moves them little") {
  Stage stage(with_steps({person("a", minutes{20}, {}), person("b", minutes{20}, {"a"})}, hours{4}));
  const Incident& incident = opened(stage);
  auto first = project(stage.state, stage.settings, incident, stage.now), again = project(stage.state, stage.settings, incident, stage.now);
  CHECK(to_json(*first) == to_json(*again));
  stage.pass(minutes{20});
  done(stage, "a");
  CHECK(projection(stage).p50_seconds == doctest::Approx(first->p50_seconds).epsilon(0.15));
  CHECK(projection(stage).p90_seconds < first->p90_seconds);  // less is left to go wrong
}

TEST_CASE("a step that takes long takes the projection along, and is named") {
  Stage stage(with_steps({person("a", minutes{10}, {}), person("b", minutes{10}, {"a"})}, hours{4}));
  opened(stage);
  started(stage, "a");
  const double before = projection(stage).p90_seconds;
  stage.pass(hours{1});
  CHECK(projection(stage).p90_seconds > before + 2000);
  CHECK(projection(stage).overrun == std::vector<std::string>{"a"});
}

TEST_CASE("at risk in time: the p90 passes the objective, or the time to decide runs out") {
  Stage stage(with_steps({person("restore", minutes{60}, {})}, hours{3}));
  const Incident& incident = opened(stage);
  CHECK(judge_rto(incident, stage.now).standing == Standing::met);
  Time decide_by = projection(stage).decide_by;
  // Nobody starts, nobody ticks: what could have begun counts as begun, so the figures move on by themselves.
  stage.pass(minutes{20});
  CHECK(judge_rto(*stage.open("by-hand"), stage.now).standing == Standing::met);
  stage.pass(hours{1} + minutes{40});
  CHECK(judge_rto(*stage.open("by-hand"), stage.now).standing == Standing::at_risk);
  CHECK(stage.fires("DrwatchRtoAtRisk/by-hand"));
  CHECK(decide_by < incident.deadline());
  stage.pass(hours{1} + minutes{1});
  CHECK(judge_rto(*stage.open("by-hand"), stage.now).standing == Standing::breached);
}

TEST_CASE("wait, or fail over: decide by is the last moment at which the other way still makes it") {
  Stage stage(with_steps({person("look", minutes{5}, {}), person("wait", hours{3}, {"look"}, "waiting"),
                          person("copy", minutes{30}, {"look"}, "fail-over"), person("switch", minutes{10}, {"copy"}, "fail-over")},
                         hours{4}));
  opened(stage);
  const Projection& open = projection(stage);
  REQUIRE(open.ways.size() == 2);
  CHECK(open.way.empty());  // either may be it while nobody has chosen
  CHECK(open.p50_seconds > 3600);
  CHECK(open.p90_seconds > 4 * 3600);
  CHECK(open.missing > 0.1);
  CHECK(open.missing < 0.3);
  CHECK(open.critical_path == std::vector<std::string>{"look", "copy", "switch"});
  done(stage, "look");
  started(stage, "wait");
  CHECK(projection(stage).way == "waiting");
  CHECK(projection(stage).p90_seconds > 4 * 3600);
  CHECK(judge_rto(*stage.open("by-hand"), stage.now).standing == Standing::at_risk);
  Time decide_by = projection(stage).decide_by, deadline = stage.open("by-hand")->deadline();
  CHECK(deadline - decide_by > minutes{40});
  CHECK(deadline - decide_by < minutes{90});
  CHECK(judge_rto(*stage.open("by-hand"), stage.now).message.find("decide for 'fail-over' by") != std::string::npos);
  SUBCASE("and the other way, once taken, is what is projected") {
    started(stage, "copy");
    stage.feed(StepAction{stage.open("by-hand")->id, "wait", OnStep::skip, "anna", "we fail over"});
    CHECK(projection(stage).way == "fail-over");
    CHECK(projection(stage).p90_seconds < 2 * 3600);
    CHECK(judge_rto(*stage.open("by-hand"), stage.now).standing == Standing::met);
    return;
  }
  stage.pass(hours{3} + minutes{15});
  CHECK(judge_rto(*stage.open("by-hand"), stage.now).message.find("has passed") != std::string::npos);
}

TEST_CASE("what incidents took is learned: the next projection rests on it") {
  Stage stage(with_steps({person("a", minutes{10}, {}), person("b", minutes{10}, {"a"})}, hours{8}));
  for (int n = 0; n < 6; ++n) {
    opened(stage);
    stage.pass(minutes{60 + n});
    done(stage, "a");
    stage.pass(minutes{30});
    done(stage, "b");
    for (const auto& [each, incident] : Incidents(stage.state.record.incidents))
      if (incident.live()) stage.feed(Resolve{each, false, false, "anna", ""});
    stage.pass(minutes{5});
  }
  CHECK(stage.state.record.measured.samples.at("a").size() == 6);
  CHECK(stage.state.record.measured.samples.at("b").front().seconds == doctest::Approx(1800));
  CHECK(stage.state.record.measured.scored == 6);
  opened(stage);
  const Projection& p = projection(stage);
  CHECK(p.basis == "measured");
  CHECK(p.p50_seconds == doctest::Approx(92 * 60).epsilon(0.05));
  CHECK(to_json(stage.replayed) == to_json(stage.state.record));
  SUBCASE("and a false alarm teaches nothing") {
    stage.pass(hours{7});
    done(stage, "a");
    stage.feed(Resolve{stage.open("by-hand")->id, true, true, "anna", "nothing was wrong"});
    CHECK(stage.state.record.measured.samples.at("a").size() == 6);
  }
  SUBCASE("for a year") {
    const Measured& measured = stage.state.record.measured;
    CHECK(measured.of_step("by-hand", "a", "", stage.now + hours{24 * 364}).size() == 6);
    CHECK(measured.of_step("by-hand", "a", "", stage.now + hours{24 * 370}).empty());
  }
}

TEST_CASE("an exit by health waits for the verified steps, not for what follows them") {
  Settings s = platform();
  Scenario& outage = s.scenarios.at("database-outage");
  outage.exit.by = Exit::By::health;
  Step verified;
  verified.id = "answers";
  verified.title = "It answers";
  verified.critical = true;
  verified.verify = condition(s, "database is up");
  verified.after = {"mend"};
  outage.steps = {person("mend", minutes{30}, {}), verified, person("post-mortem", hours{24}, {"answers"})};
  outage.rto = hours{4};
  Stage stage(s);
  stage.ran("primary", H::up);
  for (int n = 0; n < 3; ++n) stage.pass(seconds{10}), stage.ran("primary", H::down, Reason::connect);
  stage.pass(minutes{2});
  const Incident* incident = stage.open("database-outage");
  REQUIRE(incident);
  REQUIRE(incident->projection);
  CHECK(incident->projection->p90_seconds < 3 * 3600);
  CHECK(incident->projection->critical_path == std::vector<std::string>{"mend", "answers"});
  CHECK(incident->projection->unplanned == std::vector<std::string>{"answers"});
}

TEST_CASE("nothing is projected of what nobody knows; the deadline alone is left to warn by") {
  Step unknown = person("a", minutes{1}, {});
  unknown.expect.reset();
  Stage stage(with_steps({unknown}, hours{4}));
  const Incident& incident = opened(stage);
  CHECK_FALSE(incident.projection);
  stage.pass(hours{3} + minutes{44});
  CHECK(judge_rto(*stage.open("by-hand"), stage.now).standing == Standing::met);
  stage.pass(minutes{2});
  CHECK(judge_rto(*stage.open("by-hand"), stage.now).standing == Standing::at_risk);
}

TEST_CASE("a scenario that is not open: unproven until a drill has shown it, at risk by what it would take") {
  Settings s = with_steps({person("a", minutes{30}, {})}, hours{4});
  DrillPlan plan;
  std::string error;
  plan.schedule = Cron::parse("0 10 1 1,4,7,10 *", "UTC", &error);
  s.scenarios.at("by-hand").drill = plan;
  Stage stage(s);
  auto standing = [&] { return scenario_standing(stage.state, stage.settings.scenarios.at("by-hand")); };
  auto drilled = [&](Duration took, std::map<std::string, Duration> steps) {
    stage.feed(RecordDrill{"by-hand", true, took, std::nullopt, std::move(steps), "anna", ""});
  };
  CHECK(standing() == Standing::unproven);
  CHECK(stage.state.record.scenarios.at("by-hand").p50_seconds > 1800);
  CHECK(stage.state.record.scenarios.at("by-hand").p50_seconds < 3600);
  drilled(seconds{2000}, {{"a", seconds{1900}}});
  CHECK(standing() == Standing::met);
  // The drill proves it until the next one is overdue: 1 April and 14 days (it took place on 1 March, in the earlier half: 1 July).
  const auto dates = drill_dates(stage.state.record, stage.settings.scenarios.at("by-hand"));
  REQUIRE(dates.proven_until);
  stage.pass(*dates.proven_until - stage.now);
  CHECK(standing() == Standing::met);
  stage.pass(seconds{1});
  CHECK(standing() == Standing::unproven);
  SUBCASE("a drill that took longer than was promised breaches it") {
    drilled(hours{5}, {});
    CHECK(standing() == Standing::breached);
  }
  SUBCASE("drills that took long put it at risk, though they passed") {
    for (int took : {9000, 10000, 12000, 13000, 14000, 14300}) drilled(seconds{took}, {{"a", seconds{took}}});
    CHECK(standing() == Standing::at_risk);
  }
}

TEST_CASE("the time to decide is a quarter of an objective shorter than an hour") {
  CHECK(time_to_decide(hours{4}) == minutes{15});
  CHECK(time_to_decide(hours{1}) == minutes{15});
  CHECK(time_to_decide(minutes{20}) == minutes{5});
}

TEST_CASE("an incident says what fitted second best and what would tell the two apart") {
  Settings s = platform();
  s.scenarios["wide"] = scenario(s, "wide", {}, {"database", "api"});
  s.scenarios["wide"].trigger.all = {condition(s, "database is down"), condition(s, "api is down")};
  Stage stage(s);
  stage.ran("primary", H::up);
  stage.ran("web", H::up);
  for (int n = 0; n < 3; ++n) stage.pass(seconds{10}), stage.ran("primary", H::down, Reason::connect);
  stage.pass(minutes{2});
  const Incident* incident = stage.open("database-outage");
  REQUIRE(incident);
  REQUIRE(incident->second);
  CHECK(incident->second->scenario == "wide");
  CHECK(incident->second->because.size() == 1);
  CHECK(incident->second->tells_apart == std::vector<std::string>{"api is down"});
  CHECK(told_apart(*incident).missing == std::vector<std::string>{"api is down"});
  CHECK(told_apart(*incident).against.empty());
}

TEST_CASE("what goes on beside it is not taken for it; filed anew, it says what it was first taken for") {
  Settings s = platform();
  for (auto& [name, component] : s.components) component.depends_on.clear();
  s.scenarios["api-outage"].affects = {"api"};
  s.scenarios["deletion"] = scenario(s, "deletion", {"api is degraded"}, {"database"});
  s.scenarios["deletion"].trigger.none = {condition(s, "api is down")};
  Stage stage(s);
  stage.ran("primary", H::up);
  stage.ran("web", H::up);
  for (int n = 0; n < 3; ++n)
    stage.pass(seconds{10}), stage.ran("primary", H::down, Reason::connect), stage.ran("web", H::down, Reason::connect);
  stage.pass(minutes{2});
  const Incident* incident = stage.open("database-outage");
  REQUIRE(incident);
  REQUIRE(incident->second);  // not api-outage: that is another part's, and has an incident of its own
  CHECK(incident->second->scenario == "deletion");
  CHECK(told_apart(*incident).missing == std::vector<std::string>{"not: api is down"});
  CHECK(told_apart(*incident).against == std::vector<std::string>{"database is down"});
  const Decision refiled = stage.feed(Refile{incident->id, "deletion", "ann", "a script"});
  REQUIRE(refiled.events.size() >= 1);
  CHECK(refiled.events[0].message ==
        incident->id + ", filed as " + s.scenarios["database-outage"].title + ", is now worked as deletion: a script");
  incident = stage.open("deletion");
  REQUIRE(incident);
  REQUIRE(incident->second);
  CHECK(incident->second->scenario == "database-outage");
  CHECK(incident->second->because.size() == 1);
}

TEST_CASE("looked at every second for an hour in which nothing happens, the figures move with the time and never jump") {
  // A step that runs over: by the plan, with few samples, with many. Nobody does anything.
  Stage stage(with_steps({person("a", minutes{10}, {}), person("b", minutes{40}, {"a"}), person("c", minutes{10}, {"b"})}, hours{4}));
  SUBCASE("by the plan") {}
  SUBCASE("blended") { stage.feed(RecordDrill{"by-hand", true, hours{1}, std::nullopt, {{"a", minutes{15}}}, "anna", ""}); }
  SUBCASE("measured") {
    for (int n = 0; n < 6; ++n)
      stage.feed(RecordDrill{"by-hand", true, hours{1}, std::nullopt, {{"a", minutes{8 + 2 * n}}, {"b", minutes{40 + n}}}, "anna", ""});
  }
  opened(stage);
  started(stage, "a");
  const Incident incident = *stage.open("by-hand");
  Projection was = *project(stage.state, stage.settings, incident, stage.now);
  const double first = was.p50_seconds;
  double up = 0, down = 0;
  for (int second = 1; second <= 3600; ++second) {
    const Projection is = *project(stage.state, stage.settings, incident, stage.now + seconds{second});
    for (double by : {is.p50_seconds - was.p50_seconds, is.p90_seconds - was.p90_seconds})
      up = std::max(up, by), down = std::max(down, -by);
    was = is;
  }
  CHECK(was.p50_seconds > first + 1800);
  CHECK(up < 72);    // within a second, half a hundredth of four hours
  CHECK(down < 36);  // what takes longer is not over sooner: as far as a thousand draws tell
}

}  // namespace projection_test
