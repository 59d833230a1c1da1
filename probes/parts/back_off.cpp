// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/back_off.hpp"

#include <algorithm>

namespace drwatch {

using std::chrono::seconds;

void BackOff::refused(std::chrono::nanoseconds now, std::optional<seconds> wanted) {
  constexpr seconds first{20}, longest{600}, longest_wanted{300};
  // 0 at first, which clamp makes 20 s; then 40 s, 80 s, ... 10 min.
  wait_ = std::clamp(wait_ * 2, first, longest);
  until_ = now + std::max(wait_, std::clamp(wanted.value_or(seconds{0}), seconds{0}, longest_wanted));
}

void BackOff::accepted() {
  wait_ = seconds{0};
  until_.reset();
}

std::optional<seconds> BackOff::remaining(std::chrono::nanoseconds now) const {
  if (!until_ || now >= *until_) return std::nullopt;
  return std::chrono::ceil<seconds>(*until_ - now);
}

}  // namespace drwatch
