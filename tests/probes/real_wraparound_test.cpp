// SPDX-License-Identifier: Apache-2.0
// Codes by which a real PostgreSQL refuses every write: out of transaction ids, and a database that was dropped.
#include "probes/parts/prepare_sql.hpp"
#include "probes/probe.hpp"
#include "tests/probes/cluster.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"

#include <doctest/doctest.h>

namespace real_wraparound_test {

using namespace drwatch;
using namespace drwatch::testing;

TEST_CASE("a real PostgreSQL: out of transaction ids, it takes no writes") {
  Cluster cluster;
  cluster.script(prepare_sql());
  Watch watch;
  const auto probe = probe_of("postgres", "dsn = \"" + cluster.dsn("drwatch") + "\"\ncanary = true");
  REQUIRE(watch.run(*probe).outcome == Health::up);
  // A table that no vacuum gets through, since its file will be missing: else the server would help itself within seconds.
  cluster.script("CREATE TABLE unreadable (n int); INSERT INTO unreadable VALUES (1);");
  const std::string file = cluster.sql("SELECT pg_relation_filepath('unreadable')");
  // The limit lies three million before 2^31 ids are used up, counted from the oldest one (varsup.c, SetTransactionIdLimit).
  const long limit = std::stol(cluster.sql("SELECT min(datfrozenxid::text::bigint) FROM pg_database")) + 2147483647L - 3000000L;
  cluster.stop();
  cluster.as_owner("rm data/" + file);
  const long next = limit + 10;
  const auto oldest = std::to_string(limit - 2147483647L + 3000000L);
  cluster.as_owner(cluster.bin() + "pg_resetwal -u " + oldest + " -x " + std::to_string(next) + " data");
  // The page of the commit log that the next id stands on (four ids a byte, 32 pages of 8 KiB a file): nothing else makes it.
  char segment[8];
  std::snprintf(segment, sizeof segment, "%04lX", next / (8192L * 4 * 32));
  cluster.as_owner(std::string("dd if=/dev/zero of=data/pg_xact/") + segment + " bs=256k count=1 status=none");
  cluster.start();
  const Outcome worn_out = watch.run(*probe);
  CHECK(worn_out.outcome == Health::down);
  CHECK(worn_out.code == "54000");
  CHECK(worn_out.takes_no_writes);
  CHECK(worn_out.message.find("wraparound") != std::string::npos);
  if (!worn_out.takes_no_writes) MESSAGE(worn_out.message);
  // Whoever only reads is served.
  CHECK(watch.run(*probe_of("postgres", "dsn = \"" + cluster.dsn("drwatch") + "\"")).outcome == Health::up);
}

TEST_CASE("a real PostgreSQL: a database that was dropped is told from one that can't be reached") {
  Cluster cluster;
  cluster.script("CREATE ROLE drwatch LOGIN; CREATE DATABASE shop;");
  Watch watch;
  std::string dsn = cluster.dsn("drwatch");
  dsn += " dbname=shop";
  const auto primary = probe_of("postgres", "dsn = \"" + dsn + "\"");
  const auto there = probe_of("postgres", "dsn = \"" + dsn + "\"\nasks = \"content\"");
  REQUIRE(watch.run(*primary).outcome == Health::up);
  REQUIRE(watch.run(*there).outcome == Health::up);
  cluster.sql("DROP DATABASE shop");
  const Outcome gone = watch.run(*primary);
  CHECK(gone.outcome == Health::down);
  CHECK(gone.reason == Reason::absent);
  CHECK(gone.code == "3D000");
  CHECK(gone.takes_no_writes);
  CHECK(watch.run(*there).outcome == Health::down);
  cluster.stop();
  const Outcome away = watch.run(*primary);
  CHECK(away.outcome == Health::down);
  CHECK(away.reason == Reason::connect);
  CHECK(watch.run(*there).outcome == Health::unknown);
}

}  // namespace real_wraparound_test
