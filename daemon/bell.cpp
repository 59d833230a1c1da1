// SPDX-License-Identifier: Apache-2.0
#include "daemon/bell.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <vector>

namespace drwatch {

namespace asio = boost::asio;

struct Bell::Shared {
  asio::any_io_executor executor;
  std::vector<asio::steady_timer*> waiting;
  std::uint64_t rings = 0;
};

namespace {

template <class Shared>
Task<bool> until_ring(std::shared_ptr<Shared> shared) {
  std::uint64_t before = shared->rings;
  asio::steady_timer never(shared->executor, asio::steady_timer::time_point::max());
  shared->waiting.push_back(&never);
  struct Leave {
    Shared& shared;
    asio::steady_timer* timer;
    ~Leave() { std::erase(shared.waiting, timer); }
  } leave{*shared, &never};
  boost::system::error_code ended;
  co_await never.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  co_return shared->rings != before;
}

}  // namespace

Bell::Bell(asio::any_io_executor executor) : shared_(std::make_shared<Shared>()) { shared_->executor = std::move(executor); }
Bell::~Bell() = default;

void Bell::ring() {
  ++shared_->rings;
  for (auto* timer : shared_->waiting) timer->cancel();
}

Task<bool> Bell::wait() { return until_ring(shared_); }

}  // namespace drwatch
