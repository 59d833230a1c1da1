// SPDX-License-Identifier: Apache-2.0
// What is wrong with a source, collected: one look may find more than one thing, and a person should be told all of them.
#pragma once

#include "probes/outcome.hpp"

#include <string>
#include <vector>

namespace drwatch {

// One thing that is wrong. `text` is a clause without a full stop, since several are joined by "; ".
struct Complaint {
  Health health;
  Reason reason;
  std::string text;
};
using Complaints = std::vector<Complaint>;

// The worst complaint gives health and reason (down, then unknown, then degraded; of equals the first), the message tells them all. None:
// up, with `good`.
Outcome verdict(Complaints complaints, const std::string& good);

// More than five minutes ahead of `now`, which is more than clocks may differ. A source that says so is wrong, and believing it would make
// the exposure look like nothing.
bool is_future(Time point, Time now);

}  // namespace drwatch
