// SPDX-License-Identifier: Apache-2.0
// The heart by itself: how fast virtual time passes, and what one decision costs when much is configured and much is wrong.
#pragma once

namespace drwatch::bench {

void measure_virtual_days();  // the shipped configuration in an ordinary month
void measure_ticks();         // 10,000 probes; nothing wrong, then 100 incidents open

}  // namespace drwatch::bench
