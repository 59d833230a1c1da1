// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/journal/journal.hpp"

#include <string>

namespace drwatch {

// Writes a copy of the journal at `path`, as of one moment, to `file`, which must not be there; also while a daemon writes the journal. The
// copy is one file, on the disk when this returns, and what it holds is returned as verified from it. Throws std::runtime_error with what
// to do; a journal that cannot be read as a whole, or whose chain does not hold, is not copied.
JournalVerdict backup_journal(const std::string& path, const std::string& file);

}  // namespace drwatch
