// SPDX-License-Identifier: Apache-2.0
// The running daemon gives copies of its journal away.
#pragma once

#include "daemon/desk.hpp"
#include "daemon/journal/exporting.hpp"
#include "daemon/world/disk.hpp"

#include <optional>
#include <string>

namespace drwatch::commands {

// Copied beside the loop, one at a time, into a file that has no name any more when this returns: nothing is left behind, however it ends.
Task<Copied> copy_journal(Disk& disk, std::string path, std::optional<JournalPart> part);

}  // namespace drwatch::commands
