// SPDX-License-Identifier: Apache-2.0
// Whether drwatch itself can see. Contract: "Blindness".
#pragma once

#include "daemon/recovery/deciding.hpp"

namespace drwatch {

// Up or degraded: it does its work, well or badly. Not so when down, nor when it could not be seen.
inline bool serves(Health h) { return h == Health::up || h == Health::degraded; }

// What the probe's runs say since `first`, the first bad one, is the target's fault and not drwatch's: a majority of the witnesses was good
// in a run that began at `first` or later and is good since, and `newest`, the newest bad run, began after that. Witnesses that have not
// run since `first` are asked to run at once. Without witnesses drwatch takes it that it can see.
bool can_see(Deciding& d, const ProbeSettings& probe, Time first, Time newest);
// Asks those that have not run since to run at once.
void ask_witnesses(Deciding& d, Time since);

// A witness has run: notes since when and until when nobody can vouch for drwatch's sight (`Sight::doubted_since`), and takes what failed
// then out of every probe's share of failed runs.
void see_witness(Deciding& d);
// A run that began then may have failed by drwatch's own fault.
bool doubtful(const Sight& sight, Time began);

}  // namespace drwatch
