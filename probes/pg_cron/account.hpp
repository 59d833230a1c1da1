// SPDX-License-Identifier: Apache-2.0
// What pg_cron says of itself, of a job and of its runs. Read through the views drwatch.cron_job and drwatch.cron_run where they are
// (`drwatch sql`), else from cron.job and cron.job_run_details, whose row-level security hides other roles' jobs without a word.
#pragma once

#include "probes/probe.hpp"

namespace drwatch {

struct CronJobName {  // one of the two
  std::string name;
  std::int64_t id = 0;
  std::string text() const { return name.empty() ? std::to_string(id) : "'" + name + "'"; }
  friend bool operator==(const CronJobName&, const CronJobName&) = default;
};

struct CronScheduler {
  Time now{}, started{};  // by the database's clock: now, and the start of the server
  bool standby = false;
  std::string here;                     // the database that was asked
  std::string source;                   // "drwatch": the views, "cron": the tables, "": neither is here
  bool sees_all = false;                // rows of other roles as well
  bool sees_settings = false;           // then an absent setting is not only hidden
  std::optional<std::string> database;  // cron.database_name
  std::string zone = "UTC";             // in which schedules are meant; "GMT" is the same
  std::string log_run = "on";
  std::optional<std::int64_t> launchers;  // running; nullopt: this role can't see them
};

struct CronJob {
  std::int64_t id = 0;
  std::string schedule;
  bool active = true;
};

struct CronRuns {
  std::vector<JobRunSeen> runs;  // oldest first
  bool complete = true;          // as JobReading::complete
};

// All of them fail as PgConnection::query does; the first with protocol, too, when the answer has another shape.
Task<Result<CronScheduler>> read_cron_scheduler(PgConnection& connection);
Task<Result<std::vector<CronJob>>> read_cron_jobs(PgConnection& connection, CronScheduler scheduler, CronJobName name);
// Runs newer than `after`; with 0 the newest ones.
Task<Result<CronRuns>> read_cron_runs(PgConnection& connection, CronScheduler scheduler, std::int64_t job, std::int64_t after);
// The highest run id of all jobs that is written down; 0: none.
Task<Result<std::int64_t>> newest_cron_run(PgConnection& connection, CronScheduler scheduler);

}  // namespace drwatch
