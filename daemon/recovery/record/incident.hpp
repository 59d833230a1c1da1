// SPDX-License-Identifier: Apache-2.0
// An incident as the record holds it: an opened scenario with its own copy of the steps. Contract: "The life of an incident".
#pragma once

#include "config/rows/time.hpp"
#include "config/scenario.hpp"
#include "daemon/recovery/record/event.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace drwatch {

inline constexpr Duration usual_update = minutes{30};  // between two updates, where the scenario doesn't say

enum class IncidentState { open, recovered, resolved, absorbed, aborted };  // aborted: a drill
inline constexpr IncidentState all_incident_states[] = {IncidentState::open, IncidentState::recovered, IncidentState::resolved,
                                                        IncidentState::absorbed, IncidentState::aborted};
std::string_view state_name(IncidentState s);

enum class StepState { open, started, running, done, skipped, failed, interrupted };
inline constexpr StepState all_step_states[] = {StepState::open,    StepState::started, StepState::running,    StepState::done,
                                                StepState::skipped, StepState::failed,  StepState::interrupted};
std::string_view state_name(StepState s);

enum class MessageState { draft, approved, sent, failed };  // failed: it could not be filled
std::string_view state_name(MessageState s);

// The names that the journal and the API have for these; nullopt: no such name.
std::optional<IncidentState> parse_incident_state(std::string_view name);
std::optional<StepState> parse_step_state(std::string_view name);
std::optional<MessageState> parse_message_state(std::string_view name);
std::string_view severity_name(Severity s);
std::optional<Severity> parse_severity(std::string_view name);
std::string_view moment_name(Message::When moment);
std::optional<Message::When> parse_moment(std::string_view name);

// Why a trigger holds: one condition with what was seen.
struct Evidence {
  std::string condition;
  Time since{};
  std::string evidence;
};

struct IncidentStep {
  Step plan;  // as it was when the incident opened
  StepState state = StepState::open;
  std::optional<Time> started_at, ended_at, broke_at;
  std::string by, note;             // who ended it; empty: nobody yet
  std::optional<Time> holds_since;  // verified: the first good run of the unbroken good stretch
  bool held_at_opening = false;     // verified: it was true when the incident opened and has not failed since
  std::optional<bool> proves;       // verified and done: false when it held all along
  std::string evidence;             // verified and done: what was seen; command: the end of its output
  // Verified, and closed by a person who said so against what drwatch saw (or could not see); `evidence` is what it saw.
  bool against_evidence = false;
  bool ran = false;               // its command was started: by itself it does not run a second time
  std::optional<Time> undone_at;  // a person took it back: only what is seen after that can tick it
  // Nobody has to work on it any more: what comes after it may begin.
  bool closed() const { return state == StepState::done || state == StepState::skipped; }
  // The platform does not speak against it: it counts for recovery, for resolving and for what is learned.
  bool counts() const { return closed() && !against_evidence; }
};

struct IncidentMessage {
  std::string id, audience;
  Message::When when = Message::When::opened;
  MessageState state = MessageState::draft;
  std::string subject, body;
  std::vector<std::string> missing;  // names that could not be filled: it cannot be sent
  std::vector<std::string> unknown;  // those, and names that a section asks for: it says less than it might
  Time drafted_at{};
  std::optional<Time> sent_at;
  std::string by;
};

// One way out of several, or the only one (option "").
struct WayOut {
  std::string option;
  double p50_seconds = 0, p90_seconds = 0;  // since the start of the incident
  Time decide_by{};                         // the deadline less the p90 of what is left of it
};
// When the incident will be over, as it looked at `at`.
struct Projection {
  Time at{};
  double p50_seconds = 0, p90_seconds = 0;  // since the start of the incident: comparable with its RTO
  double missing = 0;                       // the probability of missing the objective
  Time decide_by{};                         // of the last resort: when it has passed, nothing is left to fall back on
  std::string way;                          // the option that was chosen; empty: none was, or there is none
  std::vector<WayOut> ways;
  std::vector<std::string> critical_path;  // step ids, with typical durations
  std::vector<std::string> overrun;        // steps that outlived nearly all that is known of them
  std::vector<std::string> unplanned;      // steps of which nobody knows how long they take; they count as nothing
  std::vector<std::string> unsized;        // steps that grow with the data, of which nobody knows how much there is
  std::optional<double> data_bytes;        // with so much data, where a step that is left grows with it
  std::string hours;                       // "working" | "other": what people took then is what counts; empty: not told apart
  std::string basis;                       // "planned" | "blended" | "measured": what most of the critical path rests on
};

// The scenario that fitted second best when the incident opened, and what would tell the two apart.
struct Second {
  std::string scenario, title;
  std::vector<Evidence> because;         // what speaks for it
  std::vector<std::string> tells_apart;  // conditions that hold for one and not for the other
};

// What a logical failure costs: everything written between the moment to which is restored and the end of the writes.
struct Loss {
  std::optional<Time> from;  // nullopt: nothing from before the bad change is left
  std::string source;        // probe
  Time until{};              // writes stopped, or it recovered, or now
  std::optional<Duration> lost, noticed_after;
  bool estimated = false;  // nobody said yet when the bad change was made, or the source can't be read
};

// What an incident was filed under before a person filed it under another scenario, or filed into it.
struct Filed {
  std::string scenario;
  Time at{};
  std::vector<std::string> components, conditions;  // what had failed by then, and what spoke for the scenario
  // It was open by what drwatch saw: the incident is over only when this is seen not to hold any more, whatever it is called now.
  std::optional<Trigger> seen;
};

struct Incident {
  std::string id, scenario, title, summary, of_class;
  Severity severity = Severity::critical;
  IncidentState state = IncidentState::open;
  std::vector<std::string> affects, explains;
  Time started_at{}, detected_at{}, opened_at{};
  std::string started_by;                // "last good outcome of primary"
  std::optional<Time> started_at_found;  // what drwatch had found, when a person corrected it
  std::optional<Time> acknowledged_at, recovered_at, resolved_at, absorbed_at;
  // Resolved by a person before its exit was seen to hold: `recovered_at` is when that was said, and nobody knows whether it is so.
  bool recovery_said = false;
  bool by_signal = false;  // a raised signal opened it: it is absorbed only when a person files it so
  std::string acknowledged_by, opened_by;
  std::string reopened_by;            // a person, although it looked well; empty: none did
  std::optional<Time> bad_change_at;  // class logical: when the change was made that has to be undone, as somebody said
  std::string bad_change_by, bad_change_note;
  std::optional<Loss> loss;           // class logical, recovered: as it was then
  std::vector<std::string> absorbed;  // incident ids
  std::string absorbed_by;
  std::vector<Filed> filed;  // the oldest first
  bool false_alarm = false;
  Duration rto{0}, ack_within{0}, reopen_within{0};
  Exit exit;        // resolved: by is health or steps
  Trigger trigger;  // as it was when the incident opened
  std::vector<Evidence> because;
  std::optional<Second> second;
  std::optional<Projection> projection;  // the newest that was journaled
  std::vector<IncidentStep> steps;
  std::vector<IncidentMessage> messages;
  std::vector<Message> message_plans;  // the scenario's, as they were
  std::string scenario_hash;
  bool data = true;                                // of the scenario: data can be lost by it, or have to be restored
  std::optional<double> data_bytes;                // of what it affects, as it was read last before it opened
  std::vector<std::pair<Time, Time>> looked_well;  // recovered, then open again: from, until
  std::vector<Event> timeline;
  // Who has it, when that is another than who acknowledged it; and to whom it was handed, who has not taken it yet, with what stood then.
  std::string taken_by;
  std::optional<Time> taken_at, handed_at;
  std::string handed_to, handed_by, handover;
  std::vector<std::pair<Time, Time>> unwatched;  // over: when drwatch was blind, or did not run, between its start and its end
  bool drill = false;                            // it is the work of a drill

  // Empty: nobody has it.
  const std::string& owner() const { return taken_by.empty() ? acknowledged_by : taken_by; }
  bool live() const { return state == IncidentState::open || state == IncidentState::recovered; }
  IncidentStep* step(std::string_view id);
  const IncidentStep* step(std::string_view id) const;
  // (recovered_at, or when it was absorbed, or now) - started_at
  Duration elapsed(Time now) const;
  Time deadline() const { return started_at + rto; }
  // May be worked on now: everything in `after` is closed, or belongs to an option that was not chosen.
  bool ready(const IncidentStep& step) const;
  // What it comes after, and nobody has closed: a person may begin all the same, and then that is said.
  std::vector<std::string> waits_for(const IncidentStep& step) const;
  // When people who wait for news should hear something: the earliest of its planned updates, by what was sent last. nullopt: none is
  // planned.
  std::optional<Time> update_due() const;
  // An option is chosen by starting or doing one of its steps.
  bool chosen(std::string_view option) const;
  bool chosen() const;  // any
  // It belongs to no option, or to one that was chosen.
  bool needed(const IncidentStep& step) const { return step.plan.option.empty() || chosen(step.plan.option); }
  // The incident is not over without it: a critical step of no option, of one that was chosen, or of any while nobody has chosen.
  bool gates(const IncidentStep& step) const { return step.plan.critical && (needed(step) || !chosen()); }
};

// "said to be done by lena, against what drwatch sees: primary: connection refused"; of a step that was closed so.
std::string against_words(const IncidentStep& step);

// A guide as it is shown in this incident: its commands name it. `drwatch incident ack ID` becomes one that can be typed as it stands.
std::string for_incident(std::string guide, const std::string& id);

// What tells the second best apart: what would have to hold for it as well, and what holds and is no part of it.
struct ToldApart {
  std::vector<std::string> missing, against;
};
ToldApart told_apart(const Incident& incident);

Json to_json(const Projection& projection);
Projection projection_from_json(const Json& json);
Json to_json(const Loss& loss);
std::optional<Loss> loss_from_json(const Json& json);  // null: nullopt
Json to_json(const Incident& incident);
Incident incident_from_json(const Json& json);

}  // namespace drwatch
