// SPDX-License-Identifier: Apache-2.0
// A target of which some runs fail and others do not, in turn (one dead backend behind a balancer): `fall` and `rise` never see enough of
// them in a row. Contract, "Health".
#pragma once

#include "config/settings.hpp"
#include "daemon/recovery/record/state.hpp"

#include <optional>
#include <string>

namespace drwatch {

// Adds the run to those that count. An unknown one does not.
void note_run(ShareSight& share, const ProbeSettings& probe, const Outcome& outcome);
// It was confirmed to be well again by the newest run: the ones before it never count any more.
void forget_all_but_newest(ShareSight& share);
// How many of the last `window` runs were down, from 0 to 1; nullopt: there were not so many yet since the probe was last well.
std::optional<double> failed_share(const ShareSight& share, const ProbeSettings& probe);
// Whether the share keeps the probe from being up. `was`: it has so far, by what is recorded.
bool share_holds(ShareSight& share, const ProbeSettings& probe, bool was);
// "9 of the last 20 runs were down (45 %)"; "" while there are not so many.
std::string share_words(const ShareSight& share);
// Start of the first of them that was down; nullopt: none was.
std::optional<Time> first_down(const ShareSight& share);

}  // namespace drwatch
