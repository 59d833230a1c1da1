// SPDX-License-Identifier: Apache-2.0
// Something that happens once and that any number of coroutines wait for. On the loop's thread only.
#pragma once

#include "daemon/world/failures.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

namespace drwatch {

// A ring is remembered: whoever begins to wait after it goes on at once. Implemented as a timer that is due never and is cancelled by the
// ring, since Asio (1.81) has no event of its own.
class Bell {
 public:
  explicit Bell(const boost::asio::any_io_executor& loop) : never_(loop, boost::asio::steady_timer::time_point::max()) {}

  // May be called more than once; only the first call means something.
  void ring() {
    rung_ = true;
    never_.cancel();
  }
  bool rung() const { return rung_; }

  // Returns after the ring. A cancelled waiter stops waiting at once and throws operation_aborted; the bell and the other waiters are not
  // touched. By shared pointer, so that the bell lives for as long as anybody waits, also when its maker has gone.
  static Task<void> wait(std::shared_ptr<Bell> bell) {
    if (bell->rung_) co_return;
    boost::system::error_code ended;
    co_await bell->never_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ended));
    // The ring cancels the timer as well, so the error code says nothing: only without a ring was it the waiter that was cancelled.
    if (!bell->rung_) unwind();
  }

 private:
  boost::asio::steady_timer never_;
  bool rung_ = false;
};

}  // namespace drwatch
