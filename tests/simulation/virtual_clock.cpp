// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/virtual_clock.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace drwatch {

// A sleeper: its place in the order and the private timer it waits on, which never fires by itself.
struct VirtualClock::Sleep {
  Sleep(boost::asio::io_context& loop, std::shared_ptr<Order> o, std::chrono::nanoseconds due)
      : order(std::move(o)), key(due, ++order->last), timer(loop, boost::asio::steady_timer::time_point::max()) {
    order->sleepers.emplace(key, &timer);
  }
  ~Sleep() { order->sleepers.erase(key); }
  Sleep(const Sleep&) = delete;
  bool woken() const { return !order->sleepers.contains(key); }

  std::shared_ptr<Order> order;
  Key key;
  boost::asio::steady_timer timer;
};

VirtualClock::VirtualClock(boost::asio::io_context& loop, Time wall) : loop_(loop), wall_at_boot_(wall) {}

Time VirtualClock::now() { return wall_at_boot_ + std::chrono::floor<Duration>(boottime_); }

Task<void> VirtualClock::sleep_for(std::chrono::nanoseconds d) {
  Sleep sleep(loop_, order_, boottime_ + std::max(d, std::chrono::nanoseconds(0)));
  boost::system::error_code ended;
  co_await sleep.timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ended));
  // Cancelled by the clock: time to wake. By anybody else: the sleeper's own cancellation.
  if (!sleep.woken()) throw boost::system::system_error(boost::asio::error::operation_aborted);
}

void VirtualClock::settle() {
  if (loop_.stopped()) loop_.restart();
  while (loop_.poll() > 0) {
  }
}

bool VirtualClock::wake_next(std::chrono::nanoseconds end) {
  auto first = order_->sleepers.begin();
  if (first == order_->sleepers.end() || first->first.first > end) return false;
  boottime_ = std::max(boottime_, first->first.first);
  auto* timer = first->second;
  order_->sleepers.erase(first);
  timer->cancel();
  return true;
}

bool VirtualClock::run_for(std::chrono::nanoseconds d, const std::function<bool()>& stop) {
  const auto end = boottime_ + d;
  while (true) {
    settle();
    if (stop && stop()) return false;
    if (!wake_next(end)) break;
  }
  boottime_ = std::max(boottime_, end);
  return true;
}

bool VirtualClock::run_until(const std::function<bool()>& done, std::chrono::nanoseconds most) {
  const auto end = boottime_ + most;
  settle();
  while (!done()) {
    if (!wake_next(end)) return false;
    settle();
  }
  return true;
}

}  // namespace drwatch
