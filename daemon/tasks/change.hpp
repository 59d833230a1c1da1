// SPDX-License-Identifier: Apache-2.0
// Waiting for "something has changed": every waiter goes on when it changes.
#pragma once

#include "probes/seams/world.hpp"

#include <memory>

namespace drwatch {

class Change {
 public:
  explicit Change(boost::asio::any_io_executor executor);
  ~Change();
  // Wakes those who wait now. A change while nobody waits is not kept: look at the state first, then wait. (A Waker keeps it.)
  void made();
  // Returns true after the next change; false when cancelled. A value, and not void, so that within() can race it with a deadline.
  Task<bool> wait();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace drwatch
