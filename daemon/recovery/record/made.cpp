// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/input.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace drwatch {

bool makes_its_subject(const Decision& decision) {
  return std::any_of(decision.events.begin(), decision.events.end(), [&](const Event& event) {
    return (event.kind == "incident.opened" && event.incident == decision.subject) ||
           // The end of a drill that is written down carries the whole drill.
           (event.kind.starts_with("drill.") && event.incident == decision.subject && event.body.json().contains("drill")) ||
           (event.kind == "maintenance.began" && event.body.text("id") == decision.subject);
  });
}

}  // namespace drwatch
