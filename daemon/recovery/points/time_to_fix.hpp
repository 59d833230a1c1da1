// SPDX-License-Identifier: Apache-2.0
// How long it takes to put a failing source of recovery points right: what "at risk" is measured against.
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <string>

namespace drwatch {

// From detection (acknowledging is part of it) to recovery, as incidents of this kind really took: no sample: the configured plan; 1 to 4:
// plan and 0.9-quantile blended by n/5; 5 and more: the 0.9-quantile (domain: "Live RTO projection", few samples). A sample is a resolved
// incident that was no false alarm, or a drill that passed, of the last four quarters, of a scenario whose trigger asks only about the RPO
// of the component or about the backup probes that protect it.
struct TimeToFix {
  Duration is{0};
  int samples = 0;
  std::string_view basis() const { return samples == 0 ? "plan" : samples < enough ? "blended" : "measured"; }
  bool measured() const { return samples >= enough; }
  static constexpr int enough = 5;
};
// The trigger asks only about recovery points and the probes that read them: a source fails, nothing of the platform does.
bool about_recovery_points(const Settings& settings, const Trigger& trigger);

TimeToFix time_to_fix(const State& state, const Settings& settings, const std::string& component, Time now);

}  // namespace drwatch
