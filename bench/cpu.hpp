// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>

namespace drwatch::bench {

// Of this process: what others take from the machine does not count.
inline double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

}  // namespace drwatch::bench
