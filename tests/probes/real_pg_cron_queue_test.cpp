// SPDX-License-Identifier: Apache-2.0
// What a real pg_cron does with jobs that run into each other, read by the probe and judged by the heart: occurrences that queue while a
// run goes on and then burst, a queue that a crash takes with it, runs that never began. Its clock has minutes: three jobs go side by side,
// and the case takes two of them and a half at most.
#include "probes/parts/prepare_sql.hpp"
#include "tests/probes/cluster.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"
#include "tests/recovery/platform.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <thread>

namespace real_pg_cron_queue_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

Time wall() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

// One job of every minute as drwatch sees it: 10 s to begin in.
class Watched {
 public:
  Watched(const Cluster& cluster, const std::string& job)
      : stage_(settings()), probe_(probe_of("pg_cron", "dsn = \"" + cluster.dsn("drwatch") + "\"\njob = \"" + job + "\"")) {
    stage_.now = wall();
    stage_.state.record.first_seen["job/nightly"] = stage_.replayed.first_seen["job/nightly"] = stage_.now;
  }

  void look(Watch& watch) {
    Outcome seen = watch.run(*probe_);
    seen.at = stage_.now = wall();
    runs = seen.job ? seen.job->runs : std::vector<JobRunSeen>();
    stage_.feed(Ran{"nightly", std::move(seen)});
  }
  Health health() { return stage_.probe("nightly"); }
  const Outcome& said() { return *stage_.state.sight.probes["nightly"].last; }
  const JobKept& kept() { return stage_.state.kept.jobs["nightly"]; }

  std::vector<JobRunSeen> runs;  // of the last look

 private:
  static Settings settings() {
    Settings s = platform();
    ProbeSettings& p = s.probes["nightly"];
    p.kind = "pg_cron";
    p.traits = {.reads_jobs = true};
    p.job->read = true;
    p.job->schedule.reset();
    p.job->start_grace = seconds{10};
    p.job->max_runtime = minutes{10};
    return s;
  }
  Stage stage_;
  std::unique_ptr<Probe> probe_;
};

}  // namespace

TEST_CASE("a real pg_cron: a queue that bursts is not missed, one that a crash takes is, and runs that never began have no times") {
  Cluster cluster({"shared_preload_libraries = 'pg_cron'"});  // through connections of its own: only those can fail
  cluster.script("CREATE EXTENSION pg_cron;");
  cluster.script(prepare_sql());
  cluster.script(
      "CREATE TABLE slept (at timestamptz);"
      "CREATE FUNCTION slow_at_first() RETURNS void LANGUAGE plpgsql AS 'BEGIN IF NOT EXISTS (SELECT FROM slept) THEN "
      "INSERT INTO slept VALUES (now()); PERFORM pg_sleep(75); END IF; END';"
      "SELECT cron.schedule('burst', '* * * * *', 'SELECT slow_at_first()');"
      "SELECT cron.schedule('eaten', '* * * * *', 'SELECT pg_sleep(1000)');"
      "SELECT cron.schedule('lost', '* * * * *', 'SELECT 1'); UPDATE cron.job SET nodeport = 1 WHERE jobname = 'lost';");
  Watch watch;
  Watched burst(cluster, "burst"), eaten(cluster, "eaten"), lost(cluster, "lost");
  bool waited = false, never_began = false;
  std::set<std::int64_t> succeeded;
  const Time until = wall() + minutes{3};
  while (wall() < until && succeeded.size() < 2) {
    std::this_thread::sleep_for(std::chrono::seconds{1});
    for (Watched* job : {&burst, &eaten, &lost}) job->look(watch);
    // Fifteen seconds late with ten to begin in: it waits for the run before.
    CHECK_MESSAGE(burst.health() != Health::down, burst.said().message);
    for (const JobRunSeen& run : burst.runs)
      if (run.state == JobRunSeen::State::succeeded) succeeded.insert(run.id);
    waited = waited || burst.said().facts.count("queued");
    for (const JobRunSeen& run : lost.runs)
      if (run.state == JobRunSeen::State::failed && run.message == "connection failed") {
        CHECK_FALSE(run.started);
        CHECK_FALSE(run.ended);
        never_began = true;
      }
  }
  REQUIRE(succeeded.size() == 2);
  CHECK(waited);
  CHECK(burst.health() == Health::up);
  CHECK_FALSE(burst.kept().missed_at);
  REQUIRE(burst.kept().accounted);
  const Time second = *burst.kept().accounted;  // the occurrence that the second run is for, back to back with the first
  CHECK(*burst.kept().last_start_at - second >= seconds{12});
  CHECK(never_began);
  CHECK(lost.health() == Health::down);
  CHECK(lost.said().message.find("connection failed") != std::string::npos);

  CHECK(eaten.said().facts.at("queued") == "1");
  CHECK(eaten.health() != Health::down);
  cluster.crash();
  cluster.start();
  await("the occurrence that only memory knew is missed", [&] {
    eaten.look(watch);
    return eaten.kept().missed_at.has_value();
  });
  CHECK(*eaten.kept().missed_at == second);
  CHECK(eaten.health() == Health::down);
  // The row that was open is closed by pg_cron as it starts again, or by its launcher when that hears of the job's end before its own.
  const std::string& why = eaten.kept().last_message;
  CHECK_MESSAGE((why == "server restarted" || why.find("server closed the connection unexpectedly") == 0), why);
}

}  // namespace real_pg_cron_queue_test
