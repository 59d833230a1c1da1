// SPDX-License-Identifier: Apache-2.0
// Connections over several addresses, of which some stay silent.
#include "daemon/world/net/net.hpp"
#include "daemon/world/real.hpp"
#include "probes/seams/within.hpp"
#include "tests/world/loop.hpp"
#include "tests/world/servers.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace net_test {

using namespace drwatch;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

sockaddr_in place(const char* address, std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &to.sin_addr);
  return to;
}

// An address of loopback at which nobody answers any more: its queue of connections is full, and further ones are dropped.
class SilentAddress {
 public:
  SilentAddress(const char* address, std::uint16_t port) {
    const sockaddr_in at = place(address, port);
    fds_.push_back(::socket(AF_INET, SOCK_STREAM, 0));
    const int yes = 1;
    ::setsockopt(fds_[0], SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    REQUIRE(::bind(fds_[0], reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(fds_[0], 0) == 0);
    for (int i = 0; i < 4; ++i) {
      fds_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      (void)::connect(fds_.back(), reinterpret_cast<const sockaddr*>(&at), sizeof at);
    }
  }
  ~SilentAddress() {
    for (const int fd : fds_) ::close(fd);
  }
  SilentAddress(const SilentAddress&) = delete;

 private:
  std::vector<int> fds_;
};

struct ThreeAddresses : Resolver {
  Task<Result<Resolved>> resolve(std::string, Family, std::vector<std::string>) override {
    co_return Resolved{{"127.0.0.2", "127.0.0.3", "127.0.0.1"}, seconds{60}};
  }
};

Task<std::optional<Result<Connected>>> connect_in(Clock* clock, Net* net, std::uint16_t port, std::chrono::nanoseconds left) {
  Phases phases;
  co_return co_await within(*clock, left, net->connect_within("three.example.org", port, Family::any, std::nullopt, phases, left));
}

}  // namespace

TEST_CASE("net: an address that stays silent leaves time for the next") {
  asio::io_context loop;
  RealWorld real(loop.get_executor());
  ThreeAddresses resolver;
  testing::TcpServer server([](testing::Peer peer) { peer.wait_for_close(); });
  const SilentAddress first("127.0.0.2", server.port()), second("127.0.0.3", server.port());
  Disk disk(loop.get_executor());
  TlsContexts contexts(disk);
  World world = real.world();
  RealNet net(loop.get_executor(), world.clock, resolver, contexts);
  // Two of two seconds each would be more than there is.
  auto connected = testing::result_of(loop, connect_in(&world.clock, &net, server.port(), 3s));
  REQUIRE(connected.has_value());
  REQUIRE(connected->has_value());
  CHECK((*connected)->address == "127.0.0.1:" + std::to_string(server.port()));
}

}  // namespace net_test
