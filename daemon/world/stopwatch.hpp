// SPDX-License-Identifier: Apache-2.0
// How long each phase took, one after the other.
#pragma once

#include "probes/outcome.hpp"

namespace drwatch {

// By the steady clock, in microseconds, and never by the World's clock: a phase is what a person could measure with a watch.
class Stopwatch {
 public:
  // Since the last lap (or the start), into `phase`.
  void lap(Phases& phases, Phase phase) {
    const auto now = std::chrono::steady_clock::now();
    phases[phase] = std::chrono::duration_cast<std::chrono::microseconds>(now - last_);
    last_ = now;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace drwatch
