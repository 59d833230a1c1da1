// SPDX-License-Identifier: Apache-2.0
// How much data there is to bring back: what a restore's duration grows with.
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drwatch {

// Bytes: of each component the largest that one of its probes, or of the sources that protect it, read last (a dump is smaller than the
// database that it becomes). nullopt: none of them ever read one.
std::optional<double> data_bytes(const State& state, const Settings& settings, const std::vector<std::string>& components);

// A size that moved by less than a fiftieth moves no figure. True when it is another one now.
bool remember_size(ProbeKept& kept, double bytes);

}  // namespace drwatch
