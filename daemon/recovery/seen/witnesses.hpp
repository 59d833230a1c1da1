// SPDX-License-Identifier: Apache-2.0
// Whether drwatch itself can see. Contract: "Blindness".
#pragma once

#include "daemon/recovery/deciding.hpp"

namespace drwatch {

// Up or degraded: it does its work, well or badly. Not so when down, nor when it could not be seen.
inline bool serves(Health h) { return h == Health::up || h == Health::degraded; }

// A majority of the witnesses was good in a run that began at `since` (the probe's first bad run) or later. Those that have not run since
// are asked to run at once. Without witnesses drwatch takes it that it can see.
bool can_see(Deciding& d, Time since);

}  // namespace drwatch
