// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace drwatch {

// Bytes that have come over a TCP connection; 0 for one within this machine.
std::uint64_t traffic_of(int socket);

}  // namespace drwatch
