// SPDX-License-Identifier: Apache-2.0
// Stores that were read and hold less than they proved: an intruder's deletion, a retention that shrank, a folder that was emptied.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "daemon/recovery/points/exposure.hpp"
#include "daemon/recovery/points/sources.hpp"
#include "platform.hpp"

namespace lost_points_test {

using namespace drwatch;
using namespace drwatch::testing;
using H = Health;

namespace {

Settings two_sources() {
  Settings s = platform();
  s.probes["repository"] = s.probes["wal"];
  s.probes["repository"].name = "repository";
  s.components["database"].protected_by = {"wal", "repository"};
  return s;
}

void reads(Stage& stage, std::optional<Time> time, bool whole = true, const std::string& probe = "wal",
           std::optional<WalPosition> safe = {}) {
  Outcome o = outcome_of(time || safe ? H::up : H::down, time || safe ? Reason::none : Reason::absent, "", "");
  o.at = stage.now;
  o.recovery = RecoveryReading{safe, time, o.outcome == H::down};
  o.recovery->whole = whole;
  stage.feed(Ran{probe, o});
}
void nothing(Stage& stage, const std::string& probe = "wal") { reads(stage, std::nullopt, true, probe); }
Exposure exposure(Stage& stage) { return exposure_of(stage.state, stage.settings, "database", DisasterClass::logical, stage.now); }
std::string_view standing(Stage& stage) { return standing_name(stage.state.record.objectives["database rpo logical"].standing); }
std::string finding(Stage& stage) {
  auto found = stage.state.record.findings.find("points-lost/database/wal");
  return found == stage.state.record.findings.end() ? "" : found->second.message;
}
void restart(Stage& stage) {
  Kept kept;
  for (const std::string key : {"source/wal", "probe/wal", "probe/primary"}) restore_kept(kept, key, kept_text(stage.state.kept, key));
  stage.state = State{record_from_json(to_json(stage.state.record)), std::move(kept), {}};
  stage.feed(DaemonStarted{"test"});
  stage.feed(ConfigurationLoaded{});
}

}  // namespace

TEST_CASE("a store that is empty twice in a row has lost its points: everything would be lost, and that pages") {
  Stage stage(platform());
  stage.ran("primary", H::up);
  const Time point = stage.now - seconds{30};
  reads(stage, point);
  stage.pass(minutes{1});
  nothing(stage);  // a listing that caught it half-way?
  CHECK(exposure(stage).recovery_point == point);
  CHECK(standing(stage) == "met");
  CHECK(finding(stage).empty());
  stage.pass(minutes{1});
  SUBCASE("not empty after all") {
    reads(stage, point);
    stage.pass(minutes{1});
    nothing(stage);
    CHECK(exposure(stage).recovery_point == point);
    return;
  }
  SUBCASE("what could not be read says neither") { stage.ran("wal", H::unknown, Reason::timeout); }
  SUBCASE("drwatch is restarted in between") {
    restart(stage);
    stage.ran("primary", H::up);
  }
  const Time first = stage.now - minutes{1};
  nothing(stage);
  CHECK(exposure(stage).no_source);
  CHECK_FALSE(exposure(stage).exposure);
  CHECK(exposure(stage).emptied == "wal");
  CHECK(standing(stage) == "breached");
  CHECK(stage.fires("DrwatchRpoBreached/database/logical"));
  CHECK(importance(stage.events.back()) != Importance::info);
  CHECK(finding(stage).find("wal held everything up to " + time_words(point) + "; since " + time_words(first)) == 0);
  CHECK(judge_rpo(stage.state, stage.settings, "database", DisasterClass::logical, stage.now).message.find("would lose everything") !=
        std::string::npos);
  // It says so for as long as it is so, over a restart as well.
  stage.pass(hours{1});
  restart(stage);
  nothing(stage);
  CHECK(standing(stage) == "breached");
  CHECK(stage.fires("DrwatchRpoBreached/database/logical"));
  // And is over with the next backup.
  reads(stage, stage.now - seconds{5});
  stage.pass(minutes{1});
  CHECK(standing(stage) == "met");
  CHECK(finding(stage).empty());
  CHECK_FALSE(stage.fires("DrwatchRpoBreached/database/logical"));
}

TEST_CASE("the newest backups are deleted: the point goes back, and the finding stays until it holds as much again") {
  Stage stage(platform());
  stage.ran("primary", H::up);
  const Time point = stage.now - seconds{30}, older = stage.now - hours{5};
  reads(stage, point);
  for (const bool whole : {false, true}) {
    for (int i = 0; i < 2; ++i) {
      stage.pass(seconds{30});
      CHECK(exposure(stage).recovery_point == point);
      reads(stage, older, whole);  // what is not the whole truth never takes anything back
    }
  }
  CHECK(exposure(stage).recovery_point == older);
  CHECK(standing(stage) == "breached");
  CHECK(stage.fires("DrwatchRpoBreached/database/logical"));
  CHECK(finding(stage).find("it can be restored only up to " + time_words(older)) != std::string::npos);
  // A newer one that is still older than what there was.
  reads(stage, older + hours{1});
  CHECK(exposure(stage).recovery_point == older + hours{1});
  CHECK_FALSE(finding(stage).empty());
  reads(stage, point);
  CHECK(finding(stage).empty());
}

TEST_CASE("positions say what is less: a ledger that was thinned, or a file that was copied anew, does not") {
  Stage stage(platform());
  Outcome beat = outcome_of(H::up, Reason::none, "", "");
  for (const std::uint64_t lsn : {1000u, 2000u, 3000u}) {
    stage.pass(seconds{30});
    beat.at = stage.now;
    beat.canary = CanaryBeat{{1, lsn}, stage.now};
    stage.feed(Ran{"primary", beat});
  }
  const Time third = stage.now;
  reads(stage, stage.now, true, "wal", WalPosition{1, 3500});
  CHECK(exposure(stage).recovery_point == third);
  SUBCASE("thinned") {
    auto& rows = stage.state.kept.ledgers["database"].rows;
    rows.pop_back();
    for (int i = 0; i < 3; ++i) reads(stage, stage.now, true, "wal", WalPosition{1, 3500});
    CHECK(exposure(stage).recovery_point == third);
    CHECK(finding(stage).empty());
  }
  SUBCASE("segments before all that the ledger knows, with times of today") {
    for (int i = 0; i < 2; ++i) reads(stage, stage.now, true, "wal", WalPosition{1, 500});
    CHECK(exposure(stage).recovery_point == third - minutes{1});  // no newer than the ledger's first row
    CHECK(exposure(stage).estimated);
    CHECK_FALSE(finding(stage).empty());
  }
  SUBCASE("another timeline is not compared") {
    for (int i = 0; i < 2; ++i) reads(stage, third - hours{1}, true, "wal", WalPosition{2, 500});
    CHECK(exposure(stage).recovery_point == third);
  }
}

TEST_CASE("another source of the class is what counts then; a claim is not, when its confirmer was emptied") {
  Settings s = two_sources();
  bool confirmed = false;
  SUBCASE("two sources") {}
  SUBCASE("a claim and its confirmer") { confirmed = true; }
  if (confirmed) s.probes["repository"].backup->confirmed_by = "wal";
  Stage stage(s);
  stage.ran("primary", H::up);
  reads(stage, stage.now - seconds{20});
  reads(stage, stage.now - seconds{10}, true, "repository");
  for (int i = 0; i < 2; ++i) nothing(stage);
  CHECK(exposure(stage).no_source == confirmed);
  CHECK(exposure(stage).emptied == (confirmed ? "wal" : ""));
  CHECK(standing(stage) == (confirmed ? "breached" : "met"));
  CHECK_FALSE(finding(stage).empty());  // told in any case
}

TEST_CASE("a store that never held anything lost nothing") {
  Stage stage(platform());
  stage.ran("primary", H::up);
  for (int i = 0; i < 3; ++i) nothing(stage);
  CHECK_FALSE(exposure(stage).no_source);
  CHECK_FALSE(exposure(stage).exposure);
  CHECK(standing(stage) == "unproven");
  CHECK(finding(stage).empty());
}

}  // namespace lost_points_test
