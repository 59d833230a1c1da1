// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

// Net::echo on the kernel's unprivileged ping sockets (SOCK_DGRAM, IPPROTO_ICMP): it fills in identifier and checksum, and hands over only
// replies to this socket. Who may open them is net.ipv4.ping_group_range's to say, for IPv6 as well.
Task<Result<std::chrono::microseconds>> send_echo(boost::asio::any_io_executor loop, std::string address, std::size_t payload,
                                                  Duration patience);

}  // namespace drwatch
