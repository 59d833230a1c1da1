// SPDX-License-Identifier: Apache-2.0
// What drwatch knows, in three parts by how it survives:
//   Record  the fold of the events: equal after every replay
//   Kept    values overwritten every few seconds in the journal's commits
//   Sight   what was seen since the start; gone with the process
#pragma once

#include "config/condition.hpp"
#include "config/settings.hpp"
#include "daemon/recovery/alerts/alert.hpp"
#include "daemon/recovery/outlook/measured.hpp"
#include "daemon/recovery/record/event.hpp"
#include "daemon/recovery/record/held.hpp"
#include "daemon/recovery/record/incidents.hpp"
#include "probes/outcome.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace drwatch {

// ---- Record

// An unbroken bad stretch: begins with the first bad run after good ones.
struct Stretch {
  Time first_bad_at{};
  std::optional<Time> last_good_at;  // nullopt: never seen good
  bool last_degraded = false;        // a stretch of down runs: that outcome was degraded
};
// Since when the wider sentences about something hold. Health and standing have one `since`, which moves with every change; but something
// that went from degraded to down is "degraded" (or worse) since the first of these, and something that went from degraded to up is "not
// down" since the first as well. Time{}: the sentence does not hold now, or an older release did not write it down.
struct Turns {
  Time bad{};       // degraded or down; of an objective at-risk or breached
  Time not_down{};  // up or degraded; of an objective met or at-risk
};
struct LatchRecord {  // as probes/outcome.hpp; here until the probe is no longer configured
  Time at{};
  std::string message;
  bool acknowledged = false;  // a person has looked at what happened up to `at`
  Time set_at{};              // by drwatch's clock: when it was latched, for the first time since that
};
struct ProbeRecord {
  Health health = Health::unknown;
  Time since{};
  Reason reason = Reason::none;
  std::string message;
  std::optional<Stretch> degraded, down;  // of runs that were degraded or worse; of runs that were down
  std::optional<Time> good_since;         // the first run of the stretch that made it up
  bool by_share = false;                  // degraded since too many of its runs are down, though never enough in a row
  Turns turns;
  std::map<std::string, LatchRecord> latches;
};
struct ComponentRecord {
  Health health = Health::unknown;
  Time since{};
  std::string message;             // "primary: connection refused"
  std::optional<Time> good_since;  // up: since the first good run; nullopt otherwise
  Turns turns;
};
enum class Standing { met, at_risk, breached, unproven };
inline constexpr Standing all_standings[] = {Standing::met, Standing::at_risk, Standing::breached, Standing::unproven};
std::string_view standing_name(Standing s);
std::optional<Standing> parse_standing(std::string_view name);
int rank(Standing s);     // worse standings have higher ranks
struct ObjectiveRecord {  // an RPO by component and class
  Standing standing = Standing::unproven;
  bool structural = false;  // breached by construction: a finding
  Time since{};
  std::string message;
  Turns turns;
};
// One of those who raise a signal: a person, or one alert of an Alertmanager.
struct SignalRaising {
  std::string by, note;
  Time since{};
  std::optional<Time> expires_at;
  Time starts_at{};  // an alert's: since when it fires, as its Alertmanager says; Time{}: not said
};
// Raised for as long as anybody raises it: what one of them takes back, the others still say.
struct SignalRecord {
  bool raised = false;
  Time since{};
  Time raised_at{};                               // by the newest who raised it, or the same one anew: no mere repetition
  std::optional<Time> expires_at;                 // of the last of them; nullopt: one of them does not expire
  std::string by, note;                           // of the first of them; clear: who cleared it
  std::map<std::string, SignalRaising> raisings;  // by the alert's fingerprint; "": a person's
};
struct MaintenanceRecord {
  std::string id;
  std::vector<std::string> components;
  Time began_at{}, until{};
  std::string by;  // "schedule" or a person
  std::string note;
};
// A trigger that holds while its `for` runs.
struct PendingRecord {
  Time since{};                 // the `for` began
  Time opens_at{};              // when it is over, if nothing holds it up
  std::optional<Time> held_at;  // something became unknown: the `for` stands still since
  Time started_at{};
  std::string started_by;
  std::vector<Evidence> because;
};
// A person said that an incident was a false alarm, and its trigger held on: it keeps the scenario shut until that has once been false.
struct FalseAlarm {
  std::string incident, by;
  Time at{};
  std::vector<std::string> conditions, components;  // by which it held: what comes to them is news
  // Of the components, what was as bad as it can be already ("api" is down, "api rpo host" is breached): what becomes so is news.
  std::vector<std::string> worst;
};
struct AlertRecord {
  std::map<std::string, std::string> labels;
  Time starts_at{};
  std::optional<Time> resolved_at;
  std::map<std::string, std::string> annotations;
  std::uint64_t order = 0;  // seq of its last event
};
// How a scenario's RTO stands while it is not open, and what recovery would take if it struck now.
struct ScenarioRecord {
  Standing standing = Standing::unproven;
  Time since{};
  std::string message;
  std::optional<double> p50_seconds, p90_seconds;
  std::string basis;
};
struct DrillRecord {  // the newest that passed
  Time at{};
  std::optional<double> recovery_seconds, data_loss_seconds;
  std::optional<double> data_bytes;                    // how much there was
  std::string critical_hash{};                         // of the runbook that was drilled; empty: nobody wrote it down
  std::optional<double> rto_seconds{}, rpo_seconds{};  // the objectives of that time
};
struct FailedDrill {  // the newest since one passed
  Time at{};
  std::optional<double> longest_seconds;  // of all that failed since: what it took to fail
};
struct FindingRecord {
  std::string finding, component, of_class, message;  // "no-source", "database", "region", ...
  Time since{};
};
struct Span {
  Time from{}, until{};
};
struct Record {
  std::uint64_t seq = 0;  // of the last event
  Time at{};              // of the last event
  std::map<std::string, ProbeRecord> probes;
  std::map<std::string, ComponentRecord> components;
  std::map<std::string, ObjectiveRecord> objectives;  // "database rpo logical"
  std::map<std::string, SignalRecord> signals;
  std::map<std::string, MaintenanceRecord> maintenance;  // running ones, by id
  std::map<std::string, PendingRecord> pending;          // by scenario
  Incidents incidents;                                   // final ones are kept (the newest 1000)
  std::map<std::string, AlertRecord> alerts;             // by alert_key; resolved ones for 15 minutes
  std::map<std::string, FindingRecord> findings;         // by key
  std::optional<Time> blind_since;                       // drwatch is blind
  std::vector<Span> blind_spans;                         // of the last 8 days: nothing in them is called missed, late or good
  std::map<std::string, Time> first_seen;                // scenarios and jobs: "job/NAME", "scenario/NAME"
  std::map<std::string, DrillRecord> drills;             // by scenario
  std::map<std::string, FailedDrill> failed_drills;      // by scenario
  std::map<std::string, ScenarioRecord> scenarios;
  Measured measured;
  bool journal_failing = false;
  std::map<std::string, FalseAlarm> false_alarms;  // by scenario
  Drilling drilling;
};
// The incident, or the work of the drill, of this id; nullptr: there is neither.
const Incident* worked(const Record& record, const std::string& id);
Json to_json(const Record& record);
Record record_from_json(const Json& json);
// The snapshot: the same as text. nullopt: another release's, which does not fit.
std::string snapshot_text(const Record& record);
std::optional<Record> record_of_snapshot(const std::string& text);

std::string objective_key(const std::string& component, DisasterClass c);

// ---- Kept

struct ProbeKept {
  std::optional<Time> last_up_at;        // start of the last run that was up
  std::optional<Time> last_not_down_at;  // ... that was up or degraded
  std::optional<double> data_bytes;      // how much data there was to bring back
};
// A source that only claims said at `at` that it holds everything up to `point`.
struct Claim {
  Time at{};  // start of the run
  Time point{};
  bool coarse = false;
  std::optional<WalPosition> safe;
};
struct SourceKept {                    // by backup probe
  std::optional<Time> recovery_point;  // the newest proven one; it goes back only when the store was read whole, twice, and holds less
  std::string recovery_message;
  bool coarse = false;  // by the source's own time, not through the ledger
  bool failing = false;
  std::optional<Time> read_at;          // start of the last run that could read it
  std::vector<double> tops;             // the newest exposures (s) just before a new point came: its normal saw-tooth
  bool disturbed = false;               // it failed or stood still since the last point: the next top is not normal
  std::optional<WalPosition> safe;      // what it held when it was last read
  std::optional<Time> stamp;            // the point as the source's own clock had it
  bool continuous = false;              // every moment up to the point can be restored to ...
  std::optional<Time> oldest;           // ... but none before this one; nullopt: not known
  std::vector<Time> points;             // not continuous: its newest points, oldest first (at most points_kept)
  std::vector<Claim> claims;            // with `confirmed_by`: the newest, oldest first, to be confronted with what the confirmer shows
  std::optional<Time> disagrees_since;  // its confirmer held less than it had claimed, in this run and since
  std::optional<Time> less_since;       // a whole reading showed less than was proven: the next one that can say decides
  std::optional<Time> lost_point;       // it was so: it had held everything up to here ...
  std::optional<Time> lost_since;       // ... and does not since this run; until it holds as much again
  std::optional<Time> empty_since;      // there is nothing in it that could be restored
  static constexpr std::size_t points_kept = 64;
};
struct LedgerRow {
  WalPosition at;
  Time db_time{};
};
struct Ledger {                 // a ring by component; thinned when full, so that it reaches back at least a day
  std::vector<LedgerRow> rows;  // oldest first
};
struct JobRun {
  std::string rid;
  Time started_at{};
};
struct JobKept {
  std::optional<Time> last_ping_at, last_start_at, last_success_at, last_fail_at;
  std::vector<JobRun> running;  // started, not ended
  std::optional<bool> last_ended_well;
  std::string last_message;       // "exit code 3", what the job sent (bounded)
  std::optional<Time> called_at;  // the newest start, or end without a start: what answers an occurrence
  std::optional<Time> missed_at;  // the due time of the first occurrence that nothing answered; until the next success
  // Of a job whose runs are read.
  std::int64_t job_id = 0, last_run = 0;  // the scheduler's; the newest run that was folded in
  std::optional<Time> accounted;          // the newest occurrence that a run answered, or that is given up
  std::optional<Time> free_since;         // the end of its newest run: what was due before waited for it
};
struct WritesKept {                 // by component
  std::optional<Time> held_since;   // it is known to take no writes since this run
  std::optional<Time> known_until;  // ... which holds so long, if no other follows it
  std::vector<Span> held;           // ended spans without writes, of the last 8 days: no exposure grew in them
};
// Enough to tell settings apart, and too little to try out secrets with: those are part of the whole.
std::string short_fingerprint(const ProbeSettings& probe);
struct MemoryKept {      // by probe
  std::string of, text;  // the settings that it was made with (the beginning of their fingerprint); Outcome::memory
};
struct Kept {
  std::optional<Time> alive_at;
  std::map<std::string, ProbeKept> probes;
  std::map<std::string, SourceKept> sources;
  std::map<std::string, Ledger> ledgers;
  std::map<std::string, JobKept> jobs;
  std::map<std::string, WritesKept> writes;
  std::map<std::string, MemoryKept> memories;
  std::set<std::string> changed;  // keys ("probe/primary", "ledger/database", ...) that the journal does not have yet
};
// The journal's form of one kept value; "" when there is none (delete it).
std::string kept_text(const Kept& kept, const std::string& key);
void restore_kept(Kept& kept, const std::string& key, const std::string& text);
// What a probe with these settings is to be told; nullptr: nothing.
const std::string* memory_of(const Kept& kept, const ProbeSettings& probe);

// ---- Sight

// A run that is over. The newest ones are kept whole; of older ones what is here is all that is left.
struct PastRun {
  explicit PastRun(std::shared_ptr<const Outcome> of)
      : at(of->at), outcome(of->outcome), reason(of->reason), took(of->phases[Phase::total]), whole(std::move(of)) {}
  void forget_details();

  Time at;
  Health outcome;
  Reason reason;
  std::optional<std::chrono::microseconds> took;
  std::shared_ptr<const Outcome> whole;  // null: forgotten, but for these two
  std::string code, message;
};
// The newest runs but unknown ones, oldest first, since the probe was last well: at most `window`.
struct ShareSight {
  struct Run {
    Time at{};
    bool down = false;
  };
  std::vector<Run> runs;
  bool holds = false;  // too many of them were down, and not few enough since
};
struct ProbeSight {
  bool seen = false;  // a run has ended since the start (or since the clock jumped)
  std::shared_ptr<const Outcome> last;
  std::vector<PastRun> recent, failures;  // newest last; at most 20 and 10
  std::vector<Health> window;             // the newest outcomes but unknown, oldest first
  std::vector<Time> window_at;            // their starts
  int unknowns = 0;                       // in a row
  int consecutive_bad = 0;
  ShareSight share;
  std::optional<Time> turned_away_since;  // every run since this one was turned away for asking too often
  bool awaits_witness = false;            // would be down, were it known that drwatch can see
  std::optional<Time> last_run_at;        // start of the newest run
  std::uint64_t runs[4] = {};             // by Health
  std::map<Reason, std::uint64_t> failures_by_reason;
};
struct ProjectionSight {
  std::size_t events = 0;  // of the incident, when it was looked at
  Time next{};
};
struct ScenarioSight {  // what the scenario's standing was made of
  std::string hash;
  std::uint64_t measured = 0;
  std::optional<double> data_bytes;
  bool at_work = true;
  std::optional<Time> until;
  bool same(const ScenarioSight& other) const {
    return hash == other.hash && measured == other.measured && data_bytes == other.data_bytes && at_work == other.at_work;
  }
};
struct DrillSight {  // a scenario's calendar, which is costly to read, and what it was read by
  bool read = false;
  std::string hash;
  std::optional<Time> passed, tabletop, seen, changed, tried;
  std::optional<Time> due_at, overdue_at, begins_at;  // begins_at: by itself
  bool same(const DrillSight& o) const {
    return hash == o.hash && passed == o.passed && tabletop == o.tabletop && seen == o.seen && changed == o.changed && tried == o.tried;
  }
};
struct Sight {
  std::map<std::string, ProbeSight> probes;
  Time started_at{};  // of the daemon
  std::optional<Time> witnesses_bad_since;
  // When a majority of the witnesses was last known to be good; and the newest time in which it was not, from the last good word before it
  // to the first one after it (nullopt: it goes on).
  Time saw_at{};
  std::optional<Time> doubted_since, doubted_until;
  std::map<std::string, Time> better_since;            // objectives that stand better than recorded: since
  std::map<std::string, Time> holding;                 // verified steps not yet done ("INCIDENT/STEP"): the condition holds since
  std::map<std::string, ProjectionSight> projections;  // by incident
  std::map<std::string, ScenarioSight> scenarios;
  std::map<std::string, DrillSight> drills;  // by scenario
  // Verified steps whose condition holds, but by runs that began before the incident opened: the probes that have not run since.
  std::map<std::string, std::set<std::string>> awaited;
  std::set<std::string> ask_again;      // probes whose next run tells whether what waits for it opens
  std::set<std::string> failing;        // components that others depend on and that are down or suspected
  std::map<std::string, Time> back_at;  // ... and when they were last seen to be so no more
  // Components of which a probe's health changed, or that it was seen: to be judged again. At first all of them.
  std::set<std::string> touched;
  bool all_touched = true;
  std::map<std::string, bool> all_seen;  // by component, as it was judged last: every probe has run since the start
  // The wall's clock was set forward: what begins or ends by its date waits until then, since a clock that is wrong is often set right at
  // once.
  std::optional<Time> dates_wait_until;
  std::optional<Time> due;                       // when the next decision can fall without an input
  std::map<std::string, std::string> kept_shut;  // scenarios whose trigger holds and that do not open: why
};

struct State {
  Record record;
  Kept kept;
  Sight sight;
};

// The event's meaning. Knows no settings and no clock; what it does not know it ignores (a newer release's event).
void apply(Record& record, const Event& event);

}  // namespace drwatch
