// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/metrics.hpp"

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
    figures.objectives.push_back(
        {of_class, target, objective == state.record.objectives.end() ? Standing::unproven : objective->second.standing});
  }
  std::optional<Duration> rto;  // the tightest of the scenarios that take it
  for (const auto& [name, scenario] : settings.scenarios)
    if (std::find(scenario.affects.begin(), scenario.affects.end(), component.name) != scenario.affects.end())
      rto = std::min(rto.value_or(scenario.rto), scenario.rto);
  if (rto) figures.objectives.push_back({std::nullopt, *rto, component_rto(state, settings, component.name, now)});
  for (const auto& source : component.protected_by)
    if (const auto kept = state.kept.sources.find(source); kept != state.kept.sources.end() && kept->second.recovery_point)
      figures.sources.push_back({source, *kept->second.recovery_point});
  return figures;
}

}  // namespace

Snapshot take_snapshot(const State& state, std::shared_ptr<const Settings> settings, DaemonFigures figures, Time now) {
  Snapshot snapshot;
  snapshot.probes.reserve(settings->probes.size());
  for (const auto& [name, probe] : settings->probes) snapshot.probes.push_back(probe_figures(state, probe));
  for (const auto& [name, component] : settings->components)
    snapshot.components.push_back(component_figures(state, *settings, component, now));
  std::map<std::string, Duration> open;  // elapsed by scenario
  for (const auto& [id, incident] : state.record.incidents)
    if (incident.state == IncidentState::open) open[incident.scenario] = incident.elapsed(now);
  for (const auto& [name, scenario] : settings->scenarios) {
    const auto elapsed = open.find(name);
    snapshot.scenarios.push_back(
        {&scenario, scenario_standing(state, scenario), elapsed == open.end() ? std::nullopt : std::optional<Duration>(elapsed->second)});
  }
  for (const auto& [key, finding] : state.record.findings) ++snapshot.findings[finding.finding];
  snapshot.blind = state.record.blind_since.has_value();
  snapshot.daemon = std::move(figures);
  snapshot.settings = std::move(settings);
  return snapshot;
}

}  // namespace drwatch::web
