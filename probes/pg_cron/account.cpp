// SPDX-License-Identifier: Apache-2.0
#include "probes/pg_cron/account.hpp"

#include "probes/parts/pg_answer.hpp"
#include "probes/parts/pg_outcome.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// Only the catalogs, which everybody may read: a name that is resolved would fail where the schema is closed to this role. Settings through
// the view, which hides what this role must not see instead of failing.
constexpr const char* scheduler_sql =
    "SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::bigint, "
    "(extract(epoch FROM pg_catalog.pg_postmaster_start_time()) * 1000)::bigint, pg_catalog.pg_is_in_recovery(), "
    "pg_catalog.current_database(), s.schema, "
    "CASE WHEN s.schema = 'cron' THEN NOT pg_catalog.row_security_active(s.oid) ELSE s.free END, "
    "pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE'), "
    "(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.database_name'), "
    "(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.timezone'), "
    "(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.log_run'), "
    "CASE WHEN pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') THEN "
    "(SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'pg_cron launcher') END "
    "FROM (SELECT 1) AS one LEFT JOIN LATERAL (SELECT c.oid, n.nspname AS schema, o.rolsuper OR o.rolbypassrls AS free "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_catalog.pg_roles o ON o.oid = c.relowner "
    "WHERE (n.nspname = 'drwatch' AND c.relname = 'cron_job') OR (n.nspname = 'cron' AND c.relname = 'job') "
    "ORDER BY n.nspname = 'drwatch' DESC LIMIT 1) AS s ON true";

constexpr int first_look = 20, later_looks = 500;  // runs; bounds what one answer can be

// pg_cron: starting, connecting, sending, running, succeeded, failed.
JobRunSeen::State state_of(const std::string& status) {
  if (status == "succeeded") return JobRunSeen::State::succeeded;
  return status == "failed" ? JobRunSeen::State::failed : JobRunSeen::State::running;
}

JobRunSeen run_of(const std::vector<std::optional<std::string>>& row) {
  JobRunSeen run;
  run.id = whole(cell(row, 0)).value_or(0);
  run.state = state_of(text_of(row, 1));
  run.message = excerpt(text_of(row, 2));
  run.started = database_time(cell(row, 3));
  run.ended = database_time(cell(row, 4));
  return run;
}

}  // namespace

Task<Result<CronScheduler>> read_cron_scheduler(PgConnection& connection) {
  const auto answer = co_await connection.query(scheduler_sql);
  if (!answer) co_return answer.error();
  if (answer->rows.empty()) co_return Failure{Reason::protocol, "", "the catalogs answer nothing"};
  const auto& row = answer->rows[0];
  const auto now = database_time(cell(row, 0)), started = database_time(cell(row, 1));
  if (!now || !started) co_return Failure{Reason::protocol, "", "the database's clock could not be read"};
  CronScheduler s;
  s.now = *now;
  s.started = *started;
  s.standby = text_of(row, 2) == "t";
  s.here = text_of(row, 3);
  s.source = text_of(row, 4);
  s.sees_all = text_of(row, 5) == "t";
  s.sees_settings = text_of(row, 6) == "t";
  s.database = cell(row, 7);
  if (const auto zone = cell(row, 8); zone && !zone->empty() && *zone != "GMT") s.zone = *zone;
  if (const auto log_run = cell(row, 9)) s.log_run = *log_run;
  s.launchers = whole(cell(row, 10));
  co_return s;
}

Task<Result<std::vector<CronJob>>> read_cron_jobs(PgConnection& connection, CronScheduler scheduler, CronJobName name) {
  const std::string which = name.name.empty() ? "jobid = " + std::to_string(name.id) : "jobname = " + sql_literal(name.name);
  const auto answer = co_await connection.query("SELECT jobid, schedule, active FROM " +
                                                std::string(scheduler.source == "drwatch" ? "drwatch.cron_job" : "cron.job") + " WHERE " +
                                                which + " ORDER BY jobid LIMIT 10");
  if (!answer) co_return answer.error();
  std::vector<CronJob> jobs;
  for (const auto& row : answer->rows) jobs.push_back({whole(cell(row, 0)).value_or(0), text_of(row, 1), text_of(row, 2) != "f"});
  co_return jobs;
}

Task<Result<CronRuns>> read_cron_runs(PgConnection& connection, CronScheduler scheduler, std::int64_t job, std::int64_t after) {
  // Ordered by run id, since only that has an index; runs that never began have no times. The newest first, so that the bound cuts off the
  // oldest.
  const int most = after == 0 ? first_look : later_looks;
  const auto answer = co_await connection.query(
      "SELECT runid, status, return_message, (extract(epoch FROM start_time) * 1000)::bigint, (extract(epoch FROM end_time) * "
      "1000)::bigint FROM " +
      std::string(scheduler.source == "drwatch" ? "drwatch.cron_run" : "cron.job_run_details") + " WHERE jobid = " + std::to_string(job) +
      " AND runid > " + std::to_string(after) + " ORDER BY runid DESC LIMIT " + std::to_string(most));
  if (!answer) co_return answer.error();
  CronRuns read;
  for (const auto& row : answer->rows) read.runs.push_back(run_of(row));
  std::reverse(read.runs.begin(), read.runs.end());
  read.complete = answer->rows.size() < static_cast<std::size_t>(most);
  co_return read;
}

Task<Result<std::int64_t>> newest_cron_run(PgConnection& connection, CronScheduler scheduler) {
  const auto answer = co_await connection.query("SELECT max(runid) FROM " +
                                                std::string(scheduler.source == "drwatch" ? "drwatch.cron_run" : "cron.job_run_details"));
  if (!answer) co_return answer.error();
  co_return answer->rows.empty() ? 0 : whole(cell(answer->rows[0], 0)).value_or(0);
}

}  // namespace drwatch
