// SPDX-License-Identifier: Apache-2.0
// A probe that is refused waits before it asks again, longer each time: a monitor that hammers a stale credential or a rate limit prolongs
// the outage that it reports. Times are of World::clock.boottime().
#pragma once

#include <chrono>
#include <optional>

namespace drwatch {

class BackOff {
 public:
  // Doubles from 20 s to 10 min; `wanted`, what the other side asked for, counts when it is longer (at most five minutes).
  void refused(std::chrono::nanoseconds now, std::optional<std::chrono::seconds> wanted = {});
  void accepted();
  // How long to wait yet; nullopt: ask.
  std::optional<std::chrono::seconds> remaining(std::chrono::nanoseconds now) const;

 private:
  std::chrono::seconds wait_{0};
  std::optional<std::chrono::nanoseconds> until_;
};

}  // namespace drwatch
