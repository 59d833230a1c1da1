// SPDX-License-Identifier: Apache-2.0
// Threads for what would stall the loop: trust stores, key derivation, disks.
#pragma once

#include "probes/seams/world.hpp"

#include <functional>
#include <memory>

namespace drwatch {

// A small pool of threads, begun as they are needed. A worker never touches what the loop uses: results come back by a post to `loop`.
class Workers {
 public:
  // At most `threads` at once; more work than that waits for its turn.
  Workers(boost::asio::any_io_executor loop, int threads);
  // Drops the work that has not begun and waits a moment for the rest. A thread that hangs in the kernel (a dead network mount) is left
  // behind: it holds nothing but its own work, and ends with the process. What it brings is dropped.
  ~Workers();
  Workers(const Workers&) = delete;

  // Runs `work` on a thread; the caller continues on the loop when it is done. An exception of `work` is thrown here. When the caller is
  // cancelled it unwinds at once while the work may still run: so `work` must own all that it touches (shared pointers, copies), never
  // refer to the frame of the coroutine.
  Task<void> run(std::function<void()> work);
  // The same for work that looks at so many bytes: few are looked at here and now, since a thread would take longer to come back.
  Task<void> run_for(std::size_t bytes, std::function<void()> work);
  static constexpr std::size_t few_bytes = 64 * 1024;
  // From the loop's thread. Runs `work` on a thread, and then `done` on the loop, unless these workers have gone by then. Neither may
  // throw: an exception would leave the thread, or the loop, and end the process.
  void post(std::function<void()> work, std::function<void()> done = {});
  const boost::asio::any_io_executor& loop() const { return loop_; }

 private:
  struct Afterwards;
  struct Shared;
  boost::asio::any_io_executor loop_;
  std::shared_ptr<Afterwards> afterwards_;  // of the loop's thread alone
  std::shared_ptr<Shared> shared_;          // with the threads
};

// Runs `work` on a thread of its own and waits for it, no longer than `patience`: for what has no loop to go on with meanwhile. False: it
// still runs, and is left behind; it must own all that it touches. It must not throw.
bool done_within(std::chrono::milliseconds patience, std::function<void()> work);

}  // namespace drwatch
