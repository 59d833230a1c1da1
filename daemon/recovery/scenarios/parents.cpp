// SPDX-License-Identifier: Apache-2.0
// What fails because something above it fails: who is excused by a parent, until when, and what has to be asked before it counts by itself.
// Contract: "Dependencies".
#include "daemon/recovery/deciding.hpp"

#include <algorithm>

namespace drwatch {
namespace {

bool failing(const Deciding& d, const std::string& component) {
  auto known = d.record().components.find(component);
  if (known != d.record().components.end() && known->second.health == Health::down) return true;
  // Suspected: it would be down, were the bad runs of its probes confirmed. One replica of two that is away is no suspicion.
  const ComponentSettings& of = d.settings.components.at(component);
  auto bad = std::count_if(of.probes.begin(), of.probes.end(), [&](const std::string& name) {
    auto probe = d.record().probes.find(name);
    return probe != d.record().probes.end() && probe->second.down.has_value();
  });
  return static_cast<std::size_t>(bad) >= enough_of(of);
}

// The newest runs of a query, as many as confirm, were answered, and not with what was expected.
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

// A parent (or a parent's parent) that is down or suspected.
std::optional<std::string> failing_above(const Deciding& d, const std::string& component) {
  for (const std::string& parent : d.settings.components.at(component).depends_on) {
    if (failing(d, parent)) return parent;
    if (auto further = failing_above(d, parent)) return further;
  }
  return std::nullopt;
}

// A database that is down (it takes no writes, say) explains queries that it did not answer. It does not explain rows that it returned, and
// that are wrong: what came back from a restart read-only and empty is damaged, not only away.
bool speaks(const Deciding& d, const std::string& component) {
  const auto& probes = d.settings.components.at(component).probes;
  return std::any_of(probes.begin(), probes.end(), [&](const std::string& probe) { return answered_wrongly(d, probe); });
}

// When the last of what is above the component was seen to be back. nullopt: nothing of it failed since the start; then its probes have run
// since then as well.
std::optional<Time> back_above(const Deciding& d, const std::string& component) {
  std::optional<Time> last;
  for (const std::string& parent : d.settings.components.at(component).depends_on) {
    auto back = d.state.sight.back_at.find(parent);
    if (back != d.state.sight.back_at.end()) last = std::max(last.value_or(back->second), back->second);
    if (auto further = back_above(d, parent)) last = std::max(last.value_or(*further), *further);
  }
  return last;
}

// A probe that failed when its component's parent was back at `since`: it has been asked again, and still fails as badly. A job is never
// asked: what it missed it has missed.
bool fails_by_itself(const Deciding& d, const std::string& probe, Health health, Time since) {
  if (d.settings.probes.at(probe).calls_in()) return true;
  auto sight = d.state.sight.probes.find(probe);
  if (sight == d.state.sight.probes.end() || !sight->second.last || sight->second.last->at <= since) return false;
  return health == Health::down ? sight->second.last->outcome == Health::down : sight->second.last->bad();
}

// Since when the component fails: the newest bad stretch of what is not up in it.
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

// The probes above the component that have not run since `since`. One that is refused is left in peace: it was asked, and is asked less
// often for a reason.
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

std::optional<std::string> explained_by(const Deciding& d, const std::string& component) {
  return speaks(d, component) ? std::nullopt : failing_above(d, component);
}

// Notes which components that others depend on fail, and when they stopped to: what is behind them has its turn from there on.
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

// A parent came back, and none of what fails below it has been asked since, or it has just answered well: whether it fails by itself is not
// known yet. Only a run that began behind the parent's return can say so: one that was on its way still met the parent's outage. And a
// probe that runs every five minutes is slower than a `for` of two.
bool not_asked_again(const Deciding& d, const std::string& component) {
  const auto back = back_above(d, component);
  if (!back) return false;
  auto known = d.record().components.find(component);
  const bool is_down = known != d.record().components.end() && known->second.health == Health::down;
  bool any = false;
  for (const std::string& name : d.settings.components.at(component).probes) {
    auto probe = d.record().probes.find(name);
    if (probe == d.record().probes.end() || probe->second.health == Health::up) continue;
    // That one of its probes is slow on such a morning does not say that what is down in it is down by itself.
    if (is_down && probe->second.health != Health::down) continue;
    if (fails_by_itself(d, name, probe->second.health, *back)) return false;
    any = true;
  }
  return any;
}

// A parent that is asked less often than its child may be gone as well, and nobody has looked: the child's incident would be the parent's.
std::set<std::string> parents_not_asked(const Deciding& d, const std::string& component) {
  std::set<std::string> unasked;
  if (auto since = fails_since(d, component); since && !speaks(d, component)) unasked_above(d, component, *since, unasked);
  return unasked;
}

}  // namespace drwatch
