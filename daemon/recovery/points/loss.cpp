// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/points/loss.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// A person who names the moment of a bad change names a second. The change may have been made at its beginning, so restoring to the moment
// itself could bring the change back.
constexpr Duration just_before = seconds{1};

// The newest moment before `moment` that the source can restore to. Continuous: a second before it, if that is not older than the oldest
// point. Otherwise the newest of its points before it. nullopt: it holds nothing from before.
std::optional<Time> before(const SourceKept& source, Time newest, Time moment) {
  if (source.continuous) {
    Time at = std::min(newest, moment - just_before);
    return source.oldest && at < *source.oldest ? std::nullopt : std::optional(at);
  }
  std::optional<Time> found;
  for (Time point : source.points)
    if (point < moment && point <= newest) found = point;
  if (!found && newest < moment) found = newest;  // kept by a release that did not list the points
  return found;
}

// What is written after the recovery, or after writes stopped for good, is not lost. Otherwise the loss grows until now.
Time until(const State& state, const Incident& incident, const std::string& component, Time from, Time now) {
  if (incident.recovered_at) return *incident.recovered_at;
  auto writes = state.kept.writes.find(component);
  const bool held = writes != state.kept.writes.end() && writes->second.held_since && *writes->second.held_since > from;
  return held ? *writes->second.held_since : now;
}

struct Found {
  Moment moment;
  std::string component;
};

// The oldest such moment of all affected components: that of the one which loses most. Until somebody says when the bad change was made,
// the incident's start stands for it.
std::optional<Found> worst_before(const State& state, const Settings& settings, const Incident& incident, Time now) {
  const Time bad = incident.bad_change_at.value_or(incident.started_at);
  std::optional<Found> worst;
  for (const std::string& component : incident.affects) {
    if (!settings.components.count(component)) continue;
    auto moment = restorable_before(state, settings, component, DisasterClass::logical, bad, now);
    if (moment && (!worst || moment->at < worst->moment.at)) worst = Found{*moment, component};
  }
  return worst;
}

// Nothing has to be undone: the newest point of each component counts, and of these the one that loses most.
std::optional<RestorePoint> newest_point(const State& state, const Settings& settings, const Incident& incident, Time now) {
  auto c = parse_class(incident.of_class);
  std::optional<RestorePoint> worst;
  for (const std::string& component : incident.affects) {
    if (!c || !settings.components.count(component)) continue;
    Exposure e = exposure_of(state, settings, component, *c, now);
    if (e.exposure && (!worst || *e.exposure > worst->lost)) worst = RestorePoint{*e.recovery_point, e.source, *e.exposure, e.estimated};
  }
  return worst;
}

}  // namespace

bool has_bad_change(const Settings& settings, const Incident& incident) {
  if (!incident.data || incident.of_class != class_name(DisasterClass::logical)) return false;
  return incident.bad_change_at || !about_recovery_points(settings, incident.trigger);
}

std::optional<Moment> restorable_before(const State& state, const Settings& settings, const std::string& component, DisasterClass c,
                                        Time moment, Time now) {
  std::optional<Moment> best;
  for (const std::string& name : sources_of(settings, component, c)) {
    const Believed its = believed(state, settings, name, now);
    if (!its.point) continue;
    auto at = before(*source_of(state, name), *its.point, moment);
    if (at && (!best || *at > best->at)) best = Moment{*at, its.source, its.estimated};
  }
  return best;
}

std::optional<Loss> loss_of(const State& state, const Settings& settings, const Incident& incident, Time now) {
  if (!has_bad_change(settings, incident)) return std::nullopt;
  // What was written down at the end stands: the kept values behind it are forgotten after some days.
  if (incident.loss && incident.state != IncidentState::open) return incident.loss;
  Loss loss;
  loss.until = incident.recovered_at.value_or(now);
  loss.estimated = !incident.bad_change_at;
  if (incident.bad_change_at) loss.noticed_after = std::max(incident.detected_at - *incident.bad_change_at, Duration{0});
  auto found = worst_before(state, settings, incident, now);
  if (!found) return loss;
  loss.from = found->moment.at;
  loss.source = found->moment.source;
  loss.estimated = loss.estimated || found->moment.estimated;
  loss.until = std::max(until(state, incident, found->component, *loss.from, now), *loss.from);
  loss.lost = loss.until - *loss.from - without_writes(state, found->component, *loss.from, loss.until);
  return loss;
}

std::optional<RestorePoint> restore_point(const State& state, const Settings& settings, const Incident& incident, Time now) {
  if (!incident.data) return std::nullopt;  // there is nothing to restore
  if (!has_bad_change(settings, incident)) return newest_point(state, settings, incident, now);
  auto loss = loss_of(state, settings, incident, now);
  if (!loss || !loss->from) return std::nullopt;
  return RestorePoint{*loss->from, loss->source, loss->lost.value_or(Duration{0}), loss->estimated};
}

namespace {
// An order of how bad it is: nothing to restore from, then nobody knows, then by how much is lost.
bool loses_more(const Exposure& a, const Exposure& b) {
  if (a.no_source != b.no_source) return a.no_source;
  if (!a.exposure || !b.exposure) return b.exposure.has_value();
  return *a.exposure > *b.exposure;
}
}  // namespace

std::optional<Restorable> restorable(const State& state, const Settings& settings, const Scenario& scenario, Time now) {
  std::optional<Restorable> worst;
  if (!scenario.data) return worst;
  for (const std::string& name : scenario.affects) {
    auto component = settings.components.find(name);
    if (component == settings.components.end() || (component->second.protected_by.empty() && component->second.rpo.empty())) continue;
    Exposure exposure = exposure_of(state, settings, name, scenario.of_class, now);
    if (!worst || loses_more(exposure, worst->exposure)) worst = Restorable{name, std::move(exposure)};
  }
  return worst;
}

}  // namespace drwatch
