// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/journal/journal.hpp"

#include <string>

namespace drwatch::commands {

// Writes what a daemon gave away into a new file, and follows its chain: what is not whole is not kept. Throws CommandRefused.
JournalVerdict save_journal(const std::string& file, const std::string& bytes);

}  // namespace drwatch::commands
