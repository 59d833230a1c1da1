// SPDX-License-Identifier: Apache-2.0
// Why something is not up: what the newest run says, and what was said first. Health is recorded when it changes, so the record alone would
// show the first reason for as long as it lasts, and the later one may ask for the opposite.
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <string>

namespace drwatch {

struct Why {
  std::string now;
  std::string first;  // empty: it was the same, but for figures in it
};
// Empty where nothing was said. After a restart, until the probe has run again, it is what the record holds.
Why why_of(const State& state, const std::string& probe);
// Of the first probe that is down, or else of the first that is not up: "primary: connection refused".
Why why_of(const State& state, const ComponentSettings& component);

// "503 Service Unavailable (at first: connection refused)"
std::string with_first(const Why& why);

}  // namespace drwatch
