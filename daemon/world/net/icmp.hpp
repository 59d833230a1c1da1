// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

// Net::echo on the kernel's unprivileged ping sockets (SOCK_DGRAM with IPPROTO_ICMP, icmp(7)). The kernel fills in identifier and checksum,
// and hands over only replies to this socket. Which groups may open them is set by net.ipv4.ping_group_range, for IPv6 as well. `address`
// is numeric; `payload` in bytes. Fails with timeout after `patience`, own-fault (EACCES) when such sockets are not allowed, connect when
// the network says that the address cannot be reached.
Task<Result<std::chrono::microseconds>> send_echo(boost::asio::any_io_executor loop, std::string address, std::size_t payload,
                                                  Duration patience);

}  // namespace drwatch
