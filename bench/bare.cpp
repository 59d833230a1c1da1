// SPDX-License-Identifier: Apache-2.0
#include "bench/bare.hpp"

#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <map>
#include <memory>

namespace drwatch::bench {
namespace {

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;

template <class Stream>
asio::awaitable<void> exchange(Stream& stream, std::string request) {
  co_await asio::async_write(stream, asio::buffer(request), use_awaitable);
  std::array<char, 4096> answer{};
  std::size_t got = 0;
  // It is known how the answer ends; judging it is not part of the floor.
  while (!std::string_view(answer.data(), got).ends_with(std::string("\r\n\r\n") + answer_body))
    got += co_await stream.async_read_some(asio::buffer(answer.data() + got, answer.size() - got), use_awaitable);
}

struct Course {
  asio::io_context& loop;
  asio::ssl::context* tls;
  tcp::endpoint to;
};

asio::awaitable<void> check(Course course, std::size_t probe) {
  auto socket = std::make_shared<tcp::socket>(course.loop);
  asio::steady_timer watchdog(course.loop, timeout);
  watchdog.async_wait([socket](boost::system::error_code cancelled) {
    if (!cancelled) socket->close(cancelled);
  });
  co_await socket->async_connect(course.to, use_awaitable);
  std::string request =
      "GET /" + std::to_string(probe) + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bare\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  if (!course.tls) co_return co_await exchange(*socket, std::move(request));
  asio::ssl::stream<tcp::socket&> secured(*socket, *course.tls);
  secured.set_verify_callback(asio::ssl::host_name_verification("127.0.0.1"));
  co_await secured.async_handshake(asio::ssl::stream_base::client, use_awaitable);
  co_await exchange(secured, std::move(request));
}

asio::awaitable<void> keep_turns(Course course, std::map<Moment, std::vector<std::size_t>> slots) {
  asio::steady_timer timer(course.loop);
  for (auto turn = asio::steady_timer::clock_type::now();; turn += interval)
    for (const auto& [phase, probes] : slots) {
      timer.expires_at(turn + phase);
      co_await timer.async_wait(use_awaitable);
      for (const std::size_t probe : probes) asio::co_spawn(course.loop, check(course, probe), [](std::exception_ptr) {});
    }
}

}  // namespace

void run_bare(const Plan& plan) {
  asio::io_context loop(1);
  asio::ssl::context tls(asio::ssl::context::tls_client);
  if (plan.tls) {
    tls.load_verify_file(plan.certificate());
    tls.set_verify_mode(asio::ssl::verify_peer);
  }
  std::map<Moment, std::vector<std::size_t>> slots;
  const std::vector<Moment> phases = phases_of(plan.probes);
  for (std::size_t i = 0; i < phases.size(); ++i) slots[phases[i]].push_back(i);
  Course course{loop, plan.tls ? &tls : nullptr, {asio::ip::address_v4::loopback(), plan.port}};
  asio::co_spawn(loop, keep_turns(course, std::move(slots)), [](std::exception_ptr) {});
  loop.run();
  _exit(1);
}

}  // namespace drwatch::bench
