// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/outlook/rto.hpp"
#include "daemon/recovery/points/exposure.hpp"
#include "daemon/recovery/scenarios/follows.hpp"
#include "daemon/recovery/seen/reasons.hpp"
#include "daemon/web/api/view.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

const ComponentRecord* record_of(const Seen& seen, const std::string& component) {
  const auto found = seen.state.record.components.find(component);
  return found == seen.state.record.components.end() ? nullptr : &found->second;
}

Health health_of(const Seen& seen, const std::string& component) {
  const auto* record = record_of(seen, component);
  return record ? record->health : Health::unknown;
}

// The newest moment at which all of the component's probes had been good: the oldest of their last good runs. null: one of them was never
// good.
View last_good_at(const Seen& seen, const ComponentSettings& component) {
  std::optional<Time> oldest;
  for (const auto& probe : component.probes) {
    const auto kept = seen.state.kept.probes.find(probe);
    if (kept == seen.state.kept.probes.end() || !kept->second.last_up_at) return nullptr;
    if (!oldest || *kept->second.last_up_at < *oldest) oldest = kept->second.last_up_at;
  }
  return time_view(oldest);
}

// Every probe has run since the start. Otherwise the health that is shown is what the journal remembers.
bool seen_since_start(const Seen& seen, const ComponentSettings& component) {
  return std::all_of(component.probes.begin(), component.probes.end(), [&](const std::string& probe) {
    const auto sight = seen.state.sight.probes.find(probe);
    return sight != seen.state.sight.probes.end() && sight->second.seen;
  });
}

// The first parent that is down, of a component that is not up.
View explained_by(const Seen& seen, const ComponentSettings& component) {
  if (health_of(seen, component.name) == Health::up) return nullptr;
  for (const auto& parent : component.depends_on)
    if (health_of(seen, parent) == Health::down) return parent;
  return nullptr;
}

// The latest end of the maintenance that the component is in; null: it is in none.
View maintenance_until(const Seen& seen, const std::string& component) {
  std::optional<Time> until;
  for (const auto& [id, record] : seen.state.record.maintenance)
    if (std::find(record.components.begin(), record.components.end(), component) != record.components.end())
      until = std::max(until.value_or(record.until), record.until);
  return time_view(until);
}

// The standing is the recorded one (with its minute of getting better), the rest as it is at this moment.
View rpo_view(const Seen& seen, const std::string& component, DisasterClass of_class, Duration target) {
  const auto found = seen.state.record.objectives.find(objective_key(component, of_class));
  const bool known = found != seen.state.record.objectives.end();
  View view;
  view["objective"] = "rpo";
  view["class"] = class_name(of_class);
  view["target_seconds"] = seconds_view(target);
  view["standing"] = standing_name(known ? found->second.standing : Standing::unproven);
  view["since"] = known ? time_view(found->second.since) : View(nullptr);
  const RpoJudgement judged = judge_rpo(seen.state, seen.settings, component, of_class, seen.now);
  const TimeToFix fix = time_to_fix(seen.state, seen.settings, component, seen.now);
  view["breach_at"] = time_view(judged.breach_at);
  view["unreachable"] = unreachable(seen.state, seen.settings, component, of_class).has_value();
  view["time_to_fix_seconds"] = seconds_view(fix.is);
  view["time_to_fix_basis"] = fix.basis();
  view["time_to_fix_samples"] = fix.samples;
  // The words of now; while it is already better but not yet for long enough, those that it was raised with.
  view["message"] = known ? text_view(judged.standing == found->second.standing ? judged.message : found->second.message) : View(nullptr);
  return view;
}

// The shortest RTO of the scenarios that affect this component; nullopt: none does.
std::optional<Duration> rto_target(const Seen& seen, const std::string& component) {
  std::optional<Duration> target;
  for (const auto& [name, scenario] : seen.settings.scenarios)
    if (std::find(scenario.affects.begin(), scenario.affects.end(), component) != scenario.affects.end())
      target = std::min(target.value_or(scenario.rto), scenario.rto);
  return target;
}

// The earliest deadline of the open incidents that affect the component; nullopt: none does.
std::optional<Time> rto_breach_at(const Seen& seen, const std::string& component) {
  std::optional<Time> earliest;
  for (const auto& [id, incident] : seen.state.record.incidents) {
    if (incident.state != IncidentState::open) continue;
    if (std::find(incident.affects.begin(), incident.affects.end(), component) == incident.affects.end()) continue;
    earliest = std::min(earliest.value_or(incident.deadline()), incident.deadline());
  }
  return earliest;
}

View rto_view(const Seen& seen, const std::string& component, Duration target) {
  View view;
  view["objective"] = "rto";
  view["class"] = nullptr;
  view["target_seconds"] = seconds_view(target);
  view["standing"] = standing_name(component_rto(seen.state, seen.settings, component, seen.now));
  view["since"] = nullptr;
  view["breach_at"] = time_view(rto_breach_at(seen, component));
  for (const char* key : {"unreachable", "time_to_fix_seconds", "time_to_fix_basis", "time_to_fix_samples"}) view[key] = nullptr;
  view["message"] = nullptr;
  return view;
}

View pending_view(const std::string& scenario, const PendingRecord& pending) {
  View view;
  view["scenario"] = scenario;
  view["since"] = time_view(pending.since);
  view["opens_at"] = time_view(pending.opens_at);
  view["held_at"] = time_view(pending.held_at);
  view["because"] = View::array();
  for (const auto& evidence : pending.because) view["because"].push_back(evidence.condition);
  return view;
}

View finding_view(const FindingRecord& finding) {
  View view;
  view["finding"] = finding.finding;
  view["component"] = text_view(finding.component);
  view["class"] = text_view(finding.of_class);
  view["message"] = finding.message;
  view["since"] = time_view(finding.since);
  return view;
}

}  // namespace

// Contract, "Health", for a component's probes, applied to components: what cannot be seen could be down, so it is worse than what is
// degraded.
Health overall_health(const Seen& seen) {
  bool unknown = seen.settings.components.empty(), degraded = false;
  for (const auto& [name, component] : seen.settings.components) {
    const Health health = health_of(seen, name);
    if (health == Health::down) return Health::down;
    unknown |= health == Health::unknown;
    degraded |= health == Health::degraded;
  }
  return unknown ? Health::unknown : degraded ? Health::degraded : Health::up;
}

View exposure_view(const Seen& seen, const std::string& component) {
  View list = View::array();
  for (const auto& exposure : exposures(seen.state, seen.settings, component, seen.now)) {
    View view;
    view["class"] = class_name(exposure.of_class);
    view["exposure_seconds"] = exposure.exposure ? number_view(in_seconds(*exposure.exposure)) : View(nullptr);
    view["recovery_point"] = time_view(exposure.recovery_point);
    view["source"] = text_view(exposure.source);
    view["estimated"] = exposure.estimated;
    view["held_since"] = time_view(exposure.held_since);
    view["no_source"] = exposure.no_source;         // what null cannot say: infinite, not unknown
    view["emptied"] = text_view(exposure.emptied);  // the source that holds nothing any more
    list.push_back(std::move(view));
  }
  return list;
}

View component_view(const Seen& seen, const ComponentSettings& component) {
  const auto* record = record_of(seen, component.name);
  const Why why = why_of(seen.state, component);
  View view;
  view["name"] = component.name;
  view["title"] = component.title;
  view["health"] = health_name(health_of(seen, component.name));
  view["since"] = record ? time_view(record->since) : View(nullptr);
  view["message"] = record && record->health != Health::up ? text_view(why.now) : View(nullptr);
  view["first_message"] = record && record->health != Health::up ? text_view(why.first) : View(nullptr);
  view["last_good_at"] = last_good_at(seen, component);
  view["seen"] = seen_since_start(seen, component);
  view["depends_on"] = component.depends_on;
  view["explained_by"] = explained_by(seen, component);
  view["probes"] = component.probes;
  view["protected_by"] = component.protected_by;
  view["maintenance_until"] = maintenance_until(seen, component.name);
  view["exposures"] = exposure_view(seen, component.name);
  view["objectives"] = View::array();
  for (const auto& [of_class, target] : component.rpo) view["objectives"].push_back(rpo_view(seen, component.name, of_class, target));
  if (const auto target = rto_target(seen, component.name)) view["objectives"].push_back(rto_view(seen, component.name, *target));
  return view;
}

View signal_view(const SignalSettings& signal, const State& state, const Settings& settings) {
  const auto found = state.record.signals.find(signal.name);
  const SignalRecord* record = found == state.record.signals.end() ? nullptr : &found->second;
  View view;
  view["signal"] = signal.name;
  view["state"] = signal_state(record && record->raised);
  view["since"] = record ? time_view(record->since) : View(nullptr);
  view["expires_at"] = record && record->raised ? time_view(record->expires_at) : View(nullptr);
  view["by"] = record ? text_view(record->by) : View(nullptr);
  view["note"] = record ? text_view(record->note) : View(nullptr);
  view["raised_by"] = View::array();
  for (const auto& [alert, raising] : record ? record->raisings : decltype(record->raisings){})
    view["raised_by"].push_back({{"by", raising.by},
                                 {"alert", text_view(alert)},
                                 {"since", time_view(raising.since)},
                                 {"expires_at", time_view(raising.expires_at)},
                                 {"note", text_view(raising.note)}});
  view["opens"] = View::array();
  if (record && record->raised)
    for (const Follows& each : follows_from(state, settings, signal.name))
      view["opens"].push_back({{"scenario", each.scenario},
                               {"state", follows_name(each.what)},
                               {"incident", text_view(each.incident)},
                               {"opens_at", time_view(each.opens_at)},
                               {"why", text_view(each.why)}});
  return view;
}

View maintenance_view(const MaintenanceRecord& record) {
  View view;
  view["id"] = record.id;
  view["components"] = record.components;
  view["began_at"] = time_view(record.began_at);
  view["until"] = time_view(record.until);
  view["by"] = text_view(record.by);
  view["note"] = text_view(record.note);
  return view;
}

View alert_view(const Alert& alert) {
  View view;
  view["alert"] = alert_key(alert);
  view["state"] = alert.resolved_at ? "resolved" : "firing";
  view["labels"] = alert.labels;
  view["annotations"] = alert.annotations;
  view["starts_at"] = time_view(alert.starts_at);
  view["resolved_at"] = time_view(alert.resolved_at);
  return view;
}

View status_view(const Seen& seen, const DaemonFigures& figures) {
  const Record& record = seen.state.record;
  View view;
  view["now"] = time_view(seen.now);
  view["version"] = figures.version;
  view["health"] = health_name(overall_health(seen));
  view["blind"] = record.blind_since.has_value();
  view["blind_since"] = time_view(record.blind_since);
  view["durable"] = seen.durable;
  view["components"] = View::array();
  for (const auto& [name, component] : seen.settings.components) view["components"].push_back(component_view(seen, component));
  view["incidents"] = View::array();
  for (const auto& id : incidents_in_order(record))
    if (const Incident& incident = record.incidents.at(id); incident.live())
      view["incidents"].push_back(incident_view(seen, incident, false));
  view["pending"] = View::array();
  for (const auto& [scenario, pending] : record.pending) view["pending"].push_back(pending_view(scenario, pending));
  view["kept_shut"] = View::array();
  for (const auto& [scenario, why] : seen.state.sight.kept_shut) view["kept_shut"].push_back({{"scenario", scenario}, {"why", why}});
  view["scenarios"] = View::array();
  for (const auto& [name, scenario] : seen.settings.scenarios) view["scenarios"].push_back(scenario_view(seen, scenario, false));
  view["projections"] = {
      {"scored", record.measured.scored}, {"within_p50", record.measured.within_p50}, {"within_p90", record.measured.within_p90}};
  view["findings"] = View::array();
  for (const auto& [key, finding] : record.findings) view["findings"].push_back(finding_view(finding));
  view["maintenance"] = View::array();
  for (const auto& [id, maintenance] : record.maintenance) view["maintenance"].push_back(maintenance_view(maintenance));
  view["signals"] = View::array();
  for (const auto& [name, signal] : seen.settings.signals) view["signals"].push_back(signal_view(signal, seen.state, seen.settings));
  view["alerts"] = View{{"active", figures.alerts_active}, {"undelivered", figures.alerts_undelivered}};
  view["configuration"] = View{{"file", seen.settings.file},
                               {"hash", seen.settings.hash},
                               {"last_reload_at", time_view(figures.last_reload_at)},
                               {"last_reload_error", figures.last_reload_successful ? View(nullptr) : View(figures.last_reload_error)}};
  return view;
}

}  // namespace drwatch::web
