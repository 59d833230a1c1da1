// SPDX-License-Identifier: Apache-2.0
// How a process is begun. Not on the loop: the thread stands still until the program's file has been opened, and that may hang.
#pragma once

#include "probes/seams/world.hpp"

#include <sys/types.h>

namespace drwatch {

// How long anybody waits at the end for a process that was killed: it takes the kernel about a millisecond, or for ever.
constexpr auto last_grace = std::chrono::milliseconds(300);

// A process that runs, in a process group of its own, and our ends of its pipes. Whoever takes them sets them to -1; what is not taken is
// killed and closed.
struct Spawned {
  pid_t pid = -1;
  int watch = -1;  // a pidfd: readable when it has ended
  int in = -1, out = -1, err = -1;

  Spawned() = default;
  Spawned(Spawned&& other) noexcept;
  Spawned& operator=(Spawned&& other) noexcept;
  ~Spawned();
};

// Starts argv[0] (looked for in PATH when it has no slash) without a shell. A failure has the reason internal and errno as its code;
// nothing runs then.
Result<Spawned> spawn(const ExecRequest& request);

// Reaps the process; false when it has not ended within `patience`. `watch`: its pidfd, or -1 (then it is not waited for).
bool reaped_within(pid_t pid, int watch, std::chrono::milliseconds patience);

}  // namespace drwatch
