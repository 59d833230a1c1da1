// SPDX-License-Identifier: Apache-2.0
// Exposure by brute force: what must be said of every component and class, from what is true of the simulated databases and from what
// drwatch could have read of it.
#pragma once

#include "daemon/recovery/points/exposure.hpp"
#include "platform.hpp"

#include <string>

namespace drwatch::sim {

struct Said {
  std::string component;
  Exposure figure;
  Health health = Health::unknown;  // of the component
};

// What is wrong with the figure, in a sentence; empty: nothing. Never below what would be lost, counted from the oldest commit that a
// source did not hold when it was last read; never above the newest commit that drwatch knew of and that the source held then.
std::string exposure_follows(const SimPlatform& platform, const Settings& settings, const Said& said, Time now, bool set_back);

}  // namespace drwatch::sim
