// SPDX-License-Identifier: Apache-2.0
// When a scenario's next drill is due, for how long the last one proves anything, and what it proves.
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drwatch {

struct Deciding;

struct DrillDates {
  std::optional<Time> last_success_at;  // of those that count for the calendar
  std::optional<Time> due_at;           // nullopt: no drill is planned
  std::optional<Time> overdue_at;       // due_at + grace
  std::optional<Time> proven_until;     // the last one that passed shows the RTO until then; nullopt: none did
  std::optional<Time> changed_at;       // due by a change and not by its date
};
// A drill that passed in the later half of a period counts for the next date. Never drilled: due one period after the scenario was first
// seen. Due at once when something of weight has changed. Without a plan a drill proves a quarter (90 days and 14 of grace).
DrillDates drill_dates(const Record& record, const Scenario& scenario);

// The date after a drill that was held then; nullopt: the plan has none.
std::optional<Time> drill_due_after(const Cron& schedule, Time held);

// The same date, without reading the calendar anew where it is known.
std::optional<Time> drill_due_at(const State& state, const Scenario& scenario);

// How the calendar stands: so long before the date it is due soon.
inline constexpr Duration due_soon = hours{24 * 14};
enum class DrillState { unplanned, planned, soon, due, overdue };
std::string_view state_name(DrillState state);
DrillState drill_state(const DrillDates& dates, Time now);

// nullptr: none of the scenario is held now.
const HeldDrill* running_drill(const Record& record, const std::string& scenario);

// A tabletop proves the plan, and so counts for the date only where the plan asks for no more; a full drill counts for all.
bool counts_for_date(const Scenario& scenario, const std::string& type);

// What is proven of a scenario: for each class and each copy that survives it, whether a drill has shown it and still does.
struct Proven {
  std::string of_class, source;  // source: a probe; empty: nobody said which
  bool shown = false;
  const DrillProof* by = nullptr;  // nullptr: none ever did
};
std::vector<Proven> proven(const Record& record, const Settings& settings, const Scenario& scenario, Time now);

// Where a drill's command leaves its evidence, and the command's word with it.
std::string evidence_file(const Settings& settings, const std::string& drill);
std::string with_evidence_file(std::string word, const std::string& file);

// After a start: the command of a drill was running when drwatch ended.
void interrupt_drills(Deciding& d);

}  // namespace drwatch
