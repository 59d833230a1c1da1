// SPDX-License-Identifier: Apache-2.0
// A restore that grows with the data, and people who sleep at night.
#include "daemon/recovery/outlook/circumstances.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "daemon/recovery/outlook/projection.hpp"
#include "daemon/recovery/outlook/rto.hpp"
#include "daemon/recovery/outlook/sizes.hpp"
#include "platform.hpp"

namespace circumstances_test {

using namespace drwatch;
using namespace drwatch::testing;
using H = Health;

namespace {

constexpr double gib = 1024.0 * 1024 * 1024;

Step restore_step(std::optional<Duration> expect, std::optional<Duration> per_gib) {
  Step s;
  s.id = "restore";
  s.title = "Restore";
  s.critical = true;
  s.expect = expect;
  s.per_gib = per_gib;
  return s;
}
Sample sample(double seconds, double size) { return {Time{}, seconds, "by-hand", "Restore", size * gib}; }

Settings with_step(Step step) {
  Settings s = platform();
  Scenario by_hand = scenario(s, "by-hand", {}, {"database", "api"});
  by_hand.steps = {std::move(step)};
  by_hand.rto = hours{8};
  by_hand.hash = "by-hand";
  s.scenarios["by-hand"] = by_hand;
  return s;
}
void read_size(Stage& stage, double size, const std::string& probe = "primary") {
  Outcome o = outcome_of(H::up, Reason::none, "", "");
  o.at = stage.now;
  o.data_bytes = size * gib;
  stage.feed(Ran{probe, o});
}
const ScenarioRecord& looked_ahead(Stage& stage) { return stage.state.record.scenarios.at("by-hand"); }
void taken(Stage& stage, Duration acknowledged_after, Duration took) {
  stage.feed(OpenIncident{"by-hand", "anna", ""});
  const std::string id = stage.open("by-hand")->id;
  stage.pass(acknowledged_after);
  stage.feed(Acknowledge{id, "anna", ""});
  stage.pass(took);
  stage.feed(StepAction{id, "restore", OnStep::done, "anna", ""});
  stage.feed(Resolve{id, false, false, "anna", ""});
  stage.pass(minutes{2});
}

}  // namespace

TEST_CASE("the plan grows with the data; without a size `expect` is all there is") {
  const Step step = restore_step(minutes{3}, seconds{60});
  CHECK(*planned_seconds(step, 100 * gib) == doctest::Approx(180 + 6000));
  CHECK(*planned_seconds(step, std::nullopt) == 180);
  CHECK(*planned_seconds(restore_step(std::nullopt, seconds{60}), 10 * gib) == doctest::Approx(600));
  CHECK_FALSE(planned_seconds(restore_step(std::nullopt, seconds{60}), std::nullopt));
  CHECK(*planned_seconds(restore_step(minutes{3}, std::nullopt), 100 * gib) == 180);
}

TEST_CASE("what was measured with less data is what it would be with more") {
  const Step step = restore_step(seconds{600}, seconds{60});
  // By the plan 10 GiB take 1200 s: it took twice that, so it would with 30 GiB, of which the plan says 2400 s.
  CHECK(seconds_with({sample(2400, 10)}, step, 30 * gib) == std::vector<double>{4800});
  CHECK(seconds_with({sample(2400, 0)}, step, 30 * gib) == std::vector<double>{2400});  // nobody knows how much there was
  CHECK(seconds_with({sample(2400, 10)}, step, std::nullopt) == std::vector<double>{2400});
  CHECK(seconds_with({sample(2400, 10)}, restore_step(seconds{600}, std::nullopt), 30 * gib) == std::vector<double>{2400});
}

TEST_CASE("five restores of sizes far apart say themselves how it grows") {
  const Step step = restore_step(minutes{1}, seconds{1});
  // 300 s and 30 s a GiB, whatever the plan says.
  const std::vector<Sample> samples = {sample(600, 10), sample(900, 20), sample(1200, 30), sample(1500, 40), sample(1800, 50)};
  const Line line = line_of(step, samples);
  CHECK(line.fixed == doctest::Approx(300));
  CHECK(line.per_gib == doctest::Approx(30));
  for (double seconds : seconds_with(samples, step, 100 * gib)) CHECK(seconds == doctest::Approx(3300));
  SUBCASE("four do not, nor sizes that hardly differ") {
    CHECK(line_of(step, {samples.begin(), samples.begin() + 4}).per_gib == 1);
    CHECK(line_of(step, {sample(600, 10), sample(900, 11), sample(1200, 12), sample(1500, 13), sample(1800, 14)}).per_gib == 1);
  }
  SUBCASE("nor those that were quicker with more") {
    CHECK(line_of(step, {sample(1800, 10), sample(1500, 20), sample(1200, 30), sample(900, 40), sample(600, 50)}).per_gib == 1);
  }
  SUBCASE("and none begins with less than nothing") {
    const Line steep = line_of(step, {sample(10, 10), sample(900, 20), sample(1800, 30), sample(2700, 40), sample(3600, 50)});
    CHECK(steep.fixed == 0);
    CHECK(steep.per_gib > 60);
  }
}

TEST_CASE("a scenario counts with the data that there is, and says so; while nobody knows it says that") {
  Stage stage(with_step(restore_step(minutes{3}, minutes{1})));
  CHECK(looked_ahead(stage).message.find("nobody knows how much data there is: step 'restore'") != std::string::npos);
  const double without = *looked_ahead(stage).p50_seconds;
  read_size(stage, 60);
  CHECK(*looked_ahead(stage).p50_seconds > without + 3000);
  CHECK(looked_ahead(stage).message.find("(planned, with 60 GiB of data)") != std::string::npos);
  const auto events = stage.events.size();
  read_size(stage, 60.5);  // less than a fiftieth: nothing to say
  CHECK(stage.events.size() == events);
  read_size(stage, 120);
  CHECK(*looked_ahead(stage).p50_seconds > without + 6500);
  SUBCASE("the largest that anybody read of a component counts, of several components the sum") {
    read_size(stage, 20, "wal");
    CHECK(*data_bytes(stage.state, stage.settings, {"database"}) == 120 * gib);
    read_size(stage, 5, "web");
    CHECK(*data_bytes(stage.state, stage.settings, {"database", "api"}) == 125 * gib);
    CHECK_FALSE(data_bytes(stage.state, stage.settings, {"cron"}));
  }
  SUBCASE("and it is there after a restart") {
    Kept kept;
    restore_kept(kept, "probe/primary", kept_text(stage.state.kept, "probe/primary"));
    CHECK(kept.probes.at("primary").data_bytes == 120 * gib);
    CHECK(kept.probes.at("primary").last_up_at == stage.state.kept.probes.at("primary").last_up_at);
  }
}

TEST_CASE("an incident counts with what there was when it opened, and its samples carry that") {
  Stage stage(with_step(restore_step(minutes{3}, minutes{1})));
  read_size(stage, 60);
  stage.feed(OpenIncident{"by-hand", "anna", ""});
  stage.feed(Acknowledge{stage.open("by-hand")->id, "anna", ""});
  const double before = stage.open("by-hand")->projection->p50_seconds;
  CHECK(stage.open("by-hand")->projection->data_bytes == 60 * gib);
  read_size(stage, 1);  // half restored: it says nothing of what there is to bring back
  stage.feed(AddNote{stage.open("by-hand")->id, "it grows", "anna"});
  CHECK(stage.open("by-hand")->projection->p50_seconds == doctest::Approx(before));
  stage.feed(StepAction{stage.open("by-hand")->id, "restore", OnStep::start, "anna", ""});
  stage.pass(hours{1});
  const std::string id = stage.open("by-hand")->id;
  stage.feed(StepAction{id, "restore", OnStep::done, "anna", ""});
  stage.feed(Resolve{id, false, false, "anna", ""});
  CHECK(stage.state.record.measured.samples.at("restore").back().bytes == 60 * gib);
  CHECK(to_json(record_from_json(to_json(stage.state.record))) == to_json(stage.state.record));
}

TEST_CASE("a drill's samples carry how much data there was") {
  Stage stage(with_step(restore_step(minutes{3}, minutes{1})));
  read_size(stage, 10);
  stage.feed(RecordDrill{"by-hand", true, minutes{30}, std::nullopt, {{"restore", minutes{26}}}, "anna", ""});
  CHECK(stage.state.record.measured.samples.at("restore").back().bytes == 10 * gib);
  // Measured as twice the plan of 13 minutes; with three times the data twice the plan of 33.
  CHECK(seconds_with(stage.state.record.measured.samples.at("restore"), restore_step(minutes{3}, minutes{1}), 30 * gib).front() ==
        doctest::Approx(2 * 33 * 60));
}

TEST_CASE("working hours and the others are told apart once five are known of either kind") {
  Settings s = with_step(restore_step(minutes{30}, std::nullopt));
  std::string error;
  s.recovery.working_hours = Cron::parse("* 9-17 * * mon-fri", "America/Asuncion", &error);
  REQUIRE(s.recovery.working_hours);
  Stage stage(s);
  const auto day_at = [&](int day, int hour) { return *parse_time("2026-03-02T00:00:00Z") + hours{24 * day + hour}; };  // 0: a Monday
  stage.now = day_at(0, 0);
  for (int day = 0; day < 5; ++day) {
    stage.pass(day_at(day, 14) - stage.now);  // 11:00 there
    taken(stage, minutes{2}, minutes{20});
    CHECK((looked_ahead(stage).message.find("in working hours") != std::string::npos) == (day == 4));  // the fifth
    if (day == 4) break;
    stage.pass(day_at(day, 26) - stage.now);  // 23:00 there
    taken(stage, minutes{40}, minutes{90});
    CHECK(looked_ahead(stage).message.find("hours") == std::string::npos);  // four nights say too little
  }
  stage.pass(day_at(4, 26) - stage.now);
  taken(stage, minutes{40}, minutes{90});
  CHECK(looked_ahead(stage).message.find("(measured, outside working hours)") != std::string::npos);
  const double at_night = *looked_ahead(stage).p50_seconds;
  CHECK(at_night == doctest::Approx(130 * 60).epsilon(0.1));
  stage.pass(day_at(7, 12) - stage.now - minutes{1});  // 8:59 there, on Monday
  CHECK(*looked_ahead(stage).p50_seconds == at_night);
  stage.pass(minutes{1});
  CHECK(looked_ahead(stage).message.find("(measured, in working hours)") != std::string::npos);
  CHECK(*looked_ahead(stage).p50_seconds == doctest::Approx(22 * 60).epsilon(0.1));
  SUBCASE("of an open incident as well") {
    stage.feed(OpenIncident{"by-hand", "anna", ""});
    CHECK(stage.open("by-hand")->projection->hours == "working");
    CHECK(stage.open("by-hand")->projection->p50_seconds < 30 * 60);
  }
  SUBCASE("without working hours all are alike") {
    Stage plain(with_step(restore_step(minutes{30}, std::nullopt)));
    plain.state.record.measured = stage.state.record.measured;
    plain.now = stage.now;
    CHECK(project(plain.state, plain.settings, plain.settings.scenarios.at("by-hand"), plain.now)->hours.empty());
  }
}

TEST_CASE("sizes in words") {
  CHECK(size_words(512) == "0.5 KiB");
  CHECK(size_words(42 * gib) == "42 GiB");
  CHECK(size_words(1.25 * gib) == "1.3 GiB");
  CHECK(size_words(2048 * gib) == "2 TiB");
  CHECK(size_words(300.0 * 1024 * 1024) == "300 MiB");
}

}  // namespace circumstances_test
