// SPDX-License-Identifier: Apache-2.0
// How things stand in one line: made of health, of objectives, of the delivery of alerts and of drwatch's own sight.
#pragma once

#include "daemon/web/api/view.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace drwatch::web {

struct Headline {
  std::string_view level;            // "up": nothing is wrong; "degraded", "unknown", "down": colour, sign and icon
  std::string text;                  // "Database is down; it explains 11 others"
  std::vector<std::string> besides;  // what is wrong beside that, the worst first
};
Headline headline_of(const Seen& seen, const DaemonFigures& figures);

}  // namespace drwatch::web
