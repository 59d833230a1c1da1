// SPDX-License-Identifier: Apache-2.0
// A real standby: streaming, idle, replay paused, disconnected, stopped, its primary dead, promoted.
#include "probes/backup/wal/archive.hpp"
#include "probes/parts/prepare_sql.hpp"
#include "tests/probes/cluster.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"

#include <doctest/doctest.h>

namespace real_standby_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

bool says(const Outcome& outcome, const std::string& part) {
  if (outcome.message.find(part) != std::string::npos) return true;
  MESSAGE(outcome.message);
  return false;
}

std::uint64_t safe(const Outcome& outcome) {
  REQUIRE(outcome.recovery);
  REQUIRE(outcome.recovery->safe);
  return outcome.recovery->safe->lsn;
}

Time point(const Outcome& outcome) {
  REQUIRE(outcome.recovery);
  REQUIRE(outcome.recovery->time);
  return *outcome.recovery->time;
}

Time clock_of(Cluster& cluster) {
  return Time{Duration{std::stoll(cluster.sql("SELECT (extract(epoch from clock_timestamp()) * 1000)::bigint"))}};
}

}  // namespace

TEST_CASE("a real standby: streaming, paused, disconnected, stopped, its primary dead, promoted") {
  Cluster primary;
  primary.archive_with("/bin/true");  // not what is looked at here
  primary.script(prepare_sql());
  Standby standby(primary, "replica");
  Watch watch;
  const std::string of_standby = "reads = \"standby\"\ndsn = \"" + standby.dsn("drwatch") + "\"\n";
  const std::string of_primary = "application_name = \"replica\"\nslot = \"replica\"\nprimary = \"" + primary.dsn("drwatch") + "\"\n";
  const auto both = probe_of("backup", of_standby + of_primary);
  const auto itself = probe_of("backup", of_standby);
  const auto its_primary = probe_of("backup", "reads = \"standby\"\n" + of_primary);
  const auto beat = [&] {
    return Time{Duration{std::stoll(primary
                                        .sql("UPDATE drwatch.heartbeat SET beat = clock_timestamp() RETURNING (extract(epoch from beat) * "
                                             "1000)::bigint")
                                        .substr(0, 13))}};
  };

  // Streaming: all three ways know that what is committed is held.
  const Time beaten = beat();
  for (Probe* probe : {both.get(), itself.get(), its_primary.get()}) {
    await("the beat is held", [&] {
      const Outcome o = watch.run(*probe);
      return o.outcome == Health::up && o.recovery && o.recovery->time && *o.recovery->time >= beaten;
    });
    const Outcome good = watch.run(*probe);
    CHECK(good.recovery->safe->timeline == 1);
    CHECK_FALSE(good.recovery->failing);
    CHECK(point(good) <= clock_of(primary));
  }
  CHECK(watch.run(*both).facts.at("receiver") == "streaming");
  CHECK(watch.run(*both).facts.at("sender_state") == "streaming");
  CHECK(watch.run(*both).facts.at("slot_status") == "reserved");
  CHECK(watch.run(*itself).facts.contains("canary_replayed"));

  // Without pg_monitor the positions are still read, but the primary shows nothing.
  primary.sql("CREATE ROLE stranger LOGIN");
  const auto unprivileged = probe_of("backup", "reads = \"standby\"\ndsn = \"" + standby.dsn("stranger") + "\"\n");
  await("the role is there", [&] { return watch.run(*unprivileged).outcome == Health::up; });
  CHECK(safe(watch.run(*unprivileged)) > 0);
  CHECK(watch.run(*unprivileged).facts.at("receiver") == "runs");
  const Outcome blindfold = watch.run(
      *probe_of("backup", "reads = \"standby\"\napplication_name = \"replica\"\nprimary = \"" + primary.dsn("stranger") + "\"\n"));
  CHECK(blindfold.outcome == Health::unknown);
  CHECK(blindfold.reason == Reason::auth);

  // Replay paused: nothing is lost, but a promotion has to catch up.
  standby.sql("SELECT pg_wal_replay_pause()");
  const Time while_paused = beat();
  await("held, though not replayed", [&] { return point(watch.run(*both)) >= while_paused; });
  for (Probe* probe : {both.get(), itself.get()}) {
    const Outcome paused = watch.run(*probe);
    CHECK(paused.outcome == Health::degraded);
    CHECK(says(paused, "replay is paused"));
    CHECK(paused.facts.at("to_replay_bytes") != "0");
    CHECK(safe(paused) >= safe(watch.run(*its_primary)));
  }
  standby.sql("SELECT pg_wal_replay_resume()");
  await("replayed", [&] { return watch.run(*both).outcome == Health::up; });

  // The standby stops: its row disappears, without a sign of anything negative.
  standby.stop();
  await("the row is gone", [&] { return watch.run(*its_primary).outcome == Health::down; });
  const Outcome absent = watch.run(*its_primary);
  CHECK(absent.reason == Reason::absent);
  CHECK(says(absent, "no standby called 'replica'"));
  const Outcome off = watch.run(*both);
  CHECK(off.outcome == Health::down);
  CHECK(says(off, "the standby is off"));
  CHECK(watch.run(*itself).reason == Reason::connect);
  standby.start();
  await("streams again", [&] { return watch.run(*both).outcome == Health::up; });

  // The primary dies: received equals replayed, and goes on being so; the point must stand still.
  const Time last = beat();
  await("the last beat is held", [&] { return point(watch.run(*both)) >= last && point(watch.run(*itself)) >= last; });
  primary.stop();
  await("disconnected", [&] { return watch.run(*itself).outcome == Health::down; });
  CHECK(standby.sql("SELECT pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()") == "t");
  const Outcome first = watch.run(*both), again = watch.run(*both), alone = watch.run(*itself);
  CHECK(first.outcome == Health::down);
  CHECK(first.reason == Reason::absent);
  CHECK(says(first, "no WAL receiver runs"));
  CHECK(point(again) == point(first));
  CHECK(point(first) >= last);
  CHECK(point(alone) >= last);
  CHECK(safe(first) > 0);
  CHECK(first.recovery->failing);
  CHECK(watch.run(*its_primary).outcome == Health::unknown);

  // Promoted: it follows nobody.
  standby.sql("SELECT pg_promote()");
  const Outcome promoted = watch.run(*itself);
  CHECK(promoted.outcome == Health::down);
  CHECK(says(promoted, "not a standby"));
  CHECK_FALSE(promoted.recovery->safe);
}

}  // namespace real_standby_test
