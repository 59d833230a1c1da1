// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

// CLOCK_REALTIME, CLOCK_BOOTTIME and sleeping by Asio's timers.
class RealClock : public Clock {
 public:
  explicit RealClock(boost::asio::any_io_executor loop) : loop_(std::move(loop)) {}
  Time now() override;
  std::chrono::nanoseconds boottime() override;
  // Returns at once when `d` is not positive. Throws operation_aborted when cancelled.
  Task<void> sleep_for(std::chrono::nanoseconds d) override;

 private:
  boost::asio::any_io_executor loop_;
};

// The kernel's own randomness.
class RealDice : public Dice {
 public:
  std::uint64_t roll() override;
};

}  // namespace drwatch
