// SPDX-License-Identifier: Apache-2.0
// What else an incident could be, and what would tell the two apart. Contract: "second".
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"

#include <algorithm>
#include <set>

namespace drwatch {
namespace {

// The conditions that speak for a trigger: those of `all` and of `any`.
std::vector<const Condition*> asked(const Trigger& trigger) {
  std::vector<const Condition*> all;
  for (const auto* list : {&trigger.all, &trigger.any})
    for (const Condition& c : *list) all.push_back(&c);
  return all;
}

// How well a scenario fits what is seen: the share of its conditions that are true (`any` counts as one condition), which those are, and
// which would have to be true as well.
struct Fit {
  double share = 0;  // of `all`, and one of `any`
  std::vector<Evidence> because;
  std::vector<std::string> missing;
};
Fit fit_of(const Deciding& d, const Trigger& trigger) {
  Fit fit;
  std::size_t wanted = trigger.all.size() + (trigger.any.empty() ? 0 : 1), met = 0;
  bool any = false;
  std::vector<std::string> others;
  for (const Condition* c : asked(trigger)) {
    const Sentence s = evaluate(d.state, d.settings, *c, d.now);
    const bool of_all = c >= trigger.all.data() && c < trigger.all.data() + trigger.all.size();
    if (s.truth == Truth::yes) {
      fit.because.push_back({c->text, s.since, s.evidence});
      if (of_all || !any) ++met;
      any = any || !of_all;
    } else {
      (of_all ? fit.missing : others).push_back(c->text);
    }
  }
  if (!any)
    fit.missing.insert(fit.missing.end(), others.begin(),
                       others.end());  // one of `any` is enough; when none is true, all of them are missing
  for (const Condition& c : trigger.none)
    if (forbids(d, c).truth == Truth::yes) fit.missing.push_back("not: " + c.text), ++wanted;
  fit.share = wanted == 0 ? 0 : static_cast<double>(met) / static_cast<double>(wanted);
  return fit;
}

// The components that a scenario is about: those of its conditions, and those that it affects.
std::set<std::string> subjects_of(const Deciding& d, const Scenario& scenario) {
  std::set<std::string> subjects(scenario.affects.begin(), scenario.affects.end());
  for (const Condition* c : asked(scenario.trigger))
    for (std::string& component : components_of(d.state, d.settings, *c)) subjects.insert(std::move(component));
  return subjects;
}

// Whether the other scenario could be what is really going on. Not when it has an open incident of its own, or is kept shut by one; and not
// when it is about other parts of the platform, which simply fail at the same time.
bool mistakable(const Deciding& d, const Scenario& first, const Scenario& other) {
  for (const auto& [id, incident] : d.record().incidents)
    if (incident.state == IncidentState::open && (incident.scenario == other.id || has(incident.trigger.supersedes, other.id)))
      return false;
  const auto subjects = subjects_of(d, first), others = subjects_of(d, other);
  return std::any_of(others.begin(), others.end(), [&](const std::string& component) { return subjects.contains(component); });
}

// What tells the two apart: what is missing for the other one, and what is true for the first and no part of the other.
Second second_of(const Deciding& d, const Scenario& first, const Scenario& other, const Fit& fit) {
  Second second{other.id, other.title, fit.because, fit.missing};
  for (const Condition* c : asked(first.trigger)) {
    bool shared = std::any_of(fit.because.begin(), fit.because.end(), [&](const Evidence& e) { return e.condition == c->text; });
    bool listed = has(second.tells_apart, c->text);
    if (!shared && !listed && evaluate(d.state, d.settings, *c, d.now).truth == Truth::yes) second.tells_apart.push_back(c->text);
  }
  return second;
}

}  // namespace

std::optional<Second> second_best(const Deciding& d, const Scenario& first) {
  const Scenario* best = nullptr;
  Fit best_fit;
  for (const auto& [id, other] : d.settings.scenarios) {
    if (id == first.id || other.trigger.empty()) continue;
    Fit fit = fit_of(d, other.trigger);
    if (fit.because.empty() || (best && fit.share <= best_fit.share) || !mistakable(d, first, other)) continue;
    best = &other;
    best_fit = std::move(fit);
  }
  return best ? std::optional(second_of(d, first, *best, best_fit)) : std::nullopt;
}

std::optional<Second> taken_first_for(const Deciding& d, const Scenario& now, const std::string& before) {
  const auto other = d.settings.scenarios.find(before);
  if (other == d.settings.scenarios.end() || other->second.trigger.empty()) return std::nullopt;
  const Fit fit = fit_of(d, other->second.trigger);
  return fit.because.empty() ? std::nullopt : std::optional(second_of(d, now, other->second, fit));
}

}  // namespace drwatch
