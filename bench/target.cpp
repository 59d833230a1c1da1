// SPDX-License-Identifier: Apache-2.0
#include "bench/target.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <charconv>
#include <cstring>
#include <system_error>

namespace drwatch::bench {
namespace {

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;

constexpr std::size_t longest_request = 16 * 1024;

std::uint32_t probe_of(const std::string& request) {
  std::uint32_t probe = 0;
  constexpr std::string_view start = "GET /";
  if (request.starts_with(start)) std::from_chars(request.data() + start.size(), request.data() + request.size(), probe);
  return probe;
}

const std::string& answer() {
  static const std::string text =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(std::strlen(answer_body)) +
      "\r\nConnection: close\r\n\r\n" + answer_body;
  return text;
}

template <class Stream>
asio::awaitable<void> exchange(Stream& stream, Moment at, Arrivals& arrivals) {
  std::string request;
  co_await asio::async_read_until(stream, asio::dynamic_buffer(request, longest_request), "\r\n\r\n", use_awaitable);
  arrivals.note({probe_of(request), at});
  co_await asio::async_write(stream, asio::buffer(answer()), use_awaitable);
}

asio::awaitable<void> serve(tcp::socket socket, asio::ssl::context* tls, Moment at, Arrivals& arrivals) {
  if (!tls) co_return co_await exchange(socket, at, arrivals);
  asio::ssl::stream<tcp::socket> secured(std::move(socket), *tls);
  co_await secured.async_handshake(asio::ssl::stream_base::server, use_awaitable);
  co_await exchange(secured, at, arrivals);
}

asio::awaitable<void> accept(tcp::acceptor acceptor, asio::ssl::context* tls, Arrivals& arrivals) {
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
    auto loop = acceptor.get_executor();
    // A connection that breaks is the client's affair, and shows in what it reports.
    asio::co_spawn(loop, serve(std::move(socket), tls, monotonic(), arrivals), [](std::exception_ptr) {});
  }
}

}  // namespace

Listening listen_on_loopback() {
  Listening made;
  made.descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof to;
  if (made.descriptor < 0 || bind(made.descriptor, reinterpret_cast<sockaddr*>(&to), size) != 0 || listen(made.descriptor, 4096) != 0 ||
      getsockname(made.descriptor, reinterpret_cast<sockaddr*>(&to), &size) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot listen on loopback");
  made.port = ntohs(to.sin_port);
  return made;
}

void serve_target(const Plan& plan, Listening listening, Arrivals& arrivals) {
  asio::io_context loop(1);
  asio::ssl::context tls(asio::ssl::context::tls_server);
  if (plan.tls) {
    tls.use_certificate_chain_file(plan.certificate());
    tls.use_private_key_file(plan.key(), asio::ssl::context::pem);
  }
  tcp::acceptor acceptor(loop, tcp::v4(), listening.descriptor);
  asio::co_spawn(loop, accept(std::move(acceptor), plan.tls ? &tls : nullptr, arrivals), [](std::exception_ptr) {});
  loop.run();
  _exit(1);
}

}  // namespace drwatch::bench
