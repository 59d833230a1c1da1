// SPDX-License-Identifier: Apache-2.0
// From what the journal had to what the daemon goes on with.
#pragma once

#include "daemon/journal/journal.hpp"
#include "daemon/recovery/record/state.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace drwatch {

// The newest events, in order, at most recent_events of them: what readers can be given without reading the journal. Shared, so that who
// reads them copies none.
using RecentEvents = std::deque<std::shared_ptr<const Event>>;
void remember(RecentEvents& recent, Event event);

// What the daemon goes on with after a start.
struct Restored {
  Record record;
  Kept kept;
  std::map<std::string, std::string> answers;  // by idempotency key
  RecentEvents recent;                         // up to the last one before the start
  std::string notice;
};
// The record from the snapshot and the events after it, the kept values, and the answers to idempotency keys. A snapshot that cannot be
// read, or that does not lead to the last event, is thrown away, and the record is made from all events: `all` calls its argument with
// every one, in order. It may be empty where the snapshot is known to fit.
Restored restore(JournalContents contents, const std::function<void(const std::function<void(const Event&)>&)>& all);

}  // namespace drwatch
