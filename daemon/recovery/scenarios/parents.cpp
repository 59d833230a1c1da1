// SPDX-License-Identifier: Apache-2.0
// Failures that are explained by a failure above: which component is excused by a parent, until when, and what has to be asked before its
// own failure counts. Contract: "Dependencies".
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"

#include <algorithm>
#include <cctype>

namespace drwatch {
namespace {

// Down, or suspected to be.
bool failing(const Deciding& d, const std::string& component) {
  auto known = d.record().components.find(component);
  if (known != d.record().components.end() && known->second.health == Health::down) return true;
  // Suspected: it would be down if the bad runs of its probes were confirmed. By `down_when`, so that one replica of two that is away is no
  // suspicion.
  const ComponentSettings& of = d.settings.components.at(component);
  auto bad = std::count_if(of.probes.begin(), of.probes.end(), [&](const std::string& name) {
    auto probe = d.record().probes.find(name);
    return probe != d.record().probes.end() && probe->second.down.has_value();
  });
  return static_cast<std::size_t>(bad) >= enough_of(of);
}

// It has latched something that nobody has looked at yet: that was seen, whether or not it can be reached now.
bool latched(const Deciding& d, const std::string& probe) {
  const auto record = d.record().probes.find(probe);
  return record != d.record().probes.end() && std::any_of(record->second.latches.begin(), record->second.latches.end(),
                                                          [](const auto& entry) { return !entry.second.acknowledged; });
}

// The newest `fall` runs of a probe that queries were all answered, and all wrongly (down by assertion).
bool answered_wrongly(const Deciding& d, const std::string& probe) {
  const ProbeSettings& of = d.settings.probes.at(probe);
  auto sight = d.state.sight.probes.find(probe);
  if (!of.traits.answers_queries || sight == d.state.sight.probes.end()) return false;
  const auto& recent = sight->second.recent;
  auto fall = static_cast<std::size_t>(of.fall);
  return recent.size() >= fall && std::all_of(recent.end() - of.fall, recent.end(), [](const PastRun& run) {
           return run.outcome == Health::down && run.reason == Reason::assertion;
         });
}

// The parent, or a parent's parent, that is down or suspected; nullopt: none. The check of the configuration refuses circles, so this ends.
// Of a place, `place` names it: what lies in it too does not explain it, unless work on it was announced.
std::optional<std::string> failing_above(const Deciding& d, const std::string& component, const PlaceSettings* place = nullptr) {
  for (const std::string& parent : d.settings.components.at(component).depends_on) {
    const bool inside = place && has(place->components, parent) && !in_maintenance(d.record(), parent);
    if (!inside && failing(d, parent)) return parent;
    if (auto further = failing_above(d, parent, place)) return further;
  }
  return std::nullopt;
}

// A database that is down explains queries that got no answer. It does not explain rows that came back and are wrong: a database that
// restarted read-only and empty is damaged, not only away. So a component one of whose probes gets wrong answers is never excused by a
// parent.
bool speaks(const Deciding& d, const std::string& component) {
  const auto& probes = d.settings.components.at(component).probes;
  return std::any_of(probes.begin(), probes.end(), [&](const std::string& probe) { return answered_wrongly(d, probe); });
}

// When the last of the components above this one was seen to be back. nullopt: none of them has failed since the start.
std::optional<Time> back_above(const Deciding& d, const std::string& component) {
  std::optional<Time> last;
  for (const std::string& parent : d.settings.components.at(component).depends_on) {
    auto back = d.state.sight.back_at.find(parent);
    if (back != d.state.sight.back_at.end()) last = std::max(last.value_or(back->second), back->second);
    if (auto further = back_above(d, parent)) last = std::max(last.value_or(*further), *further);
  }
  return last;
}

// Whether the probe has been asked again since its parent was back (`since`), and is still as bad as its health says. Only a run that began
// after that counts: one that was under way may have met the parent's outage. A job that calls in cannot be asked: a call that it missed
// stays missed.
bool fails_by_itself(const Deciding& d, const std::string& probe, Health health, Time since) {
  if (d.settings.probes.at(probe).calls_in()) return true;
  auto sight = d.state.sight.probes.find(probe);
  if (sight == d.state.sight.probes.end() || !sight->second.last || sight->second.last->at <= since) return false;
  return health == Health::down ? sight->second.last->outcome == Health::down : sight->second.last->bad();
}

// Collects the probes above the component that have not run since `since`. A probe whose last run was refused (wrong password, too many
// requests) is not among them: it is asked less often on purpose, and asking it at once could lock the account.
void unasked_above(const Deciding& d, const std::string& component, Time since, std::set<std::string>& unasked) {
  for (const std::string& parent : d.settings.components.at(component).depends_on) {
    for (const std::string& name : d.settings.components.at(parent).probes) {
      if (d.settings.probes.at(name).calls_in()) continue;
      auto sight = d.state.sight.probes.find(name);
      const bool ran = sight != d.state.sight.probes.end() && sight->second.last;
      if (!ran || (sight->second.last->at < since && !sight->second.last->refused())) unasked.insert(name);
    }
    unasked_above(d, parent, since, unasked);
  }
}

}  // namespace

std::optional<Time> fails_since(const Deciding& d, const std::string& component) {
  std::optional<Time> newest;
  for (const std::string& name : d.settings.components.at(component).probes) {
    auto probe = d.record().probes.find(name);
    if (probe == d.record().probes.end() || probe->second.health == Health::up) continue;
    const auto& stretch = probe->second.down ? probe->second.down : probe->second.degraded;
    if (stretch) newest = std::max(newest.value_or(stretch->first_bad_at), stretch->first_bad_at);
  }
  return newest;
}

// The parent that explains the component's failure; nullopt: it counts by itself.
std::optional<std::string> explained_by(const Deciding& d, const std::string& component) {
  return speaks(d, component) ? std::nullopt : failing_above(d, component);
}

// The condition names the code that was seen ("down by 3D000", "down by 200"): an answer that somebody got, of which no failure above it is
// the reason. A reason alone ("by assertion") may be the answer of a gateway with nothing behind it.
bool speaks_for_itself(const Condition& c) {
  return !c.by.empty() &&
         (std::isdigit(static_cast<unsigned char>(c.by.front())) || std::isupper(static_cast<unsigned char>(c.by.front())));
}

// As a cause of what `condition` says: of a place it is a parent outside of it.
std::optional<std::string> explained_by(const Deciding& d, const std::string& component, const Condition& condition) {
  if (speaks_for_itself(condition)) return std::nullopt;
  const auto place = d.settings.places.find(condition.name);
  if (condition.subject != Condition::Subject::place || place == d.settings.places.end()) return explained_by(d, component);
  return speaks(d, component) ? std::nullopt : failing_above(d, component, &place->second);
}

Sentence forbids(const Deciding& d, const Condition& c) {
  Sentence s = evaluate_without_words(d.state, d.settings, c, d.now);
  const bool of_failure =
      c.negated ? c.holds == Condition::Holds::up : c.holds == Condition::Holds::down || c.holds == Condition::Holds::degraded;
  if (s.truth != Truth::yes || !of_failure) return s;
  const auto components = components_of(d.state, d.settings, c);
  const auto found = d.settings.places.find(c.name);
  const PlaceSettings* place = c.subject == Condition::Subject::place && found != d.settings.places.end() ? &found->second : nullptr;
  const auto unreached = [&](const std::string& component) {
    if (!failing_above(d, component, place)) return false;
    const auto& probes = d.settings.components.at(component).probes;
    if (c.subject == Condition::Subject::probe) return !answered_wrongly(d, c.name) && !latched(d, c.name);
    return !speaks(d, component) && std::none_of(probes.begin(), probes.end(), [&](const std::string& p) { return latched(d, p); });
  };
  if (!components.empty() && std::all_of(components.begin(), components.end(), unreached)) s.truth = Truth::unknown;
  return s;
}

// Notes which parents fail now, and for those that have stopped failing, when. From then on what depends on them has to be asked again
// before its failure counts as its own.
void watch_parents(Deciding& d) {
  Sight& sight = d.state.sight;
  std::set<std::string> parents;
  for (const auto& [name, component] : d.settings.components) parents.insert(component.depends_on.begin(), component.depends_on.end());
  for (const std::string& parent : parents) {
    if (failing(d, parent))
      sight.failing.insert(parent);
    else if (sight.failing.erase(parent))
      sight.back_at[parent] = d.now;
  }
}

// A parent of the component came back, and no probe below has confirmed since then that it still fails: whether the component fails by
// itself is not known yet. False as soon as one probe has been asked again and still fails. Without this a probe that runs every five
// minutes would open an incident by a `for` of two, on what it saw during the parent's outage.
bool not_asked_again(const Deciding& d, const std::string& component) {
  const auto back = back_above(d, component);
  if (!back) return false;
  auto known = d.record().components.find(component);
  const bool is_down = known != d.record().components.end() && known->second.health == Health::down;
  bool any = false;
  for (const std::string& name : d.settings.components.at(component).probes) {
    auto probe = d.record().probes.find(name);
    if (probe == d.record().probes.end() || probe->second.health == Health::up) continue;
    // For a component that is down only the probes that are down are asked: another one that is slow right after an outage does not show
    // that the component is down by itself.
    if (is_down && probe->second.health != Health::down) continue;
    if (fails_by_itself(d, name, probe->second.health, *back)) return false;
    any = true;
  }
  return any;
}

// The probes of parents that have not run since the component began to fail. A parent that is asked less often than its child may be down
// as well without anybody having looked, and the child's incident would really be the parent's. Empty: all were asked, or the component is
// never excused.
std::set<std::string> parents_not_asked(const Deciding& d, const std::string& component) {
  std::set<std::string> unasked;
  if (auto since = fails_since(d, component); since && !speaks(d, component)) unasked_above(d, component, *since, unasked);
  return unasked;
}

}  // namespace drwatch
