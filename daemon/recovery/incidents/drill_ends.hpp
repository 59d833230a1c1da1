// SPDX-License-Identifier: Apache-2.0
// How a drill ends, by whoever or whatever ends it.
#pragma once

#include "daemon/recovery/record/evidence.hpp"
#include "daemon/recovery/record/held.hpp"

#include <map>
#include <optional>
#include <string>

namespace drwatch {

struct Deciding;

struct DrillEnd {
  std::string verdict, reason, note;  // passed | failed | partial | aborted
  std::optional<double> took, lost;   // seconds
  std::optional<DrillEvidence> evidence;
  std::map<std::string, double> steps;  // what single steps took, beside those that were worked on in it; seconds
};
// Writes it down with all that it shows; what a tabletop shows is the plan alone.
void end_drill(Deciding& d, const HeldDrill& drill, const DrillEnd& end, const std::string& by);

// The scenario's drill as it would begin now; `type` empty: as the scenario says.
HeldDrill new_drill(Deciding& d, const Scenario& scenario, const std::string& by, const std::string& type);

}  // namespace drwatch
