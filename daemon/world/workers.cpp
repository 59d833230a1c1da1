// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/workers.hpp"

#include "daemon/world/bell.hpp"

#include <boost/asio/post.hpp>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

namespace drwatch {
namespace {

// At the end: long enough for what is on its way, short enough for a stop that is waited for (TimeoutStopSec).
constexpr auto last_moment = std::chrono::seconds(1);

// What a thread is given. What is done afterwards stays on the loop's side, under its number: it may own what belongs to the loop (timers),
// and a thread that hangs may outlive the loop.
struct Job {
  std::function<void()> work;
  std::uint64_t number = 0;  // 0: nothing is done afterwards
};

}  // namespace

struct Workers::Afterwards {
  std::map<std::uint64_t, std::function<void()>> by_number;
  std::uint64_t last = 0;
  void take(std::uint64_t number) {
    const auto found = by_number.find(number);
    if (found == by_number.end()) return;
    const auto done = std::move(found->second);
    by_number.erase(found);
    done();
  }
};

struct Workers::Shared {
  Shared(boost::asio::any_io_executor l, int bound) : loop(std::move(l)), most(bound) {}

  const boost::asio::any_io_executor loop;
  const int most;
  std::mutex mutex;
  std::condition_variable wanted, ended;
  std::deque<Job> jobs;
  int threads = 0, idle = 0;
  bool closed = false;  // the Workers have gone, and the loop may have

  std::weak_ptr<Afterwards> afterwards;

  static void serve(const std::shared_ptr<Shared>& self) {
    std::unique_lock lock(self->mutex);
    while (true) {
      ++self->idle;
      self->wanted.wait(lock, [&] { return self->closed || !self->jobs.empty(); });
      --self->idle;
      if (self->closed) break;
      Job job = std::move(self->jobs.front());
      self->jobs.pop_front();
      lock.unlock();
      job.work();
      // What the work owned goes here, on the thread: freeing it may be the slow part.
      job.work = nullptr;
      lock.lock();
      // Under the lock: the loop is there for as long as `closed` is not set.
      if (job.number != 0 && !self->closed)
        boost::asio::post(self->loop, [afterwards = self->afterwards, number = job.number] {
          if (const auto all = afterwards.lock()) all->take(number);
        });
    }
    --self->threads;
    self->ended.notify_all();
  }
};

Workers::Workers(boost::asio::any_io_executor loop, int threads)
    : loop_(loop), afterwards_(std::make_shared<Afterwards>()), shared_(std::make_shared<Shared>(std::move(loop), threads)) {
  shared_->afterwards = afterwards_;
}

Workers::~Workers() {
  std::deque<Job> dropped;
  std::unique_lock lock(shared_->mutex);
  shared_->closed = true;
  dropped.swap(shared_->jobs);
  shared_->wanted.notify_all();
  shared_->ended.wait_for(lock, last_moment, [this] { return shared_->threads == 0; });
}

void Workers::post(std::function<void()> work, std::function<void()> done) {
  std::uint64_t number = 0;
  if (done) afterwards_->by_number.emplace(number = ++afterwards_->last, std::move(done));
  const std::lock_guard lock(shared_->mutex);
  shared_->jobs.push_back({std::move(work), number});
  if (shared_->idle >= static_cast<int>(shared_->jobs.size()) || shared_->threads == shared_->most) return shared_->wanted.notify_one();
  try {
    std::thread([shared = shared_] { Shared::serve(shared); }).detach();
    ++shared_->threads;
  } catch (const std::system_error&) {
    // No thread is to be had now: those that are there take it, or the next one that can be begun.
  }
  shared_->wanted.notify_one();
}

Task<void> Workers::run(std::function<void()> work) {
  // Both are shared with the thread, since this frame may be gone (cancelled) before the thread is done.
  auto error = std::make_shared<std::exception_ptr>();
  auto rung = std::make_shared<Bell>(loop_);
  std::function<void()> guarded = [work = std::move(work), error] {
    try {
      work();
    } catch (...) {
      *error = std::current_exception();
    }
  };
  // The bell is for the loop's thread only.
  std::function<void()> done = [rung] { rung->ring(); };
  post(std::move(guarded), std::move(done));
  co_await Bell::wait(rung);
  if (*error) std::rethrow_exception(*error);
}

Task<void> Workers::run_for(std::size_t bytes, std::function<void()> work) {
  if (bytes > few_bytes)
    co_await run(std::move(work));
  else
    work();
}

bool done_within(std::chrono::milliseconds patience, std::function<void()> work) {
  struct Waited {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
  };
  const auto waited = std::make_shared<Waited>();
  std::thread([waited, work = std::move(work)]() mutable {
    work();
    work = nullptr;
    const std::lock_guard lock(waited->mutex);
    waited->done = true;
    waited->changed.notify_all();
  }).detach();
  std::unique_lock lock(waited->mutex);
  return waited->changed.wait_for(lock, patience, [&] { return waited->done; });
}

}  // namespace drwatch
