// SPDX-License-Identifier: Apache-2.0
// From what the journal had to what the daemon goes on with.
#pragma once

#include "daemon/journal/journal.hpp"
#include "daemon/recovery/record/state.hpp"

#include <functional>
#include <map>
#include <string>

namespace drwatch {

// What the journal had, as the daemon goes on with it.
struct Restored {
  Record record;
  Kept kept;
  std::map<std::string, std::string> answers;  // by idempotency key
  std::string notice;
};
// Replays. A snapshot that does not fit is thrown away and everything is read (`all` brings every event).
Restored restore(JournalContents contents, const std::function<void(const std::function<void(const Event&)>&)>& all);

}  // namespace drwatch
