// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/clock.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <ctime>
#include <random>

namespace drwatch {
namespace {

// A timer counts CLOCK_MONOTONIC, which stands still while the machine is suspended. Waiting in pieces of at most this long bounds how much
// later than boottime says a sleeper wakes after a suspension.
constexpr auto longest_piece = std::chrono::seconds(30);

}  // namespace

Time RealClock::now() { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

std::chrono::nanoseconds RealClock::boottime() {
  // std::chrono has no clock for CLOCK_BOOTTIME, and steady_clock stops during a suspension.
  timespec t{};
  clock_gettime(CLOCK_BOOTTIME, &t);
  return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

Task<void> RealClock::sleep_for(std::chrono::nanoseconds d) {
  boost::asio::steady_timer timer(loop_);
  // The due time is kept and what is left is asked anew after each piece: adding up the pieces would drift by the delay of each.
  const auto due = boottime() + d;
  for (auto left = d; left > std::chrono::nanoseconds(0); left = due - boottime()) {
    timer.expires_after(std::min<std::chrono::nanoseconds>(left, longest_piece));
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

std::uint64_t RealDice::roll() {
  // One device for each thread: concurrent calls on one std::random_device are a data race. It gives 32 bits at a time.
  thread_local std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace drwatch
