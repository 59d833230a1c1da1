// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/http/renderer.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <deque>
#include <exception>

namespace drwatch::web {
namespace asio = boost::asio;
using Clock = asio::steady_timer::clock_type;

namespace {

// Of ten parts of the loop's time, preparing takes one at the most: after it has taken so long, the next one comes nine times as much
// later.
constexpr int pause_per_preparing = 9;
// Where there is only one processor, the loop goes first. The shipped unit forbids the call (@resources): there only the bound above holds.
constexpr int niceness = 10;

}  // namespace

struct Renderer::Job {
  std::string key;
  Renderer::Prepare prepare;
  std::size_t readers = 0;
  SharedResponse made;
  std::exception_ptr error;
  bool done = false;
  asio::steady_timer wake;
  explicit Job(const asio::any_io_executor& loop) : wake(loop, Clock::time_point::max()) {}
  void end() {
    done = true;
    wake.cancel();
  }
};

namespace {

// Also counts down when the caller is cancelled.
struct Counted {
  std::size_t& n;
  explicit Counted(std::size_t& count) : n(count) { ++n; }
  ~Counted() { --n; }
  Counted(const Counted&) = delete;
};

SharedResponse busy() {
  auto response = std::make_shared<Response>(problem(503, "busy", "more readers than can be answered now; ask again in a moment"));
  response->headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

struct Renderer::Inside : std::enable_shared_from_this<Inside> {
  asio::any_io_executor loop;
  Bounds bounds;
  std::deque<std::shared_ptr<Job>> jobs;
  std::size_t readers = 0;  // of these and of the one that is being made
  bool at_work = false, waits = false;
  Clock::time_point not_before{};
  asio::steady_timer pause;
  asio::thread_pool pool{1};

  Inside(asio::any_io_executor l, Bounds b) : loop(std::move(l)), bounds(b), pause(loop) {
    asio::post(pool, [] { setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), niceness); });
  }

  // The next job that somebody still waits for.
  std::shared_ptr<Job> take() {
    while (!jobs.empty()) {
      auto job = std::move(jobs.front());
      jobs.pop_front();
      if (job->readers > 0) return job;
    }
    return nullptr;
  }

  void go_on() {
    if (at_work || waits) return;
    if (Clock::now() < not_before) {
      waits = true;
      pause.expires_at(not_before);
      pause.async_wait([self = weak_from_this()](const boost::system::error_code&) {
        if (const auto inside = self.lock()) {
          inside->waits = false;
          inside->go_on();
        }
      });
      return;
    }
    const auto job = take();
    if (!job) return;
    const auto began = Clock::now();
    Make make;
    try {
      make = job->prepare();
    } catch (...) {
      job->error = std::current_exception();
    }
    job->prepare = nullptr;
    not_before = Clock::now() + pause_per_preparing * (Clock::now() - began);
    if (job->error) {
      job->end();
      asio::post(loop, [self = weak_from_this()] {
        if (const auto inside = self.lock()) inside->go_on();
      });
      return;
    }
    at_work = true;
    // The guard keeps the loop running until the job has come back.
    asio::post(pool, [self = weak_from_this(), job, make = std::move(make), guard = asio::make_work_guard(loop)]() mutable {
      try {
        job->made = std::make_shared<const Response>(make());
      } catch (...) {
        job->error = std::current_exception();
      }
      // What it was made from is freed here, on the thread: that may be the slow part.
      make = nullptr;
      const auto executor = guard.get_executor();
      asio::post(executor, [self = std::move(self), job = std::move(job)] {
        job->end();
        if (const auto inside = self.lock()) {
          inside->at_work = false;
          inside->go_on();
        }
      });
    });
  }
};

Renderer::Renderer(asio::any_io_executor loop, Bounds bounds) : inside_(std::make_shared<Inside>(std::move(loop), bounds)) {}

Renderer::~Renderer() {
  inside_->pool.stop();
  inside_->pool.join();
}

Task<SharedResponse> Renderer::make(std::string key, Prepare prepare) {
  const auto inside = inside_;
  if (inside->readers >= inside->bounds.readers) co_return busy();
  std::shared_ptr<Job> job;
  if (!key.empty())
    for (const auto& each : inside->jobs)
      if (each->key == key) job = each;
  if (!job) {
    if (inside->jobs.size() >= inside->bounds.answers) co_return busy();
    job = std::make_shared<Job>(inside->loop);
    job->key = std::move(key);
    job->prepare = std::move(prepare);
    inside->jobs.push_back(job);
  }
  const Counted in_queue(inside->readers);
  co_return co_await answered(inside, job);
}

Task<SharedResponse> Renderer::make_at_once(Prepare prepare) {
  const auto inside = inside_;
  const auto job = std::make_shared<Job>(inside->loop);
  job->prepare = std::move(prepare);
  inside->jobs.push_front(job);
  co_return co_await answered(inside, job);
}

Task<SharedResponse> Renderer::answered(std::shared_ptr<Inside> inside, std::shared_ptr<Job> job) {
  const Counted in_job(job->readers);
  inside->go_on();
  while (!job->done) {
    const auto [error] = co_await job->wake.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!job->done) throw boost::system::system_error(error);  // cancelled
  }
  if (job->error) std::rethrow_exception(job->error);
  co_return job->made;
}

}  // namespace drwatch::web
