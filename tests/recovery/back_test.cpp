// SPDX-License-Identifier: Apache-2.0
// The clock is set back, and what was noted under the times that it tells again is dated anew.
#include "daemon/recovery/record/back.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "drilled.hpp"

namespace back_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {
const Time now = *parse_time("2026-03-01T02:00:00Z");
const BackInTime by_a_day{.now = now, .was = now + hours{24}, .by = hours{24}};
}  // namespace

TEST_CASE("what was noted under times that are told again goes back; older times and plans made before stay") {
  Kept kept;
  kept.alive_at = now + hours{24};
  kept.probes["primary"].last_up_at = now + hours{24} - minutes{5};
  kept.probes["web"].last_up_at = now - hours{1};
  SourceKept& source = kept.sources["wal"];
  source.recovery_point = now + hours{23};
  source.points = {now - hours{2}, now + hours{22}, now + hours{23}};
  kept.ledgers["database"].rows = {{{1, 100}, now - minutes{1}}, {{1, 200}, now + hours{23}}};
  kept.writes["database"].held = {{now - minutes{3}, now + hours{24} - minutes{2}}};
  kept.memories["primary"] = {"abc", "\"2026-03-01T12:00:00Z\""};
  const auto changed = bring_back(kept, by_a_day);
  CHECK(kept.alive_at == now);
  CHECK(kept.probes["primary"].last_up_at == now - minutes{5});
  CHECK(kept.probes["web"].last_up_at == now - hours{1});
  CHECK(kept.sources["wal"].recovery_point == now - hours{1});
  CHECK(kept.sources["wal"].points == std::vector<Time>{now - hours{2}, now - hours{2}, now - hours{1}});
  CHECK(kept.ledgers["database"].rows[0].db_time == now - minutes{1});
  CHECK(kept.ledgers["database"].rows[1].db_time == now - hours{1});
  CHECK(kept.writes["database"].held[0].from == now - minutes{3});
  CHECK(kept.writes["database"].held[0].until == now - minutes{2});
  CHECK(kept.memories["primary"].text == "\"2026-03-01T12:00:00Z\"");
  CHECK(changed == std::vector<std::string>{"alive_at", "probe/primary", "source/wal", "writes/database", "ledger/database"});
  CHECK(bring_back(kept, by_a_day).empty());
}

TEST_CASE("a signal and a maintenance that were begun in the wrong year end when they should; those begun before it as well") {
  Settings settings = platform();
  settings.signals["breach"].expires = hours{2};
  settings.signals["early"] = settings.signals["breach"];
  settings.signals["early"].name = "early";
  Stage stage(settings);
  const Duration year = hours{24 * 365};
  stage.feed(SetSignal{"early", true, "oncall", ""});
  stage.pass(minutes{30});
  const Time from = stage.now;
  stage.now += year;
  stage.feed(ClockJumped{.by = year, .from = from});
  stage.pass(minutes{1});
  CHECK_FALSE(stage.state.record.signals.at("early").raised);  // by that clock it was over long ago
  stage.feed(SetSignal{"early", true, "oncall", ""});
  stage.feed(SetSignal{"breach", true, "oncall", ""});
  stage.feed(StartMaintenance{{"api"}, hours{1}, "oncall", ""});
  stage.pass(minutes{10});
  const Time was = stage.now;
  stage.now -= year;
  const auto decision = stage.feed(ClockJumped{.by = -year, .from = was, .back = year});
  REQUIRE_FALSE(decision.events.empty());
  CHECK(decision.events[0].kind == "clock.jumped");
  CHECK(decision.events[0].at == stage.now);
  CHECK(stage.state.record.at == stage.now);
  CHECK(stage.state.record.signals.at("breach").raised);
  CHECK(stage.state.record.maintenance.size() == 1);
  CHECK(stage.state.record.blind_spans.empty());
  stage.pass(minutes{49});
  CHECK(stage.state.record.maintenance.size() == 1);
  stage.pass(minutes{2});
  CHECK(stage.state.record.maintenance.empty());
  CHECK(stage.state.record.signals.at("breach").raised);
  stage.pass(minutes{70});
  CHECK_FALSE(stage.state.record.signals.at("breach").raised);
}

TEST_CASE("a job is judged by the wall's clock, whatever drwatch's time is") {
  Stage stage(platform());  // nightly: each hour
  const auto feed = [&](const Input& input, Duration ahead) { return decide(stage.state, stage.settings, input, stage.now, ahead); };
  const Time wall = stage.now;
  stage.now += minutes{50};  // drwatch's time is ahead
  feed(Pinged{"nightly", Pinged::What::success, "", 0, ""}, minutes{50});
  CHECK(stage.state.kept.jobs.at("nightly").called_at == wall);
  const auto decision = feed(Tick{}, minutes{50});
  REQUIRE(decision.due);
  CHECK(*decision.due <= wall + hours{2} + minutes{50});
  stage.now += minutes{50};  // by drwatch's time the hour and the grace are over; by the wall's they are not
  feed(Tick{}, minutes{44});
  CHECK(stage.health("cron") == Health::up);
}

namespace {
// The wall's clock is set, and drwatch's own time with it.
Decision set_clock(Stage& stage, Duration by) {
  const Time from = stage.now;
  stage.now += by;
  return stage.feed(ClockJumped{.by = by, .from = from, .back = std::max(-by, Duration{0})});
}
}  // namespace

TEST_CASE("what was raised while the clock was two hours fast, or a year, is resolved when it is right again") {
  Settings settings = platform();
  settings.scenarios.at("database-outage").drill = drilled::planned().scenarios.at("database-outage").drill;
  Stage stage(settings);
  stage.feed(OpenIncident{"database-outage", "oncall", ""});
  const Duration wrong = hours{24 * 400};
  set_clock(stage, wrong);
  stage.pass(minutes{2});
  CHECK(stage.fires("DrwatchDrillOverdue/database-outage"));
  set_clock(stage, -wrong);
  stage.pass(seconds{5});
  std::vector<std::string> standing;
  for (const auto& [key, alert] : stage.state.record.alerts)
    if (!alert.resolved_at) standing.push_back(key);
  CHECK(standing == std::vector<std::string>{"DrwatchIncident/database-outage", "Watchdog"});
  CHECK(to_json(stage.replayed) == to_json(stage.state.record));
}

TEST_CASE("a clock that is fast for a moment ends no maintenance and no signal, and no drill is due by it; one that stays so does") {
  Settings settings = platform();
  settings.signals["breach"].expires = hours{24};
  settings.scenarios.at("database-outage").drill = drilled::planned().scenarios.at("database-outage").drill;
  Stage stage(settings);
  stage.feed(SetSignal{.signal = "breach", .raised = true, .by = "oncall"});
  stage.feed(StartMaintenance{.components = {"database"}, .lasts = hours{1}, .by = "oncall"});
  const Duration wrong = hours{24 * 400};
  const auto standing = [&] { return stage.state.record.signals.at("breach").raised && stage.state.record.maintenance.size() == 1; };
  REQUIRE(standing());
  set_clock(stage, wrong);
  stage.pass(seconds{50});
  CHECK(standing());
  CHECK_FALSE(stage.fires("DrwatchDrillOverdue/database-outage"));
  set_clock(stage, -wrong);
  stage.pass(minutes{2});
  CHECK(standing());
  set_clock(stage, wrong);
  stage.pass(minutes{2});
  CHECK_FALSE(stage.state.record.signals.at("breach").raised);
  CHECK(stage.state.record.maintenance.empty());
  CHECK(stage.fires("DrwatchDrillOverdue/database-outage"));
}

}  // namespace back_test
