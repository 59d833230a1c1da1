// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/incidents/drills.hpp"
#include "daemon/web/api/view.hpp"

namespace drwatch::web {
namespace {

View figure(const std::optional<double>& seconds) { return seconds ? number_view(*seconds) : View(nullptr); }

View claim_view(const HeldDrill& drill) {
  if (!drill.claim) return nullptr;
  View view;
  view["recovery_point"] = time_view(drill.claim->at);
  view["source"] = text_view(drill.claim->source);
  view["exposure_seconds"] = figure(drill.claim->exposure_seconds);
  return view;
}

}  // namespace

View held_drill_view(const Seen& seen, const HeldDrill& drill, bool whole, std::size_t events) {
  View view = incident_view(seen, drill.work, whole, events);
  if (!drill.work.live()) view["state"] = drill.verdict;
  view["type"] = drill.type;
  view["verdict"] = text_view(drill.verdict);
  view["reason"] = text_view(drill.reason);
  view["at"] = time_view(drill.work.resolved_at ? drill.work.resolved_at : std::optional(drill.work.opened_at));
  view["ended_at"] = time_view(drill.work.resolved_at);
  view["recorded"] = drill.recorded;
  view["by_calendar"] = drill.by_calendar;
  view["planned_at"] = time_view(drill.planned_at);
  view["due_at"] = nullptr;
  view["claim"] = claim_view(drill);
  view["rpo_seconds"] = figure(drill.rpo_seconds);
  view["recovery_seconds"] = figure(drill.recovery_seconds);
  view["data_loss_seconds"] = figure(drill.data_loss_seconds);
  view["proves"] = drill.proves;
  if (whole) {
    const View evidence = View::parse(drill.evidence, nullptr, false);
    view["evidence"] = evidence.is_object() ? evidence : View(nullptr);
  }
  return view;
}

View planned_drill_view(const Seen& seen, const Scenario& scenario) {
  const DrillDates dates = drill_dates(seen.state.record, scenario);
  const auto change = seen.state.record.drilling.changes.find(scenario.id);
  View view;
  view["id"] = nullptr;
  view["scenario"] = scenario.id;
  view["title"] = scenario.title;
  view["summary"] = text_view(scenario.summary);
  view["severity"] = severity_name(scenario.severity);
  view["class"] = class_name(scenario.of_class);
  view["affects"] = scenario.affects;
  view["rto_seconds"] = seconds_view(scenario.rto);
  view["drill"] = true;
  view["state"] = state_name(drill_state(dates, seen.now));
  view["type"] = scenario.drill ? text_view(scenario.drill->type) : View(nullptr);
  view["at"] = time_view(dates.due_at);
  view["due_at"] = time_view(dates.due_at);
  view["overdue_at"] = time_view(dates.overdue_at);
  view["last_success_at"] = time_view(dates.last_success_at);
  view["reason"] =
      dates.changed_at && change != seen.state.record.drilling.changes.end() ? text_view(change->second.reason) : View(nullptr);
  view["auto"] = scenario.drill && scenario.drill->automatic;
  view["recovery_seconds"] = nullptr;
  view["data_loss_seconds"] = nullptr;
  return view;
}

// `met` where a drill has shown it within the objective, `breached` where it took longer, `unproven` for the rest.
View proven_view(const Seen& seen, const Scenario& scenario) {
  View list = View::array();
  for (const Proven& each : proven(seen.state.record, seen.settings, scenario, seen.now)) {
    const bool late = each.shown && each.by->recovery_seconds && *each.by->recovery_seconds > in_seconds(scenario.rto);
    View view;
    view["class"] = each.of_class;
    view["source"] = text_view(each.source);
    view["standing"] = !each.shown ? "unproven" : late ? "breached" : "met";
    view["at"] = each.by ? time_view(each.by->at) : View(nullptr);
    view["reads"] = each.by ? text_view(each.by->reads) : View(nullptr);
    view["recovery_seconds"] = each.by ? figure(each.by->recovery_seconds) : View(nullptr);
    view["data_loss_seconds"] = each.by ? figure(each.by->data_loss_seconds) : View(nullptr);
    list.push_back(std::move(view));
  }
  return list;
}

}  // namespace drwatch::web
