// SPDX-License-Identifier: Apache-2.0
#include "daemon/desk.hpp"

#include <algorithm>

namespace drwatch {

void Histogram::observe(double value) {
  counts.resize(bounds.size() + 1);
  auto bucket = static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin());
  for (std::size_t i = bucket; i < counts.size(); ++i) ++counts[i];
  sum += value;
}

}  // namespace drwatch
