// SPDX-License-Identifier: Apache-2.0
// From what the journal had to what the daemon goes on with.
#pragma once

#include "daemon/journal/journal.hpp"
#include "daemon/recovery/record/state.hpp"

#include <functional>
#include <map>
#include <string>

namespace drwatch {

// What the daemon goes on with after a start.
struct Restored {
  Record record;
  Kept kept;
  std::map<std::string, std::string> answers;  // by idempotency key
  std::string notice;
};
// The record from the snapshot and the events after it, the kept values, and the answers to idempotency keys. A snapshot that cannot be
// read, or that does not lead to the last event, is thrown away, and the record is made from all events: `all` calls its argument with
// every one, in order. It may be empty where the snapshot is known to fit.
Restored restore(JournalContents contents, const std::function<void(const std::function<void(const Event&)>&)>& all);

}  // namespace drwatch
