// SPDX-License-Identifier: Apache-2.0
// Threads for what would stall the loop: trust stores, key derivation, disks.
#pragma once

#include "probes/seams/world.hpp"

#include <boost/asio/thread_pool.hpp>
#include <functional>

namespace drwatch {

class Workers {
 public:
  Workers(boost::asio::any_io_executor loop, int threads);
  ~Workers();  // waits for the work that has begun; drops the rest
  Workers(const Workers&) = delete;

  // Runs `work` on a thread and goes on on the loop when it is done; what it throws is thrown here. When cancelled, the coroutine unwinds
  // at once while the work may still run: `work` must own all that it touches.
  Task<void> run(std::function<void()> work);
  // Runs `work` on a thread, nobody waits. It must not throw.
  void post(std::function<void()> work);
  const boost::asio::any_io_executor& loop() const { return loop_; }

 private:
  boost::asio::any_io_executor loop_;
  boost::asio::thread_pool pool_;
};

}  // namespace drwatch
