// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/record/incident.hpp"

#include <algorithm>

namespace drwatch {

std::string_view state_name(IncidentState s) {
  switch (s) {
    case IncidentState::open:
      return "open";
    case IncidentState::recovered:
      return "recovered";
    case IncidentState::resolved:
      return "resolved";
    case IncidentState::absorbed:
      return "absorbed";
  }
  return "";
}

std::string_view state_name(StepState s) {
  switch (s) {
    case StepState::open:
      return "open";
    case StepState::started:
      return "started";
    case StepState::running:
      return "running";
    case StepState::done:
      return "done";
    case StepState::skipped:
      return "skipped";
    case StepState::failed:
      return "failed";
    case StepState::interrupted:
      return "interrupted";
  }
  return "";
}

const IncidentStep* Incident::step(std::string_view id_) const {
  auto it = std::find_if(steps.begin(), steps.end(), [&](const IncidentStep& s) { return s.plan.id == id_; });
  return it == steps.end() ? nullptr : &*it;
}
IncidentStep* Incident::step(std::string_view id_) {
  auto it = std::find_if(steps.begin(), steps.end(), [&](const IncidentStep& s) { return s.plan.id == id_; });
  return it == steps.end() ? nullptr : &*it;
}

Duration Incident::elapsed(Time now) const {
  Time until = state == IncidentState::open ? now : recovered_at.value_or(resolved_at.value_or(now));
  return std::max(until - started_at, Duration{0});
}

bool Incident::chosen(std::string_view option) const {
  return std::any_of(steps.begin(), steps.end(), [&](const IncidentStep& s) {
    return s.plan.option == option && s.state != StepState::open && s.state != StepState::skipped;
  });
}
bool Incident::chosen() const {
  return std::any_of(steps.begin(), steps.end(), [&](const IncidentStep& s) { return !s.plan.option.empty() && chosen(s.plan.option); });
}

ToldApart told_apart(const Incident& incident) {
  ToldApart apart;
  if (!incident.second) return apart;
  for (const std::string& condition : incident.second->tells_apart) {
    const bool holds =
        std::any_of(incident.because.begin(), incident.because.end(), [&](const Evidence& e) { return e.condition == condition; });
    (holds ? apart.against : apart.missing).push_back(condition);
  }
  return apart;
}

bool Incident::ready(const IncidentStep& s) const {
  return std::all_of(s.plan.after.begin(), s.plan.after.end(), [&](const std::string& before) {
    const IncidentStep* other = step(before);
    return !other || other->closed() || (!needed(*other) && chosen());
  });
}

}  // namespace drwatch
