// SPDX-License-Identifier: Apache-2.0
// That drwatch is blind because its own loop is late, as the record keeps it (blind.began with `late_since`): beside the other moments that
// something was first seen.
#pragma once

#include "daemon/recovery/record/state.hpp"

namespace drwatch {

inline constexpr const char* late_loop_key = "late/loop";
inline bool late_loop(const Record& record) { return record.first_seen.count(late_loop_key) != 0; }

// Contract, "Late": what a bad run counts as whose loop was late by `late`: unknown, with all that a person may want to know of it, and
// nothing of what it says about writes and recovery points.
Outcome seen_late(const Outcome& outcome, Duration late);

}  // namespace drwatch
