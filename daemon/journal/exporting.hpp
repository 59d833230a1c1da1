// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/journal/journal.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace drwatch {

// Events `first` to `last`, and those before them from `since` on.
struct JournalPart {
  std::uint64_t first = 0, last = 0;
  Time since{};
};

// Copies the journal at `path`, or a part of it, into `file`, which is made: a journal of its own, that begins with the hash that the chain
// had there, so that it can be verified by who has nothing else. For the process that has the journal open as well: it is read by SQLite
// alone, since closing a descriptor of one's own would take SQLite's locks away (lock.hpp). Throws std::runtime_error with what to do.
JournalVerdict export_journal(const std::string& path, const std::optional<JournalPart>& part, const std::string& file);

}  // namespace drwatch
