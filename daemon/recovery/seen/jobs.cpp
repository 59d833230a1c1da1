// SPDX-License-Identifier: Apache-2.0
// Jobs: late, missed, failed, running over, stale. One pure verdict from what is known of the runs, the schedule and the clock; the time
// drwatch could not hear is credited. Contract: "Jobs". Below it, those that call in (ping semantics as Healthchecks.io); those whose runs
// are read are in read_jobs.cpp.
#include "daemon/recovery/seen/jobs.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// Runs that were begun and not ended, of a job that calls in: bounded, because anybody who has the key can begin runs.
constexpr std::size_t runs_kept = 100;

// drwatch was blind, asleep or not running then, until this time: a call made at that time was not heard. nullopt: it would have been.
std::optional<Time> deaf_until(const Record& record, Time t) {
  std::optional<Time> until;
  for (const Span& span : record.blind_spans)
    if (span.from <= t && t < span.until) until = std::max(span.until, until.value_or(span.until));
  return until;
}

// The first occurrence that no call or run has answered; it may lie in the future. nullopt: nothing is due by the clock. A job with a
// `period` is due one period of listening after its last call; one with a schedule at the first occurrence after it. Occurrences at which
// drwatch was deaf are skipped: the job may have called then.
std::optional<Time> first_unanswered(const JobSettings& job, const JobKept& kept, const Record& record, Time first_seen) {
  if (job.period)
    return after_watching(record, kept.called_at.value_or(first_seen), *job.period);  // time in which nobody listened does not count
  // A job that starts a little before its time answers the coming occurrence, so the next one is looked for behind it.
  Time after = kept.called_at ? std::max(*kept.called_at + earliness(job), first_seen) : first_seen;
  if (job.read) after = std::max(kept.accounted.value_or(first_seen), first_seen);
  if (!job.schedule) return std::nullopt;  // at every start of the server, says pg_cron's "@reboot"
  Time due = job.schedule->next_after(after);
  // From the end of the time on, not from one to the next: in a year there are many.
  while (due != Time::max()) {
    const auto until = deaf_until(record, due);
    if (!until) break;
    due = job.schedule->next_after(*until - Duration{1});
  }
  return due == Time::max() ? std::nullopt : std::optional(due);
}

// Notes the earliest moment in the future at which the clock alone can change the verdict.
void sooner(std::optional<Time>& next, Time now, Time at) {
  if (at > now && (!next || at < *next)) next = at;
}

Outcome said(Health h, Reason r, std::string message) {
  Outcome o;
  o.outcome = h;
  o.reason = r;
  o.message = std::move(message);
  return o;
}

// The last line of what a job said that is not blank, which is where it says why; at most 200 bytes of it, from its end, and without
// control characters, since it stands in a sentence.
std::string last_line(std::string_view said) {
  constexpr std::size_t most = 200;
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
  while (!said.empty() && blank(said.back())) said.remove_suffix(1);
  said.remove_prefix(said.find_last_of("\r\n") + 1);  // npos + 1: the whole of it
  while (!said.empty() && blank(said.front())) said.remove_prefix(1);
  std::string line(said);
  if (line.size() > most) {
    std::size_t from = line.size() - most;
    while (from < line.size() && (static_cast<unsigned char>(line[from]) & 0xC0) == 0x80) ++from;
    line = "..." + line.substr(from);
  }
  std::replace_if(line.begin(), line.end(), blank, ' ');
  return line;
}

// "exit code 3, disk full", of a whole log; all of it is the fact `said` when that has more lines.
Outcome failed_with(const std::string& message) {
  constexpr std::string_view exit_code = "exit code ";
  std::string_view rest = message;
  const auto comma = rest.starts_with(exit_code) ? rest.find(", ") : rest.npos;
  std::string words(rest.substr(0, comma == rest.npos ? 0 : comma + 2));
  rest.remove_prefix(words.size());
  const std::string line = last_line(rest);
  Outcome o = said(Health::down, Reason::assertion, message.empty() ? "failed" : "failed: " + words + line);
  if (rest != line) o.facts["said"] = std::string(rest);
  return o;
}

std::string missed_words(const JobSettings& job) { return std::string("missed its ") + (job.read ? "run" : "call") + " due at "; }

// A verdict takes the place of a milder one, and never of one as bad: the first cause that was found is the one that is told. `good_until`
// is until when nothing was wrong; an incident's clock starts there.
void take(JobVerdict& v, Outcome o, Time good_until) {
  bool milder = v.outcome.bad() && static_cast<int>(o.outcome) <= static_cast<int>(v.outcome.outcome);
  if (milder) return;
  v.outcome = std::move(o);
  v.good_until = good_until;
}

// Late after a tenth of the grace: degraded. Missed after the whole of it: down, and it stays down until a success makes up for it, which
// is why the missed occurrence is noted in `kept`.
void judge_calls(JobVerdict& v, const JobSettings& job, JobKept& kept, const Record& record, Time first_seen, Time now) {
  if (kept.missed_at) {
    take(v, said(Health::down, Reason::absent, missed_words(job) + time_words(*kept.missed_at)), *kept.missed_at);
    return;
  }
  if (job.read && !kept.running.empty()) return;  // what comes due meanwhile is queued, not missed
  auto due = first_unanswered(job, kept, record, first_seen);
  if (!due) return;
  // An occurrence that came while a run was still at work starts when that run has ended, and its grace counts from there.
  Time from = job.read && kept.free_since ? std::max(*due, *kept.free_since) : *due;
  Time late = after_watching(record, from, job.start_grace / 10), missed = after_watching(record, from, job.start_grace);
  sooner(v.next, now, late);
  sooner(v.next, now, missed);
  if (now >= missed) {
    kept.missed_at = due;
    take(v, said(Health::down, Reason::absent, missed_words(job) + time_words(*due)), *due);
  } else if (now >= late) {
    take(v, said(Health::degraded, Reason::absent, "late: due at " + time_words(*due) + ", not heard of yet"), *due);
  }
}

// A run over `max_runtime` is degraded, over twice that down. Both are good until the limit passed.
void judge_runtime(JobVerdict& v, const JobSettings& job, const JobKept& kept, const Record& record, Time now) {
  if (!job.max_runtime) return;
  for (const JobRun& run : kept.running) {
    Time over = after_watching(record, run.started_at, *job.max_runtime),
         twice = after_watching(record, run.started_at, 2 * *job.max_runtime);
    sooner(v.next, now, over);
    sooner(v.next, now, twice);
    if (now < over) continue;
    std::string message = "still running after " + duration_words(*job.max_runtime) + (now >= twice ? " twice over" : "") +
                          ", started at " + time_words(run.started_at);
    take(v, said(now >= twice ? Health::down : Health::degraded, Reason::timeout, message), run.started_at + *job.max_runtime);
  }
}

// No success for longer than `max_success_age`; without any success, since drwatch first knew of the job.
void judge_age(JobVerdict& v, const JobSettings& job, const JobKept& kept, const Record& record, Time first_seen, Time now) {
  if (!job.max_success_age) return;
  Time from = kept.last_success_at.value_or(first_seen);
  Time stale = after_watching(record, from, *job.max_success_age);
  sooner(v.next, now, stale);
  if (now >= stale)
    take(v,
         said(Health::down, Reason::stale,
              kept.last_success_at ? "last success at " + time_words(from) : "no success since " + time_words(from)),
         stale);
}

bool same(const Outcome& a, const Outcome& b) { return a.outcome == b.outcome && a.reason == b.reason && a.message == b.message; }

// Judges a job that calls in and folds the verdict in as if it were a run. Without a ping only a verdict that differs from the last one is
// folded in, since time passing is not a run.
void judge_job(Deciding& d, const std::string& name, const JobSettings& job, bool pinged) {
  JobKept& kept = d.state.kept.jobs[name];
  Time first_seen = first_seen_of(d, name);
  std::optional<Time> missed_before = kept.missed_at;
  // By the wall's clock, as the job's own schedule is and as its calls are noted; what follows from the verdict is by drwatch's time.
  JobVerdict v = judge(job, kept, d.record(), first_seen, d.wall);
  v.outcome.at = d.now;
  v.good_until = d.own_at(v.good_until);
  if (kept.missed_at != missed_before) d.keep("job/" + name);
  if (v.next) d.wake(d.own_at(*v.next));
  const auto& last = d.state.sight.probes[name].last;
  if (!pinged && last && same(*last, v.outcome)) return;
  ProbeKept& good = d.state.kept.probes[name];
  if (v.outcome.bad() && good.last_up_at && (!last || !last->bad())) {
    // The incident's clock starts when the call was due, not at the last call: a nightly job was not down all day.
    good.last_up_at = std::max(*good.last_up_at, v.good_until);
    good.last_not_down_at = good.last_up_at;
  } else if (v.outcome.outcome == Health::down && good.last_up_at && last && last->outcome == Health::degraded) {
    good.last_not_down_at = std::max(
        *good.last_up_at, v.good_until);  // it was late before it was missed: the same failure, so it was good until the same moment
  }
  see_run(d, name, std::make_shared<const Outcome>(v.outcome));
}

// Ends the newest open run with this run id (the empty id is that of calls without one). False: no such run was open.
bool end_run(JobKept& kept, const std::string& rid) {
  for (auto run = kept.running.rbegin(); run != kept.running.rend(); ++run)
    if (run->rid == rid) {
      kept.running.erase(std::next(run).base());
      return true;
    }
  return false;
}

void begin_run(JobKept& kept, const std::string& rid, Time now) {
  end_run(kept, rid);  // a second start with the same id: the first run never ended, and is abandoned
  kept.running.push_back({rid, now});
  if (kept.running.size() > runs_kept) kept.running.erase(kept.running.begin());
  kept.last_start_at = now;
  kept.called_at = now;
}

// A success also ends the runs that are over `max_runtime`: a run that died with its machine never calls, and would hold the job down for
// ever.
void forget_abandoned(JobKept& kept, const JobSettings& job, const Record& record, Time now) {
  if (!job.max_runtime) return;
  std::erase_if(kept.running, [&](const JobRun& run) { return after_watching(record, run.started_at, *job.max_runtime) <= now; });
}

}  // namespace

Time first_seen_of(const Deciding& d, const std::string& job) {
  auto seen = d.record().first_seen.find("job/" + job);
  return seen == d.record().first_seen.end() ? d.wall : std::min(seen->second, d.wall);
}

Duration earliness(const JobSettings& job) { return std::min(Duration{seconds{30}}, job.start_grace / 2); }

JobVerdict judge(const JobSettings& job, JobKept& kept, const Record& record, Time first_seen, Time now) {
  JobVerdict v;
  v.outcome = kept.last_success_at ? said(Health::up, Reason::none, "last success at " + time_words(*kept.last_success_at))
                                   : said(Health::unknown, Reason::absent, job.read ? "has not run yet" : "has not called in yet");
  if (kept.last_ended_well == false)
    take(v, failed_with(kept.last_message),
         kept.last_start_at && kept.last_fail_at && *kept.last_start_at < *kept.last_fail_at ? *kept.last_start_at
                                                                                             : kept.last_fail_at.value_or(now));
  judge_calls(v, job, kept, record, first_seen, now);
  judge_runtime(v, job, kept, record, now);
  judge_age(v, job, kept, record, first_seen, now);
  v.outcome.at = now;
  return v;
}

// Walks over the blind spans in order, and uses up `wait` only between them.
Time after_watching(const Record& record, Time from, Duration wait) {
  std::vector<Span> spans = record.blind_spans;
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
  for (const Span& span : spans) {
    if (span.until <= from) continue;
    Duration heard = std::max(span.from - from, Duration{0});
    if (heard >= wait) break;
    wait -= heard;
    from = span.until;
  }
  return from + wait;
}

// What a job sent. A log entry changes nothing but the time of the last ping.
void see_ping(Deciding& d, const Pinged& ping) {
  auto settings = d.settings.probes.find(ping.probe);
  if (settings == d.settings.probes.end() || !settings->second.calls_in())
    return d.refuse(404, "no such job", "no heartbeat probe has this key");
  JobKept& kept = d.state.kept.jobs[ping.probe];
  kept.last_ping_at = d.wall;
  d.keep("job/" + ping.probe);
  d.settle_needed = true;  // its next deadline moves
  using What = Pinged::What;
  if (ping.what == What::log) return;
  if (ping.what == What::start) begin_run(kept, ping.rid, d.wall);
  if (ping.what == What::success || ping.what == What::fail) {
    bool of_a_run = end_run(kept, ping.rid);
    // Which pings answer an occurrence: an end without a start is the call itself; for a job with a period every call counts; and a success
    // answers what was missed. Otherwise the start of the run was the answer, and its end says only how it went.
    if (!of_a_run || settings->second.job->period || (kept.missed_at && ping.what == What::success)) kept.called_at = d.wall;
    kept.last_ended_well = ping.what == What::success;
    kept.last_message = ping.message;
    if (ping.what == What::fail && ping.exit_code != 0)
      kept.last_message = "exit code " + std::to_string(ping.exit_code) + (ping.message.empty() ? "" : ", " + ping.message);
    (ping.what == What::success ? kept.last_success_at : kept.last_fail_at) = d.wall;
    if (ping.what == What::success) {
      kept.missed_at.reset();
      forget_abandoned(kept, *settings->second.job, d.record(), d.wall);
    }
  }
  judge_job(d, ping.probe, *settings->second.job, true);
}

// Blind, drwatch cannot hear calls: no job is late meanwhile.
void judge_jobs(Deciding& d) {
  if (d.record().blind_since) return;
  for (const auto& [name, probe] : d.settings.probes)
    if (probe.calls_in()) judge_job(d, name, *probe.job, false);
}

}  // namespace drwatch
