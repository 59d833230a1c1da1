// SPDX-License-Identifier: Apache-2.0
// What was looked at: which probes a condition rests on, and when they ran last.
#include "daemon/recovery/scenarios/sentences.hpp"

#include <algorithm>

namespace drwatch {

bool probe_seen(const State& state, const Settings& settings, const std::string& name) {
  auto probe = settings.probes.find(name);
  if (probe != settings.probes.end() && probe->second.calls_in())
    return true;  // a job that calls in is judged by the clock and its last call: there is no run to wait for
  auto sight = state.sight.probes.find(name);
  return sight != state.sight.probes.end() && sight->second.seen;
}

bool seen(const State& state, const Settings& settings, const ComponentSettings& component) {
  return std::all_of(component.probes.begin(), component.probes.end(),
                     [&](const std::string& p) { return probe_seen(state, settings, p); });
}

namespace {

// The probes that a condition about one subject rests on; of an RPO, the sources of recovery points. "any ..." is expanded by the caller.
std::vector<std::string> probes_of(const Settings& settings, const Condition& c) {
  if (c.subject == Condition::Subject::probe) return {c.name};
  const ComponentSettings* of = component_in(settings, c.name);
  if (of && c.subject == Condition::Subject::component) return of->probes;
  if (of && c.subject == Condition::Subject::rpo) return of->protected_by;
  if (auto place = settings.places.find(c.name); c.subject == Condition::Subject::place && place != settings.places.end()) {
    std::vector<std::string> all;
    for (const std::string& name : place->second.probes) all.push_back(speaks_against(name).value_or(name));
    for (const std::string& name : place->second.components)
      if (const ComponentSettings* in = component_in(settings, name)) all.insert(all.end(), in->probes.begin(), in->probes.end());
    return all;
  }
  return {};
}

// Calls `each` with the name and the newest start of a run of every probe behind the condition; nullopt: it has not looked yet.
template <class Each>
void for_each_look(const State& state, const Settings& settings, const Condition& condition, const Each& each) {
  bool about_points = condition.subject == Condition::Subject::rpo || condition.subject == Condition::Subject::any_rpo;
  auto look = [&](const std::string& name) {
    auto probe = settings.probes.find(name);
    if (probe != settings.probes.end() && probe->second.calls_in()) return;  // a job that calls in is judged all the time, by the clock
    auto sight = state.sight.probes.find(name);
    if (sight == state.sight.probes.end()) return each(name, std::optional<Time>{});
    // A source of recovery points that could not be read has shown nothing about the RPO, however often it was asked.
    bool unreadable = about_points && sight->second.last && sight->second.last->outcome == Health::unknown;
    each(name, unreadable ? std::optional<Time>{} : sight->second.last_run_at);
  };
  for (const std::string& name : probes_of(settings, condition)) look(name);
  for (const auto& [component, of] : settings.components) {
    if (condition.subject == Condition::Subject::any_component) std::for_each(of.probes.begin(), of.probes.end(), look);
    if (condition.subject == Condition::Subject::any_rpo) std::for_each(of.protected_by.begin(), of.protected_by.end(), look);
  }
}

}  // namespace

std::optional<Time> looked_at(const State& state, const Settings& settings, const Condition& condition, Time now) {
  std::optional<Time> oldest = now;
  for_each_look(state, settings, condition, [&](const std::string&, std::optional<Time> at) {
    oldest = oldest && at ? std::optional(std::min(*oldest, *at)) : std::nullopt;
  });
  return oldest;
}

std::set<std::string> not_looked_at(const State& state, const Settings& settings, const Condition& condition, Time since) {
  std::set<std::string> missing;
  for_each_look(state, settings, condition, [&](const std::string& name, std::optional<Time> at) {
    if (!at || *at <= since) missing.insert(name);
  });
  return missing;
}

}  // namespace drwatch
