// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/drills.hpp"

namespace drwatch {
namespace {

constexpr Duration a_quarter = hours{24 * 104};

std::optional<Time> finite(Time t) { return t == Time::max() ? std::nullopt : std::optional(t); }

// Between the two dates that follow `from`; nullopt: there are none.
std::optional<Duration> period(const Cron& schedule, Time from) {
  auto first = finite(schedule.next_after(from));
  auto second = first ? finite(schedule.next_after(*first)) : std::nullopt;
  return second ? std::optional(*second - *first) : std::nullopt;
}

}  // namespace

DrillDates drill_dates(const Record& record, const Scenario& scenario) {
  DrillDates dates;
  if (auto drill = record.drills.find(scenario.id); drill != record.drills.end()) dates.last_success_at = drill->second.at;
  auto seen = record.first_seen.find("scenario/" + scenario.id);
  std::optional<Time> from = dates.last_success_at;
  if (!from && seen != record.first_seen.end()) from = seen->second;
  if (from && scenario.drill && scenario.drill->schedule)
    if (auto every = period(*scenario.drill->schedule, *from)) {
      dates.due_at =
          dates.last_success_at ? finite(scenario.drill->schedule->next_after(*from + *every / 2)) : std::optional(*from + *every);
      if (dates.due_at) dates.overdue_at = *dates.due_at + scenario.drill->grace;
    }
  if (dates.last_success_at) dates.proven_until = dates.overdue_at.value_or(*dates.last_success_at + a_quarter);
  return dates;
}

}  // namespace drwatch
