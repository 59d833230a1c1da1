// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/incidents/drills.hpp"
#include "daemon/recovery/outlook/rto.hpp"
#include "daemon/recovery/outlook/sizes.hpp"
#include "daemon/recovery/seen/failed_share.hpp"
#include "daemon/web/metrics/metrics.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

ProbeFigures probe_figures(const State& state, const ProbeSettings& settings) {
  ProbeFigures figures;
  figures.settings = &settings;
  if (const auto record = state.record.probes.find(settings.name); record != state.record.probes.end())
    figures.health = record->second.health;
  const auto found = state.sight.probes.find(settings.name);
  if (found == state.sight.probes.end()) return figures;
  const ProbeSight& sight = found->second;
  figures.last_run_at = sight.last_run_at;
  if (sight.last) figures.last = sight.last->phases;
  figures.failed_share = failed_share(sight.share, settings);
  std::copy(std::begin(sight.runs), std::end(sight.runs), figures.runs.begin());
  for (std::size_t i = 0; i < figures.failures.size(); ++i)
    if (const auto count = sight.failures_by_reason.find(all_reasons[i]); count != sight.failures_by_reason.end())
      figures.failures[i] = count->second;
  return figures;
}

ComponentFigures component_figures(const State& state, const Settings& settings, const ComponentSettings& component, Time now) {
  ComponentFigures figures;
  figures.settings = &component;
  if (const auto record = state.record.components.find(component.name); record != state.record.components.end())
    figures.health = record->second.health;
  figures.exposures = exposures(state, settings, component.name, now);
  for (const auto& [of_class, target] : component.rpo) {
    const auto objective = state.record.objectives.find(objective_key(component.name, of_class));
    figures.objectives.push_back({of_class, target,
                                  objective == state.record.objectives.end() ? Standing::unproven : objective->second.standing,
                                  judge_rpo(state, settings, component.name, of_class, now).breach_at});
    figures.time_to_fix = time_to_fix(state, settings, component.name, now).is;
  }
  figures.data_bytes = data_bytes(state, settings, {component.name});
  std::optional<Duration> rto;  // the tightest of the scenarios that take it
  for (const auto& [name, scenario] : settings.scenarios)
    if (std::find(scenario.affects.begin(), scenario.affects.end(), component.name) != scenario.affects.end())
      rto = std::min(rto.value_or(scenario.rto), scenario.rto);
  if (rto) figures.objectives.push_back({std::nullopt, *rto, component_rto(state, settings, component.name, now), std::nullopt});
  for (const auto& source : component.protected_by)
    if (const auto its = believed(state, settings, source, now); its.point) figures.sources.push_back({source, *its.point});
  return figures;
}

ScenarioFigures scenario_figures(const State& state, const Scenario& scenario, Time now) {
  ScenarioFigures figures;
  figures.scenario = &scenario;
  figures.standing = scenario_standing(state, scenario);
  if (const auto judged = state.record.scenarios.find(scenario.id); judged != state.record.scenarios.end()) {
    figures.p50_seconds = judged->second.p50_seconds;
    figures.p90_seconds = judged->second.p90_seconds;
  }
  if (const auto drill = state.record.drills.find(scenario.id); drill != state.record.drills.end()) figures.drill = drill->second;
  const DrillDates dates = drill_dates(state.record, scenario);
  figures.drill_last = dates.last_success_at;
  figures.drill_due = dates.due_at;
  figures.drill_running = running_drill(state.record, scenario.id) != nullptr;
  figures.drill_overdue = dates.overdue_at && now > *dates.overdue_at;
  return figures;
}

std::vector<IncidentFigures> incident_figures(const State& state, const Settings& settings, Time now) {
  std::vector<IncidentFigures> figures;
  for (const auto& [name, scenario] : settings.scenarios) figures.push_back({name, std::nullopt, std::nullopt});
  for (const auto& [id, incident] : state.record.incidents) {
    if (incident.state != IncidentState::open) continue;
    auto its =
        std::find_if(figures.begin(), figures.end(), [&](const IncidentFigures& each) { return each.scenario == incident.scenario; });
    // Its scenario was taken out while it was open: it goes on all the same.
    if (its == figures.end()) its = figures.insert(its, {incident.scenario, std::nullopt, std::nullopt});
    its->elapsed = incident.elapsed(now);
    its->projection = incident.projection;
    its->update_due = incident.update_due();
  }
  return figures;
}

}  // namespace

Snapshot take_snapshot(const State& state, std::shared_ptr<const Settings> settings, DaemonFigures figures, Time now) {
  Snapshot snapshot;
  snapshot.probes.reserve(settings->probes.size());
  for (const auto& [name, probe] : settings->probes) snapshot.probes.push_back(probe_figures(state, probe));
  for (const auto& [name, component] : settings->components)
    snapshot.components.push_back(component_figures(state, *settings, component, now));
  for (const auto& [name, scenario] : settings->scenarios) snapshot.scenarios.push_back(scenario_figures(state, scenario, now));
  snapshot.incidents = incident_figures(state, *settings, now);
  snapshot.scored = state.record.measured.scored;
  snapshot.within_p50 = state.record.measured.within_p50;
  snapshot.within_p90 = state.record.measured.within_p90;
  for (const auto& [key, finding] : state.record.findings) ++snapshot.findings[finding.finding];
  snapshot.blind = state.record.blind_since.has_value();
  snapshot.daemon = std::move(figures);
  snapshot.settings = std::move(settings);
  return snapshot;
}

}  // namespace drwatch::web
