// SPDX-License-Identifier: Apache-2.0
// A damaged journal: the file is kept aside as it is, its good part goes on in a new one.
#pragma once

#include "daemon/journal/reading.hpp"

#include <string>

namespace drwatch::journal {

// Ends a salvage that a crash interrupted (see there). To be called before the journal is opened. Throws std::filesystem::filesystem_error.
void finish_salvage(const std::string& path);

// Puts a new journal with `found` in the place of the damaged one. Returns the sentence for the operator. Nothing of the damaged file is
// lost at any moment. `now` names the file kept aside.
std::string salvage(const std::string& path, const Found& found, Time now);

}  // namespace drwatch::journal
