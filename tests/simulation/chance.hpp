// SPDX-License-Identifier: Apache-2.0
// Everything random comes from one seed.
#pragma once

#include "config/rows/time.hpp"
#include "probes/seams/world.hpp"

#include <cmath>
#include <cstdint>

namespace drwatch::sim {

class Chance : public Dice {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}
  std::uint64_t roll() override {  // splitmix64
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  bool one_in(std::uint64_t n) { return roll() % n == 0; }
  Duration between(Duration a, Duration b) {
    return b <= a ? a : a + Duration{static_cast<std::int64_t>(roll() % static_cast<std::uint64_t>((b - a).count() + 1))};
  }
  double unit() { return static_cast<double>(roll() >> 11) * 0x1.0p-53; }  // [0, 1)
  // Box-Muller.
  double normal() { return std::sqrt(-2 * std::log(1 - unit())) * std::cos(2 * std::acos(-1.0) * unit()); }

 private:
  std::uint64_t state_;
};

}  // namespace drwatch::sim
