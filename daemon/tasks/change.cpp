// SPDX-License-Identifier: Apache-2.0
#include "daemon/tasks/change.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <vector>

namespace drwatch {

namespace asio = boost::asio;

// Owned by the Change and by each waiter, so that a waiter may outlive the Change.
struct Change::Shared {
  asio::any_io_executor executor;
  std::vector<asio::steady_timer*> waiting;
  std::uint64_t changes = 0;
};

namespace {

template <class Shared>
Task<bool> until_made(std::shared_ptr<Shared> shared) {
  std::uint64_t before = shared->changes;
  asio::steady_timer never(shared->executor, asio::steady_timer::time_point::max());
  shared->waiting.push_back(&never);
  // Also when the coroutine is destroyed while it waits: made() must not touch a timer that has gone.
  struct Leave {
    Shared& shared;
    asio::steady_timer* timer;
    ~Leave() { std::erase(shared.waiting, timer); }
  } leave{*shared, &never};
  boost::system::error_code ended;
  co_await never.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  // The timer ends by made() or by a cancellation; the count tells which. After a cancellation the caller's next co_await throws.
  co_return shared->changes != before;
}

}  // namespace

Change::Change(asio::any_io_executor executor) : shared_(std::make_shared<Shared>()) { shared_->executor = std::move(executor); }
Change::~Change() = default;

void Change::made() {
  ++shared_->changes;
  for (auto* timer : shared_->waiting) timer->cancel();
}

Task<bool> Change::wait() { return until_made(shared_); }

}  // namespace drwatch
