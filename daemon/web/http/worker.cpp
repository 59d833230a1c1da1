// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/http/worker.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>

namespace drwatch::web {
namespace asio = boost::asio;

struct Worker::Inside {
  asio::any_io_executor loop;
  std::size_t waiting = 0;
  asio::thread_pool pool{1};
  explicit Inside(asio::any_io_executor l) : loop(std::move(l)) {}
};

Worker::Worker(asio::any_io_executor loop) : inside_(std::make_unique<Inside>(std::move(loop))) {}
Worker::~Worker() {
  inside_->pool.stop();
  inside_->pool.join();
}
std::size_t Worker::waiting() const { return inside_->waiting; }

namespace {
struct Piece {
  std::function<std::string()> work;
  std::string result;
  std::exception_ptr error;
  bool done = false;
  asio::steady_timer wake;
  explicit Piece(const asio::any_io_executor& loop) : wake(loop, asio::steady_timer::time_point::max()) {}
};
// Also counts down when the caller is cancelled.
struct Counted {
  std::size_t& n;
  explicit Counted(std::size_t& count) : n(count) { ++n; }
  ~Counted() { --n; }
};
}  // namespace

Task<std::string> Worker::run(std::function<std::string()> work) {
  const Counted counted(inside_->waiting);
  auto piece = std::make_shared<Piece>(inside_->loop);
  piece->work = std::move(work);
  const asio::any_io_executor loop = inside_->loop;
  asio::post(inside_->pool, [piece, loop]() mutable {
    try {
      piece->result = piece->work();
    } catch (...) {
      piece->error = std::current_exception();
    }
    // What the work owned is freed here, on the thread: that may be the slow part.
    piece->work = nullptr;
    // The timer belongs to the loop's thread: it is let go of there too.
    asio::post(loop, [piece = std::move(piece)] {
      piece->done = true;
      piece->wake.cancel();
    });
  });
  const auto [error] = co_await piece->wake.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!piece->done) throw boost::system::system_error(error);  // cancelled
  if (piece->error) std::rethrow_exception(piece->error);
  co_return std::move(piece->result);
}

}  // namespace drwatch::web
