// SPDX-License-Identifier: Apache-2.0
// The two ends of the log.
#pragma once

#include "daemon/log/log.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace drwatch {

// Structured entries through journald's native protocol.
std::unique_ptr<Log> make_journald_log();
// One line an entry on `out` (not owned): time (UTC), level, kind, message, names. `coloured`: with the terminal's colours.
std::unique_ptr<Log> make_terminal_log(std::FILE* out, bool coloured);

// Standard error is the stream that systemd connected to the journal ($JOURNAL_STREAM names it).
bool stderr_is_journal();
// On a terminal, unless NO_COLOR is set to anything or TERM is dumb.
bool wants_colour(std::FILE* out);

// As it may be printed: control characters (newline and escape sequences too) and bytes that are no UTF-8 as \n, \t, \xNN. What a failing
// server sends must not write to the operator's terminal.
std::string escaped(std::string_view text);

// A reason from the closed list, when the event carries one; empty: none.
std::string reason_of(const Event& event);

}  // namespace drwatch
