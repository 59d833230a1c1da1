// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/points/exposure.hpp"

#include <doctest/doctest.h>

#include "platform.hpp"

namespace exposure_test {

using namespace drwatch;
using namespace drwatch::testing;
using H = Health;

namespace {
Exposure exposure(Stage& stage, DisasterClass c = DisasterClass::logical) {
  return exposure_of(stage.state, stage.settings, "database", c, stage.now);
}
std::string_view standing(Stage& stage) { return standing_name(stage.state.record.objectives["database rpo logical"].standing); }
}  // namespace

TEST_CASE("a position becomes the time of the newest commit below it, on the same timeline") {
  Ledger ledger;
  Time t0 = *parse_time("2026-03-01T00:00:00Z");
  for (int i = 1; i <= 10; ++i) ledger_add(ledger, {{1, static_cast<std::uint64_t>(i) * 100}, t0 + seconds{i}});
  CHECK(ledger_time(ledger, {1, 550}) == t0 + seconds{5});
  CHECK(ledger_time(ledger, {1, 500}) == t0 + seconds{5});
  CHECK(!ledger_time(ledger, {1, 50}));
  CHECK(!ledger_time(ledger, {2, 550}));
  SUBCASE("a restored database writes another history") {
    ledger_add(ledger, {{1, 450}, t0 + seconds{60}});
    CHECK(ledger_time(ledger, {1, 1000}) == t0 + seconds{60});
    CHECK(ledger_time(ledger, {1, 420}) == t0 + seconds{4});
  }
  SUBCASE("thinned rows never make a point look newer than it is") {
    Ledger thin;
    for (int i = 1; i <= 5000; ++i) ledger_add(thin, {{1, static_cast<std::uint64_t>(i)}, t0 + seconds{i}});
    CHECK(thin.rows.size() <= 1024);
    for (std::uint64_t lsn : {10u, 999u, 2500u, 4000u, 4999u, 5000u})
      if (auto at = ledger_time(thin, {1, lsn})) CHECK(*at <= t0 + seconds{static_cast<int>(lsn)});
    CHECK(ledger_time(thin, {1, 5000}) == t0 + seconds{5000});
    CHECK(ledger_time(thin, {1, 100}));  // it still reaches far back
  }
}

TEST_CASE("exposure grows a second a second and the objective follows") {
  Stage stage(platform());
  stage.ran("primary", H::up);
  CHECK(!exposure(stage).exposure);
  CHECK(standing(stage) == "unproven");
  stage.recovery_point(stage.now - seconds{30});
  CHECK(exposure(stage).exposure == seconds{30});
  CHECK(standing(stage) == "met");
  stage.pass(minutes{20});
  CHECK(exposure(stage).exposure == minutes{20} + seconds{30});
  CHECK(standing(stage) == "met");
  // RPO 1 h, time to fix 30 min, half the objective: both say at risk at 30 min.
  stage.pass(minutes{10});
  CHECK(standing(stage) == "at-risk");
  CHECK(stage.fires("DrwatchRpoAtRisk/database/logical"));
  CHECK(judge_rpo(stage.state, stage.settings, "database", DisasterClass::logical, stage.now).breach_at ==
        stage.now + minutes{30} - seconds{30});
  stage.pass(minutes{30});
  CHECK(standing(stage) == "breached");
  CHECK(stage.fires("DrwatchRpoAtRisk/database/logical"));
  CHECK(stage.fires("DrwatchRpoBreached/database/logical"));
  // Better only after a minute below.
  stage.recovery_point(stage.now - seconds{10});
  CHECK(standing(stage) == "breached");
  stage.pass(minutes{1});
  CHECK(standing(stage) == "met");
  CHECK(!stage.fires("DrwatchRpoBreached/database/logical"));
}

TEST_CASE("a source that says it fails is at risk at half the fraction") {
  Stage stage(platform());
  stage.ran("primary", H::up);
  stage.recovery_point(stage.now - minutes{16}, H::down);
  CHECK(standing(stage) == "at-risk");
}

TEST_CASE("nothing is lost while nothing can be written") {
  Stage stage(platform());
  stage.ran("primary", H::up);
  stage.recovery_point(stage.now - seconds{30});
  stage.pass(minutes{10});
  auto refuses = [&] {
    Outcome refused = outcome_of(H::down, Reason::connect, "ECONNREFUSED", "connection refused");
    refused.at = stage.now;
    refused.takes_no_writes = true;
    stage.feed(Ran{"primary", refused});
  };
  refuses();
  Time held = stage.now;
  for (int run = 0; run < 80; ++run) {
    stage.pass(seconds{30});
    refuses();
  }
  CHECK(exposure(stage).exposure == minutes{10} + seconds{30});
  CHECK(exposure(stage).held_since == held);
  CHECK(standing(stage) == "met");
  SUBCASE("behind a timeout it grows again, estimated") {
    for (int i = 0; i < 3; ++i) stage.ran("primary", H::down, Reason::timeout);
    stage.pass(minutes{5});
    CHECK(exposure(stage).exposure == minutes{15} + seconds{30});
    CHECK(exposure(stage).estimated);
    CHECK(!exposure(stage).held_since);
  }
  SUBCASE("back again: the time without writes stays out of it") {
    stage.ran("primary", H::up);
    stage.pass(minutes{1});
    CHECK(exposure(stage).exposure == minutes{11} + seconds{30});
  }
  SUBCASE("nobody looks: what a run says holds until the next one could be late") {
    stage.pass(minutes{20});
    CHECK(exposure(stage).exposure == minutes{30} + seconds{30} - seconds{65});
    CHECK(!exposure(stage).held_since);
    CHECK(exposure(stage).estimated);
    Time again = stage.now;
    refuses();
    CHECK(exposure(stage).exposure == minutes{30} + seconds{30} - seconds{65});
    CHECK(exposure(stage).held_since == again);
  }
}

TEST_CASE("no source that survives the class: a finding, not a page") {
  Settings s = platform();
  s.components["database"].rpo[DisasterClass::region] = hours{24};
  Stage stage(s);
  stage.ran("primary", H::up);
  stage.recovery_point(stage.now);
  CHECK(exposure(stage, DisasterClass::region).no_source);
  CHECK(stage.state.record.findings.count("no-source/database/region") == 1);
  CHECK(stage.state.record.objectives["database rpo region"].standing == Standing::breached);
  CHECK(!stage.fires("DrwatchRpoBreached/database/region"));
}

TEST_CASE("what a source can't say any more keeps growing, estimated") {
  Stage stage(platform());
  stage.ran("primary", H::up);
  stage.recovery_point(stage.now);
  stage.pass(minutes{5});
  stage.ran("wal", H::unknown, Reason::timeout);
  CHECK(exposure(stage).exposure == minutes{5});
  CHECK(exposure(stage).estimated);
}

}  // namespace exposure_test
