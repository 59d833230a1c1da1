// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/outlook/rto.hpp"

#include "daemon/recovery/outlook/projection.hpp"

#include <algorithm>
#include <cmath>

namespace drwatch {
namespace {

// " for 'failover'": the option that was not chosen and whose `decide by` is the one that is shown. Empty: there is none.
std::string other_way(const Projection& p) {
  for (const WayOut& w : p.ways)
    if (w.decide_by == p.decide_by && !w.option.empty() && w.option != p.way) return " for '" + w.option + "'";
  return "";
}

std::string why_at_risk(const Incident& incident, Time now) {
  const Projection& p = *incident.projection;
  std::string text = "likely back at " + time_words(incident.started_at + of_seconds(p.p50_seconds)) + ", nine in ten by " +
                     time_words(incident.started_at + of_seconds(p.p90_seconds)) + "; the deadline is " + time_words(incident.deadline()) +
                     " (" + std::to_string(std::lround(p.missing * 100)) + " % to miss it)";
  const std::string way = other_way(p);
  text += now <= p.decide_by ? "; decide" + way + " by " + time_words(p.decide_by)
                             : "; the time to decide" + way + " has passed, at " + time_words(p.decide_by);
  std::string path;
  for (const std::string& step : p.critical_path) path += (path.empty() ? "" : ", ") + step;
  return text + (path.empty() ? "" : "; critical path: " + path) + doubts(p);
}

}  // namespace

// Contract, "Exposure and objectives": breached when the elapsed time is over the RTO, for good; at risk when the projected p90 is over it,
// or `decide by` is nearer than time_to_decide() (15 minutes, less for short objectives).
RtoJudgement judge_rto(const Incident& incident, Time now) {
  RtoJudgement judged;
  Duration elapsed = incident.elapsed(now);
  if (elapsed > incident.rto) {
    judged.standing = Standing::breached;
    judged.message = "down for " + duration_words(elapsed) + ", promised to be back within " + duration_words(incident.rto);
    return judged;
  }
  judged.message = duration_words(incident.rto - elapsed) + " left";
  // Recovered in time: its clock has stopped, and nothing can be at risk any more.
  if (incident.state != IncidentState::open) return judged;
  judged.next = incident.deadline() + Duration{1};
  const auto& projection = incident.projection;
  Time too_late = (projection ? projection->decide_by : incident.deadline()) - time_to_decide(incident.rto);
  bool over = projection && projection->p90_seconds > in_seconds(incident.rto);
  if (over || now > too_late) {
    judged.standing = Standing::at_risk;
    judged.message = projection ? why_at_risk(incident, now) : judged.message + ", and nothing says how long it will take";
  } else {
    judged.next = std::min(*judged.next, too_late + Duration{1});
  }
  return judged;
}

Standing scenario_standing(const State& state, const Scenario& scenario) {
  auto judged = state.record.scenarios.find(scenario.id);
  return judged == state.record.scenarios.end() ? Standing::unproven : judged->second.standing;
}

namespace {
// Contract, "Exposure and objectives": breached, at-risk, unproven, met; the first that any has is the component's.
int precedence(Standing s) {
  switch (s) {
    case Standing::breached:
      return 3;
    case Standing::at_risk:
      return 2;
    case Standing::unproven:
      return 1;
    case Standing::met:
      return 0;
  }
  return 0;
}
Standing worse(Standing a, Standing b) { return precedence(a) >= precedence(b) ? a : b; }
}  // namespace

// The worst of the open incidents that affect the component; with none open, the worst of the scenarios that do; unproven without any.
Standing component_rto(const State& state, const Settings& settings, const std::string& component, Time now) {
  auto affects = [&](const std::vector<std::string>& names) { return std::find(names.begin(), names.end(), component) != names.end(); };
  std::optional<Standing> worst;
  for (const auto& [id, incident] : state.record.incidents)
    if (incident.state == IncidentState::open && affects(incident.affects)) {
      Standing s = judge_rto(incident, now).standing;
      worst = worst ? worse(*worst, s) : s;
    }
  if (worst) return *worst;
  for (const auto& [id, scenario] : settings.scenarios)
    if (affects(scenario.affects)) {
      Standing s = scenario_standing(state, scenario);
      worst = worst ? worse(*worst, s) : s;
    }
  return worst.value_or(Standing::unproven);
}

}  // namespace drwatch
