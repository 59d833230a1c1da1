// SPDX-License-Identifier: Apache-2.0
// What time and the platform do to drills: the calendar says when one is due, something real goes before one that is held.
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/incidents/drills.hpp"
#include "daemon/recovery/outlook/sizes.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr double outgrown_by = 2;  // with twice the data another recovery would have to be shown

bool command_runs(const HeldDrill& drill) {
  return std::any_of(drill.work.steps.begin(), drill.work.steps.end(),
                     [](const IncidentStep& step) { return step.state == StepState::running; });
}

// Drills that the calendar begins take their turn: restoring several copies at once is a load that nobody asked for.
bool a_command_runs(const Record& record) {
  return std::any_of(record.drilling.held.begin(), record.drilling.held.end(), [](const auto& each) { return command_runs(each.second); });
}

// An RPO of what the drill is about that got worse since it began. Restoring takes bandwidth and disk, and may be why.
std::string protection_lost(const Deciding& d, const HeldDrill& drill) {
  for (const std::string& component : drill.work.affects)
    for (DisasterClass c : all_classes) {
      const auto found = d.record().objectives.find(objective_key(component, c));
      if (found == d.record().objectives.end() || found->second.structural) continue;
      const ObjectiveRecord& o = found->second;
      if ((o.standing == Standing::at_risk || o.standing == Standing::breached) && o.since > drill.work.opened_at)
        return "the RPO of " + component + " (" + std::string(class_name(c)) + ") is " + std::string(standing_name(o.standing)) +
               " since it runs";
    }
  return "";
}

// Something real goes first.
void give_way(Deciding& d) {
  std::vector<std::string> running;
  for (const auto& [id, drill] : d.record().drilling.held)
    if (drill.work.live()) running.push_back(id);
  for (const std::string& id : running) {
    const HeldDrill& drill = d.record().drilling.held.at(id);
    if (const Incident* real = goes_before_drill(d.record(), drill.work.scenario)) {
      abort_drill(d, id, "drwatch", "a real incident is open: " + real->id);
      continue;
    }
    if (!command_runs(drill)) continue;
    if (const std::string lost = protection_lost(d, drill); !lost.empty()) abort_drill(d, id, "drwatch", lost);
  }
}

template <class Map>
std::optional<Time> when(const Map& map, const std::string& key) {
  const auto found = map.find(key);
  if (found == map.end()) return std::nullopt;
  if constexpr (requires { found->second.at; })
    return found->second.at;
  else
    return found->second;
}

// When the calendar begins it by itself; nullopt: it does not. Once for each date: one that failed is not tried again before the next. A
// change makes it due at any hour, but only the schedule begins it.
std::optional<Time> begins_at(const Scenario& scenario, const DrillSight& sight, const DrillDates& dates) {
  const auto& plan = *scenario.drill;
  if (!plan.automatic || plan.run.empty() || !plan.schedule) return std::nullopt;
  std::optional<Time> at = dates.due_at;
  if (dates.changed_at) at = plan.schedule->next_after(*dates.changed_at - Duration{1});
  if (sight.seen && !sight.passed) at = plan.schedule->next_after(*sight.seen);
  if (at && sight.tried && *sight.tried >= *at) at = plan.schedule->next_after(*sight.tried);
  return at && *at != Time::max() ? at : std::nullopt;
}

// What a scenario's calendar is read by.
DrillSight read_by(const Record& r, const Scenario& scenario) {
  DrillSight now;
  now.hash = scenario.hash;
  now.passed = when(r.drills, scenario.id);
  now.tabletop = when(r.drilling.tabletops, scenario.id);
  now.seen = when(r.first_seen, "scenario/" + scenario.id);
  now.changed = when(r.drilling.changes, scenario.id);
  now.tried = when(r.drilling.tries, scenario.id);
  return now;
}

const DrillSight& calendar_of(Deciding& d, const Scenario& scenario) {
  const Record& r = d.record();
  DrillSight now = read_by(r, scenario);
  DrillSight& known = d.state.sight.drills[scenario.id];
  if (known.read && known.same(now)) return known;
  now.read = true;
  const DrillDates dates = drill_dates(r, scenario);
  now.due_at = dates.due_at;
  now.overdue_at = dates.overdue_at;
  now.begins_at = begins_at(scenario, now, dates);
  return known = std::move(now);
}

// Why the newest drill says less about today than it did; empty: it says as much.
std::string changed_since(const Deciding& d, const Scenario& scenario) {
  const auto found = d.record().drills.find(scenario.id);
  if (found == d.record().drills.end()) return "";
  const DrillRecord& drill = found->second;
  if (!drill.critical_hash.empty() && !scenario.critical_hash.empty() && drill.critical_hash != scenario.critical_hash)
    return "its critical steps are not those that were drilled";
  if (drill.rto_seconds && in_seconds(scenario.rto) < *drill.rto_seconds)
    return "its RTO is " + duration_words(scenario.rto) + " now, and was " + duration_words(of_seconds(*drill.rto_seconds));
  for (const std::string& component : scenario.affects)
    if (const auto rpo = d.settings.rpo_of(component, scenario.of_class); rpo && drill.rpo_seconds && in_seconds(*rpo) < *drill.rpo_seconds)
      return "its RPO is " + duration_words(*rpo) + " now, and was " + duration_words(of_seconds(*drill.rpo_seconds));
  if (drill.data_bytes)
    if (const auto bytes = data_bytes(d.state, d.settings, scenario.affects); bytes && *bytes > outgrown_by * *drill.data_bytes)
      return "there is more than twice as much data as there was";
  return "";
}

void say_due(Deciding& d, const Scenario& scenario, Time due_at, const std::string& reason) {
  d.emit("drill.due", {.scenario = scenario.id},
         "a drill of " + scenario.title + " is due" + (reason.empty() ? "" : ": " + reason) + "; overdue after " +
             time_words(due_at + scenario.drill->grace),
         Body{{"due_at", due_at}, {"overdue_at", due_at + scenario.drill->grace}, {"changed", !reason.empty()}, {"reason", reason}});
}

void judge_calendar(Deciding& d, const Scenario& scenario) {
  if (!d.record().drilling.changes.count(scenario.id))
    if (const std::string reason = changed_since(d, scenario); !reason.empty()) say_due(d, scenario, d.wall, reason);
  const DrillSight dates = calendar_of(d, scenario);
  if (!dates.due_at) return;
  if (d.wall < *dates.due_at) {
    d.wake(d.own_at(*dates.due_at));
  } else {
    const auto told = d.record().drilling.told.find(scenario.id);
    const bool known = told != d.record().drilling.told.end() && told->second.due_at == *dates.due_at;
    if (!known) say_due(d, scenario, *dates.due_at, "");
    if (d.wall <= *dates.overdue_at)
      d.wake(d.own_at(*dates.overdue_at + Duration{1}));
    else if (!known || !told->second.overdue)
      d.emit("drill.overdue", {.scenario = scenario.id},
             "the drill of " + scenario.title + " is overdue since " + time_words(*dates.overdue_at),
             Body{{"due_at", *dates.due_at}, {"overdue_at", *dates.overdue_at}});
  }
  if (!dates.begins_at) return;
  if (d.wall < *dates.begins_at) return d.wake(d.own_at(*dates.begins_at));
  if (d.record().drilling.hold || d.record().blind_since || running_drill(d.record(), scenario.id) ||
      goes_before_drill(d.record(), scenario.id) || a_command_runs(d.record()))
    return;
  const std::string answered = d.decision.subject;  // whoever asks at this moment asks for something else
  begin_drill(d, scenario, {.scenario = scenario.id, .by = "drwatch", .note = "by its calendar"}, true);
  d.decision.subject = answered;
}

}  // namespace

std::optional<Time> drill_due_at(const State& state, const Scenario& scenario) {
  const auto known = state.sight.drills.find(scenario.id);
  if (known != state.sight.drills.end() && known->second.read && known->second.same(read_by(state.record, scenario)))
    return known->second.due_at;
  return drill_dates(state.record, scenario).due_at;
}

void judge_drills(Deciding& d) {
  give_way(d);
  if (d.dates_wait()) return;
  for (const auto& [id, scenario] : d.settings.scenarios)
    if (scenario.drill) judge_calendar(d, scenario);
}

}  // namespace drwatch
