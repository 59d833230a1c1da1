// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/postgres/traffic.hpp"

// Not netinet/tcp.h, whose tcp_info ends too early, and which does not go with this one.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace drwatch {

std::uint64_t traffic_of(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_received : 0;
}

}  // namespace drwatch
