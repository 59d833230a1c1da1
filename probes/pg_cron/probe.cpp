// SPDX-License-Identifier: Apache-2.0
// pg_cron: reads what pg_cron wrote down of one job and its runs. It proves that the job is there, active, visible, and how its runs ended,
// as far as this can be told from one look; late, missed, running over and stale are the heart's verdict, the same as for jobs that call in
// (daemon/recovery/seen/read_jobs.cpp). It can't prove that what the job did is right: `effect` asks for that. Down means: a job that the
// platform needs did not do its work.
#include "probes/probe.hpp"
#include "probes/parts/pg_outcome.hpp"
#include "probes/pg_cron/account.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>

namespace drwatch::kinds::pg_cron {
namespace {

using config::Reading;
using config::Value;

constexpr const char* doc =
    R"(Reads one job of pg_cron and its runs from `cron.job` and `cron.job_run_details`, with its schedule as it stands there. The `dsn` is
that of the primary, and of the database that `cron.database_name` names. A role sees only its own jobs there, without any error:
`drwatch sql` makes two views through which drwatch sees all of them but no command. A job that can't be seen because of that is `unknown`,
never `absent`.

Judged as jobs that call in: `degraded` (`absent`) when it is late, `down` (`absent`) when the run was missed, `down` (`assertion`) when it
failed, `degraded` (`timeout`) when it runs over `max_runtime` and `down` at twice that, `down` (`stale`) when there was no success within
`max_success_age`; `up` again with the next success. What is due while the job still runs is queued by pg_cron, not missed; what was queued
when the server went down is lost, and missed. `down` (`absent`) as well when the job is gone or switched off, or pg_cron itself does not
run. `unknown` when the database can't be asked, is a standby, or `cron.log_run` is off.

Proves that the job ran and how it ended. Cannot prove that what it did was right: `effect` is a query that must have become true after a
success.)";

struct PgCronSettings {
  Secret dsn, effect_dsn;
  CronJobName job;
  std::string schedule, effect;
  Duration effect_grace = minutes{1};
  friend bool operator==(const PgCronSettings&, const PgCronSettings&) = default;
};

void read_job(PgCronSettings& into, const Value& value, const Reading& reading) {
  if (const auto* text = value.text(); text && !text->empty())
    into.job = {*text, 0};
  else if (const auto* whole = std::get_if<std::int64_t>(&value.is); whole && *whole > 0)
    into.job = {"", *whole};
  else
    reading.problems.error(value.place, reading.key, "must be the job's name or its number", "SELECT jobid, jobname FROM cron.job");
}

std::vector<config::Row> rows() {
  using S = PgCronSettings;
  return {
      config::secret_or_text_row<S>("dsn", &S::dsn, {.doc = "`host=... dbname=... user=...` or `postgresql://...`.", .required = true}),
      config::row_with<S>("job", "string or integer", {.doc = "The `jobname`, or the `jobid` of one without a name.", .required = true},
                          read_job),
      config::row<S>("schedule", &S::schedule, {.doc = "What its schedule must be there; another one is `degraded`."}),
      config::row<S>("effect", &S::effect,
                     {.doc = "A query whose first column must be true once the newest run has succeeded: what the job is there for."}),
      config::secret_or_text_row<S>("effect_dsn", &S::effect_dsn, {.doc = "Where `effect` is asked.", .fallback = "`dsn`"}),
      config::row<S>("effect_grace", &S::effect_grace, {.doc = "So long after the success it may still be false.", .fallback = "1m"}),
  };
}

void check(const PgCronSettings& s, config::Place place, const Reading& reading) {
  if (s.effect.empty() && s.effect_dsn.configured())
    reading.problems.error(place, reading.key, "effect_dsn is about an effect, and there is none", "add effect");
}

Outcome cannot_tell(std::string why) { return outcome_of(Health::unknown, Reason::absent, "", std::move(why)); }

class PgCronProbe : public Probe {
 public:
  PgCronProbe(const PgCronSettings& own, const ProbeSettings& settings) : settings_(own), timeout_(settings.timeout) {}

  Task<Outcome> run(World& world) override {
    if (auto problem = dsn_problem(settings_.dsn)) co_return *problem;
    Phases phases;
    auto connection = co_await world.postgres.connect(settings_.dsn, phases);
    if (!connection) co_return with(phases, unlooked(connection.error()));
    const auto began = world.clock.boottime();
    Outcome outcome = co_await look(world, **connection);
    phases[Phase::request] = std::chrono::duration_cast<std::chrono::microseconds>(world.clock.boottime() - began);
    co_return with(phases, std::move(outcome));
  }

  Health when_late() const override { return Health::unknown; }  // it's the database that was slow, not the job

 private:
  static Outcome with(const Phases& phases, Outcome outcome) {
    outcome.phases = phases;
    return outcome;
  }

  // That the database is away is another probe's news; of the job nothing is known.
  static Outcome unlooked(const Failure& failure) {
    Outcome outcome = database_outcome(failure);
    outcome.outcome = Health::unknown;
    outcome.takes_no_writes = false;
    return outcome;
  }

  Task<Outcome> look(World& world, PgConnection& connection) {
    if (auto problem = co_await begin_bounded(connection, timeout_)) {
      problem->outcome = Health::unknown;
      co_return *problem;
    }
    const auto scheduler = co_await read_cron_scheduler(connection);
    if (!scheduler) co_return unlooked(scheduler.error());
    if (auto trouble = trouble_of(*scheduler)) co_return *trouble;
    const auto jobs = co_await read_cron_jobs(connection, *scheduler, settings_.job);
    if (!jobs) co_return unlooked(jobs.error());
    if (jobs->size() != 1) co_return not_one(*scheduler, jobs->size());
    const CronJob& job = jobs->front();
    if (job.id != job_id_) told_ = 0;
    job_id_ = job.id;
    auto runs = co_await read_cron_runs(connection, *scheduler, job.id, told_);
    if (!runs) co_return unlooked(runs.error());
    if (runs->runs.empty() && told_ > 0) {
      // Nothing new, or a pg_cron that was set up anew and counts its runs from 1 again: they would never be read.
      const auto newest = co_await newest_cron_run(connection, *scheduler);
      if (!newest) co_return unlooked(newest.error());
      if (*newest > 0 && *newest < told_) runs = co_await read_cron_runs(connection, *scheduler, job.id, 0);
      if (!runs) co_return unlooked(runs.error());
    }
    (void)co_await connection.query("COMMIT");
    Outcome outcome = judged(job, *runs);
    remember(*runs);
    outcome.job =
        JobReading{job.id, scheduler->now, scheduler->started, job.schedule, scheduler->zone, std::move(runs->runs), runs->complete};
    if (outcome.outcome == Health::up && newest_ && effect_is_due(*newest_, scheduler->now))
      co_await ask_effect(world, &connection, &outcome);
    co_return outcome;
  }

  static std::optional<Outcome> trouble_of(const CronScheduler& s) {
    if (s.standby) return cannot_tell("this is a standby, where pg_cron runs nothing: the dsn must be the primary's");
    const bool here = !s.database || *s.database == s.here;
    if (s.source.empty() && !here)
      return cannot_tell("pg_cron keeps its jobs in the database '" + *s.database + "', not in '" + s.here + "': the dsn must name it");
    if (s.sees_settings && !s.database)
      return outcome_of(Health::down, Reason::absent, "", "pg_cron does not run: it is not in shared_preload_libraries");
    if (s.source.empty() && s.database)
      return outcome_of(Health::down, Reason::absent, "", "the extension pg_cron is not in the database, so no job can run");
    if (s.source.empty()) return cannot_tell("there is no cron.job in the database '" + s.here + "'");
    if (s.launchers == 0) return outcome_of(Health::down, Reason::absent, "", "pg_cron does not run: its launcher is gone");
    if (s.log_run == "off") return cannot_tell("cron.log_run is off: pg_cron writes down no runs");
    return std::nullopt;
  }

  Outcome not_one(const CronScheduler& scheduler, std::size_t found) const {
    if (found > 1) return cannot_tell(std::to_string(found) + " jobs are named " + settings_.job.text() + ": say the number of one");
    if (scheduler.sees_all) return outcome_of(Health::down, Reason::absent, "", "there is no job " + settings_.job.text());
    return cannot_tell("no job " + settings_.job.text() +
                       " can be seen, and this role sees only its own jobs: run the SQL that `drwatch sql` prints");
  }

  // What one look tells, without the clock.
  Outcome judged(const CronJob& job, const CronRuns& read) {
    for (const JobRunSeen& run : read.runs) {
      newest_ = run;
      if (told_ == 0) unproven_since_.reset();  // of history only the newest: what came before it was true in its own time
      if (run.state == JobRunSeen::State::succeeded && !unproven_since_) unproven_since_ = run.ended.value_or(Time{});
    }
    Outcome outcome = verdict(job);
    outcome.facts["job"] = std::to_string(job.id);
    outcome.facts["schedule"] = job.schedule;
    if (newest_) outcome.facts["run"] = std::to_string(newest_->id);
    return outcome;
  }

  Outcome verdict(const CronJob& job) const {
    if (!job.active) return outcome_of(Health::down, Reason::absent, "", "the job is switched off (active is false)");
    if (newest_ && newest_->state == JobRunSeen::State::failed)
      return outcome_of(Health::down, Reason::assertion, "",
                        "run " + std::to_string(newest_->id) + " failed: " + excerpt(newest_->message));
    if (!settings_.schedule.empty() && settings_.schedule != job.schedule)
      return outcome_of(Health::degraded, Reason::assertion, "",
                        "its schedule is " + quote(job.schedule) + ", not " + quote(settings_.schedule));
    if (!newest_) return outcome_of(Health::up, Reason::none, "", "no run is written down yet");
    const std::string which = "run " + std::to_string(newest_->id);
    if (newest_->state == JobRunSeen::State::running)
      return outcome_of(Health::up, Reason::none, "",
                        which + (newest_->started ? " runs since " + time_text(*newest_->started) : " begins"));
    return outcome_of(Health::up, Reason::none, "", which + " succeeded" + (newest_->ended ? " at " + time_text(*newest_->ended) : ""));
  }

  // The next look begins behind what is over.
  void remember(const CronRuns& read) {
    for (const JobRunSeen& run : read.runs) told_ = run.state == JobRunSeen::State::running ? run.id - 1 : run.id;
  }

  bool effect_is_due(const JobRunSeen& run, Time now) const {
    if (settings_.effect.empty() || run.state != JobRunSeen::State::succeeded) return false;
    // Of a job that runs more often than its effect may take, the newest success is always too young: an older one must have shown by now.
    const Time since = unproven_since_.value_or(run.ended.value_or(Time{}));
    return since + settings_.effect_grace <= now;
  }

  Task<void> ask_effect(World& world, PgConnection* connection, Outcome* outcome) {
    std::unique_ptr<PgConnection> other;
    if (settings_.effect_dsn.configured()) {
      Phases phases;
      auto made = co_await world.postgres.connect(settings_.effect_dsn, phases);
      if (!made) co_return unproven(outcome, made.error());
      other = std::move(*made);
      connection = other.get();
    }
    if (auto problem = co_await begin_bounded(*connection, timeout_))
      co_return unproven(outcome, Failure{problem->reason, problem->code, problem->message});
    const auto answer = co_await connection->query(settings_.effect);
    if (!answer) co_return unproven(outcome, answer.error());
    const bool is_so = !answer->rows.empty() && !answer->rows[0].empty() && answer->rows[0][0] == "t";
    outcome->facts["effect"] = is_so ? "true" : "not true";
    if (is_so) unproven_since_.reset();
    if (is_so) co_return;
    outcome->outcome = Health::down;
    outcome->reason = Reason::assertion;
    outcome->message += ", but what it is there for has not become true (effect)";
  }

  static void unproven(Outcome* outcome, const Failure& failure) {
    Outcome why = unlooked(failure);
    outcome->outcome = Health::unknown;
    outcome->reason = why.reason;
    outcome->code = why.code;
    outcome->message += ", but its effect could not be asked for: " + why.message;
  }

  PgCronSettings settings_;
  Duration timeout_;
  std::int64_t job_id_ = 0, told_ = 0;  // of the runs, up to this one
  std::optional<JobRunSeen> newest_;
  std::optional<Time> unproven_since_;  // the end of the oldest success whose effect was not seen yet
};

}  // namespace

Kind kind() {
  return kind_of<PgCronSettings, PgCronProbe>(
      {.name = "pg_cron", .doc = doc, .traits = {.reads_jobs = true, .confirms_itself = true}, .rows = rows(), .check = check});
}

}  // namespace drwatch::kinds::pg_cron
