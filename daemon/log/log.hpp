// SPDX-License-Identifier: Apache-2.0
// The log: what goes to systemd-journald (structured), or to a terminal as coloured lines. Not the journal.
#pragma once

#include "daemon/recovery/record/event.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace drwatch {

class Log {
 public:
  virtual ~Log() = default;
  virtual void event(const Event& event) = 0;  // one entry, with MESSAGE_ID and the DRWATCH_ fields
  // What is not an event. A line is a sentence; an error is logged once, by whoever stops passing it on.
  virtual void line(Importance importance, const std::string& message, const std::map<std::string, std::string>& fields = {}) = 0;
  // Lines that journald, or whoever reads standard error, did not take.
  virtual std::uint64_t lost() const { return 0; }
};

// journald when standard error is connected to it ($JOURNAL_STREAM), else lines on standard error (coloured on a terminal). Nobody waits
// for either: see QueuedLog. For the program, once: it also sees to it that the last lines before a crash are written.
std::unique_ptr<Log> make_log();

// The message catalog (systemd/drwatch.catalog), written from event_kinds().
std::string message_catalog();
// The 128-bit id of an event kind's MESSAGE_ID, 32 hex digits: derived from its name, the same for ever.
std::string message_id(std::string_view kind);

}  // namespace drwatch
