// SPDX-License-Identifier: Apache-2.0
// What the operating system says about this process.
#pragma once

namespace drwatch::web {

struct ProcessFigures {
  double cpu_seconds = 0, resident_bytes = 0, open_descriptors = 0, start_time_seconds = 0;
};
ProcessFigures process_figures();

}  // namespace drwatch::web
