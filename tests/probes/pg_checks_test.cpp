// SPDX-License-Identifier: Apache-2.0
// What the postgres kind looks at besides logging in, against answers as PostgreSQL 15 gives them.
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

namespace pg_checks_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

using Row = std::vector<std::optional<std::string>>;

const std::string dsn = "dsn = \"host=db.example.org dbname=app\"\n";

Outcome look(const std::string& toml, const std::string& part, const std::vector<Row>& rows) {
  FakeWorld world;
  PgResult result;
  result.rows = rows;
  world.postgres.answers.emplace_back(part, result);
  return world.run(*probe_of("postgres", dsn + toml));
}

bool says(const Outcome& outcome, const std::string& part) {
  if (outcome.message.find(part) != std::string::npos) return true;
  MESSAGE(outcome.message);
  return false;
}

}  // namespace

TEST_CASE("checksums: good, failed, off, ignored") {
  const auto with = [](Row row) { return look("checksums = true", "checksum_failures", {std::move(row)}); };
  const Outcome good = with({"on", "0", std::nullopt, "off", "off", std::nullopt});
  CHECK(good.outcome == Health::up);
  CHECK(good.facts.at("checksum_failures") == "0");
  CHECK(good.latches.empty());

  const Outcome failed = with({"on", "3", "1772330300000", "off", "off", "app, shared tables"});
  CHECK(failed.outcome == Health::up);  // what became of it, the heart knows
  REQUIRE(failed.latches.size() == 1);
  CHECK(failed.latches[0].key == "checksums");
  CHECK(failed.latches[0].at == *parse_time("2026-03-01T01:58:20Z"));
  CHECK(failed.latches[0].message.find("3 checksum failures in app, shared tables") == 0);

  const Outcome off = with({"off", std::nullopt, std::nullopt, "off", "off", std::nullopt});
  CHECK(off.outcome == Health::unknown);
  CHECK(off.facts.at("checksums") == "off, no coverage");
  CHECK(with({"on", "0", std::nullopt, "on", "off", std::nullopt}).outcome == Health::down);
  CHECK(says(with({"on", "0", std::nullopt, "off", "on", std::nullopt}), "zero_damaged_pages"));
}

TEST_CASE("the sentinel: whole, changed, fewer, not prepared, a page that can't be read") {
  const auto with = [](Row row) { return look("sentinel = true", "drwatch.sentinel", {std::move(row)}); };
  CHECK(with({"1000", "0", std::nullopt}).outcome == Health::up);
  const Outcome changed = with({"1000", "2", "17"});
  CHECK(changed.outcome == Health::down);
  CHECK(changed.reason == Reason::assertion);
  CHECK(says(changed, "id 17"));
  CHECK(says(with({"966", "0", std::nullopt}), "34 of 1000"));
  FakeWorld none;
  none.postgres.fail("drwatch.sentinel", "42P01", "no such table");
  const Outcome unprepared = none.run(*probe_of("postgres", dsn + "sentinel = true"));
  CHECK(unprepared.outcome == Health::unknown);
  CHECK(says(unprepared, "drwatch sql"));
  FakeWorld broken;
  broken.postgres.fail("drwatch.sentinel", "XX001", "invalid page in block 3 of relation base/5/16389");
  const Outcome corrupt = broken.run(*probe_of("postgres", dsn + "sentinel = true"));
  CHECK(corrupt.outcome == Health::down);
  CHECK(corrupt.code == "XX001");
}

TEST_CASE("roles: who may do anything and who may log in") {
  const std::vector<Row> roles = {{"postgres", "t", "t"}, {"app", "f", "t"}, {"mallory", "t", "f"}, {"eve", "f", "t"}};
  const auto with = [&](const std::string& toml) { return look(toml, "pg_roles", roles); };
  CHECK(with("superusers = [\"postgres\", \"mallory\"]").outcome == Health::up);
  CHECK(says(with("superusers = [\"postgres\"]"), "unknown superuser 'mallory'"));
  CHECK(with("superusers = []").facts.at("unknown_superusers") == "2");
  CHECK(with("roles = [\"app\", \"eve\", \"postgres\"]").outcome == Health::up);
  const Outcome both = with("superusers = [\"postgres\"]\nroles = [\"app\"]");
  CHECK(both.outcome == Health::down);
  CHECK(says(both, "'mallory'"));
  CHECK(says(both, "may log in: 'eve'"));
}

TEST_CASE("row level security: on, off, no such table") {
  const std::string toml = "row_security = [\"public.orders\", \"billing.*\"]";
  const auto with = [&](const std::vector<Row>& rows) { return look(toml, "relrowsecurity", rows); };
  CHECK(with({{"billing.invoices", "t"}, {"public.orders", "t"}}).outcome == Health::up);
  CHECK(says(with({{"billing.invoices", "f"}, {"public.orders", "t"}}), "off for 'billing.invoices'"));
  CHECK(with({{"billing.invoices", "t"}}).outcome == Health::unknown);
  CHECK(with({{"billing.invoices", "f"}}).outcome == Health::down);
}

TEST_CASE("connections: of those that ordinary clients may have") {
  const auto with = [](const char* used, const std::string& toml) { return look(toml, "numbackends", {{used, "103", "3"}}); };
  const std::string bounds = "connections_degraded = 0.8\nconnections_down = 0.95";
  CHECK(with("79", bounds).outcome == Health::up);
  CHECK(with("80", bounds).outcome == Health::degraded);
  CHECK(with("95", bounds).outcome == Health::down);
  CHECK(with("95", "connections_degraded = 0.8").outcome == Health::degraded);
  CHECK(with("80", bounds).facts.at("connections_room") == "100");
  CHECK(look(bounds, "numbackends", {{"5", std::nullopt, "3"}}).outcome == Health::unknown);
}

namespace {

struct Tables {
  // now (s), epoch, deleted, rows, file, oid
  Outcome look(int at, const std::string& epoch, std::optional<std::string> deleted, std::string rows, std::string file,
               std::optional<std::string> oid = "16400") {
    world.postgres.answers.clear();
    world.postgres.answer("n_tup_del", {std::to_string(1772330400000 + at * 1000LL), epoch, "public.orders", std::move(oid),
                                        std::move(file), rows, std::move(deleted), rows});
    return world.run(*probe);
  }
  FakeWorld world;
  std::unique_ptr<Probe> probe = probe_of("postgres", dsn + "tables = [\"public.orders\"]");
};

}  // namespace

TEST_CASE("drift: rows deleted, within a while, by the part that they were") {
  Tables t;
  CHECK(t.look(0, "a", "100", "20000", "1").outcome == Health::up);
  const Outcome few = t.look(30, "a", "900", "19200", "1");  // 4 %
  CHECK(few.outcome == Health::up);
  CHECK(few.facts.at("deleted public.orders") == "800");
  CHECK(t.look(60, "a", "1500", "18600", "1").outcome == Health::degraded);  // 7 % of what was there a minute ago
  const Outcome many = t.look(90, "a", "5100", "15000", "1");
  REQUIRE(many.latches.size() == 1);
  CHECK(many.latches[0].key == "rows public.orders");
  CHECK(many.latches[0].message.find("5000 rows of 'public.orders' (25 %)") == 0);
  const Outcome later = t.look(90 + 601, "a", "5100", "15000", "1");
  CHECK(later.outcome == Health::up);
  CHECK(later.latches.empty());
}

TEST_CASE("drift: counters that begin anew say nothing; a table emptied or gone does") {
  Tables t;
  (void)t.look(0, "a", "100", "20000", "1");
  const Outcome reset = t.look(30, "b", "0", "0", "1");  // after a crash the estimate is 0 as well
  CHECK(reset.outcome == Health::up);
  CHECK(reset.latches.empty());
  CHECK(reset.facts.contains("counters_reset"));
  CHECK(t.look(60, "b", "10", "19990", "1").latches.empty());
  CHECK(t.look(90, "b", "10", "19990", "2").latches.empty());  // VACUUM FULL: another file, with rows
  const Outcome emptied = t.look(120, "b", "10", "0", "3");
  REQUIRE(emptied.latches.size() == 1);
  CHECK(emptied.latches[0].key == "truncated public.orders");
  const Outcome gone = t.look(150, "b", std::nullopt, "0", "", std::nullopt);
  CHECK(gone.outcome == Health::down);
  CHECK(gone.reason == Reason::absent);
}

TEST_CASE("drift: a new file with far fewer rows is a table that was emptied, and some rows came in since") {
  Tables t;
  const auto has = [&](int at, const std::string& planned, const std::string& live, const std::string& file,
                       const std::string& oid = "16400") {
    t.world.postgres.answers.clear();
    t.world.postgres.answer("n_tup_del",
                            {std::to_string(1772330400000 + at * 1000LL), "a", "public.orders", oid, file, planned, "0", live});
    return t.world.run(*t.probe);
  };
  CHECK(has(0, "20000", "20000", "1").latches.empty());
  SUBCASE("truncated, a few rows") {
    const Outcome few = has(30, "-1", "3", "2");
    REQUIRE(few.latches.size() == 1);
    CHECK(few.latches[0].key == "truncated public.orders");
    CHECK(few.latches[0].message.find("'public.orders' has 3 rows in a new file, and had 20000") != std::string::npos);
    CHECK(has(60, "-1", "4", "2").latches.empty());  // told once
  }
  SUBCASE("dropped and made anew") { CHECK(has(30, "-1", "2", "16487", "16487").latches.size() == 1); }
  SUBCASE("the file first, the count some seconds later") {
    CHECK(has(30, "-1", "20000", "2").latches.empty());
    CHECK(has(40, "-1", "1", "2").latches.size() == 1);
  }
  SUBCASE("deleted from after VACUUM FULL") {
    CHECK(has(30, "20000", "20000", "2").latches.empty());
    CHECK(has(40, "20000", "9000", "2").latches.empty());  // the deletion has bounds of its own
  }
  SUBCASE("emptied and filled again in one transaction") { CHECK(has(30, "-1", "19000", "2").latches.empty()); }
  SUBCASE("written anew when the planner's count was of long ago") {
    CHECK(has(30, "20000", "1000", "1").latches.empty());
    CHECK(has(60, "1000", "1000", "2").latches.empty());
  }
  SUBCASE("written anew after a crash") {
    CHECK(has(30, "20000", "0", "1").latches.empty());
    CHECK(has(60, "20000", "0", "2").latches.empty());
    CHECK(has(90, "-1", "5", "3").latches.size() == 1);
  }
  SUBCASE("written anew after a deletion and a crash") {
    CHECK(has(30, "20000", "5000", "1").latches.empty());
    CHECK(has(60, "20000", "0", "1").latches.empty());
    CHECK(has(90, "5000", "0", "2").latches.empty());
  }
  SUBCASE("across a restart") {
    const Outcome last = has(30, "20000", "20000", "1");
    t.probe = probe_of("postgres", dsn + "tables = [\"public.orders\"]");
    t.probe->recall(last.memory.value_or(""));
    CHECK(has(90'000, "-1", "3", "2").latches.size() == 1);
  }
}

TEST_CASE("drift: a restart of drwatch in the middle of a deletion goes on counting where it was") {
  Tables before;
  (void)before.look(0, "a", "100", "20000", "1");
  const Outcome half = before.look(30, "a", "2100", "18000", "1");  // 10 %
  CHECK(half.outcome == Health::degraded);
  REQUIRE(half.memory);
  Tables again;
  again.probe->recall(*half.memory);
  SUBCASE("the other half") {
    const Outcome whole = again.look(90, "a", "4600", "15500", "1");
    REQUIRE(whole.latches.size() == 1);
    CHECK(whole.latches[0].message.find("4500 rows of 'public.orders'") == 0);
    Tables fresh;  // it would not have been seen without
    CHECK(fresh.look(90, "a", "4600", "15500", "1").latches.empty());
  }
  SUBCASE("emptied meanwhile, however long that was") {
    CHECK(again.look(90'000, "a", "2100", "0", "2").latches.at(0).key == "truncated public.orders");
  }
  SUBCASE("a day without drwatch: what was deleted may be what is deleted every day") {
    const Outcome later = again.look(90'000, "a", "9000", "18000", "1");
    CHECK(later.latches.empty());
    CHECK(later.outcome == Health::up);
  }
  SUBCASE("the server began its statistics anew") { CHECK(again.look(90, "b", "9000", "18000", "1").latches.empty()); }
  SUBCASE("half a memory is none") {
    for (const std::string& text : {half.memory->substr(0, half.memory->size() / 2), std::string("direct\n{}"), std::string("direct\n[1]"),
                                    std::string("direct\n{\"epoch\":1,\"tables\":{\"public.orders\":[]}}"), std::string()}) {
      Tables t;
      t.probe->recall(text);
      CHECK(t.look(90, "a", "9000", "18000", "1").outcome == Health::up);
    }
  }
}

TEST_CASE("drift: the memory is small, and keeps the beginning and the end of the window") {
  std::string tables;
  for (int i = 0; i < 200; ++i) tables += (i ? ", " : "") + ("\"public.a_table_with_a_long_name_" + std::to_string(i) + "\"");
  const auto probe = probe_of("postgres", dsn + "tables = [" + tables + "]\nlost_within = \"10h\"");
  FakeWorld world;
  std::size_t size = 0;
  for (int run = 0; run < 50; ++run) {
    world.postgres.answers.clear();
    PgResult answer;
    for (int i = 0; i < 200; ++i)
      answer.rows.push_back({std::to_string(1772330400000 + run * 30'000), "epoch", "public.a_table_with_a_long_name_" + std::to_string(i),
                             "1", "f", "100000000", std::to_string(1'000'000'000 + run), "100000000"});
    world.postgres.answers.emplace_back("pg_relation_filenode", answer);
    size = world.run(*probe).memory.value_or("").size();
  }
  CHECK(size > 0);
  CHECK(size <= Outcome::most_memory);
}

TEST_CASE("a pooler's refusal is not the database's own, after a restart of drwatch either") {
  const auto probe = probe_of("postgres", dsn);
  FakeWorld world;
  world.postgres.refuses = failure(Reason::connect, "ECONNREFUSED", "connection refused by 127.0.0.1:6432");
  CHECK(world.run(*probe).takes_no_writes);
  probe->recall("pooler\n");
  const Outcome outcome = world.run(*probe);
  CHECK(outcome.outcome == Health::down);
  CHECK_FALSE(outcome.takes_no_writes);
  CHECK(outcome.memory == "pooler\n");
}

TEST_CASE("the checks' settings: names with their schema, parts of one") {
  CHECK_FALSE(problems_of("postgres", dsn + "tables = [\"orders\"]").empty());
  CHECK_FALSE(problems_of("postgres", dsn + "row_security = [\".x\"]").empty());
  CHECK_FALSE(problems_of("postgres", dsn + "connections_down = 95").empty());
  CHECK_FALSE(problems_of("postgres", dsn + "lost_down = 0").empty());
  CHECK(problems_of("postgres", dsn + "tables = [\"public.orders\"]\nlost_within = \"1h\"\nlost_degraded = 0.01").empty());
}

TEST_CASE("several checks: the worst counts, and each says what is wrong") {
  FakeWorld world;
  world.postgres.answer("pg_roles", {"mallory", "t", "t"});
  world.postgres.answer("numbackends", {"90", "103", "3"});
  world.postgres.answer("checksum_failures", {"on", "1", "1772330300000", "off", "off", "app"});
  const Outcome outcome = world.run(*probe_of("postgres", dsn + "superusers = []\nconnections_degraded = 0.8\nchecksums = true"));
  CHECK(outcome.outcome == Health::down);
  CHECK(says(outcome, "mallory"));
  CHECK(says(outcome, "90 of 100"));
  CHECK(outcome.latches.size() == 1);
  CHECK(held_down(outcome, outcome.latches).message.find("1 checksum failures in app") == 0);
}

}  // namespace pg_checks_test
