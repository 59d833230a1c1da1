// SPDX-License-Identifier: Apache-2.0
// What the log is made of: its entries, and the two places where they go.
#pragma once

#include "daemon/log/log.hpp"

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drwatch {

// One entry, with all that a sink needs: it may be written later than it is said.
struct LogEntry {
  std::chrono::system_clock::time_point at;
  Importance importance = Importance::info;
  std::string kind;  // of the event; empty: a line
  std::string message;
  // Of an event "probe", "component", ..., those that apply; of a line as they were given.
  std::vector<std::pair<std::string, std::string>> fields;
};
LogEntry entry_of(const Event& event);
LogEntry entry_of(Importance importance, const std::string& message, const std::map<std::string, std::string>& fields);

// Where entries go. Writing may take as long as the other side likes.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual bool write(const LogEntry& entry) = 0;  // false: it was not taken
};

// Structured entries through journald's native protocol.
std::unique_ptr<LogSink> make_journald_sink();
// One line an entry on `out` (not owned): time (UTC), level, kind, message, names. `coloured`: with the terminal's colours.
std::unique_ptr<LogSink> make_terminal_sink(std::FILE* out, bool coloured);
// A log that waits for its sink.
std::unique_ptr<Log> make_waiting_log(std::unique_ptr<LogSink> sink);

// Standard error is the stream that systemd connected to the journal ($JOURNAL_STREAM names it).
bool stderr_is_journal();
// Or systemd started this process without one, since journald was away: it takes what is sent to it as soon as it is back.
bool journal_was_away();
// On a terminal, unless NO_COLOR is set to anything or TERM is dumb.
bool wants_colour(std::FILE* out);

// As it may be printed: control characters (newline and escape sequences too) and bytes that are no UTF-8 as \n, \t, \xNN. What a failing
// server sends must not write to the operator's terminal.
std::string escaped(std::string_view text);

// A reason from the closed list, when the event carries one; empty: none.
std::string reason_of(const Event& event);

}  // namespace drwatch
