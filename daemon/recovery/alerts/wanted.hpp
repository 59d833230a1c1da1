// SPDX-License-Identifier: Apache-2.0
// Which alerts should stand, and what they say. Contract: "Alerts".
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <vector>

namespace drwatch {

// All that Alertmanager should have now, for Alerting::want: what fires (with fresh annotations) and what was resolved within 15 minutes.
std::vector<Alert> standing_alerts(const State& state, const Settings& settings, Time now);

}  // namespace drwatch
