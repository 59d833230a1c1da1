// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/prepare_sql.hpp"
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

namespace postgres_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

const std::string dsn = "dsn = \"host=db.example.org dbname=app\"\n";
const std::string with_canary = dsn + "canary = true\n";

// A primary whose canary is beaten at the world's own time.
void primary(FakeWorld& world, std::string beat_ms = "1772330400000") {
  world.postgres.answer("UPDATE drwatch.heartbeat", {"42", std::move(beat_ms)});
  world.postgres.answer("pg_current_wal_insert_lsn", {"16/B374D848", "0000000B", "1772330000000"});
}

}  // namespace

TEST_CASE("postgres: the canary is committed before its position is read") {
  FakeWorld world;
  primary(world);
  const Outcome outcome = world.run(*probe_of("postgres", with_canary));
  CHECK(outcome.outcome == Health::up);
  REQUIRE(outcome.canary);
  CHECK(outcome.canary->at == WalPosition{11, 0x16B374D848});
  CHECK(outcome.canary->db_time == *parse_time("2026-03-01T02:00:00Z"));
  CHECK(outcome.facts.at("lsn") == "16/B374D848");
  CHECK(outcome.facts.at("timeline") == "11");
  CHECK(outcome.facts.at("canary") == "42");
  CHECK_FALSE(outcome.facts.contains("clock_skew_seconds"));
  CHECK(outcome.phases[Phase::connect].has_value());
  CHECK(outcome.phases[Phase::request].has_value());
  const auto& statements = world.postgres.statements;
  REQUIRE(statements.size() == 5);
  CHECK(statements[0] == "BEGIN");
  CHECK(statements[1] == "SET LOCAL statement_timeout = 9000");
  CHECK(statements[2].starts_with("UPDATE drwatch.heartbeat"));
  CHECK(statements[3] == "COMMIT");
  CHECK(statements[4].find("pg_current_wal_insert_lsn") != std::string::npos);
}

TEST_CASE("postgres: a database whose clock is off says so") {
  FakeWorld world;
  primary(world, "1772330395000");  // five seconds behind
  const Outcome outcome = world.run(*probe_of("postgres", with_canary));
  CHECK(outcome.outcome == Health::up);
  CHECK(outcome.facts.at("clock_skew_seconds") == "-5");
  CHECK(outcome.message.find("behind") != std::string::npos);
  CHECK(outcome.canary.has_value());
}

TEST_CASE("postgres: what the server says on connecting") {
  struct Row {
    Failure failure;
    Health health;
    Reason reason;
    bool takes_no_writes;
  };
  const Row rows[] = {
      {failure(Reason::connect, "ECONNREFUSED", "connection refused by 127.0.0.1:5432"), Health::down, Reason::connect, true},
      {failure(Reason::connect, "ENOENT", "no socket"), Health::down, Reason::connect, true},
      {failure(Reason::tls, "ENOENT", "no root certificate"), Health::down, Reason::tls, false},
      {failure(Reason::connect, "57P03", "the database system is shutting down"), Health::down, Reason::connect, true},
      {failure(Reason::connect, "57P01", "terminating connection due to administrator command"), Health::down, Reason::connect, true},
      {failure(Reason::connect, "3D000", "database \"shop\" does not exist"), Health::down, Reason::absent, true},
      {failure(Reason::connect, "55000", "database \"shop\" is not currently accepting connections"), Health::down, Reason::connect, false},
      {failure(Reason::auth, "28P01", "password authentication failed"), Health::down, Reason::auth, false},
      {failure(Reason::connect, "53300", "too many clients already"), Health::down, Reason::connect, false},
      {failure(Reason::dns, "NXDOMAIN", "no such name"), Health::down, Reason::dns, false},
      {failure(Reason::connect, "EHOSTUNREACH", "no route to host"), Health::down, Reason::connect, false},
      {failure(Reason::connect, "EMFILE", "too many open files"), Health::unknown, Reason::own_fault, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.failure.code);
    FakeWorld world;
    world.postgres.refuses = row.failure;
    const Outcome outcome = world.run(*probe_of("postgres", with_canary));
    CHECK(health_name(outcome.outcome) == health_name(row.health));
    CHECK(reason_name(outcome.reason) == reason_name(row.reason));
    CHECK(outcome.code == row.failure.code);
    CHECK(outcome.message.starts_with(row.failure.message));
    CHECK(outcome.takes_no_writes == row.takes_no_writes);
    CHECK_FALSE(outcome.canary);
  }
}

TEST_CASE("postgres: what keeps the canary from being written") {
  struct Row {
    const char* at;
    const char* state;
    Health health;
    Reason reason;
    bool takes_no_writes;
    const char* says;
  };
  const Row rows[] = {
      {"UPDATE", "42P01", Health::degraded, Reason::assertion, false, "drwatch sql"},
      {"UPDATE", "3F000", Health::degraded, Reason::assertion, false, "drwatch sql"},
      {"UPDATE", "42501", Health::degraded, Reason::assertion, false, "drwatch sql"},
      {"UPDATE", "25006", Health::down, Reason::assertion, true, "says no"},
      {"UPDATE", "54000", Health::down, Reason::assertion, true, "says no"},
      {"BEGIN", "57P04", Health::down, Reason::absent, true, "the database was dropped"},
      {"BEGIN", "54000", Health::down, Reason::assertion, false, "a limit of the server"},
      {"UPDATE", "57014", Health::down, Reason::timeout, false, "says no"},
      {"UPDATE", "53100", Health::down, Reason::assertion, false, "says no"},
      {"UPDATE", "XX001", Health::down, Reason::assertion, false, "says no"},
      {"COMMIT", "57P01", Health::down, Reason::connect, false, "says no"},
      {"BEGIN", "57P02", Health::down, Reason::connect, true, "says no"},
      {"pg_current_wal_insert_lsn", "42501", Health::degraded, Reason::assertion, false, "drwatch sql"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.at);
    CAPTURE(row.state);
    FakeWorld world;
    world.postgres.fail(row.at, row.state, "says no");
    primary(world);
    const Outcome outcome = world.run(*probe_of("postgres", with_canary));
    CHECK(health_name(outcome.outcome) == health_name(row.health));
    CHECK(reason_name(outcome.reason) == reason_name(row.reason));
    CHECK(outcome.code == row.state);
    CHECK(outcome.takes_no_writes == row.takes_no_writes);
    CHECK(outcome.message.find(row.says) != std::string::npos);
    CHECK_FALSE(outcome.canary);
  }
  FakeWorld empty;  // the table without its row
  const Outcome outcome = empty.run(*probe_of("postgres", with_canary));
  CHECK(outcome.outcome == Health::degraded);
  CHECK(outcome.message.find("no row") != std::string::npos);
}

TEST_CASE("postgres: asked for its content, a database that can't be reached is unknown, and one that is gone is down") {
  struct Row {
    Failure failure;
    Health health;
  };
  const Row rows[] = {
      {failure(Reason::connect, "ECONNREFUSED", "connection refused"), Health::unknown},
      {failure(Reason::connect, "57P03", "starting up"), Health::unknown},
      {failure(Reason::connect, "53300", "too many clients already"), Health::unknown},
      {failure(Reason::auth, "28P01", "password authentication failed"), Health::unknown},
      {failure(Reason::dns, "NXDOMAIN", "no such name"), Health::unknown},
      {failure(Reason::connect, "XX000", "Tenant or user not found"), Health::unknown},
      {failure(Reason::connect, "3D000", "database \"shop\" does not exist"), Health::down},
  };
  for (const Row& row : rows) {
    CAPTURE(row.failure.code);
    FakeWorld world;
    world.postgres.refuses = row.failure;
    const Outcome outcome = world.run(*probe_of("postgres", "dsn = \"host=192.0.2.1\"\nasks = \"content\"\n"));
    CHECK(health_name(outcome.outcome) == health_name(row.health));
    CHECK(outcome.code == row.failure.code);
  }
  const std::string decoy = "dsn = \"host=192.0.2.1\"\nasks = \"content\"\nquery = \"select content from decoy\"\nexpect = \"1\"\n";
  const auto probe = probe_of("postgres", decoy);
  CHECK(probe->when_late() == Health::unknown);
  const auto asked = [&](auto prepare) {
    FakeWorld world;
    prepare(world.postgres);
    return world.run(*probe).outcome;
  };
  CHECK(asked([](FakePostgres& p) { p.answer("decoy", {"1"}); }) == Health::up);
  CHECK(asked([](FakePostgres& p) { p.answer("decoy", {"2"}); }) == Health::down);
  CHECK(asked([](FakePostgres& p) { p.fail("decoy", "42P01", "no such table"); }) == Health::down);
  CHECK(asked([](FakePostgres& p) { p.fail("decoy", "XX001", "invalid page"); }) == Health::down);
  CHECK(asked([](FakePostgres& p) { p.fail("decoy", "57014", "canceling statement"); }) == Health::unknown);
  CHECK(asked([](FakePostgres& p) { p.fail("decoy", "42501", "permission denied"); }) == Health::unknown);
  CHECK(problems_of("postgres", "dsn = \"host=192.0.2.1\"\nasks = \"content\"\ncanary = true\n").size() == 1);
}

TEST_CASE("postgres: read-only is only 'takes no writes' when it is the database's own doing") {
  const std::pair<std::vector<std::optional<std::string>>, bool> rows[] = {{{"f", "configuration file"}, true},
                                                                           {{"f", "database"}, true},
                                                                           {{"f", "user"}, false},
                                                                           {{"f", "client"}, false},
                                                                           {{"t", "default"}, false}};
  for (const auto& [why, takes_no_writes] : rows) {
    CAPTURE(*why[1]);
    FakeWorld world;
    world.postgres.fail("UPDATE", "25006", "cannot execute UPDATE in a read-only transaction");
    world.postgres.answer("default_transaction_read_only", why);
    const Outcome outcome = world.run(*probe_of("postgres", with_canary));
    CHECK(outcome.outcome == Health::down);
    CHECK(outcome.code == "25006");
    CHECK(outcome.takes_no_writes == takes_no_writes);
  }
}

TEST_CASE("postgres: a query's result is asserted") {
  const std::tuple<const char*, std::vector<std::optional<std::string>>, Health> rows[] = {
      {"expect = \"ok\"", {"ok"}, Health::up},
      {"expect = \"ok\"", {"no"}, Health::down},
      {"expect = \"\"", {std::nullopt}, Health::down},
      {"expect = 3", {"3"}, Health::up},
      {"rows = 1", {"x"}, Health::up},
      {"rows = 0", {"x"}, Health::down},
      {"rows = 1\nexpect = 4", {"3"}, Health::down},
  };
  for (const auto& [toml, row, health] : rows) {
    CAPTURE(toml);
    FakeWorld world;
    world.postgres.answer("SELECT state", row);
    const Outcome outcome = world.run(*probe_of("postgres", dsn + "query = \"SELECT state FROM x\"\n" + toml));
    CHECK(health_name(outcome.outcome) == health_name(health));
    if (health == Health::down) CHECK(outcome.reason == Reason::assertion);
  }
  FakeWorld none;
  CHECK(none.run(*probe_of("postgres", dsn + "query = \"SELECT x\"\nexpect = 1")).message.find("no row") != std::string::npos);
  CHECK(none.run(*probe_of("postgres", dsn)).outcome == Health::up);
  none.postgres.fail("SELECT x", "42P01", "relation \"x\" does not exist");
  const Outcome wrong = none.run(*probe_of("postgres", dsn + "query = \"SELECT x\""));
  CHECK(wrong.outcome == Health::down);
  CHECK(wrong.code == "42P01");
}

TEST_CASE("postgres: the query and the canary, the worse of both, and the canary's position in any case") {
  FakeWorld world;
  primary(world);
  world.postgres.answer("SELECT state", {"broken"});
  const auto probe = probe_of("postgres", with_canary + "query = \"SELECT state\"\nexpect = \"ok\"");
  const Outcome wrong = world.run(*probe);
  CHECK(wrong.outcome == Health::down);
  CHECK(wrong.canary.has_value());
  CHECK(wrong.facts.contains("lsn"));

  FakeWorld unprepared;
  unprepared.postgres.fail("UPDATE", "42P01", "no table");
  unprepared.postgres.answer("SELECT state", {"ok"});
  CHECK(unprepared.run(*probe).outcome == Health::degraded);
}

TEST_CASE("postgres: a missing dsn is drwatch's own fault; settings that make no sense") {
  unsetenv("DRWATCH_TEST_NONE");
  CHECK(problems_of("postgres", "dsn = { env = \"DRWATCH_TEST_NONE\" }").size() == 1);  // a warning of check
  CHECK_FALSE(problems_of("postgres", dsn + "expect = 1").empty());
  CHECK_FALSE(problems_of("postgres", dsn + "query = \"x\"\nexpect = true").empty());
  CHECK_FALSE(problems_of("postgres", "dsn = \"host=x password=y\"").empty());
  CHECK_FALSE(problems_of("postgres", "canary = true").empty());
}

TEST_CASE("the preparing SQL names all that the canary needs") {
  const std::string sql = prepare_sql();
  for (const char* part : {"CREATE ROLE drwatch", "LOGIN", "pg_monitor", "CREATE SCHEMA IF NOT EXISTS drwatch", "drwatch.heartbeat",
                           "ON CONFLICT", "GRANT SELECT, UPDATE"})
    CHECK_MESSAGE(sql.find(part) != std::string::npos, part);
}

TEST_CASE("postgres: the canary must arrive on the standby") {
  const std::string with_standby = with_canary + "standby = \"host=standby.example.org dbname=app\"\nstandby_within = \"1s\"\n";
  const std::tuple<std::vector<std::optional<std::string>>, Health, const char*> rows[] = {
      {{"42", "2026-03-01 02:00:00+00", "t"}, Health::up, "canary 42 committed"},
      {{"43", "2026-03-01 02:00:30+00", "t"}, Health::up, "canary 42 committed"},  // another drwatch beats as well
      {{"41", "2026-03-01 01:59:30+00", "t"}, Health::degraded, "it has 41, not 42"},
      {{"42", "2026-03-01 02:00:00+00", "f"}, Health::degraded, "no standby"},
  };
  for (const auto& [there, health, says] : rows) {
    CAPTURE(says);
    FakeWorld world;
    primary(world);
    world.postgres.answer("SELECT seq, beat", there);
    const Outcome outcome = world.run(*probe_of("postgres", with_standby));
    CHECK(health_name(outcome.outcome) == health_name(health));
    CHECK_MESSAGE(outcome.message.find(says) != std::string::npos, outcome.message);
    CHECK(outcome.canary.has_value());
    CHECK_FALSE(outcome.takes_no_writes);
    CHECK(outcome.facts.contains("standby_seen_after") == (health == Health::up));
  }
  CHECK_FALSE(problems_of("postgres", dsn + "standby = \"host=x\"").empty());
}

TEST_CASE("postgres: SQLSTATEs in words of the person on call") {
  struct Row {
    const char* state;
    Reason reason;
    const char* says;
  };
  const Row rows[] = {
      {"XX001", Reason::assertion, "data is corrupt"},
      {"XX002", Reason::assertion, "index is corrupt"},
      {"58P01", Reason::assertion, "missing"},
      {"58030", Reason::assertion, "disk fails"},
      {"53100", Reason::assertion, "disk is full"},
      {"53300", Reason::connect, "all its connections"},
      {"57014", Reason::timeout, "too long"},
      {"57P01", Reason::connect, "shut down"},
      {"57P02", Reason::connect, "crashed"},
      {"57P03", Reason::connect, "starts, stops"},
      {"28P01", Reason::auth, "rotated"},
      {"28000", Reason::auth, "pg_hba.conf"},
      {"3D000", Reason::absent, "no such database"},
      {"08P01", Reason::connect, "pooler"},
      {"08006", Reason::connect, "broke"},
      {"53400", Reason::assertion, "short of"},
      {"42601", Reason::assertion, "says no"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.state);
    FakeWorld world;
    world.postgres.fail("SELECT state", row.state, "says no");
    const Outcome outcome = world.run(*probe_of("postgres", dsn + "query = \"SELECT state\""));
    CHECK(outcome.outcome == Health::down);
    CHECK(outcome.code == row.state);
    CHECK(reason_name(outcome.reason) == reason_name(row.reason));
    CHECK_MESSAGE(outcome.message.find(row.says) != std::string::npos, outcome.message);
    CHECK(outcome.latches.empty() == (std::string(row.state).substr(0, 4) != "XX00"));
  }
  FakeWorld world;
  world.postgres.fail("SELECT state", "XX000", "could not read block 700 in file \"base/5/16446\"");
  CHECK(world.run(*probe_of("postgres", dsn + "query = \"SELECT state\"")).message.find("suspect corrupt data") != std::string::npos);
}

TEST_CASE("postgres: a pooler that refuses says nothing of the database's own writes") {
  FakeWorld world;
  world.postgres.refuses = failure(Reason::connect, "ECONNREFUSED", "connection refused by 127.0.0.1:6432");
  CHECK(world.run(*probe_of("postgres", dsn)).takes_no_writes);
  const Outcome pooled = world.run(*probe_of("postgres", dsn + "pooler = true"));
  CHECK(pooled.outcome == Health::down);
  CHECK_FALSE(pooled.takes_no_writes);
  CHECK(pooled.message.find("through a pooler") != std::string::npos);
}

}  // namespace postgres_test
