// SPDX-License-Identifier: Apache-2.0
// A clock that was set back will tell again what it has told: what was noted under those times is dated anew, or it would lie in the
// future, where nothing is due, nothing grows and nothing ends.
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <string>
#include <vector>

namespace drwatch {

struct BackInTime {
  Time now{}, was{};  // after and before it
  Duration by{0};
};

// Every time in (now, was] goes back by so much. What lies later still is a plan, and so are the ends of signals and of maintenance
// wherever they lie: a plan keeps its distance where it stands beside a time that goes back, and is left where it is otherwise. What an
// incident's timeline has is left as it was written.
void bring_back(Record& record, const BackInTime& back);
// All but what probes remember for themselves. Returns the keys of what has changed.
std::vector<std::string> bring_back(Kept& kept, const BackInTime& back);
bool bring_back(Kept& kept, const std::string& key, const BackInTime& back);  // one of them; false: nothing has changed

}  // namespace drwatch
