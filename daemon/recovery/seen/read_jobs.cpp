// SPDX-License-Identifier: Apache-2.0
// Jobs whose runs are read where they are scheduled (pg_cron): the runs are folded in by their ids, each answers an occurrence, and the
// verdict is that of all jobs.
//
// pg_cron runs at most one instance of a job. What comes due meanwhile is queued in its memory and started back to back afterwards; the
// queue is in no table and is lost when the server goes down. So runs are paired with occurrences in order: one that was due while the run
// before was still at work is answered by the next run, however late; one that was due when the job was free, and was not started by the
// time the next one was, never will be.
#include "daemon/recovery/seen/jobs.hpp"

#include "config/rows/cron.hpp"

#include <algorithm>
#include <charconv>

namespace drwatch {
namespace {

constexpr int most_occurrences = 1000;  // to go through for one run; farther back it makes no difference any more
using RunState = JobRunSeen::State;

// "30 seconds", the form for intervals that newer pg_cron takes besides cron expressions. nullopt: another form.
std::optional<Duration> period_of(const std::string& schedule) {
  int count = 0;
  const char* end = schedule.data() + schedule.size();
  const auto [rest, error] = std::from_chars(schedule.data(), end, count);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (error != std::errc{} || count < 1 || (unit != " seconds" && unit != " second")) return std::nullopt;
  return seconds{count};
}

// The job's tolerances from the configuration, with the schedule that the reading brought. nullopt: the schedule is not understood.
std::optional<JobSettings> scheduled(JobSettings job, const JobReading& reading) {
  if (reading.schedule == "@reboot") return job;  // due at every start of the server, which says nothing about the clock
  job.period = period_of(reading.schedule);
  if (!job.period) job.schedule = Cron::parse(reading.schedule, reading.zone, nullptr);
  return job.period || job.schedule ? std::optional(std::move(job)) : std::nullopt;
}

// Folds one reading of a job's runs into what is kept of it. Used once; `reading` lists the runs by ascending id.
class Folding {
 public:
  Folding(const JobSettings& job, JobKept& kept, const JobReading& reading, Time first_seen)
      : job_(job), kept_(kept), reading_(reading), first_seen_(first_seen) {}

  // A run may be new, go on, or have ended since the last reading, and all three may be true of one run between two readings.
  void fold() {
    if (kept_.job_id != reading_.job) forget();
    kept_.job_id = reading_.job;
    if (!reading_.complete && !reading_.runs.empty() && reading_.runs.front().id > kept_.last_run) skip_to(reading_.runs.front());
    for (const JobRunSeen& run : reading_.runs) {
      if (is_new(run)) begin(run);
      if (run.state == RunState::running) continue;
      if (end_of(run)) finish(run);
    }
    abandon();
  }

 private:
  // Another job id under the same name: the job was set up anew. Its runs are counted from the start, and what was due for the old job is
  // not expected of this one.
  void forget() {
    const bool first = kept_.job_id == 0;
    kept_.running.clear();
    kept_.last_run = 0;
    kept_.free_since.reset();
    if (!first) kept_.accounted = reading_.now;
  }

  // By its id. A scheduler that was set up anew counts its runs from 1 again; then a run counts as new when it began more than a second
  // after the last one that is known.
  bool is_new(const JobRunSeen& run) const {
    if (run.id > kept_.last_run) return true;
    const bool open =
        std::any_of(kept_.running.begin(), kept_.running.end(), [&](const JobRun& r) { return r.rid == std::to_string(run.id); });
    return !open && run.started && kept_.last_start_at && *run.started > *kept_.last_start_at + seconds{1};
  }

  void begin(const JobRunSeen& run) {
    const Time at = run.started.value_or(run.ended.value_or(reading_.now));
    if (!kept_.running.empty()) {  // pg_cron runs one instance at a time: a newer run has begun, so the older one is over, however it ended
      kept_.running.clear();
      kept_.free_since = at;
    }
    if (job_.schedule) answer(at);
    kept_.last_run = run.id;
    kept_.last_start_at = at;
    kept_.called_at = at;
    kept_.running.push_back({std::to_string(run.id), at});
  }

  // Finds the occurrence that the run which began at `at` is for. Occurrences before that which nothing will answer any more are missed:
  // those lost when the server went down, and those that were neither queued nor started before the next one was due.
  void answer(Time at) {
    const Time latest = at + earliness(job_);
    if (!kept_.accounted) {
      kept_.accounted = job_.schedule->last_until(latest);
      return;
    }
    for (int i = 0; i < most_occurrences; ++i) {
      const Time due = job_.schedule->next_after(*kept_.accounted);
      if (due > latest) return;  // nothing was due yet: somebody started it by hand
      kept_.accounted = due;
      const bool lost = due <= reading_.server_started && at > reading_.server_started;
      const bool queued = kept_.free_since && due <= *kept_.free_since;
      const bool overtaken = !queued && job_.schedule->next_after(due) <= latest;
      if (!lost && !overtaken) return;
      if (!kept_.missed_at && due >= first_seen_) kept_.missed_at = due;
    }
    kept_.accounted = job_.schedule->last_until(latest);
  }

  // The reading is bounded and does not reach back to the last run that is known: of the occurrences between, nothing is known, and none is
  // called missed.
  void skip_to(const JobRunSeen& oldest) {
    if (!job_.schedule || !oldest.started) return;
    if (const auto due = job_.schedule->last_until(*oldest.started - Duration{1}); due && (!kept_.accounted || *due > *kept_.accounted))
      kept_.accounted = due;
  }

  // Takes the run out of those that are running and returns its start; nullopt: it was not running, so its end has been told before.
  std::optional<Time> end_of(const JobRunSeen& run) {
    for (auto it = kept_.running.begin(); it != kept_.running.end(); ++it) {
      if (it->rid != std::to_string(run.id)) continue;
      const Time started = it->started_at;
      kept_.running.erase(it);
      began_ = started;
      return started;
    }
    return std::nullopt;
  }

  void finish(const JobRunSeen& run) {
    const bool well = run.state == RunState::succeeded;
    // A run that died with the server has no end in the table. It ended at the latest when the server started again.
    const Time gone = reading_.server_started > began_ ? reading_.server_started : began_;
    const Time at = run.ended.value_or(gone);
    kept_.free_since = at;
    kept_.last_ended_well = well;
    kept_.last_message = run.message;
    (well ? kept_.last_success_at : kept_.last_fail_at) = at;
    if (well && kept_.missed_at && began_ >= *kept_.missed_at) kept_.missed_at.reset();
  }

  // The table says that the run is running, but the server was started since: it died with the server, and counts as failed.
  void abandon() {
    while (!kept_.running.empty() && kept_.running.front().started_at < reading_.server_started) {
      kept_.running.erase(kept_.running.begin());
      kept_.free_since = reading_.server_started;
      kept_.last_ended_well = false;
      kept_.last_fail_at = reading_.server_started;
      kept_.last_message = "the server was restarted while it ran";
    }
  }

  const JobSettings& job_;
  JobKept& kept_;
  const JobReading& reading_;
  Time first_seen_, began_{};
};

// How many occurrences wait for the running one to end.
int queued(const JobSettings& job, const JobKept& kept, Time now) {
  if (kept.running.empty() || !job.schedule || !kept.accounted) return 0;
  int count = 0;
  for (Time due = job.schedule->next_after(*kept.accounted); due <= now && count < most_occurrences; due = job.schedule->next_after(due))
    ++count;
  return count;
}

}  // namespace

// The outcome of a run that read a job's table, made worse where the job's own verdict is worse. A schedule that is not understood makes it
// unknown: nobody could say what was missed.
Outcome see_job_reading(Deciding& d, const std::string& name, const JobSettings& tolerances, Outcome outcome) {
  const JobReading reading = std::move(*outcome.job);
  outcome.job.reset();  // nobody else needs it
  const auto job = scheduled(tolerances, reading);
  if (!job) {
    if (severity_seen(outcome.outcome) >= severity_seen(Health::unknown)) return outcome;
    outcome.outcome = Health::unknown;
    outcome.reason = Reason::protocol;
    outcome.message = "its schedule '" + reading.schedule + "' is not understood";
    return outcome;
  }
  JobKept& kept = d.state.kept.jobs[name];
  const Time first_seen = first_seen_of(d, name);
  Folding(*job, kept, reading, first_seen).fold();
  const JobVerdict verdict = judge(*job, kept, d.record(), first_seen, reading.now);
  d.keep("job/" + name);
  if (const int waiting = queued(*job, kept, reading.now)) outcome.facts["queued"] = std::to_string(waiting);
  if (kept.last_success_at) outcome.facts["last_success"] = time_text(*kept.last_success_at);
  if (severity_seen(verdict.outcome.outcome) <= severity_seen(outcome.outcome)) return outcome;
  outcome.outcome = verdict.outcome.outcome;
  outcome.reason = verdict.outcome.reason;
  outcome.code.clear();
  outcome.message = verdict.outcome.message;
  return outcome;
}

}  // namespace drwatch
