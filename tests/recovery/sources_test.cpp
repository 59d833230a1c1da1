// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/points/sources.hpp"

#include <doctest/doctest.h>

#include "daemon/recovery/points/exposure.hpp"
#include "platform.hpp"

namespace sources_test {

using namespace drwatch;
using namespace drwatch::testing;
using H = Health;

namespace {

// "wal" claims, "repository" (interval 30 s) confirms.
Settings with_confirmer() {
  Settings s = platform();
  s.probes["repository"] = s.probes["wal"];
  s.probes["repository"].name = "repository";
  s.probes["wal"].backup->confirmed_by = "repository";
  s.components["database"].protected_by = {"wal", "repository"};
  return s;
}

struct Reading {
  std::optional<WalPosition> safe = {};
  std::optional<Time> time = {};
};
void reads(Stage& stage, const std::string& probe, Reading what, bool continuous = true) {
  Outcome o = outcome_of(H::up, Reason::none, "", "");
  o.at = stage.now;
  o.recovery = RecoveryReading{what.safe, what.time, false, continuous};
  stage.feed(Ran{probe, o});
}
Exposure exposure(Stage& stage) { return exposure_of(stage.state, stage.settings, "database", DisasterClass::host, stage.now); }
const SourceKept& kept(Stage& stage, const char* probe) { return stage.state.kept.sources.at(probe); }

}  // namespace

TEST_CASE("a claim is compared by position where both have one of the same timeline, else by time, and never with a coarse one") {
  SourceKept confirmer;
  const Time t = *parse_time("2026-03-01T00:00:00Z");
  confirmer.recovery_point = t;
  confirmer.safe = WalPosition{1, 500};
  CHECK(holds_less(confirmer, {t, t - hours{1}, false, WalPosition{1, 600}}) == true);  // whatever the times say
  CHECK(holds_less(confirmer, {t, t + hours{1}, false, WalPosition{1, 500}}) == false);
  CHECK(holds_less(confirmer, {t, t + seconds{1}, false, WalPosition{2, 400}}) == true);
  CHECK(holds_less(confirmer, {t, t, false, std::nullopt}) == false);
  CHECK(holds_less(confirmer, {t, t + seconds{1}, true, std::nullopt}) == std::nullopt);
  confirmer.coarse = true;
  CHECK(holds_less(confirmer, {t, t + seconds{1}, false, std::nullopt}) == std::nullopt);
}

TEST_CASE("claims are few however often they are made, and the one that is old enough stays") {
  SourceKept source;
  const Time t = *parse_time("2026-03-01T00:00:00Z");
  for (int i = 0; i < 5000; ++i) {
    const Time now = t + seconds{i};
    remember_claim(source, {now, now, false, std::nullopt}, now, minutes{10});
    REQUIRE(source.claims.size() <= 40);
  }
  CHECK(source.claims.front().at <= t + seconds{4999} - minutes{20});
  CHECK(source.claims[1].at > t + seconds{4999} - minutes{20});
}

TEST_CASE("an archive that claims what the repository does not hold is down, and only the repository counts") {
  Stage stage(with_confirmer());
  stage.ran("primary", H::up);
  const Time held = stage.now - seconds{10};
  for (int i = 0; i < 6; ++i) {  // claims go on, the repository stands still
    reads(stage, "repository", {.time = held});
    reads(stage, "wal", {.time = stage.now - seconds{10}});
    stage.pass(seconds{30});
  }
  REQUIRE(kept(stage, "wal").disagrees_since);
  CHECK(stage.probe("wal") == H::down);
  CHECK(stage.probe("repository") == H::up);
  CHECK(exposure(stage).recovery_point == held);
  CHECK(exposure(stage).source == "repository");
  CHECK_FALSE(exposure(stage).estimated);
  CHECK(stage.state.record.findings.contains("sources-disagree/database/wal"));
  CHECK(stage.fires("DrwatchSourcesDisagree/database"));

  SUBCASE("kept values carry it over a restart") {
    Kept again;
    restore_kept(again, "source/wal", kept_text(stage.state.kept, "source/wal"));
    CHECK(again.sources.at("wal").disagrees_since == kept(stage, "wal").disagrees_since);
    CHECK(again.sources.at("wal").claims.size() == kept(stage, "wal").claims.size());
    CHECK(kept_text(again, "source/wal") == kept_text(stage.state.kept, "source/wal"));
  }
  SUBCASE("the repository has it after all") {
    reads(stage, "repository", {.time = stage.now});
    reads(stage, "wal", {.time = stage.now});
    CHECK(stage.probe("wal") == H::up);
    CHECK_FALSE(stage.fires("DrwatchSourcesDisagree/database"));
    CHECK(exposure(stage).exposure == seconds{0});
  }
  SUBCASE("nobody can look any more: what was seen stands") {
    stage.ran("repository", H::unknown, Reason::timeout);
    stage.pass(minutes{10});
    CHECK(stage.fires("DrwatchSourcesDisagree/database"));
    CHECK(exposure(stage).recovery_point == held);
    CHECK(exposure(stage).estimated);
  }
  SUBCASE("nobody is asked to confirm any more") {
    stage.settings.probes["wal"].backup->confirmed_by.clear();
    reads(stage, "wal", {.time = stage.now});
    CHECK(stage.probe("wal") == H::up);
    CHECK_FALSE(stage.fires("DrwatchSourcesDisagree/database"));
  }
}

TEST_CASE("a confirmer that comes back and shows less, which is not believed at once, has confirmed nothing") {
  Stage stage(with_confirmer());
  stage.ran("primary", H::up);
  for (int i = 0; i < 6; ++i) {
    reads(stage, "repository", {.time = stage.now - seconds{10}});
    reads(stage, "wal", {.time = stage.now - seconds{10}});
    stage.pass(seconds{30});
  }
  CHECK(exposure(stage).source == "wal");
  for (int i = 0; i < 20; ++i) {  // nobody can look, and the claims go on
    reads(stage, "wal", {.time = stage.now - seconds{10}});
    stage.pass(seconds{30});
  }
  CHECK(exposure(stage).source == "repository");
  CHECK(exposure(stage).exposure >= minutes{10});
  reads(stage, "repository", {.time = stage.now - hours{2}});
  CHECK(exposure(stage).source == "repository");
  CHECK(exposure(stage).exposure >= minutes{10});
}

TEST_CASE("a confirmer that lags within its time is no contradiction") {
  Stage stage(with_confirmer());
  stage.ran("primary", H::up);
  for (int i = 0; i < 40; ++i) {
    reads(stage, "wal", {.time = stage.now - seconds{5}});
    reads(stage, "repository", {.time = stage.now - seconds{60}});
    CHECK(exposure(stage).exposure == seconds{5});
    stage.pass(seconds{30});
  }
  CHECK(stage.probe("wal") == H::up);
  CHECK_FALSE(stage.state.record.findings.contains("sources-disagree/database/wal"));
}

TEST_CASE("an RPO that was never met is learned to be unreachable; an archive that broke now and then is not") {
  Settings s = platform();
  Stage stage(s);
  stage.ran("primary", H::up);
  const auto next_point = [&](Duration later) {
    stage.pass(later - seconds{1});
    reads(stage, "wal", {.time = stage.now}, false);
    stage.pass(seconds{1});
  };
  reads(stage, "wal", {.time = stage.now}, false);
  for (int i = 0; i < 2; ++i) next_point(hours{24});
  CHECK_FALSE(stage.state.record.findings.contains("rpo-unreachable/database/host"));
  SUBCASE("daily, three times and more") {
    next_point(hours{24});
    CHECK(stage.state.record.findings.contains("rpo-unreachable/database/host"));
    CHECK(stage.state.record.objectives.at("database rpo host").standing == Standing::breached);
    CHECK_FALSE(stage.fires("DrwatchRpoBreached/database/host"));
    stage.pass(hours{25});
    CHECK_FALSE(stage.fires("DrwatchRpoBreached/database/host"));  // 1.1 times its day
    stage.pass(hours{2});
    CHECK(stage.fires("DrwatchRpoBreached/database/host"));
  }
  SUBCASE("one good tooth says that it can be met") {
    next_point(minutes{10});
    next_point(hours{24});
    CHECK_FALSE(stage.state.record.findings.contains("rpo-unreachable/database/host"));
    stage.pass(hours{2});
    CHECK(stage.fires("DrwatchRpoBreached/database/host"));
  }
  CHECK(kept(stage, "wal").points.size() <= SourceKept::points_kept);
}

TEST_CASE("what can never be met opens nothing and ends nothing") {
  Settings s = platform();
  s.probes["wal"].backup->every = hours{24};
  s.scenarios["rpo"] = scenario(s, "rpo", {"any rpo is at-risk", "database rpo is breached"}, {"database"});
  s.scenarios["not-met"] = scenario(s, "not-met", {"database rpo is not met"}, {"database"});
  Stage stage(s);
  stage.ran("primary", H::up);
  stage.recovery_point(stage.now - hours{3});
  stage.pass(hours{2});
  CHECK(stage.state.record.objectives.at("database rpo host").standing == Standing::breached);
  CHECK(stage.open("rpo") == nullptr);
  CHECK(stage.open("not-met") == nullptr);
  stage.recovery_point(stage.now - hours{27});
  stage.pass(hours{24});
  CHECK(stage.open("rpo") != nullptr);
}

}  // namespace sources_test
