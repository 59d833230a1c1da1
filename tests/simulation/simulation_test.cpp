// SPDX-License-Identifier: Apache-2.0
// Whatever happens, the invariants hold. A failure prints its seed; DRWATCH_SEED=N runs that one, DRWATCH_SEEDS=N that
// many from DRWATCH_FIRST_SEED on.
#include "simulation.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

namespace simulation_test {

using namespace drwatch;
using namespace drwatch::sim;

namespace {

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

TEST_CASE("whatever happens, the invariants hold") {
  std::uint64_t first = number_from("DRWATCH_SEED", number_from("DRWATCH_FIRST_SEED", 1)),
                count = std::getenv("DRWATCH_SEED") ? 1 : number_from("DRWATCH_SEEDS", 10);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Simulation simulation(seed);
    std::string wrong = simulation.run(60);
    CHECK_MESSAGE(wrong.empty(), "seed " << seed << ": " << wrong);
    CHECK(simulation.figures_checked() > 50000);
  }
}

TEST_CASE("the same seed, the same history") {
  auto history = [] {
    Simulation s(7);
    s.run(20);
    return s.fingerprint();
  };
  CHECK(history() == history());
}

}  // namespace simulation_test
