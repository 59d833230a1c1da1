// SPDX-License-Identifier: Apache-2.0
// The row that drwatch writes, so that recovery points are honest on a quiet database, and where in the write-ahead log it came to stand.
#pragma once

#include "probes/probe.hpp"

namespace drwatch {

// Writes the canary and, after its commit, reads the position and timeline: everything up to there includes what was committed by the beat.
// up with Outcome::canary; degraded when only the canary can't be written (not prepared, no right to); down when the database takes no
// writes. `timeout`: of the run.
Task<Outcome> write_canary(World& world, PgConnection& connection, Duration timeout);

// Whether the beat with this number arrives on the standby within `within` (asked again and again). up; degraded when it doesn't, when the
// standby can't be asked, or is none: the primary itself is well.
Task<Outcome> see_canary(World& world, Secret standby, std::string seq, Duration within);

}  // namespace drwatch
