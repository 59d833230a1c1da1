// SPDX-License-Identifier: Apache-2.0
// When a scenario's next drill is due, and for how long the last one proves anything.
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <optional>

namespace drwatch {

struct DrillDates {
  std::optional<Time> last_success_at;
  std::optional<Time> due_at;        // nullopt: no drill is planned
  std::optional<Time> overdue_at;    // due_at + grace
  std::optional<Time> proven_until;  // the last one that passed shows the RTO until then; nullopt: none did
};
// A drill that passed in the later half of a period counts for the next date. Never drilled: due one period after the scenario was first
// seen. Without a plan a drill proves a quarter (90 days and 14 of grace).
DrillDates drill_dates(const Record& record, const Scenario& scenario);

}  // namespace drwatch
