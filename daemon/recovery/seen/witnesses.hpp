// SPDX-License-Identifier: Apache-2.0
// Whether drwatch itself can see. Contract: "Blindness".
#pragma once

#include "daemon/recovery/deciding.hpp"

namespace drwatch {

// Up or degraded: it does its work, well or badly. Not so when down, nor when it could not be seen.
inline bool serves(Health h) { return h == Health::up || h == Health::degraded; }

// Contract, "Blindness": a majority of the witnesses was good in a run that began at `first` (the probe's first bad run) or later, and
// where one was seen away before that word, the probe's newest run began after it. Those that have not run since `first` are asked to run
// at once. Without witnesses drwatch takes it that it can see.
bool can_see(Deciding& d, const ProbeSettings& probe, const ProbeSight& judged, Time first);

// A witness has run: notes since when and until when nobody can vouch for drwatch's sight (`Sight::doubted_since`), and takes what failed
// then out of every probe's share of failed runs.
void see_witness(Deciding& d);
// A run that began then may have failed by drwatch's own fault.
bool doubtful(const Sight& sight, Time began);

}  // namespace drwatch
