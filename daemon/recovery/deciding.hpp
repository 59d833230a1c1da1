// SPDX-License-Identifier: Apache-2.0
// One decision being made: the state with every event so far applied. Only the files of this room include it; the world sees decide().
#pragma once

#include "daemon/recovery/input.hpp"
#include "daemon/recovery/points/exposure.hpp"
#include "daemon/recovery/record/late.hpp"
#include "daemon/recovery/scenarios/conditions.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace drwatch {

// The parts of an event that are not given by the decision itself.
struct About {
  std::string incident, scenario, component, probe, by = "drwatch";
};

// What every part of a decision works on. `state` changes only through emit() (the record), keep() (values that are journaled beside the
// events) and what was seen.
struct Deciding {
  State& state;
  const Settings& settings;
  Time now;
  Decision decision;
  std::optional<Time> wake_at;  // the earliest that this pass asked for; becomes State::sight.due when nothing more follows
  bool settle_needed = false;
  // What has a date of its own (a job's call, a drill, a planned maintenance) is due by the wall's clock, whatever drwatch's own time is.
  Time wall = now;
  Time own_at(Time wall_time) const;  // own time when the wall's clock will show this, or when it showed this

  Record& record() { return state.record; }
  const Record& record() const { return state.record; }

  // Applies the event and adds it to the decision.
  void emit(const char* kind, About about, std::string message, Body body = {});
  void wake(Time at);  // a decision may fall at `at` without any input; the earliest that was asked for counts
  bool dates_wait();   // the wall's clock was set forward a moment ago: nothing begins or ends by its date yet
  // The order cannot be done: `status` is HTTP's (404, 409, 422), `title` says what is wrong, `detail` what to do, `list` the nearest names
  // or what is still open.
  void refuse(int status, std::string title, std::string detail, std::vector<std::string> list = {});
  // The kept value under this key ("probe/primary") has changed and goes into the journal with its next commit.
  void keep(const std::string& key) { state.kept.changed.insert(key); }
  About about(const Incident& incident, std::string by = "drwatch") const;
};

// health.cpp
// Folds a run into health and suspicion; components are judged later, by judge_components().
void see_run(Deciding& d, const std::string& probe, std::shared_ptr<const Outcome> outcome);
void judge_components(Deciding& d);
void judge_blindness(Deciding& d);
void begin_looking_again(Deciding& d);  // nothing counts as seen until it has run again, and everything is run at once

// The moment at which drwatch has watched for `wait` since `from`. Time in which it was blind, asleep or not running is not watched, so the
// answer is later than `from + wait` by as much of it as lies between.
Time after_watching(const Record& record, Time from, Duration wait);
void see_ping(Deciding& d, const Pinged& ping);
void judge_jobs(Deciding& d);

// read_jobs.cpp: a run of a probe that read a job's runs, with the verdict of all jobs where that is worse
Outcome see_job_reading(Deciding& d, const std::string& probe, const JobSettings& tolerances, Outcome outcome);

// latched.cpp: latches that were set while people work
// It was latched while an incident that is open affects its component, or during maintenance of that: it opens nothing meanwhile.
bool latched_at_work(const Deciding& d, const std::string& component);
void find_latched(const Deciding& d, std::map<std::string, FindingRecord>& wanted);
// Those of what the incident affects, for the event that ends it; the words for its sentence.
std::string name_latched(const Deciding& d, const Incident& incident, Body& body);

// latches.cpp
Outcome see_latches(Deciding& d, const std::string& probe, Outcome outcome);  // what it latches, and what still holds it down
void order(Deciding& d, const AcknowledgeProbe& o);

// objectives.cpp
// What a backup probe's run says about recovery points. `ahead`: what was added to the times of the target's clock to bring them to
// drwatch's.
void see_recovery_point(Deciding& d, const std::string& probe, const Outcome& outcome, Duration ahead);
// The outcome of a source that only claims: `down` instead of `up` or `degraded` while its confirmer holds less than was claimed.
Outcome held_against_confirmer(const State& state, const Settings& settings, const std::string& probe, Outcome outcome);
// What a run says about whether the component takes writes, and which row of the ledger it brought.
void see_writes(Deciding& d, const std::string& probe, const Outcome& outcome);
// Asks for a decision if the run can have changed how an RPO of the component stands.
void see_objectives(Deciding& d, const std::string& component);
void judge_objectives(Deciding& d);
void judge_findings(Deciding& d);

// turned_away.cpp
// Of a probe whose every run for an hour was turned away (429); nullopt: it is not so.
std::optional<FindingRecord> turned_away(const Deciding& d, const ProbeSettings& probe);
void wake_for_turned_away(Deciding& d);

// calendar.cpp
void judge_maintenance(Deciding& d);
void judge_signals(Deciding& d);
bool in_maintenance(const Record& record, const std::string& component);

// parents.cpp
// The parent (or a parent's parent) whose failure explains the component's: it is down or suspected.
std::optional<std::string> explained_by(const Deciding& d, const std::string& component);
// The condition names the code that was seen: no failure above is the reason of it.
bool speaks_for_itself(const Condition& c);
// The same where the component counts as a part of what `condition` says: a place is explained only by a parent outside of it.
std::optional<std::string> explained_by(const Deciding& d, const std::string& component, const Condition& condition);
// Since when the component fails: the first bad run of the newest stretch of any of its probes that are not up. nullopt: none is bad.
std::optional<Time> fails_since(const Deciding& d, const std::string& component);
// Notes which parents fail and when they came back; once per decision, before the triggers.
void watch_parents(Deciding& d);
// A parent of the component is back, and nothing has confirmed since then that the component fails by itself.
bool not_asked_again(const Deciding& d, const std::string& component);
// The probes of parents that have not run since the component began to fail.
std::set<std::string> parents_not_asked(const Deciding& d, const std::string& component);

// Whether a condition of a trigger's `none` forbids. Down because it is not reached is not down by what was seen: what a failing parent
// explains is not known here.
Sentence forbids(const Deciding& d, const Condition& condition);

// matching.cpp
struct Match {
  Truth truth = Truth::no;
  std::vector<Evidence> because;        // of the conditions that make it true
  std::vector<std::string> components;  // that those conditions are about; empty names: none (signals, objectives)
  std::vector<const Condition*> causes;
  Time started_at{};
  std::string start_words;  // by what the start is known, as a person reads it: "last good outcome of primary"
  bool by_signal = false;   // a raised signal is among its causes
};
bool asks_for_raised(const Condition& c);  // "NAME is raised", in whichever words
// When the signal of the condition was last raised anew: a new call, another alert, the same one having started again.
Time raised_at(const Deciding& d, const Condition& c);
Match match(const Deciding& d, const Trigger& trigger);
Match match_without_words(const Deciding& d, const Trigger& trigger);  // the same without the evidence
// Without the evidence and without what made it true. An empty trigger never holds.
Truth truth_of(const Deciding& d, const Trigger& trigger);
// Opens, holds back or re-opens what the triggers say.
void judge_triggers(Deciding& d);
// Opens an incident of the scenario as `found` describes it. `detected_at`: when its `for` began. `by`: "drwatch" or a person; it also
// decides by what the incident is over.
void open_incident(Deciding& d, const Scenario& scenario, const Match& found, Time detected_at, std::string by);
// The incident as it would be opened, not yet in the record.
Incident make_incident(Deciding& d, const Scenario& scenario, const Match& found, Time detected_at, const std::string& by);
std::string free_id(const Record& record, const std::string& begins, const std::string& scenario, Time now);
void absorb_narrower(Deciding& d, const std::string& wide_id);  // the open incidents that it supersedes go on in it

// kept_shut.cpp
bool asks_first(Deciding& d, const Match& found);
// Why a scenario whose trigger holds does not open; nullopt: nothing keeps it shut.
std::optional<std::string> kept_shut(Deciding& d, const Scenario& scenario, const Match& found);
const Incident* to_be_reopened(const Deciding& d, const std::string& scenario, const Match& found);  // nullptr: a new one opens
// Until when a recovered incident goes on if it fails again, and after which it resolves by itself.
Time reopens_until(const Record& record, const Incident& incident);
// A place's condition that holds only with members that are in maintenance; when that turns, if time alone turns it.
bool only_by_work(const Deciding& d, const Condition& condition, std::optional<Time>* turns_at = nullptr);
// Every condition that makes the trigger true is about components, and all of these are excused. One cause without a component (a signal,
// an objective) is enough for the scenario to open.
bool every_cause(const Deciding& d, const Match& found, const std::function<bool(const std::string&, const Condition&)>& excused);
void leave_out_filed(const Deciding& d, const std::string& scenario, Match& found);
void date_anew(const Deciding& d, const std::string& scenario, Match& found);

// own_work.cpp
// An open incident whose work is what fails: only what it affects does, and it began to while a step was worked on, or was latched.
// `until`: what begins to fail until then counts as that work; not given for what was latched. nullptr: none.
const Incident* own_work(const Deciding& d, const Scenario& scenario, const Match& found, std::optional<Time>& until);
void tell_own_work(Deciding& d, const Match& found, const std::string& id, std::optional<Time> until);

// false_alarms.cpp
// What keeps shut, and by what, after the incident was said to be a false alarm: itself and what it absorbed, where the trigger holds on.
void set_kept_shut(const Deciding& d, const Incident& incident, Body& body);
// A false alarm that is not over; nullptr: none, or what holds is not what it was about.
const FalseAlarm* false_alarm(const Deciding& d, const std::string& scenario, const Match& found);

// second_best.cpp
// What fits second best: the scenario with most of its trigger's conditions true, of those that could be mistaken for this one.
std::optional<Second> second_best(const Deciding& d, const Scenario& first);
// For an incident that a person files anew: what speaks for the scenario `before`, and what tells that one from `now`.
std::optional<Second> taken_first_for(const Deciding& d, const Scenario& now, const std::string& before);

// The open incident of the scenario, other than `but`; nullptr: none. At most one incident of a scenario is open.
const Incident* open_of(const Record& record, const std::string& scenario, const std::string& but = "");
// Itself and all that went on in it, and in those again.
std::vector<const Incident*> with_absorbed(const Record& record, const Incident& incident);

// checklist.cpp
// Of the incidents that are not final: a copy, since every event that is applied may change the map.
std::vector<std::string> live_ids(const Record& record);
// Ticks and un-ticks verified steps, and starts automatic commands.
void judge_steps(Deciding& d);
void see_step_looked_at(Deciding& d, const std::string& probe);
// Recovers open incidents, and resolves recovered ones when their time has come.
void judge_exits(Deciding& d);
// Since when the incident's exit holds; nullopt: it does not, or that cannot be seen.
std::optional<Time> exit_holds_since(const Deciding& d, const Incident& incident);
// The end of a step's command: done with exit code 0, else failed.
void command_ended(Deciding& d, const CommandEnded& ended);
std::string end_of_output(const std::string& output);
// After a start: commands that were running are `interrupted`.
void interrupt_commands(Deciding& d);
// Fills the arguments and puts the command into the decision; a name that cannot be filled fails the step.
// `body` and `words` are what else its event says.
void start_command(Deciding& d, const Incident& incident, const IncidentStep& step, const std::string& by, Body body,
                   const std::string& words = "");

// What an incident's end writes down: kept values that it was computed from go with time. nullopt: not of class logical.
std::optional<Loss> loss_at_end(const Deciding& d, Incident incident, Time recovered_at);

// messages.cpp
void draft_messages(Deciding& d, const std::string& incident, Message::When when);
// Drafts updates that are due, and anew what says more now than when it was drafted.
void judge_messages(Deciding& d);
std::string not_known(const std::vector<std::string>& names);      // "a and b are not known"
std::string in_a_sentence(const std::vector<std::string>& words);  // "a, b and c"
// Mustache over the closed list of names; those used and not known now are in `missing`, those and the ones that a section asks for in
// `unknown`.
std::string fill(const State& state, const Settings& settings, const Incident& incident, const std::string& text, Time now,
                 std::vector<std::string>& missing, std::vector<std::string>* unknown = nullptr);

// outlook.cpp
void judge_projections(Deciding& d);
void judge_scenarios(Deciding& d);

// wanted.cpp
void judge_alerts(Deciding& d);

// orders.cpp, step_orders.cpp: what people and other systems ask
// The incident to act on, by value (applying an event changes the original); nullopt: refused.
std::optional<Incident> find_incident(Deciding& d, const std::string& id);
// True: the incident is resolved or absorbed, and the refusal is written (409). Notes are the only thing that a final incident still takes.
bool refuse_final(Deciding& d, const Incident& i);
void order(Deciding& d, const OpenIncident& o);
void order(Deciding& d, const Acknowledge& o);
void order(Deciding& d, const StepAction& o);
void order(Deciding& d, const AddNote& o);
void order(Deciding& d, const MessageAction& o);
void order(Deciding& d, const Refile& o);
void order(Deciding& d, const CorrectStart& o);
void order(Deciding& d, const SayBadChange& o);
void order(Deciding& d, const Resolve& o);
void order(Deciding& d, const Reopen& o);
void order(Deciding& d, const SetSignal& o);
void order(Deciding& d, const StartMaintenance& o);
void order(Deciding& d, const EndMaintenance& o);
void order(Deciding& d, const HandOver& o);  // handover.cpp
void order(Deciding& d, const TakeOver& o);

// drill_orders.cpp, drill_ends.cpp, drill_calendar.cpp
void order(Deciding& d, const StartDrill& o);
void order(Deciding& d, const FinishDrill& o);
void order(Deciding& d, const AbortDrill& o);
void order(Deciding& d, const HoldDrills& o);
void order(Deciding& d, const RecordDrill& o);
// Aborts those that something real goes before, says which are due and overdue, and begins those that begin by themselves.
void judge_drills(Deciding& d);
// The incident that goes before a drill of the scenario: one of its own, or a wider one. nullptr: none is open.
const Incident* goes_before_drill(const Record& record, const std::string& scenario);
// Begins the drill, and its command.
void begin_drill(Deciding& d, const Scenario& scenario, const StartDrill& o, bool by_calendar);
void abort_drill(Deciding& d, const std::string& id, const std::string& by, const std::string& reason);
// The drill's own command has ended: what it found decides the drill.
void drill_command_ended(Deciding& d, const HeldDrill& drill, const CommandEnded& ended);
// True: it is the work of a drill, for which there is no such act, and the refusal is written.
bool refuse_in_drill(Deciding& d, const Incident& i);

}  // namespace drwatch
