// SPDX-License-Identifier: Apache-2.0
// Wakes one waiting loop. A call while nobody waits is kept, so that no change is slept through; many calls are one.
#pragma once

#include "probes/seams/world.hpp"

#include <boost/asio/steady_timer.hpp>

namespace drwatch {

class Waker {
 public:
  explicit Waker(const boost::asio::any_io_executor& executor) : timer_(executor) {}
  void wake();
  void clear() { woken_ = false; }  // what was called for so far is being looked at
  Task<bool> wait();                // true once woken; the call is used up

 private:
  boost::asio::steady_timer timer_;  // set to never: only a call or a cancellation ends it, so it works under a virtual clock too
  bool woken_ = false;
};

}  // namespace drwatch
