// SPDX-License-Identifier: Apache-2.0
// pg_cron as one look sees it; what the clock makes of the runs is in tests/recovery/read_jobs_test.cpp.
#include "probes/parts/prepare_sql.hpp"
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

namespace pg_cron_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

using Row = std::vector<std::optional<std::string>>;

const std::string nightly = "dsn = \"host=db.example.org dbname=postgres\"\njob = \"nightly\"\n";

// now, started, standby, here, source, sees all, sees settings, database, zone, log_run, launchers
Row scheduler() { return {"1772330400000", "1772300000000", "f", "postgres", "drwatch", "t", "t", "postgres", std::nullopt, "on", "1"}; }

void answers(FakeWorld& world, const Row& scheduler, std::vector<Row> jobs, std::vector<Row> runs) {
  world.postgres.answers.clear();
  world.postgres.answer("pg_postmaster_start_time", scheduler);
  PgResult of_jobs, of_runs;
  of_jobs.rows = std::move(jobs);
  of_runs.rows = std::move(runs);
  world.postgres.answers.emplace_back("SELECT jobid", of_jobs);
  world.postgres.answers.emplace_back("SELECT runid", of_runs);
}

const Row job = {"7", "0 2 * * *", "t"};

}  // namespace

TEST_CASE("pg_cron: what one look tells") {
  struct Case {
    const char* what;
    Row scheduler;
    std::vector<Row> jobs, runs;
    Health health;
    Reason reason;
    const char* says;
  };
  const auto with = [](std::size_t column, std::optional<std::string> value) {
    Row row = scheduler();
    row[column] = std::move(value);
    return row;
  };
  Row tables = with(4, "cron"), blind = tables;
  blind[5] = "f";
  Row unloaded = with(7, std::nullopt), elsewhere = with(4, std::nullopt), dropped = elsewhere, hidden = unloaded;
  elsewhere[7] = "app";
  hidden[6] = "f";
  hidden[4] = std::nullopt;
  const Row good = {"41", "succeeded", "1 row", "1772330300000", "1772330301000"};
  const Case cases[] = {
      {"succeeded", scheduler(), {job}, {good}, Health::up, Reason::none, "run 41 succeeded"},
      {"running",
       scheduler(),
       {job},
       {{"42", "running", std::nullopt, "1772330300000", std::nullopt}, good},
       Health::up,
       Reason::none,
       "runs since"},
      {"begins", scheduler(), {job}, {{"42", "connecting", std::nullopt, std::nullopt, std::nullopt}}, Health::up, Reason::none, "begins"},
      {"failed",
       scheduler(),
       {job},
       {{"42", "failed", "ERROR:  division by zero\n", "1772330300000", "1772330300000"}, good},
       Health::down,
       Reason::assertion,
       "division by zero"},
      {"never connected",
       scheduler(),
       {job},
       {{"42", "failed", "connection failed", std::nullopt, std::nullopt}, good},
       Health::down,
       Reason::assertion,
       "connection failed"},
      {"switched off", scheduler(), {{"7", "0 2 * * *", "f"}}, {good}, Health::down, Reason::absent, "switched off"},
      {"gone", scheduler(), {}, {}, Health::down, Reason::absent, "there is no job 'nightly'"},
      {"gone, and all is seen", tables, {}, {}, Health::down, Reason::absent, "there is no job"},
      {"hidden by row-level security", blind, {}, {}, Health::unknown, Reason::absent, "drwatch sql"},
      {"two of that name", scheduler(), {job, {"8", "* * * * *", "t"}}, {}, Health::unknown, Reason::absent, "2 jobs"},
      {"a standby", with(2, "t"), {job}, {good}, Health::unknown, Reason::absent, "standby"},
      {"not preloaded", unloaded, {job}, {good}, Health::down, Reason::absent, "shared_preload_libraries"},
      {"the launcher died", with(10, "0"), {job}, {good}, Health::down, Reason::absent, "launcher"},
      {"launchers hidden", with(10, std::nullopt), {job}, {good}, Health::up, Reason::none, "succeeded"},
      {"no history", with(9, "off"), {job}, {}, Health::unknown, Reason::absent, "cron.log_run"},
      {"another database", elsewhere, {}, {}, Health::unknown, Reason::absent, "'app'"},
      {"the extension dropped", dropped, {}, {}, Health::down, Reason::absent, "extension"},
      {"nothing to be seen", hidden, {}, {}, Health::unknown, Reason::absent, "no cron.job"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    FakeWorld world;
    answers(world, c.scheduler, c.jobs, c.runs);
    const Outcome outcome = world.run(*probe_of("pg_cron", nightly));
    CHECK(health_name(outcome.outcome) == health_name(c.health));
    CHECK(reason_name(outcome.reason) == reason_name(c.reason));
    CHECK_MESSAGE(outcome.message.find(c.says) != std::string::npos, outcome.message);
    CHECK(outcome.job.has_value() == (outcome.facts.count("schedule") == 1));
  }
}

TEST_CASE("pg_cron: runs are read by their ids, those not over once more") {
  FakeWorld world;
  const auto probe = probe_of("pg_cron", nightly);
  answers(world, scheduler(), {job},
          {{"42", "running", std::nullopt, "1772330300000", std::nullopt}, {"41", "succeeded", "", "1772330200000", "1772330201000"}});
  const Outcome first = world.run(*probe);
  REQUIRE(first.job);
  REQUIRE(first.job->runs.size() == 2);
  CHECK(first.job->runs[0].id == 41);
  CHECK(first.job->runs[1].state == JobRunSeen::State::running);
  CHECK(first.job->schedule == "0 2 * * *");
  CHECK(first.job->zone == "UTC");
  CHECK(first.job->complete);

  answers(world, scheduler(), {job}, {{"42", "succeeded", "", "1772330300000", "1772330390000"}});
  (void)world.run(*probe);
  answers(world, scheduler(), {job}, {});
  const Outcome third = world.run(*probe);
  CHECK(third.message.find("run 42 succeeded") != std::string::npos);  // remembered
  std::vector<std::string> asked;
  for (const std::string& sql : world.postgres.statements)
    if (sql.starts_with("SELECT runid")) asked.push_back(sql.substr(sql.find("jobid")));
  REQUIRE(asked.size() == 3);
  CHECK(asked[0] == "jobid = 7 AND runid > 0 ORDER BY runid DESC LIMIT 20");
  CHECK(asked[1] == "jobid = 7 AND runid > 41 ORDER BY runid DESC LIMIT 500");
  CHECK(asked[2] == "jobid = 7 AND runid > 42 ORDER BY runid DESC LIMIT 500");
}

TEST_CASE("pg_cron: one that was set up anew counts its runs from 1 again, and they are read") {
  FakeWorld world;
  const auto probe = probe_of("pg_cron", nightly);
  answers(world, scheduler(), {job}, {{"42", "succeeded", "", "1772330200000", "1772330201000"}});
  (void)world.run(*probe);
  const auto asked = [&](const char* newest) {
    answers(world, scheduler(), {job}, {});
    world.postgres.answer("max(runid)", {newest});
    world.postgres.statements.clear();
    (void)world.run(*probe);
    return std::count_if(world.postgres.statements.begin(), world.postgres.statements.end(),
                         [](const std::string& sql) { return sql.find("runid > 0 ") != sql.npos; });
  };
  CHECK(asked("42") == 0);
  CHECK(asked("57") == 0);  // of other jobs
  CHECK(asked("3") == 1);
}

TEST_CASE("pg_cron: an effect is asked for once the newest run has succeeded, a while after") {
  const std::string with_effect = nightly + "effect = \"SELECT billed\"\neffect_grace = \"1m\"\n";
  const std::tuple<const char*, const char*, std::optional<std::string>, Health> rows[] = {
      {"succeeded", "1772330301000", "t", Health::up},
      {"succeeded", "1772330301000", "f", Health::down},
      {"succeeded", "1772330301000", std::nullopt, Health::down},
      {"succeeded", "1772330390000", "f", Health::up},
      {"running", "1772330301000", "f", Health::up},
  };
  for (const auto& [status, ended, truth, health] : rows) {
    CAPTURE(status);
    CAPTURE(ended);
    FakeWorld world;
    answers(world, scheduler(), {job}, {{"42", status, "", "1772330300000", ended}});
    world.postgres.answer("SELECT billed", {truth});
    CHECK(health_name(world.run(*probe_of("pg_cron", with_effect)).outcome) == health_name(health));
  }
  // A job of every minute: its newest success is always too young to be asked of, the one before is not.
  FakeWorld often;
  const auto probe = probe_of("pg_cron", with_effect);
  const auto look = [&](const char* id, const char* ended, const char* truth) {
    answers(often, scheduler(), {job}, {{id, "succeeded", "", ended, ended}});
    often.postgres.answer("SELECT billed", {truth});
    return often.run(*probe);
  };
  CHECK(look("42", "1772330350000", "f").outcome == Health::up);  // 50 s ago
  Row at_half = scheduler();
  at_half[0] = "1772330415000";
  answers(often, at_half, {job}, {{"43", "succeeded", "", "1772330410000", "1772330410000"}});
  often.postgres.answer("SELECT billed", {"f"});
  CHECK(often.run(*probe).outcome == Health::down);
  CHECK(look("44", "1772330399000", "t").outcome == Health::up);  // seen: the next one has its own time again
  CHECK(look("45", "1772330399500", "f").outcome == Health::up);
  FakeWorld world;
  answers(world, scheduler(), {job}, {{"42", "succeeded", "", "1772330300000", "1772330301000"}});
  world.postgres.fail("SELECT billed", "42P01", "no such table");
  const Outcome unasked = world.run(*probe_of("pg_cron", with_effect));
  CHECK(unasked.outcome == Health::unknown);
  CHECK(unasked.code == "42P01");
}

TEST_CASE("pg_cron: what it can't ask it does not know; what is configured wrongly") {
  for (const Failure& why : {failure(Reason::connect, "ECONNREFUSED", "refused"), failure(Reason::auth, "28P01", "no")}) {
    FakeWorld world;
    world.postgres.refuses = why;
    const Outcome outcome = world.run(*probe_of("pg_cron", nightly));
    CHECK(outcome.outcome == Health::unknown);
    CHECK(outcome.reason == why.reason);
    CHECK_FALSE(outcome.takes_no_writes);
  }
  FakeWorld world;
  answers(world, scheduler(), {job}, {{"42", "succeeded", "", "1772330300000", "1772330301000"}});
  CHECK(world.run(*probe_of("pg_cron", nightly + "schedule = \"0 3 * * *\"")).outcome == Health::degraded);
  CHECK(world.run(*probe_of("pg_cron", nightly + "schedule = \"0 2 * * *\"")).outcome == Health::up);

  CHECK_FALSE(problems_of("pg_cron", "dsn = \"host=x\"").empty());
  CHECK_FALSE(problems_of("pg_cron", "dsn = \"host=x\"\njob = true").empty());
  CHECK_FALSE(problems_of("pg_cron", "dsn = \"host=x\"\njob = 0").empty());
  CHECK(problems_of("pg_cron", "dsn = \"host=x\"\njob = 3").empty());
  CHECK_FALSE(problems_of("pg_cron", nightly + "effect_dsn = \"host=y\"").empty());
}

TEST_CASE("pg_cron: a name with quotes stays a name") {
  FakeWorld world;
  answers(world, scheduler(), {}, {});
  (void)world.run(*probe_of("pg_cron", "dsn = \"host=x\"\njob = \"o'clock\""));
  CHECK(world.postgres.statements.back().find("jobname = 'o''clock'") != std::string::npos);
}

}  // namespace pg_cron_test
