// SPDX-License-Identifier: Apache-2.0
// The canary and the archiver against a real PostgreSQL: failing, lying, repaired, healed.
#include "probes/parts/prepare_sql.hpp"
#include "probes/parts/wal_position.hpp"
#include "probes/probe.hpp"
#include "tests/probes/cluster.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"

#include <doctest/doctest.h>

namespace real_postgres_test {

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

// What the statistics claim, once they claim at least this.
void await_archived(Cluster& cluster, const std::string& segment) {
  await("archived " + segment, [&] { return cluster.sql("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver") >= segment; });
}

}  // namespace

TEST_CASE("a real PostgreSQL: the canary") {
  Cluster cluster;
  Watch watch;
  const auto probe = probe_of("postgres", "dsn = \"" + cluster.dsn("drwatch") + "\"\ncanary = true");
  const Outcome stranger = watch.run(*probe);
  CHECK(stranger.outcome == Health::down);
  CHECK(stranger.reason == Reason::auth);
  CHECK(stranger.code == "28000");

  cluster.sql("CREATE ROLE drwatch LOGIN");
  const Outcome unprepared = watch.run(*probe);
  CHECK(unprepared.outcome == Health::degraded);
  CHECK(says(unprepared, "drwatch sql"));

  cluster.script(prepare_sql());
  cluster.script(prepare_sql());  // again does no harm
  const Outcome first = watch.run(*probe), second = watch.run(*probe);
  CHECK(first.outcome == Health::up);
  REQUIRE(first.canary);
  REQUIRE(second.canary);
  CHECK(first.canary->at.timeline == 1);
  CHECK(second.canary->at.lsn > first.canary->at.lsn);
  CHECK(second.canary->db_time >= first.canary->db_time);
  CHECK_FALSE(first.facts.contains("clock_skew_seconds"));
  CHECK(cluster.sql("SELECT seq FROM drwatch.heartbeat") == "2");
  // Everything up to the position includes the beat: the server has written more than that by now, not less.
  CHECK(cluster.sql("SELECT pg_current_wal_insert_lsn() >= '" + lsn_text(second.canary->at.lsn) + "'") == "t");

  cluster.set("default_transaction_read_only", "on");
  const Outcome read_only = watch.run(*probe);
  CHECK(read_only.outcome == Health::down);
  CHECK(read_only.code == "25006");
  CHECK(read_only.takes_no_writes);
  cluster.script("ALTER SYSTEM RESET default_transaction_read_only; SELECT pg_reload_conf();");
  await("writes again", [&] { return watch.run(*probe).outcome == Health::up; });

  // No statement outlives the run (of 10 s here).
  const auto asks = probe_of(
      "postgres", "dsn = \"" + cluster.dsn("drwatch") + "\"\nquery = \"SELECT current_setting('statement_timeout')\"\nexpect = \"9s\"");
  CHECK(watch.run(*asks).outcome == Health::up);

  // What libpq would hand out again and again until somebody copies.
  const Outcome copy = watch.run(*probe_of("postgres", "dsn = \"" + cluster.dsn("drwatch") + "\"\nquery = \"COPY (SELECT 1) TO STDOUT\""));
  CHECK(copy.outcome != Health::up);
  CHECK(copy.code == "COPY");

  cluster.stop();
  const Outcome stopped = watch.run(*probe);
  CHECK(stopped.outcome == Health::down);
  CHECK(stopped.reason == Reason::connect);
  CHECK(stopped.code == "ECONNREFUSED");
  CHECK(stopped.takes_no_writes);
}

TEST_CASE("a real PostgreSQL: an archiver that works, fails, lies, is repaired and healed") {
  Cluster cluster;
  cluster.script(prepare_sql());
  Watch watch;
  const auto primary = probe_of("postgres", "dsn = \"" + cluster.dsn("drwatch") + "\"\ncanary = true");
  const auto archiver =
      probe_of("backup", "reads = \"pg_stat_archiver\"\ndsn = \"" + cluster.dsn("drwatch") + "\"\narchive = \"" + cluster.archive() + "\"");

  const Outcome beat = watch.run(*primary);
  REQUIRE(beat.canary);
  await_archived(cluster, cluster.switch_segment());
  const Outcome baseless = watch.run(*archiver);
  CHECK(baseless.outcome == Health::degraded);
  CHECK(says(baseless, "no base backup"));

  cluster.base_backup();
  await("the base backup's own file", [&] { return watch.run(*archiver).outcome == Health::up; });
  const Outcome good = watch.run(*archiver);
  CHECK(good.facts.contains("base_backup"));
  CHECK(good.facts.contains("backlog"));  // prepare_sql granted it
  CHECK(good.facts.at("wal_segment_size") == "1048576");
  CHECK(good.facts.at("archive_command") == "cp");
  CHECK(safe(good) >= beat.canary->at.lsn);
  CHECK(safe(good) % (1 << 20) == 0);
  CHECK(good.recovery->safe->timeline == 1);
  CHECK(good.recovery->time);

  cluster.archive_with("/bin/false");
  cluster.switch_segment();
  await("a failure", [&] { return watch.run(*archiver).outcome == Health::down; });
  const Outcome failing = watch.run(*archiver);
  CHECK(says(failing, "archiving fails"));
  CHECK(failing.recovery->failing);
  const auto before = safe(failing);

  cluster.archive_with("/bin/true");
  await_archived(cluster, cluster.switch_segment());
  const Outcome empty = watch.run(*archiver);
  CHECK(empty.outcome == Health::down);
  CHECK(says(empty, "stores nothing"));
  CHECK(says(empty, "not there"));
  CHECK(safe(empty) == before);

  // A lie that can't be told from the command.
  cluster.archive_with("test -f %p");
  await_archived(cluster, cluster.switch_segment());
  const Outcome lying = watch.run(*archiver);
  CHECK(lying.outcome == Health::down);
  CHECK(says(lying, "not there"));
  CHECK(safe(lying) == before);
  CHECK_FALSE(lying.recovery->failing);  // it is proud of itself

  cluster.archive_with(cluster.store_command());
  await_archived(cluster, cluster.switch_segment());
  const Outcome repaired = watch.run(*archiver);
  CHECK(repaired.outcome == Health::down);
  CHECK(says(repaired, "a new base backup is needed"));
  CHECK(repaired.facts.contains("gap"));
  CHECK(safe(repaired) == before);

  cluster.base_backup();
  await("healed", [&] { return watch.run(*archiver).outcome == Health::up; });
  const Outcome healed = watch.run(*archiver);
  CHECK(safe(healed) > before);
  CHECK_FALSE(healed.facts.contains("gap"));

  cluster.stop();
  const Outcome away = watch.run(*archiver);
  CHECK(away.outcome == Health::unknown);
  CHECK(away.code == "ECONNREFUSED");
  CHECK(safe(away) >= safe(healed));

  // Both are gone: what is known then is that nothing is left.
  cluster.as_owner("rm -f " + cluster.archive() + "/*");
  const Outcome nothing = watch.run(*archiver);
  CHECK(nothing.outcome == Health::unknown);
  REQUIRE(nothing.recovery);
  CHECK(nothing.recovery->whole);
  CHECK_FALSE(nothing.recovery->safe);
  // New segments alone restore nothing.
  cluster.start();
  await_archived(cluster, cluster.switch_segment());
  const Outcome again = watch.run(*archiver);
  CHECK(again.outcome == Health::down);
  CHECK(says(again, "nothing can be restored until a new one"));
  CHECK_FALSE(again.recovery->safe);
}

TEST_CASE("a real PostgreSQL and its standby: the canary arrives, then it does not") {
  Cluster cluster;
  cluster.script(prepare_sql());
  Watch watch;
  Standby standby(cluster, "second");
  const auto probe = probe_of("postgres", "dsn = \"" + cluster.dsn("drwatch") + "\"\ncanary = true\nstandby = \"" + standby.dsn("drwatch") +
                                              "\"\nstandby_within = \"1s\"");
  await("the canary on the standby", [&] { return watch.run(*probe).outcome == Health::up; });
  CHECK(watch.run(*probe).facts.contains("standby_seen_after"));

  standby.sql("SELECT pg_wal_replay_pause()");
  const Outcome behind = watch.run(*probe);
  CHECK(behind.outcome == Health::degraded);
  CHECK(behind.reason == Reason::stale);
  CHECK(behind.canary.has_value());
  CHECK(says(behind, "is not there after 1 s"));

  standby.stop();
  const Outcome alone = watch.run(*probe);
  CHECK(alone.outcome == Health::degraded);
  CHECK_FALSE(alone.takes_no_writes);
  CHECK(says(alone, "the standby can't be asked"));
}

}  // namespace real_postgres_test
