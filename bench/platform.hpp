// SPDX-License-Identifier: Apache-2.0
// What is watched, and the configuration that watches it: N `http` probes of one target, each with a path of its own.
#pragma once

#include "bench/arrivals.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace drwatch::bench {

inline constexpr auto interval = std::chrono::seconds(10);
inline constexpr auto timeout = std::chrono::seconds(5);
inline constexpr const char* answer_body = "fine";

struct Plan {
  std::size_t probes = 0;
  bool tls = false;
  std::uint16_t port = 0;  // of the target
  std::string folder;      // for everything that is written
  std::string certificate() const { return folder + "/target.pem"; }
  std::string key() const { return folder + "/target.key"; }
};

std::string probe_name(std::size_t i);
// Each probe's place in its interval, as drwatch's schedule has it: floor to slots of clamp(interval/100, 20..100 ms).
std::vector<Moment> phases_of(std::size_t probes);

void make_certificate(const Plan& plan);  // signed by itself, for 127.0.0.1
// Writes the configuration; returns its path. drwatch listens on `listen`.
std::string write_configuration(const Plan& plan, std::uint16_t listen);

}  // namespace drwatch::bench
