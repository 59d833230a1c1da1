// SPDX-License-Identifier: Apache-2.0
// What people at work on an incident switch off, stop and rewrite is no failure of its own: who would be woken is there already.
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/outlook/circumstances.hpp"

#include <algorithm>
#include <set>

namespace drwatch {
namespace {

// What a step switches off is seen to fail while somebody works on it, or soon after it was ticked.
constexpr Duration soon_after = minutes{15};
// A step that was started and never closed is not worked on for ever: for so many times its plan, and at least for so long. A command is at
// work for as long as it may run.
constexpr int times_the_plan = 4;
constexpr Duration shortest_work = hours{1};

Duration longest_work(const Incident& incident, const IncidentStep& step) {
  if (step.plan.kind() == Step::Kind::command) return step.plan.timeout;
  const double planned = planned_seconds(step.plan, incident.data_bytes).value_or(0) * times_the_plan;
  return std::max(shortest_work, Duration{static_cast<std::int64_t>(planned * 1000)});
}

// Until when what begins to fail counts as the work on the step, if what began to fail at `since` does; nullopt: it does not.
std::optional<Time> at_work_on(const Incident& incident, const IncidentStep& step, Time since) {
  const bool verified = step.plan.kind() == Step::Kind::verified;  // to look changes nothing
  if (verified || step.state == StepState::open || step.state == StepState::skipped) return std::nullopt;
  const auto begun = step.started_at ? step.started_at : step.ended_at;
  if (!begun || since < *begun) return std::nullopt;
  const Duration longest = longest_work(incident, step);
  // Started on one day and ticked on another: the work was at the beginning, or at the end.
  for (const Time from : {*begun, step.ended_at.value_or(*begun) - longest}) {
    const Time until = std::min(from + longest, step.ended_at.value_or(Time::max())) + soon_after;
    if (from <= since && since <= until) return until;
  }
  return std::nullopt;
}
std::optional<Time> at_work_on(const Incident& incident, Time since) {
  std::optional<Time> until;
  for (const IncidentStep& step : incident.steps) until = std::max(until, at_work_on(incident, step, since));
  return until;
}

}  // namespace

// Not what is wider, or worse, than that incident.
const Incident* own_work(const Deciding& d, const Scenario& scenario, const Match& found, std::optional<Time>& until) {
  for (const auto& [id, incident] : d.record().incidents) {
    if (incident.state != IncidentState::open || has(scenario.trigger.supersedes, incident.scenario)) continue;
    if (scenario.severity == Severity::critical && incident.severity != Severity::critical) continue;
    std::optional<Time> last;
    const bool all = every_cause(d, found, [&, &work = incident](const std::string& component, const Condition&) {
      if (!has(work.affects, component)) return false;
      if (latched_at_work(d, component)) return true;
      const auto since = fails_since(d, component);
      const auto counts = since ? at_work_on(work, *since) : std::nullopt;
      last = std::max(last, counts);
      return counts.has_value();
    });
    if (!all) continue;
    until = last;
    return &incident;
  }
  return nullptr;
}

// Shown with the incident, each component once.
void tell_own_work(Deciding& d, const Match& found, const std::string& id, std::optional<Time> until) {
  for (const std::string& component : std::set<std::string>(found.components.begin(), found.components.end())) {
    const Incident& incident = d.record().incidents.at(id);
    if (has(incident.explains, component)) continue;
    About about = d.about(incident);
    about.component = component;
    d.emit("incident.explains", about,
           component + " fails while people work on it: it opens nothing of its own" +
               (until ? "; what begins to fail after " + time_words(*until) + " does, unless a step is worked on then" : ""),
           Body{{"until", until}});
  }
}

}  // namespace drwatch
