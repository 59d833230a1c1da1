// SPDX-License-Identifier: Apache-2.0
// Waiting for "something has changed": every waiter goes on when it rings.
#pragma once

#include "probes/world.hpp"

#include <memory>

namespace drwatch {

class Bell {
 public:
  explicit Bell(boost::asio::any_io_executor executor);
  ~Bell();
  void ring();
  // Returns true after the next ring (so that it can be raced with a deadline by within()).
  Task<bool> wait();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace drwatch
