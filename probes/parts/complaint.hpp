// SPDX-License-Identifier: Apache-2.0
// What is wrong with a source, collected: one look may find more than one thing, and a person should be told all of them.
#pragma once

#include "probes/outcome.hpp"

#include <string>
#include <vector>

namespace drwatch {

struct Complaint {
  Health health;
  Reason reason;
  std::string text;
};
using Complaints = std::vector<Complaint>;

// The worst complaint gives health and reason (down, then unknown, then degraded; of equals the first), the message tells them all. None:
// up, with `good`.
Outcome verdict(Complaints complaints, const std::string& good);

// Further ahead than clocks may differ: whatever says so is wrong, and would make the exposure look like nothing.
bool is_future(Time point, Time now);

}  // namespace drwatch
