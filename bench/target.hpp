// SPDX-License-Identifier: Apache-2.0
// The server that is probed: answers GET /I with 200 and notes when the connection of probe I came.
#pragma once

#include "bench/platform.hpp"

namespace drwatch::bench {

// A listening socket on a free port of loopback, for a process to inherit.
struct Listening {
  int descriptor = -1;
  std::uint16_t port = 0;
};
Listening listen_on_loopback();

[[noreturn]] void serve_target(const Plan& plan, Listening listening, Arrivals& arrivals);

}  // namespace drwatch::bench
