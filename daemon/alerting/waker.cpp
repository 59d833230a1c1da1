// SPDX-License-Identifier: Apache-2.0
#include "daemon/alerting/waker.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace drwatch {

void Waker::wake() {
  woken_ = true;
  timer_.cancel();
}

Task<bool> Waker::wait() {
  while (!woken_) {
    timer_.expires_at(boost::asio::steady_timer::time_point::max());
    // A call and a cancellation end the wait with the same error. After a call `woken_` is set; after a cancellation the next co_await
    // throws, and that is the one in this loop.
    co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  woken_ = false;
  co_return true;
}

}  // namespace drwatch
