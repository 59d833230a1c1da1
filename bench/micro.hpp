// SPDX-License-Identifier: Apache-2.0
// What the parts cost by themselves, without a network.
#pragma once

#include <string>

namespace drwatch::bench {

// Both print one line. `folder`: for the configuration that they read.
void measure_deciding(const std::string& folder);  // decide() on an up outcome, 5000 probes
void measure_metrics(const std::string& folder);   // /metrics with ten thousand series: what the loop does, and what the worker does

}  // namespace drwatch::bench
