// SPDX-License-Identifier: Apache-2.0
// What the operating system says about this process, asked anew each time.
#pragma once

namespace drwatch::web {

double process_cpu_seconds();
double process_resident_bytes();
double process_open_descriptors();
double process_start_time_seconds();

}  // namespace drwatch::web
