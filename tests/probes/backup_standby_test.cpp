// SPDX-License-Identifier: Apache-2.0
// What the two ends of replication say, judged: pure cases. The real pair is in real_standby_test.cpp.
#include "probes/backup/standby/verdict.hpp"
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

namespace backup_standby_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

const Time now = *parse_time("2026-03-01T02:00:00Z");
const StandbyWanted wanted{"walreceiver", "", minutes{5}};

StandbyAccount connected() {
  StandbyAccount s;
  s.in_recovery = true;
  s.timeline = 1;
  s.received = s.replayed = s.latest_end = 0xB004930;
  s.last_commit = now - seconds{2};
  s.last_message = now - seconds{1};
  s.now = now;
  s.system_identifier = "7711082846122671425";
  s.receiver = true;
  s.receiver_status = "streaming";
  return s;
}

SenderAccount streaming() {
  SenderAccount p;
  p.current = WalPosition{1, 0xB004930};
  p.asked_at = now;
  p.system_identifier = "7711082846122671425";
  p.count = 1;
  p.state = "streaming";
  p.flushed = p.replayed = 0xB004930;
  p.sync_state = "async";
  p.replied_at = now - seconds{3};
  return p;
}

Outcome judge(std::optional<Result<SenderAccount>> primary, std::optional<Result<StandbyAccount>> standby,
              PrimaryPositions positions = {}) {
  if (primary && *primary && (*primary)->current) positions.add(*(*primary)->current, (*primary)->asked_at);
  return judge_standby({std::move(primary), std::move(standby)}, positions, wanted, now);
}

bool says(const Outcome& outcome, const std::string& part) {
  if (outcome.message.find(part) != std::string::npos) return true;
  MESSAGE(outcome.message);
  return false;
}

}  // namespace

TEST_CASE("backup standby: both ends are well") {
  const Outcome outcome = judge(streaming(), connected());
  CHECK(outcome.outcome == Health::up);
  CHECK(outcome.recovery->safe == WalPosition{1, 0xB004930});
  CHECK(outcome.recovery->time == now);  // it holds all that the primary had when it was asked
  CHECK_FALSE(outcome.recovery->failing);
  CHECK(outcome.facts.at("unprotected_bytes") == "0");
  CHECK(outcome.facts.at("replay_lag") == "0s");
  CHECK(outcome.facts.at("sync_state") == "async");
  CHECK_FALSE(outcome.facts.contains("flush_lag"));  // idle: nothing to measure, and no fault
}

TEST_CASE("backup standby: idle, with lags of NULL and an old last commit") {
  StandbyAccount s = connected();
  s.last_commit = now - hours{3};
  const Outcome alone = judge({}, s);
  CHECK(alone.outcome == Health::up);
  CHECK(alone.recovery->time == now - seconds{1});  // when the primary last said that there is no more
  CHECK(alone.facts.at("replay_lag") == "0s");
  CHECK(judge(streaming(), s).outcome == Health::up);
  CHECK(judge(streaming(), {}).outcome == Health::up);
}

TEST_CASE("backup standby: the primary is dead; received equals replayed and proves nothing") {
  StandbyAccount s = connected();
  s.receiver = false;
  s.receiver_status.clear();
  s.latest_end.reset();
  s.last_message.reset();
  s.now = now + minutes{10};
  const auto refused = failure(Reason::connect, "ECONNREFUSED", "connection refused by 127.0.0.1:5432");
  for (const bool both : {false, true}) {
    const Outcome outcome = judge(both ? std::optional<Result<SenderAccount>>(refused) : std::nullopt, s);
    CHECK(outcome.outcome == Health::down);
    CHECK(outcome.reason == Reason::absent);
    CHECK(says(outcome, "no WAL receiver runs"));
    CHECK(says(outcome, "what is held ends at 2026-03-01 01:59:58 UTC"));
    CHECK(outcome.recovery->failing);
    CHECK(outcome.recovery->safe == WalPosition{1, 0xB004930});
    CHECK(outcome.recovery->time == now - seconds{2});  // does not go on with the time
  }
  // The probe's own ledger knows better than the last commit.
  PrimaryPositions positions;
  positions.add({1, 0xB004000}, now - seconds{30});
  positions.add({1, 0xB004930}, now - seconds{1});
  positions.add({1, 0xB004930}, now);
  positions.add({1, 0xB005000}, now + seconds{5});
  CHECK(judge(refused, s, positions).recovery->time == now);
}

TEST_CASE("backup standby: what is from the future proves nothing") {
  StandbyAccount s = connected();
  s.canary = now + hours{24 * 100};
  const Outcome beat = judge(streaming(), s);
  CHECK(beat.outcome == Health::unknown);
  CHECK(beat.reason == Reason::protocol);
  CHECK(says(beat, "from the future (2026-06-09 02:00:00 UTC)"));
  REQUIRE(beat.recovery);
  CHECK_FALSE(beat.recovery->time);
  CHECK(beat.recovery->safe == WalPosition{1, 0xB004930});
  s.receiver = false;
  const Outcome down = judge(std::nullopt, s);
  CHECK(down.outcome == Health::down);
  CHECK(says(down, "from the future"));
  CHECK_FALSE(down.recovery->time);
  s = connected();
  s.last_commit = now + hours{1};
  CHECK_FALSE(judge(std::nullopt, s).recovery->time);
  s.last_commit = now + minutes{4};  // clocks differ
  CHECK(judge(std::nullopt, s).recovery->time == now + minutes{4});
}

TEST_CASE("backup standby: what it flushed counts for the point, what it replayed for the way to a promotion") {
  StandbyAccount s = connected();
  s.replayed = 0xA000000;
  s.last_commit = now - minutes{2};
  const Outcome behind = judge(streaming(), s);
  CHECK(behind.outcome == Health::up);
  CHECK(behind.recovery->time == now);
  CHECK(behind.facts.at("replay_lag") == "2m");
  CHECK(behind.facts.at("to_replay_bytes") == std::to_string(0xB004930 - 0xA000000));

  s.last_commit = now - minutes{6};
  CHECK(judge(streaming(), s).outcome == Health::degraded);
  CHECK(judge(streaming(), s).recovery->time == now);
  s.apply_delay = hours{1};
  CHECK(judge(streaming(), s).outcome == Health::up);  // it is meant to be late

  s.paused = true;
  const Outcome paused = judge(streaming(), s);
  CHECK(paused.outcome == Health::degraded);
  CHECK(says(paused, "replay is paused"));
  CHECK(paused.recovery->time == now);
}

TEST_CASE("backup standby: everything that one end or the other complains of") {
  struct Row {
    const char* what;
    std::function<void(SenderAccount&, StandbyAccount&)> change;
    Health health;
    Reason reason;
    const char* says;
    bool failing;
  };
  const Row rows[] = {
      {"no row on the primary", [](auto& p, auto&) { p.count = 0, p.state = "", p.flushed.reset(); }, Health::down, Reason::absent,
       "no standby called 'walreceiver' is connected", true},
      {"catching up", [](auto& p, auto&) { p.state = "catchup"; }, Health::degraded, Reason::stale, "catching up", false},
      {"starting", [](auto& p, auto&) { p.state = "startup"; }, Health::degraded, Reason::stale, "'startup'", false},
      {"the receiver waits", [](auto&, auto& s) { s.receiver_status = "waiting"; }, Health::degraded, Reason::stale, "'waiting'", false},
      {"a ghost of a connection", [](auto& p, auto&) { p.replied_at = now - minutes{2}; }, Health::degraded, Reason::stale,
       "last replied to the primary 2 min ago", false},
      {"promoted", [](auto&, auto& s) { s.in_recovery = false; }, Health::down, Reason::assertion, "not a standby", true},
      {"of another cluster", [](auto&, auto& s) { s.system_identifier = "7711082846122671426"; }, Health::down, Reason::assertion,
       "another database cluster", true},
      {"receives late",
       [](auto& p, auto& s) { p.current = WalPosition{1, 0xC000000}, s.latest_end = 0xC000000, s.last_commit = now - minutes{7}; },
       Health::degraded, Reason::stale, "7 min behind the primary", false},
      {"two of one name", [](auto& p, auto&) { p.count = 2; }, Health::up, Reason::none, "the furthest of 2", false},
      {"the role sees little", [](auto&, auto& s) { s.receiver_status = "", s.latest_end.reset(), s.last_message.reset(); }, Health::up,
       Reason::none, "", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    SenderAccount p = streaming();
    StandbyAccount s = connected();
    row.change(p, s);
    const Outcome outcome = judge(p, s);
    CHECK(outcome.outcome == row.health);
    CHECK(outcome.reason == row.reason);
    CHECK(says(outcome, row.says));
    CHECK((outcome.recovery && outcome.recovery->failing) == row.failing);
  }
  StandbyAccount promoted = connected();
  promoted.in_recovery = false;
  CHECK_FALSE(judge({}, promoted).recovery->safe);  // what it writes now is its own
  CHECK_FALSE(judge({}, promoted).recovery->time);
}

TEST_CASE("backup standby: replication slots") {
  const auto with = [](std::optional<bool> active, const std::string& status) {
    SenderAccount p = streaming();
    p.slot_active = active;
    p.slot_status = status;
    return judge_standby({Result<SenderAccount>(p), {}}, {}, {"walreceiver", "replica", minutes{5}}, now);
  };
  CHECK(with(true, "reserved").outcome == Health::up);
  CHECK(with(true, "extended").outcome == Health::up);
  CHECK(with({}, "").outcome == Health::degraded);
  CHECK(with(true, "unreserved").outcome == Health::degraded);
  CHECK(with(false, "lost").outcome == Health::down);
  CHECK(says(with(false, "lost"), "must be rebuilt"));
}

TEST_CASE("backup standby: ends that can't be asked") {
  const auto silent = failure(Reason::timeout, "", "no answer from 192.0.2.1:5432");
  const auto refused = failure(Reason::connect, "ECONNREFUSED", "connection refused by 127.0.0.1:5433");
  const Outcome only_standby = judge({}, silent);
  CHECK(only_standby.outcome == Health::unknown);
  CHECK(only_standby.reason == Reason::timeout);
  CHECK_FALSE(only_standby.recovery);
  CHECK(judge(silent, {}).outcome == Health::unknown);
  CHECK(judge(refused, {}).outcome == Health::unknown);  // the primary's end is the primary's own affair
  const Outcome off = judge({}, refused);
  CHECK(off.outcome == Health::down);  // nobody listens where the standby should: that is an answer
  CHECK(off.reason == Reason::connect);
  CHECK(off.recovery->failing);
  CHECK(judge(silent, silent).outcome == Health::unknown);
  // The standby's own word is enough; the primary's word is, too, but somebody should look at the standby.
  const Outcome no_primary = judge(silent, connected());
  CHECK(no_primary.outcome == Health::up);
  CHECK(says(no_primary, "the primary could not be asked"));
  const Outcome no_standby = judge(streaming(), silent);
  CHECK(no_standby.outcome == Health::degraded);
  CHECK(no_standby.recovery->safe == WalPosition{1, 0xB004930});
  CHECK(no_standby.recovery->time == now);
}

TEST_CASE("backup standby: another timeline proves nothing") {
  SenderAccount p = streaming();
  p.current = WalPosition{2, 0xB004000};
  StandbyAccount s = connected();
  const Outcome outcome = judge(p, s);
  CHECK(outcome.recovery->safe == WalPosition{1, 0xB004930});
  CHECK(outcome.recovery->time == now - seconds{1});  // only the standby's own word
  CHECK_FALSE(outcome.facts.contains("unprotected_bytes"));
  // After a restart without a primary only the replayed position is known.
  s.received.reset();
  CHECK(judge({}, s).recovery->safe == WalPosition{1, 0xB004930});
}

TEST_CASE("backup standby: the ledger of the primary's positions is bounded and forgets other timelines") {
  PrimaryPositions positions;
  for (std::uint64_t i = 1; i <= 5000; ++i) positions.add({1, i * 100}, now + seconds{i});
  CHECK(positions.newest_within({1, 4567 * 100 + 50}) == now + seconds{4567});
  CHECK_FALSE(positions.newest_within({1, 100}));  // older than the ledger
  CHECK_FALSE(positions.newest_within({2, 4567 * 100}));
  positions.add({2, 100}, now);
  CHECK_FALSE(positions.newest_within({1, 4567 * 100}));
  CHECK(positions.newest_within({2, 100}) == now);
}

TEST_CASE("backup standby: answers in another shape, and configuration") {
  const std::string toml = "reads = \"standby\"\ndsn = \"host=replica\"\n";
  FakeWorld world;
  world.postgres.answer("pg_stat_wal_receiver", {"t"});
  const Outcome odd = world.run(*probe_of("backup", toml));
  CHECK(odd.outcome == Health::unknown);
  CHECK(odd.reason == Reason::protocol);
  world.postgres.answers.clear();
  world.postgres.answer("pg_stat_replication", {{}, {}, "1772330400000", "1", "0", {}, {}, {}, {}, {}, {}, {}, {}, {}});
  const Outcome cascading = world.run(*probe_of("backup", "reads = \"standby\"\nprimary = \"host=db\"\n"));
  CHECK(cascading.outcome == Health::unknown);
  CHECK(says(cascading, "is a standby itself"));
  world.postgres.answers.clear();
  world.postgres.answer("pg_stat_replication", {"0/B004930", "00000001", "1772330400000", "1", "1", {}, {}, {}, {}, {}, {}, {}, {}, {}});
  const Outcome blindfold = world.run(*probe_of("backup", "reads = \"standby\"\nprimary = \"host=db\"\n"));
  CHECK(blindfold.outcome == Health::unknown);
  CHECK(blindfold.reason == Reason::auth);
  CHECK(says(blindfold, "pg_monitor"));

  const auto first = [](const std::string& text) {
    const auto problems = problems_of("backup", text);
    return problems.empty() ? "" : problems.front();
  };
  CHECK(first(toml).empty());
  CHECK(first("reads = \"standby\"").find("needs the standby's 'dsn'") != std::string::npos);
  CHECK(first(toml + "slot = \"replica\"").find("no 'primary' is given") != std::string::npos);
  CHECK(first(toml + "application_name = \"o'clock\"").find("is not a name") != std::string::npos);
  CHECK(first(toml + "archive = \"/srv\"").find("not a key of reads = \"standby\"") != std::string::npos);
}

}  // namespace backup_standby_test
