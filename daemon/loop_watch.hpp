// SPDX-License-Identifier: Apache-2.0
// Whether the loop turns when it should. A loop that comes too late has seen everything too late: an answer that was there in time looks
// like one that never came. It asks no clock itself; all moments are of CLOCK_BOOTTIME, which nobody sets.
#pragma once

#include "config/rows/time.hpp"

#include <chrono>
#include <deque>
#include <optional>

namespace drwatch {

class LoopWatch {
 public:
  using Moment = std::chrono::nanoseconds;
  // Contract, "Late": it is late when it turns more than this after it was due.
  static constexpr Duration tolerated{250};
  // ... and sees nothing any more when it has been late for longer than this.
  static constexpr Duration blind_after = seconds{30};
  // One stall of that length is a pause: it is over when it is seen, and OwnClock makes blind time of it.
  static constexpr Duration a_pause = blind_after;

  // The next turn is due then.
  void sleeps_until(Moment due) { due_ = due; }
  // It turned. True: it had been late, and is on time again.
  bool turned(Moment at);

  // The most that the loop was late by, of all the turns that were due or came between `from` and `until` (now); zero: it was on time.
  Duration late_in(Moment from, Moment until) const;
  // Since when every turn has been late; nullopt: the newest one was on time. A pause is none of that.
  std::optional<Moment> late_since() const { return late_since_; }

 private:
  struct Turn {
    Moment due, at;
  };
  std::optional<Moment> due_, late_since_;
  std::deque<Turn> late_;  // the newest of the late ones
  bool was_late_ = false;
};

}  // namespace drwatch
