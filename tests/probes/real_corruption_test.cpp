// SPDX-License-Identifier: Apache-2.0
// Pages damaged on a real disk: what sees them, and what does not.
#include "probes/parts/prepare_sql.hpp"
#include "tests/probes/cluster.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"

#include <doctest/doctest.h>

#include <fstream>

namespace real_corruption_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

constexpr int page = 8192;

bool says(const Outcome& outcome, const std::string& part) {
  if (outcome.message.find(part) != std::string::npos) return true;
  MESSAGE(outcome.message);
  return false;
}

// Writes `bytes` at `offset` of page `number` of a table, while the server is stopped: its cache is gone afterwards.
void damage(Cluster& cluster, const std::string& table, int number, int offset, const std::string& bytes) {
  const std::string path = cluster.folder() + "/data/" + cluster.sql("SELECT pg_relation_filepath('" + table + "')");
  cluster.sql("CHECKPOINT");
  cluster.stop();
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    REQUIRE(file.good());
    file.seekp(static_cast<std::streamoff>(number) * page + offset);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    REQUIRE(file.good());
  }
  cluster.start();
}

std::unique_ptr<Probe> asks(Cluster& cluster, const std::string& toml) {
  return probe_of("postgres", "dsn = \"" + cluster.dsn("drwatch") + "\"\n" + toml);
}

}  // namespace

TEST_CASE("a real PostgreSQL without checksums: no coverage is said, and the sentinel sees what nothing else does") {
  Cluster cluster;
  cluster.script(prepare_sql());
  Watch watch;
  const auto sentinel = asks(cluster, "sentinel = true"), checksums = asks(cluster, "checksums = true");
  CHECK(watch.run(*sentinel).outcome == Health::up);
  CHECK(watch.run(*sentinel).facts.at("sentinel_rows") == "1000");
  CHECK(cluster.sql("SELECT pg_relation_size('drwatch.sentinel') / 8192 > 100") == "t");
  const Outcome off = watch.run(*checksums);
  CHECK(off.outcome == Health::unknown);
  CHECK(says(off, "no coverage"));

  damage(cluster, "drwatch.sentinel", 50, 0, std::string(page, '\0'));
  CHECK(cluster.sql("SELECT count(content) < 1000 FROM drwatch.sentinel") == "t");  // no error at all
  const Outcome zeroed = watch.run(*sentinel);
  CHECK(zeroed.outcome == Health::down);
  CHECK(says(zeroed, "of 1000 sentinel rows are gone"));

  cluster.script("TRUNCATE drwatch.sentinel;" + prepare_sql());
  CHECK(watch.run(*sentinel).outcome == Health::up);
  damage(cluster, "drwatch.sentinel", 50, page - 100, "not what it was");
  CHECK(cluster.sql("SELECT count(content) FROM drwatch.sentinel") == "1000");
  const Outcome changed = watch.run(*sentinel);
  CHECK(changed.outcome == Health::down);
  CHECK(says(changed, "1 sentinel rows are not what was written"));

  cluster.script("TRUNCATE drwatch.sentinel;" + prepare_sql());
  damage(cluster, "drwatch.sentinel", 50, 12, std::string(8, '\xff'));  // the page's own header
  const Outcome smashed = watch.run(*sentinel);
  CHECK(smashed.outcome == Health::down);
  CHECK(smashed.code == "XX001");
  CHECK(says(smashed, "data is corrupt"));
  CHECK(smashed.latches.size() == 1);
}

TEST_CASE("a real PostgreSQL with checksums: a damaged page is seen when it is read, and the failure stays to be told") {
  Cluster cluster({}, "--data-checksums");
  cluster.script(prepare_sql());
  cluster.script(
      "CREATE TABLE orders AS SELECT id, repeat('x', 500) AS note FROM generate_series(1, 2000) AS id;"
      "GRANT SELECT ON orders TO drwatch; VACUUM ANALYZE orders;");
  Watch watch;
  const auto checksums = asks(cluster, "checksums = true");
  const auto reads = asks(cluster, "query = \"SELECT count(note) FROM orders\"\nexpect = 2000");
  CHECK(watch.run(*reads).outcome == Health::up);
  const Outcome good = watch.run(*checksums);
  CHECK(good.outcome == Health::up);
  CHECK(good.facts.at("checksum_failures") == "0");

  damage(cluster, "orders", 20, 4000, "damaged");
  CHECK(watch.run(*checksums).latches.empty());  // nobody has read it
  const Outcome read = watch.run(*reads);
  CHECK(read.outcome == Health::down);
  CHECK(read.code == "XX001");
  CHECK(read.latches.size() == 1);
  await("the failure in the statistics", [&] { return !watch.run(*checksums).latches.empty(); });
  const Outcome failed = watch.run(*checksums);
  CHECK(failed.latches[0].message.find("checksum failures in postgres") != std::string::npos);
  CHECK(held_down(failed, failed.latches).outcome == Health::down);

  cluster.crash();  // the counters go with it: only who remembers still knows
  cluster.start();
  CHECK(watch.run(*checksums).latches.empty());
}

TEST_CASE("a real PostgreSQL: rows deleted, a table emptied, one gone, counters lost in a crash") {
  Cluster cluster;
  cluster.script(prepare_sql());
  cluster.script("CREATE TABLE orders AS SELECT id FROM generate_series(1, 20000) AS id; ANALYZE orders;");
  Watch watch;
  const auto drift = asks(cluster, "tables = [\"public.orders\"]");
  CHECK(watch.run(*drift).outcome == Health::up);
  cluster.sql("DELETE FROM orders WHERE id <= 15000");
  Outcome seen;
  await("the deletion in the statistics", [&] { return !(seen = watch.run(*drift)).latches.empty(); });
  CHECK(seen.latches[0].key == "rows public.orders");
  CHECK(seen.latches[0].message.find("15000 rows of 'public.orders' (75 %)") == 0);

  cluster.crash();
  cluster.start();
  const Outcome reset = watch.run(*drift);
  CHECK(reset.outcome == Health::up);
  CHECK(reset.latches.empty());
  CHECK(reset.facts.contains("counters_reset"));

  cluster.sql("VACUUM FULL orders");
  CHECK(watch.run(*drift).latches.empty());
  cluster.sql("TRUNCATE orders");
  await("the truncation", [&] { return !(seen = watch.run(*drift)).latches.empty(); });
  CHECK(seen.latches[0].key == "truncated public.orders");

  // Written anew, and all its rows kept.
  cluster.sql("INSERT INTO orders SELECT id FROM generate_series(1, 20000) AS id");
  cluster.sql("CREATE INDEX orders_id ON orders (id)");
  await("the rows in the statistics", [&] {
    (void)watch.run(*drift);
    return cluster.sql("SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = 'orders'").starts_with("20000");
  });
  for (const std::string rewrite : {"VACUUM FULL orders", "CLUSTER orders USING orders_id", "ALTER TABLE orders ALTER id TYPE bigint",
                                    "ALTER TABLE orders ADD made uuid DEFAULT gen_random_uuid()",
                                    "BEGIN; CREATE TEMP TABLE kept ON COMMIT DROP AS TABLE orders; "
                                    "TRUNCATE orders; INSERT INTO orders TABLE kept; COMMIT"}) {
    CAPTURE(rewrite);
    cluster.script(rewrite + ";");
    for (int look = 0; look < 3; ++look) CHECK(watch.run(*drift).latches.empty());
  }
  // Emptied, or made anew, and a row came in before anybody looked.
  cluster.sql("TRUNCATE orders");
  cluster.sql("INSERT INTO orders VALUES (1)");
  await("the truncation, with a row", [&] { return !(seen = watch.run(*drift)).latches.empty(); });
  CHECK(seen.latches[0].key == "truncated public.orders");
  cluster.sql("INSERT INTO orders SELECT id FROM generate_series(1, 20000) AS id");
  await("the rows in the statistics", [&] {
    (void)watch.run(*drift);
    return cluster.sql("SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = 'orders'").starts_with("20001");
  });
  (void)watch.run(*drift);
  cluster.script("DROP TABLE orders; CREATE TABLE orders AS SELECT id FROM generate_series(1, 2) AS id;");
  await("the table made anew", [&] { return !(seen = watch.run(*drift)).latches.empty(); });
  CHECK(seen.latches[0].key == "truncated public.orders");

  cluster.sql("DROP TABLE orders");
  const Outcome gone = watch.run(*drift);
  CHECK(gone.outcome == Health::down);
  CHECK(gone.reason == Reason::absent);
}

TEST_CASE("a real PostgreSQL: roles, row level security, connections, as a role without any right") {
  Cluster cluster;
  cluster.script(prepare_sql());
  cluster.script("CREATE TABLE orders (id int); CREATE ROLE mallory SUPERUSER; CREATE ROLE eve LOGIN;");
  Watch watch;
  CHECK(says(watch.run(*asks(cluster, "superusers = [\"postgres\"]\nroles = [\"drwatch\"]")), "unknown superuser 'mallory'"));
  // Who may become a superuser is one.
  const auto supers = asks(cluster, "superusers = [\"postgres\"]");
  cluster.script("DROP ROLE mallory; GRANT postgres TO eve;");
  CHECK(says(watch.run(*supers), "unknown superuser 'eve'"));
  CHECK(watch.run(*asks(cluster, "superusers = [\"postgres\", \"eve\"]")).outcome == Health::up);
  cluster.script("REVOKE postgres FROM eve; CREATE ROLE admins NOINHERIT; GRANT postgres TO admins; GRANT admins TO eve;");
  CHECK(says(watch.run(*supers), "unknown superuser 'admins', 'eve'"));
  cluster.script("REVOKE postgres FROM admins;");
  CHECK(watch.run(*supers).outcome == Health::up);
  cluster.script("DROP ROLE admins; DROP ROLE eve;");
  CHECK(watch.run(*asks(cluster, "superusers = [\"postgres\"]\nroles = [\"drwatch\"]")).outcome == Health::up);

  const auto closed = asks(cluster, "row_security = [\"public.*\"]");
  CHECK(says(watch.run(*closed), "'public.orders'"));
  cluster.sql("ALTER TABLE orders ENABLE ROW LEVEL SECURITY");
  CHECK(watch.run(*closed).outcome == Health::up);

  const auto crowded = asks(cluster, "connections_degraded = 0.001\nconnections_down = 1");
  const Outcome used = watch.run(*crowded);
  CHECK(used.outcome == Health::degraded);
  CHECK(used.facts.at("connections_room") == "97");
  CHECK(used.facts.at("via") == "direct");
}

}  // namespace real_corruption_test
