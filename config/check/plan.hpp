// SPDX-License-Identifier: Apache-2.0
// Whether a scenario can be over in time by its own plan: what can never be met is said before anything happens.
#pragma once

#include "config/load/loading.hpp"

namespace drwatch::config {

// The chain of planned steps that takes longest of all that must end before the scenario is over. Of several ways out (`option`) the
// quickest. A step without `expect` counts as nothing, and what grows with the data (`per_gib`) as well: it takes so long at least.
struct PlannedPath {
  Duration takes{0};
  std::vector<std::string> steps;  // ids; those that take nothing are left out
  bool by_people = false;          // some of it waits for somebody who has taken the incident
};
PlannedPath planned_path(const Scenario& scenario, bool by_health);

// Noticing, acknowledging and that path against the RTO; and whether the size that a step asks for can be known. `by_health`: how it is
// recovered.
void warn_of_plan(const ScenarioFile& file, const Settings& settings, bool by_health, Problems& problems);

}  // namespace drwatch::config
