// SPDX-License-Identifier: Apache-2.0
// Since when what a condition says is so, for the clock of an incident.
#include "daemon/recovery/scenarios/sentences.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// A probe has two stretches: since it was degraded or worse, and since it was down. "is down" is about the second, every other sentence
// about the first.
bool about_down(Condition::Holds h, bool negated) { return h == Condition::Holds::down && !negated; }

// The clock of an incident starts at the last good outcome before the stretch, because the failure began somewhere between that and the
// first bad run. nullopt: the probe is not in such a stretch.
std::optional<Start> stretch_start(const State& state, const std::string& probe, bool down) {
  auto it = state.record.probes.find(probe);
  if (it == state.record.probes.end()) return std::nullopt;
  const auto& stretch = down ? it->second.down : it->second.degraded;
  if (!stretch) return std::nullopt;
  if (stretch->last_good_at)
    return Start{*stretch->last_good_at, (stretch->last_degraded ? "last degraded outcome of " : "last good outcome of ") + probe};
  return Start{stretch->first_bad_at, "first run of " + probe + " (never seen good)"};
}

// A component goes down when the n-th of its probes does, n by `down_when`; it is degraded by the first. So its start is the n-th earliest
// of theirs: one replica that has been away for weeks does not make today's outage weeks old.
std::optional<Start> component_start(const State& state, const ComponentSettings& component, bool down) {
  std::vector<Start> starts;
  for (const std::string& probe : component.probes)
    if (auto start = stretch_start(state, probe, down)) starts.push_back(*start);
  if (starts.empty()) return std::nullopt;
  std::sort(starts.begin(), starts.end(), [](const Start& a, const Start& b) { return a.at < b.at; });
  return starts[std::min(down ? enough_of(component) : 1, starts.size()) - 1];
}

void earliest(std::optional<Start>& best, const std::optional<Start>& other) {
  if (other && (!best || other->at < best->at)) best = other;
}

}  // namespace

std::size_t enough_of(const ComponentSettings& component) {
  const DownWhen& rule = component.down_when;
  if (rule.rule == DownWhen::Rule::any || component.probes.empty()) return 1;
  return rule.rule == DownWhen::Rule::all ? component.probes.size() : static_cast<std::size_t>(std::max(rule.count, 1));
}

std::optional<Start> started(const State& state, const Settings& settings, const Condition& condition) {
  std::optional<Start> best;
  bool down = about_down(condition.holds, condition.negated);
  if (condition.subject == Condition::Subject::any_component) {
    for (const std::string& component : components_of(state, settings, condition))
      earliest(best, component_start(state, settings.components.at(component), down));
    return best;
  }
  if (condition.subject == Condition::Subject::place) {
    auto place = settings.places.find(condition.name);
    if (place == settings.places.end()) return best;
    for (const std::string& name : place->second.components)
      if (const ComponentSettings* of = component_in(settings, name)) earliest(best, component_start(state, *of, down));
    for (const std::string& name : place->second.probes) earliest(best, stretch_start(state, name, down));
    return best;
  }
  if (condition.subject == Condition::Subject::probe) return stretch_start(state, condition.name, down);
  if (condition.subject == Condition::Subject::component) {
    const ComponentSettings* of = component_in(settings, condition.name);
    return of ? component_start(state, *of, down) : std::nullopt;
  }
  // Objectives and signals have no runs of their own: their clock starts when they became so.
  Sentence s = evaluate_without_words(state, settings, condition, state.record.at);
  if (s.since == Time{}) return std::nullopt;
  return Start{s.since, "since " + condition.text};
}

}  // namespace drwatch
