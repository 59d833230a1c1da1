// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/pages/headline.hpp"

#include "daemon/recovery/outlook/rto.hpp"
#include "daemon/web/pages/wording.hpp"

#include <algorithm>
#include <set>

namespace drwatch::web {
namespace {

struct Sorted {  // titles
  std::vector<std::string> roots, down, unknown, degraded;
  std::size_t explained = 0;
};

Health health_now(const Seen& seen, const std::string& component) {
  const auto found = seen.state.record.components.find(component);
  return found == seen.state.record.components.end() ? Health::unknown : found->second.health;
}

// One that it stands on is down, however far below.
bool has_cause(const Seen& seen, const std::string& component, std::set<std::string>& looked_at) {
  const auto found = seen.settings.components.find(component);
  if (found == seen.settings.components.end()) return false;
  for (const auto& parent : found->second.depends_on)
    if (looked_at.insert(parent).second && (health_now(seen, parent) == Health::down || has_cause(seen, parent, looked_at))) return true;
  return false;
}

Sorted sorted(const Seen& seen) {
  Sorted found;
  for (const auto& [name, component] : seen.settings.components) {
    const Health health = health_now(seen, name);
    if (health == Health::up) continue;
    std::set<std::string> looked_at{name};
    if (has_cause(seen, name, looked_at))
      ++found.explained;
    else if (health == Health::down)
      found.roots.push_back(component.title);
    (health == Health::down ? found.down : health == Health::unknown ? found.unknown : found.degraded).push_back(component.title);
  }
  return found;
}

// "A", "A and B", "A, B and 4 more"
std::string named(const std::vector<std::string>& titles) {
  if (titles.size() == 1) return titles[0];
  if (titles.size() == 2) return titles[0] + " and " + titles[1];
  if (titles.size() == 3) return titles[0] + ", " + titles[1] + " and " + titles[2];
  return titles[0] + ", " + titles[1] + " and " + std::to_string(titles.size() - 2) + " more";
}

std::string be(std::size_t n) { return n == 1 ? " is " : " are "; }

// What keeps "everything is up" from being all there is to say.
struct Besides {
  std::vector<std::string> bad, poor;
};

void add_objectives(const Seen& seen, Besides& besides) {
  std::size_t breached = 0, at_risk = 0, unreachable = 0;
  for (const auto& [name, component] : seen.settings.components) {
    for (const auto& [of_class, target] : component.rpo) {
      const auto found = seen.state.record.objectives.find(objective_key(name, of_class));
      if (found == seen.state.record.objectives.end()) continue;
      breached += found->second.standing == Standing::breached && !found->second.structural;
      unreachable += found->second.standing == Standing::breached && found->second.structural;
      at_risk += found->second.standing == Standing::at_risk;
    }
  }
  if (breached > 0) besides.bad.push_back(counted(breached, "recovery point objective") + be(breached) + "breached");
  if (at_risk > 0) besides.poor.push_back(counted(at_risk, "recovery point objective") + be(at_risk) + "at risk");
  if (unreachable > 0) besides.poor.push_back(counted(unreachable, "recovery point objective") + " can be met by no source");
}

void add_incidents(const Seen& seen, Besides& besides) {
  std::size_t open = 0, missed = 0, at_risk = 0, recovered = 0;
  for (const auto& [id, incident] : seen.state.record.incidents) {
    recovered += incident.state == IncidentState::recovered;
    if (incident.state != IncidentState::open) continue;
    ++open;
    const Standing standing = judge_rto(incident, seen.now).standing;
    missed += standing == Standing::breached;
    at_risk += standing == Standing::at_risk;
  }
  if (open > 0)
    besides.bad.push_back(counted(open, "incident") + be(open) + "open" +
                          (missed > 0    ? ", " + std::to_string(missed) + " with a missed objective"
                           : at_risk > 0 ? ", " + std::to_string(at_risk) + " at risk"
                                         : ""));
  if (recovered > 0) besides.poor.push_back(counted(recovered, "incident") + be(recovered) + "recovered and not yet resolved");
}

Besides besides_of(const Seen& seen, const DaemonFigures& figures) {
  Besides besides;
  add_incidents(seen, besides);
  if (figures.alerts_undelivered > 0)
    besides.bad.push_back(counted(figures.alerts_undelivered, "alert") + be(figures.alerts_undelivered) + "confirmed by nobody");
  add_objectives(seen, besides);
  if (!seen.durable) besides.poor.push_back("the journal does not keep up");
  if (!figures.last_reload_successful) besides.poor.push_back("the last reload was refused");
  return besides;
}

std::string explains(std::size_t roots, std::size_t explained) {
  if (explained == 0) return "";
  return std::string(roots == 1 ? "; it explains " : "; they explain ") + std::to_string(explained) +
         (explained == 1 ? " other" : " others");
}

std::vector<std::string> one_behind_other(std::vector<std::string> first, const std::vector<std::string>& then) {
  first.insert(first.end(), then.begin(), then.end());
  return first;
}

}  // namespace

Headline headline_of(const Seen& seen, const DaemonFigures& figures) {
  const Sorted found = sorted(seen);
  const Besides besides = besides_of(seen, figures);
  const auto all = one_behind_other(besides.bad, besides.poor);
  if (seen.state.record.blind_since) return {"unknown", "drwatch is blind: what is down cannot be told", all};
  if (seen.settings.components.empty()) return {"unknown", "No component is configured", all};
  if (!found.down.empty()) {
    // In a circle of dependencies nobody is the root.
    const auto& roots = found.roots.empty() ? found.down : found.roots;
    return {"down", named(roots) + be(roots.size()) + "down" + explains(roots.size(), found.roots.empty() ? 0 : found.explained), all};
  }
  if (!found.unknown.empty()) return {"unknown", "Not known: " + named(found.unknown) + " cannot be seen", all};
  if (!found.degraded.empty())
    return {besides.bad.empty() ? "degraded" : "down", named(found.degraded) + be(found.degraded.size()) + "degraded", all};
  if (all.empty()) return {"up", "Everything is up", {}};
  return {besides.bad.empty() ? "degraded" : "down", "Everything answers, but " + all.front(), {all.begin() + 1, all.end()}};
}

}  // namespace drwatch::web
