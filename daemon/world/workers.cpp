// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/workers.hpp"

#include "daemon/world/bell.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <exception>

namespace drwatch {

Workers::Workers(boost::asio::any_io_executor loop, int threads) : loop_(std::move(loop)), pool_(static_cast<std::size_t>(threads)) {}

// stop() drops the work that has not begun; join() waits for what runs. A worker that hangs in the kernel (a dead NFS mount) therefore
// keeps the daemon from ending, until systemd kills it.
Workers::~Workers() {
  pool_.stop();
  pool_.join();
}

void Workers::post(std::function<void()> work) { boost::asio::post(pool_, std::move(work)); }

Task<void> Workers::run(std::function<void()> work) {
  // Both are shared with the thread, since this frame may be gone (cancelled) before the thread is done.
  auto error = std::make_shared<std::exception_ptr>();
  auto done = std::make_shared<Bell>(loop_);
  // The guard keeps the loop running until the work has come back, even when nobody waits any more.
  auto guard = boost::asio::make_work_guard(loop_);
  boost::asio::post(pool_, [work = std::move(work), error, done, guard]() mutable {
    try {
      work();
    } catch (...) {
      *error = std::current_exception();
    }
    // What the work owned goes here, on the thread: freeing it may be the slow part.
    work = nullptr;
    // The bell is for the loop's thread only: a posted handler rings it there.
    auto loop = guard.get_executor();
    boost::asio::post(loop, [done = std::move(done)] { done->ring(); });
  });
  co_await Bell::wait(done);
  if (*error) std::rethrow_exception(*error);
}

}  // namespace drwatch
