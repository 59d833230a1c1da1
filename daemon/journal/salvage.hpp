// SPDX-License-Identifier: Apache-2.0
// A damaged journal: the file is kept aside as it is, its good part goes on in a new one.
#pragma once

#include "daemon/journal/lock.hpp"
#include "daemon/journal/reading.hpp"

#include <string>

namespace drwatch::journal {

// Ends a salvage that a crash interrupted (see there). To be called before the journal is opened. Throws std::filesystem::filesystem_error.
void finish_salvage(const std::string& path);

// Puts a new journal with `found` in the place of the damaged one. Returns the sentence for the operator. Nothing of the damaged file is
// lost at any moment. `now` names the file kept aside; `lock` goes over to the new file.
std::string salvage(const std::string& path, const Found& found, Time now, FileLock& lock);

// A journal was here, even if its file is gone or empty: its lock or its write-ahead log is. Asked before the lock is taken, which makes
// one.
bool left_by_a_journal(const std::string& path);
// If the file of that journal is gone or empty: puts aside what is left of it, which SQLite would delete when it makes the new file, and
// returns the sentence for the operator. Else empty.
std::string put_remains_aside(const std::string& path);

}  // namespace drwatch::journal
