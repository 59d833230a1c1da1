// SPDX-License-Identifier: Apache-2.0
// Against a real pg_cron: its own row-level security, its own rows. Jobs that are due "@reboot" run when the server starts, so nobody waits
// for a minute to begin.
#include "probes/parts/prepare_sql.hpp"
#include "tests/probes/cluster.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"

#include <doctest/doctest.h>

namespace real_pg_cron_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

bool says(const Outcome& outcome, const std::string& part) {
  if (outcome.message.find(part) != std::string::npos) return true;
  MESSAGE(outcome.message);
  return false;
}

const std::vector<std::string> with_cron = {"shared_preload_libraries = 'pg_cron'", "cron.use_background_workers = on"};

void await_status(Cluster& cluster, const std::string& job, const std::string& status) {
  await(job + " " + status, [&] {
    return cluster.sql(
               "SELECT coalesce(max(status), '') FROM (SELECT status FROM cron.job_run_details r JOIN cron.job j USING (jobid) "
               "WHERE jobname = '" +
               job + "' ORDER BY runid DESC LIMIT 1) AS newest") == status;
  });
}

}  // namespace

TEST_CASE("a real pg_cron: seen, hidden, failed, run over by a crash, switched off, gone") {
  Cluster cluster(with_cron);
  Watch watch;
  const auto probe_for = [&](const std::string& job) {
    return probe_of("pg_cron", "dsn = \"" + cluster.dsn("drwatch") + "\"\njob = \"" + job + "\"");
  };
  cluster.script(prepare_sql());  // before the extension: the views come with the second time
  const auto good = probe_for("good");
  const Outcome none = watch.run(*good);
  CHECK(none.outcome == Health::down);
  CHECK(says(none, "extension"));

  cluster.script(
      "CREATE EXTENSION pg_cron; GRANT USAGE ON SCHEMA cron TO drwatch;"
      "SELECT cron.schedule('good', '@reboot', 'SELECT 1');"
      "SELECT cron.schedule('bad', '@reboot', 'SELECT 1/0');"
      "SELECT cron.schedule('long', '@reboot', 'SELECT pg_sleep(1000)');");
  const Outcome hidden = watch.run(*good);
  CHECK(hidden.outcome == Health::unknown);
  CHECK(says(hidden, "drwatch sql"));

  cluster.script(prepare_sql());
  CHECK(watch.run(*good).outcome == Health::up);
  const Outcome absent = watch.run(*probe_for("other"));
  CHECK(absent.outcome == Health::down);
  CHECK(absent.reason == Reason::absent);

  cluster.stop();
  cluster.start();
  await_status(cluster, "good", "succeeded");
  await_status(cluster, "bad", "failed");
  await_status(cluster, "long", "running");
  const Outcome ran = watch.run(*good);
  CHECK(ran.outcome == Health::up);
  REQUIRE(ran.job);
  REQUIRE(ran.job->runs.size() == 1);
  CHECK(ran.job->runs[0].state == JobRunSeen::State::succeeded);
  CHECK(ran.job->runs[0].ended >= ran.job->runs[0].started);
  CHECK(ran.job->server_started <= *ran.job->runs[0].started);
  CHECK(ran.job->now >= *ran.job->runs[0].ended);
  const auto bad = probe_for("bad"), running = probe_for("long");
  CHECK(says(watch.run(*bad), "division by zero"));
  CHECK(says(watch.run(*running), "runs since"));

  cluster.crash();
  cluster.start();
  await("the row of the run that the crash took",
        [&] { return cluster.sql("SELECT count(*) FROM cron.job_run_details WHERE return_message = 'server restarted'") == "1"; });
  const Outcome crashed = watch.run(*running);
  REQUIRE(crashed.job);
  REQUIRE_FALSE(crashed.job->runs.empty());
  CHECK(crashed.job->runs[0].state == JobRunSeen::State::failed);
  CHECK(crashed.job->runs[0].started.has_value());
  CHECK_FALSE(crashed.job->runs[0].ended.has_value());

  cluster.sql("UPDATE cron.job SET active = false WHERE jobname = 'good'");
  CHECK(says(watch.run(*good), "switched off"));
  // The role sees statistics, and through the views every job, but no command and nothing of the tables.
  CHECK(cluster.sql("SELECT count(*) FROM information_schema.columns WHERE table_schema = 'drwatch' AND column_name = 'command'") == "0");

  cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_cron launcher'");
  cluster.script("ALTER SYSTEM SET shared_preload_libraries = 'auto_explain';");
  cluster.crash();
  cluster.start();
  CHECK(says(watch.run(*good), "shared_preload_libraries"));
}

}  // namespace real_pg_cron_test
