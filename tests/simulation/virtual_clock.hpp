// SPDX-License-Identifier: Apache-2.0
// A clock that runs only when nothing is left to do: then it jumps to the next sleeper's time. A virtual day takes a moment.
#pragma once

#include "probes/seams/world.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>

namespace drwatch {

class VirtualClock : public Clock {
 public:
  explicit VirtualClock(boost::asio::io_context& loop, Time wall = Time(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)));

  Time now() override;
  std::chrono::nanoseconds boottime() override { return boottime_; }
  Task<void> sleep_for(std::chrono::nanoseconds d) override;

  // Wall time jumps (NTP, a person); boottime and the sleepers do not notice.
  void set_wall(Time wall) { wall_at_boot_ = wall - std::chrono::floor<Duration>(boottime_); }
  // A pause of the whole machine: both clocks go on, nothing runs meanwhile; who should have woken in it wakes after it, in the order of
  // the due times.
  void pause(std::chrono::nanoseconds d) { boottime_ += d; }

  // Runs what is ready and jumps from sleeper to sleeper until boottime has advanced by `d`, or until `stop` says so (asked after each
  // turn). False: `stop` said so.
  bool run_for(std::chrono::nanoseconds d, const std::function<bool()>& stop = {});
  // Runs until `done` holds; false when `most` passed, or nothing was left that could ever happen.
  bool run_until(const std::function<bool()>& done, std::chrono::nanoseconds most);
  // Runs what is ready now, without any time passing.
  void settle();

  std::size_t sleepers() const { return order_->sleepers.size(); }

 private:
  // Ordered by due time, then by who came first: the same run twice wakes the same sleepers in the same order.
  using Key = std::pair<std::chrono::nanoseconds, std::uint64_t>;
  // Shared with the sleepers' frames, which the loop may outlive the clock with.
  struct Order {
    std::uint64_t last = 0;
    std::map<Key, boost::asio::steady_timer*> sleepers;
  };
  struct Sleep;

  bool wake_next(std::chrono::nanoseconds end);

  boost::asio::io_context& loop_;
  Time wall_at_boot_;
  std::chrono::nanoseconds boottime_{0};
  std::shared_ptr<Order> order_ = std::make_shared<Order>();
};

}  // namespace drwatch
