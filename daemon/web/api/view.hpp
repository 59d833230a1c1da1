// SPDX-License-Identifier: Apache-2.0
// The JSON documents of the API, made from the state. Every key is always there; what is not known is null. The pages are made from the
// same documents.
#pragma once

#include "daemon/desk.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace drwatch::web {

using View = nlohmann::ordered_json;  // keys in the contract's order

// All that a document is made from, at one moment.
struct Seen {
  const State& state;
  const Settings& settings;
  Time now;
  bool durable = true;
  std::string base_url;  // of links to pages
};

// ---- values (view.cpp)
View time_view(Time t);
View time_view(const std::optional<Time>& t);
View seconds_view(Duration d);  // 42 or 0.5
View seconds_view(const std::optional<Duration>& d);
View number_view(double value);           // NaN and infinities are null: JSON has none
View text_view(const std::string& text);  // empty: null
// {"roles", "people"}: who decides, by their role in the scenario, and whose token may work on it.
View deciders_view(const Settings& settings, const Incident& incident);
std::string json_text(const View& document);  // bytes that are not UTF-8 are replaced

// ---- view_status.cpp
// The documents of /status and of what it lists. `seen` says whether something was seen since the start; what was not is shown as the
// journal remembers it.
View status_view(const Seen& seen, const DaemonFigures& figures);
View component_view(const Seen& seen, const ComponentSettings& component);
// One entry per class that has an objective or a source.
View exposure_view(const Seen& seen, const std::string& component);
View signal_view(const SignalSettings& signal, const State& state, const Settings& settings);
View maintenance_view(const MaintenanceRecord& record);
View alert_view(const Alert& alert);
// Of all components together: the worst, where unknown is worse than degraded; unknown without any component.
Health overall_health(const Seen& seen);

// ---- view_probe.cpp
View outcome_view(const Outcome& outcome, bool whole);  // not whole: its trace is null
View written_view(const ProbeSettings& probe);          // the keys of its kind, as the file has them
View probe_view(const Seen& seen, const ProbeSettings& probe, const std::optional<Time>& next_run,
                bool whole);  // not whole: recent, failures and configured are null

// ---- view_incident.cpp
// Those that are not over, the worst and newest of them first; then what was, newest first.
std::vector<std::string> incidents_in_order(const Record& record);
// Not whole: without steps, messages and timeline. Of the timeline at most the newest `events`.
View incident_view(const Seen& seen, const Incident& incident, bool whole, std::size_t events = std::string::npos);
View event_view(const Event& event);

// ---- view_scenario.cpp
View scenario_view(const Seen& seen, const Scenario& scenario, bool whole);  // not whole: without its steps, messages and texts

// ---- view_drill.cpp
// A drill that is held or was: as an incident, with what it proves. Not whole: without steps, messages, timeline and evidence.
View held_drill_view(const Seen& seen, const HeldDrill& drill, bool whole, std::size_t events = std::string::npos);
// One that is planned: when it is due, and how that stands.
View planned_drill_view(const Seen& seen, const Scenario& scenario);
// [{"class", "source", "standing", ...}]: what drills have shown of each copy that survives a class.
View proven_view(const Seen& seen, const Scenario& scenario);

}  // namespace drwatch::web
