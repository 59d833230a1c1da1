// SPDX-License-Identifier: Apache-2.0
// A reader that reads for as long as something comes is ended when too much has.
#include "daemon/world/postgres/flood_guard.hpp"

#include <doctest/doctest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <string>
#include <thread>

namespace flood_guard_test {

using namespace drwatch;
using boost::asio::ip::tcp;

namespace {

struct Heard {
  bool whole = false;
  std::size_t bytes = 0;
};

// Sends `piece` so many times, and reads on to the end.
Heard hear(FloodGuard& guard, std::size_t times, std::uint64_t limit) {
  boost::asio::io_context io;
  tcp::acceptor acceptor(io, {boost::asio::ip::address_v4::loopback(), 0});
  std::thread server([&] {
    tcp::socket socket = acceptor.accept();
    const std::string piece(100'000, 'x');
    boost::system::error_code gone;
    for (std::size_t i = 0; i < times && !gone; ++i) boost::asio::write(socket, boost::asio::buffer(piece), gone);
  });
  tcp::socket socket(io);
  socket.connect(acceptor.local_endpoint());
  Heard heard;
  std::string into(64 * 1024, '\0');
  heard.whole = guard.read(socket.native_handle(), limit, [&] {
    boost::system::error_code over;
    while (!over) heard.bytes += socket.read_some(boost::asio::buffer(into), over);
  });
  socket.close();
  server.join();
  return heard;
}

}  // namespace

TEST_CASE("a flood is ended by its guard, an answer is heard to its end") {
  FloodGuard guard;
  for (int i = 0; i < 2; ++i) {
    const Heard answer = hear(guard, 3, 1 << 20);
    CHECK(answer.whole);
    CHECK(answer.bytes == 300'000);
    const Heard flood = hear(guard, 1'000'000, 1 << 20);  // 100 GB, were it heard
    CHECK_FALSE(flood.whole);
    CHECK(flood.bytes > 1 << 20);
  }
  CHECK(guard.read(-1, 1, [] {}));  // no socket: what is wrong with it the reader tells
}

}  // namespace flood_guard_test
