// SPDX-License-Identifier: Apache-2.0
// What the daemon tells systemd (sd_notify). Without NOTIFY_SOCKET every call does nothing.
#pragma once

#include "config/rows/time.hpp"

#include <optional>
#include <string>

namespace drwatch::notify {

void ready(const std::string& status);  // the service is up; also ends a reload
void reloading();                       // followed by ready, whether the reload was taken or refused
void stopping(const std::string& status);
void status(const std::string& text);  // one line for `systemctl status`
void alive();                          // the loop turns: pats the watchdog
// How long systemd waits for `alive` before it kills the service (WatchdogSec); nullopt: no watchdog is set. sd_watchdog_enabled(3)
// recommends to call `alive` every half of it.
std::optional<Duration> watchdog_patience();

}  // namespace drwatch::notify
