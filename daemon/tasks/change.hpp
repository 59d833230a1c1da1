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
  void made();
  // Returns true after the next one (so that it can be raced with a deadline by within()).
  Task<bool> wait();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace drwatch
