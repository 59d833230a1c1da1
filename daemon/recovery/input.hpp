// SPDX-License-Identifier: Apache-2.0
// What comes in from outside, and what the heart answers.
#pragma once

#include "config/rows/time.hpp"
#include "daemon/recovery/actions.hpp"
#include "daemon/recovery/record/event.hpp"
#include "daemon/recovery/record/state.hpp"
#include "probes/outcome.hpp"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace drwatch {

// ---- from the world
struct Ran {
  std::string probe;
  Outcome outcome;
  Duration ahead{0};  // what was added to the times of the target's clock: drwatch's goes on when the wall's is set back
  Duration late{0};   // by how much drwatch's own loop was late meanwhile, when it was
};
struct Pinged {
  using What = Ping;
  std::string probe;
  What what = What::success;
  std::string rid;
  int exit_code = 0;    // with fail, when the job said it
  std::string message;  // what it sent (bounded)
};
struct DaemonStarted {
  std::string version;
};  // alive_at is in Kept
struct DaemonStopped {
  std::string reason;
};
struct ConfigurationLoaded {
  std::vector<std::string> changed_probes;
};
struct ConfigurationRefused {
  std::vector<std::string> problems;
};
// Wall time moved against BOOTTIME; or a pause (by > 0).
struct ClockJumped {
  Duration by{0};
  Time from{};         // drwatch's own time before it
  bool pause = false;  // nobody set the clock: drwatch did not run
  Duration back{0};    // drwatch's own time follows the wall's clock back by so much: what was decided since lies in the future
};

// Own time that is ahead of the wall's clock goes on slower by one part in so many, until the clock has caught up with it.
inline constexpr int catching_up = 8;
// By how much it is still ahead when so much time has passed.
constexpr Duration ahead_after(Duration ahead, Duration passed) {
  const Duration less = std::max(passed, Duration{0}) / catching_up;
  return less < ahead ? ahead - less : Duration{0};
}

// drwatch's own loop has been late at every turn for so long that it cannot tell what is down, `since` then; or it is on time again.
struct LoopLate {
  bool late = false;
  Time since{};
};
struct JournalHealth {
  bool failing = false;
  std::string message;
};
// The journal takes events again, after so many were left out, from `since` on.
struct JournalResumed {
  std::uint64_t left_out = 0;
  Time since{};
};
struct CommandEnded {
  std::string incident, step;
  int exit_code = 0;
  std::string output;
  std::string cancelled_by{};    // a person ended it; empty: it ended by itself
  std::string evidence{};        // what a drill's command wrote into its file; empty: nothing
  std::string evidence_wrong{};  // why that file could not be read, where it is there
};
struct Tick {};  // the time that `due` named

// ---- from people and other systems; `by` is the token's name
struct OpenIncident {
  std::string scenario, by, note;
};
struct Acknowledge {
  std::string incident, by, note;
};
struct StepAction {
  std::string incident, step;
  OnStep action = OnStep::start;
  std::string by, note;
  bool force = false;  // close a verified step although drwatch does not see what it asks
};
struct AddNote {
  std::string incident, text, by;
};
struct MessageAction {
  std::string incident, message;
  OnMessage action = OnMessage::approve;
  std::string by;
};
struct Refile {
  std::string incident, scenario, by, note;
};
struct CorrectStart {
  std::string incident;
  Time at{};
  std::string by, note;
};
// When the change was made that a logical failure has to undo.
struct SayBadChange {
  std::string incident;
  Time at{};
  std::string by, note;
};
struct Resolve {
  std::string incident;
  bool force = false, false_alarm = false;
  std::string by, note;
};
struct Reopen {
  std::string incident, by, note;
};
// To another person, who has it when they take it.
struct HandOver {
  std::string incident, to, by, note;
};
struct TakeOver {
  std::string incident, by, note;
};
struct SetSignal {
  std::string signal;
  bool raised = true;
  std::string by, note;
  std::string alert{};  // an Alertmanager's alert says so: its fingerprint; empty: a person does
  bool force = false;   // clear it although alerts still raise it
  Time starts_at{};     // of the alert: since when it fires. A later one than before is a new alert, whose first end was missed
};
struct AcknowledgeProbe {  // what it has latched
  std::string probe, by, note;
};
struct StartMaintenance {
  std::vector<std::string> components;
  Duration lasts{0};
  std::string by, note;
};
struct EndMaintenance {
  std::string id, by;
};

// A drill that took place, as those who held it report it.
struct RecordDrill {
  std::string scenario;
  bool passed = true;
  std::optional<Duration> took, lost;     // to recover; of data
  std::map<std::string, Duration> steps;  // what single steps took
  std::string by, note;
  std::string evidence{};  // the document of a restore drill; it decides, and the figures above are not asked for
  std::string type{};      // tabletop | restore | full; empty: a recovery was done, as its figures say
};
// A drill that drwatch leads.
struct StartDrill {
  std::string scenario, by, note;
  std::string type{};  // empty: as the scenario says
};
struct FinishDrill {
  std::string drill;
  bool passed = true;
  std::optional<Duration> lost;  // of data, as people found it
  std::string by, note;
};
struct AbortDrill {
  std::string drill, by, note;
};
// `held`: those that run are aborted, and none begins until somebody releases them.
struct HoldDrills {
  bool held = true;
  std::string by, note;
};

using Input = std::variant<Ran, Pinged, DaemonStarted, DaemonStopped, ConfigurationLoaded, ConfigurationRefused, ClockJumped, LoopLate,
                           JournalHealth, JournalResumed, CommandEnded, Tick, OpenIncident, Acknowledge, StepAction, AddNote, MessageAction,
                           Refile, CorrectStart, SayBadChange, Resolve, Reopen, SetSignal, AcknowledgeProbe, StartMaintenance,
                           EndMaintenance, RecordDrill, HandOver, TakeOver, StartDrill, FinishDrill, AbortDrill, HoldDrills>;

// A command that cannot be done; `status` is HTTP's (404, 409, 422).
struct Refusal {
  int status = 409;
  std::string title, detail;      // what; what to do
  std::vector<std::string> list;  // the steps still open, the nearest names, ...
};
struct StartCommand {  // a step's command may start once its event is durable
  std::string incident, step;
  std::vector<std::string> argv;
  Duration timeout{0};
  std::string evidence{};  // the file that a drill's command leaves behind; empty: it leaves none
};
struct CancelCommand {
  std::string incident, step, by;
  friend bool operator==(const CancelCommand&, const CancelCommand&) = default;
};
struct Decision {
  std::vector<Event> events;         // in order, already applied
  std::vector<std::string> run_now;  // probes that should be run at once (witnesses, after a jump)
  std::vector<StartCommand> commands;
  std::vector<CancelCommand> cancels;  // end the running command
  std::optional<Refusal> refused;
  std::string subject;      // the id of what a command made or touched
  std::optional<Time> due;  // when the next decision can fall without an input; nullopt: never
  // Not empty: what followed from the input came to no end and was cut off, which is a bug. The kinds of the last events, for who mends it.
  std::string endless;
};
// What the command is about was not there before it.
bool makes_its_subject(const Decision& decision);

// Folds one input into the state: what was seen, then every event that follows from it, each applied at once, until nothing more follows.
// `now` is never earlier than the last event's.
// `ahead`: by how much `now` is ahead of the wall's clock, after that was set back.
Decision decide(State& state, const Settings& settings, const Input& input, Time now, Duration ahead = Duration{0});
// The same for one of several inputs of an instant: consequences wait for the Tick that is to come.
Decision decide_later(State& state, const Settings& settings, const Input& input, Time now, Duration ahead = Duration{0});

// A change of the probe's health is being confirmed: its runs come `retry` apart.
bool confirming(const State& state, const std::string& probe);

}  // namespace drwatch
