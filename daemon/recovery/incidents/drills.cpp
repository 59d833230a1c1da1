// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/incidents/drills.hpp"

#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/outlook/sizes.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// 90 days and 14 of grace.
constexpr Duration a_quarter = hours{24 * 104};

std::optional<Time> finite(Time t) { return t == Time::max() ? std::nullopt : std::optional(t); }

// How far apart the next two dates of the plan are; nullopt: it has no two dates left.
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

// A drill that people held, as they report it. One that passed shows the RTO for a time; its steps are samples for projections.
void order(Deciding& d, const RecordDrill& o) {
  d.decision.subject = o.scenario;
  auto scenario = d.settings.scenarios.find(o.scenario);
  if (scenario == d.settings.scenarios.end()) {
    std::vector<std::string> names;
    for (const auto& [name, each] : d.settings.scenarios) names.push_back(name);
    auto near = config::nearest(o.scenario, names);
    return d.refuse(404, "no scenario '" + o.scenario + "'", near ? "did you mean '" + *near + "'?" : "'drwatch runbook list' shows them",
                    names);
  }
  if (o.passed && !o.took)
    return d.refuse(422, "what the drill took is not said", "without it a drill shows nothing; give the time to recover");
  for (const auto& [id, took] : o.steps) {
    const auto& steps = scenario->second.steps;
    if (std::none_of(steps.begin(), steps.end(), [&](const Step& s) { return s.id == id; }))
      return d.refuse(422, "no step '" + id + "' in " + o.scenario, "'drwatch runbook show " + o.scenario + "' lists them");
  }
  Body steps;
  for (const auto& [id, took] : o.steps) steps.set(id, in_seconds(took));
  const auto bytes = data_bytes(d.state, d.settings, scenario->second.affects);
  std::string text = "drill of " + scenario->second.title + (o.passed ? " passed" : " failed") +
                     (o.took ? ": back in " + duration_words(*o.took) + " of " + duration_words(scenario->second.rto) : "") +
                     (o.lost ? ", " + duration_words(*o.lost) + " of data lost" : "") + (o.note.empty() ? "" : ": " + o.note);
  d.emit(o.passed ? "drill.passed" : "drill.failed", {.scenario = o.scenario, .by = o.by}, text,
         Body{{"recovery_seconds", o.took ? std::optional(in_seconds(*o.took)) : std::nullopt},
              {"data_loss_seconds", o.lost ? std::optional(in_seconds(*o.lost)) : std::nullopt},
              {"steps", steps},
              {"data_bytes", bytes},
              {"note", o.note}});
}

}  // namespace drwatch
