// SPDX-License-Identifier: Apache-2.0
// What the target saw: which probe's connection came when. In memory that the processes share.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace drwatch::bench {

using Moment = std::chrono::nanoseconds;  // by CLOCK_MONOTONIC, the same in every process
Moment monotonic();

struct Arrival {
  std::uint32_t probe = 0;
  Moment at{0};
};

// Shared with every process forked after it was made. One writes.
class Arrivals {
 public:
  explicit Arrivals(std::size_t most);  // what comes after so many is counted but not kept
  ~Arrivals();
  Arrivals(const Arrivals&) = delete;

  void note(Arrival arrival);
  std::size_t count() const;
  std::vector<Arrival> between(Moment from, Moment until) const;

 private:
  struct Shared;
  Shared* shared_;
  std::size_t most_;
};

struct Starts {
  std::size_t runs = 0;
  double deviation_p99_ms = 0, deviation_max_ms = 0;  // from each probe's own grid, against the most punctual run
  double burst = 0;                                   // most in 100 ms, as a multiple of the mean
};
// `phases`: each probe's place in the interval.
Starts starts_of(const std::vector<Arrival>& arrivals, const std::vector<Moment>& phases, Moment interval, Moment length);

}  // namespace drwatch::bench
