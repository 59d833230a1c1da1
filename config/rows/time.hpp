// SPDX-License-Identifier: Apache-2.0
// Time as every room speaks it: wall time and durations in whole milliseconds.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace drwatch {

using Duration = std::chrono::milliseconds;
using Time = std::chrono::sys_time<Duration>;  // UTC

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// "1h30m", "500ms", "90d", "0s". Units ms s m h d, largest first, each at most once. nullopt: not a duration.
std::optional<Duration> parse_duration(std::string_view text);

// The shortest text that parse_duration reads back: "1h30m", "42s", "350ms", "0s".
std::string duration_text(Duration d);

// For people, rounded to two units: "1 h 30 min", "42 s", "3 d 4 h", "1.5 s" (under ten seconds), "350 ms". Negative durations count as
// zero.
std::string duration_words(Duration d);

// RFC 3339 with any offset; a fraction beyond milliseconds is cut. nullopt: not a time.
std::optional<Time> parse_time(std::string_view text);

// RFC 3339 UTC: "2026-03-01T02:09:30Z", with ".123" only when there are milliseconds.
std::string time_text(Time t);

// For people, to the second: "2026-03-01 02:09:30 UTC".
std::string time_words(Time t);
// As short as a clock on the wall, UTC: "14:32 UTC"; with the date when it is a day away: "2026-03-02 14:32 UTC".
std::string clock_words(Time t, Time now);

// Whole and fractional seconds, as JSON and Prometheus carry them.
constexpr double in_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
constexpr Duration of_seconds(double s) { return Duration{static_cast<Duration::rep>(s * 1000)}; }
constexpr double unix_seconds(Time t) { return in_seconds(t.time_since_epoch()); }

}  // namespace drwatch
