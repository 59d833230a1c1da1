// SPDX-License-Identifier: Apache-2.0
// Something that happens once and that any number of coroutines wait for. On the loop's thread only.
#pragma once

#include "daemon/world/failures.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

namespace drwatch {

class Bell {
 public:
  explicit Bell(const boost::asio::any_io_executor& loop) : never_(loop, boost::asio::steady_timer::time_point::max()) {}

  void ring() {
    rung_ = true;
    never_.cancel();
  }
  bool rung() const { return rung_; }

  // Cancelled at once; the bell is kept alive by the waiting itself.
  static Task<void> wait(std::shared_ptr<Bell> bell) {
    if (bell->rung_) co_return;
    boost::system::error_code ended;
    co_await bell->never_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ended));
    if (!bell->rung_) unwind();
  }

 private:
  boost::asio::steady_timer never_;
  bool rung_ = false;
};

}  // namespace drwatch
