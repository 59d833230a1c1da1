// SPDX-License-Identifier: Apache-2.0
// Threads for what would stall the loop: trust stores, key derivation, disks.
#pragma once

#include "probes/seams/world.hpp"

#include <boost/asio/thread_pool.hpp>
#include <functional>

namespace drwatch {

// A small thread pool. A worker never touches what the loop uses: results come back by a post to `loop`.
class Workers {
 public:
  Workers(boost::asio::any_io_executor loop, int threads);
  ~Workers();  // waits for the work that has begun; drops the rest
  Workers(const Workers&) = delete;

  // Runs `work` on a thread; the caller continues on the loop when it is done. An exception of `work` is thrown here. When the caller is
  // cancelled it unwinds at once while the work may still run: so `work` must own all that it touches (shared pointers, copies), never
  // refer to the frame of the coroutine.
  Task<void> run(std::function<void()> work);
  // Runs `work` on a thread; nobody waits for it. It must not throw: an exception would leave the thread and end the process.
  void post(std::function<void()> work);
  const boost::asio::any_io_executor& loop() const { return loop_; }

 private:
  boost::asio::any_io_executor loop_;
  boost::asio::thread_pool pool_;
};

}  // namespace drwatch
