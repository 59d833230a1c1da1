// SPDX-License-Identifier: Apache-2.0
// Runs probes in the real world, one after the other, bounded.
#pragma once

#include "daemon/world/real.hpp"
#include "probes/probe.hpp"
#include "probes/seams/within.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>

namespace drwatch::testing {

class Watch {
 public:
  // Fails the test when the run takes longer.
  Outcome run(Probe& probe, seconds most = seconds{15}) {
    auto outcome = try_run(probe, most);
    REQUIRE(outcome.has_value());
    return *outcome;
  }

  // nullopt: it was cut off, and has unwound.
  std::optional<Outcome> try_run(Probe& probe, Duration most) {
    std::optional<std::optional<Outcome>> outcome;
    auto& clock = world_.clock;
    boost::asio::co_spawn(io_, within(clock, most, probe.run(world_)), [&](std::exception_ptr thrown, std::optional<Outcome> made) {
      if (thrown) std::rethrow_exception(thrown);
      outcome = std::move(made);
    });
    io_.restart();
    while (!outcome) io_.run_one();
    return *outcome;
  }

 private:
  boost::asio::io_context io_;
  RealWorld real_{io_.get_executor()};
  World world_ = real_.world();
};

}  // namespace drwatch::testing
