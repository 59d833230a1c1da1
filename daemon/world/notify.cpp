// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/notify.hpp"

#include <systemd/sd-daemon.h>

#include <cstdint>

namespace drwatch::notify {
namespace {

// The text is one line of a list of assignments: a newline in it would begin another.
std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return text;
}

void tell(const std::string& assignments) { sd_notify(0, assignments.c_str()); }

}  // namespace

void ready(const std::string& status) { tell("READY=1\nSTATUS=" + one_line(status)); }
// sd_notify(3), Type=notify-reload: RELOADING=1 must come with the CLOCK_MONOTONIC time in microseconds, or systemd cannot tell this
// reload's READY=1 from an earlier one. steady_clock is CLOCK_MONOTONIC on Linux.
void reloading() {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch());
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}
void stopping(const std::string& status) { tell("STOPPING=1\nSTATUS=" + one_line(status)); }
void status(const std::string& text) { tell("STATUS=" + one_line(text)); }
void alive() { tell("WATCHDOG=1"); }

std::optional<Duration> watchdog_patience() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::duration_cast<Duration>(std::chrono::microseconds(microseconds));
}

}  // namespace drwatch::notify
