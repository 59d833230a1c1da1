// SPDX-License-Identifier: Apache-2.0
// An incident as the record holds it: an opened scenario with its own copy of the steps. Contract: "The life of an incident".
#pragma once

#include "config/scenario.hpp"
#include "config/time.hpp"
#include "daemon/recovery/event.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace drwatch {

enum class IncidentState { open, recovered, resolved, absorbed };
std::string_view state_name(IncidentState s);

enum class StepState { open, started, running, done, skipped, failed, interrupted };
std::string_view state_name(StepState s);

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
  bool closed() const { return state == StepState::done || state == StepState::skipped; }
};

struct IncidentMessage {
  std::string id, audience, when, state;  // state: draft | approved | sent | failed
  std::string subject, body;
  std::vector<std::string> missing;  // names that could not be filled: it cannot be sent
  Time drafted_at{};
  std::optional<Time> sent_at;
  std::string by;
};

struct Incident {
  std::string id, scenario, title, summary, severity, of_class;
  IncidentState state = IncidentState::open;
  std::vector<std::string> affects, explains;
  Time started_at{}, detected_at{}, opened_at{};
  std::string started_by;                // "last good outcome of primary"
  std::optional<Time> started_at_found;  // what drwatch had found, when a person corrected it
  std::optional<Time> acknowledged_at, recovered_at, resolved_at;
  std::string acknowledged_by, opened_by;
  std::vector<std::string> absorbed;  // incident ids
  std::string absorbed_by;
  bool false_alarm = false;
  Duration rto{0}, ack_within{0}, reopen_within{0};
  Exit exit;        // resolved: by is health or steps
  Trigger trigger;  // as it was when the incident opened
  std::vector<Evidence> because;
  std::vector<IncidentStep> steps;
  std::vector<IncidentMessage> messages;
  std::vector<Message> message_plans;  // the scenario's, as they were
  std::string scenario_hash;
  std::vector<std::pair<Time, Time>> looked_well;  // recovered, then open again: from, until
  std::vector<Event> timeline;

  bool live() const { return state == IncidentState::open || state == IncidentState::recovered; }
  IncidentStep* step(std::string_view id);
  const IncidentStep* step(std::string_view id) const;
  // (recovered_at or now) - started_at
  Duration elapsed(Time now) const;
  Time deadline() const { return started_at + rto; }
  // May be worked on now: everything in `after` is closed, or belongs to an option that was not chosen.
  bool ready(const IncidentStep& step) const;
  // An option is chosen by starting or doing one of its steps.
  bool chosen(std::string_view option) const;
  bool chosen() const;  // any
  // It belongs to no option, or to one that was chosen.
  bool needed(const IncidentStep& step) const { return step.plan.option.empty() || chosen(step.plan.option); }
  // The longest chain of `expect` over the critical steps that are still open (a running step counts what is left of it).
  Duration longest_remaining_path(Time now) const;
  // The incident is not over without it.
  bool gates(const IncidentStep& step) const { return step.plan.critical && needed(step); }
};

Json to_json(const Incident& incident);
Incident incident_from_json(const Json& json);

}  // namespace drwatch
