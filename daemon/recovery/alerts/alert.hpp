// SPDX-License-Identifier: Apache-2.0
// An alert as it should stand in every Alertmanager now.
#pragma once

#include "config/rows/time.hpp"

#include <map>
#include <optional>
#include <string>

namespace drwatch {

struct Alert {
  std::map<std::string, std::string> labels;       // alertname, severity, ...: its identity
  std::map<std::string, std::string> annotations;  // all that may change
  Time starts_at{};                                // never changes while it is the same alert
  std::optional<Time> resolved_at;                 // nullopt: firing
  bool durable = true;                             // the journal has it
  std::uint64_t order = 0;  // when its last change was decided: sent in this order (a wide alert before the narrow one's resolve)
};

// "DrwatchRpoAtRisk/database/logical": name, then scenario or component, then class.
std::string alert_key(const Alert& alert);

}  // namespace drwatch
