// SPDX-License-Identifier: Apache-2.0
// Reads a dump to its end, as a restore would, since only that finds one that was cut short: `pg_restore -l` calls such a file fine.
#pragma once

#include "probes/backup/dump/file.hpp"
#include "probes/seams/world.hpp"

#include <string>

namespace drwatch {

// Of any of pg_dump's formats, compressed as a whole or not; `look.sidecar` is compared as well. Sets state, what, reason, code and folder.
// `pg_restore`: the program. `path` is absolute.
Task<DumpLook> read_dump(World& world, DumpLook look, std::string path, std::string pg_restore);

// The beginning of what pg_dumpall writes: its databases follow, each with the last words of a dump.
bool is_of_cluster(std::string_view head);

// The end of a plain dump: pg_dump's last words, or those of pg_dumpall where it is of a `cluster`. Newer versions add a line behind them.
bool ends_well(std::string_view tail, bool cluster);

}  // namespace drwatch
