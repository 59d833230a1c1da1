// SPDX-License-Identifier: Apache-2.0
// The floor: connect, ask, read, close, on plain Asio in the same slots as drwatch, and nothing else.
#pragma once

#include "bench/platform.hpp"

namespace drwatch::bench {

[[noreturn]] void run_bare(const Plan& plan);

}  // namespace drwatch::bench
