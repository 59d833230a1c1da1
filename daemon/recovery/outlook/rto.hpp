// SPDX-License-Identifier: Apache-2.0
// How a recovery time objective stands: of an open incident, of a scenario that is not open, of a component. Contract: "Exposure and
// objectives".
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <optional>
#include <string>

namespace drwatch {

// An open incident. `at-risk`: the projected p90 is over the RTO, or `decide by` is less than time_to_decide() away (without a projection:
// the deadline is); `breached`: elapsed is over it. `next`: when time alone changes it.
struct RtoJudgement {
  Standing standing = Standing::met;
  std::string message;
  std::optional<Time> next;
};
RtoJudgement judge_rto(const Incident& incident, Time now);

// A scenario without an incident, as it was last judged: breached when its typical recovery, or the newest drill, takes longer than the
// RTO; at-risk when the p90 does (both only as far as something was measured: a plan is no evidence); unproven when no drill within its
// period has shown it.
Standing scenario_standing(const State& state, const Scenario& scenario);

// The worst of its open incidents, else of the scenarios that affect it.
Standing component_rto(const State& state, const Settings& settings, const std::string& component, Time now);

}  // namespace drwatch
