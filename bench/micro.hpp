// SPDX-License-Identifier: Apache-2.0
// What the parts cost by themselves, without a network.
#pragma once

#include <string>

namespace drwatch::bench {

// Each prints one line. `folder`: for the configuration that they read.
void measure_deciding(const std::string& folder);  // decide() on an up outcome, 5000 probes
void measure_metrics(const std::string& folder);   // /metrics with ten thousand series: what the loop does, and what the worker does
// A copy of the state, which readers cost the loop after every event, and one judgement of everything: with a thousand incidents that are
// over, as many as are kept, beside none.
void measure_history(const std::string& folder);

}  // namespace drwatch::bench
