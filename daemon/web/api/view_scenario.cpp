// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/incidents/drills.hpp"
#include "daemon/recovery/outlook/rto.hpp"
#include "daemon/recovery/points/loss.hpp"
#include "daemon/web/api/view.hpp"

#include <utility>

namespace drwatch::web {
namespace {

// After a drill that failed nothing is proven, whatever an earlier one had shown.
View drill_view(const Seen& seen, const Scenario& scenario) {
  const DrillDates dates = drill_dates(seen.state.record, scenario);
  View view;
  view["last_success_at"] = time_view(dates.last_success_at);
  const auto newest = seen.state.record.failed_drills.find(scenario.id);
  const bool failed = newest != seen.state.record.failed_drills.end();
  view["failed_at"] = failed ? time_view(newest->second.at) : View(nullptr);
  view["due_at"] = time_view(dates.due_at);
  view["overdue"] = dates.overdue_at && seen.now > *dates.overdue_at;
  view["state"] = state_name(drill_state(dates, seen.now));
  const HeldDrill* running = running_drill(seen.state.record, scenario.id);
  view["running"] = running ? View(running->work.id) : View(nullptr);
  view["proven_until"] = failed ? View(nullptr) : time_view(dates.proven_until);
  return view;
}

// From which point it could be recovered if it struck now. null: nothing that it affects has data to restore.
View restorable_view(const Seen& seen, const Scenario& scenario) {
  const auto found = restorable(seen.state, seen.settings, scenario, seen.now);
  if (!found) return nullptr;
  const Exposure& exposure = found->exposure;
  View view;
  view["component"] = found->component;
  view["class"] = class_name(exposure.of_class);
  view["at"] = time_view(exposure.recovery_point);
  view["source"] = text_view(exposure.source);
  view["exposure_seconds"] = seconds_view(exposure.exposure);
  view["estimated"] = exposure.estimated;
  view["no_source"] = exposure.no_source;
  return view;
}

View conditions_view(const std::vector<Condition>& conditions) {
  View list = View::array();
  for (const auto& condition : conditions) list.push_back(condition.text);
  return list;
}

View plan_view(const Step& step) {
  const auto kind = step.kind();
  View view;
  view["id"] = step.id;
  view["title"] = step.title;
  view["critical"] = step.critical;
  view["owner"] = step.owner ? View(*step.owner) : View(nullptr);
  view["kind"] = kind == Step::Kind::command ? "command" : kind == Step::Kind::verified ? "verified" : "person";
  view["after"] = step.after;
  view["option"] = text_view(step.option);
  view["expect_seconds"] = seconds_view(step.expect);
  view["per_gib_seconds"] = seconds_view(step.per_gib);
  view["verify"] = step.verify ? View{{"condition", step.verify->text}, {"hold_seconds", seconds_view(step.hold)}} : View(nullptr);
  view["run"] = step.run.empty() ? View(nullptr)
                                 : View{{"argv", step.run}, {"auto", step.automatic}, {"timeout_seconds", seconds_view(step.timeout)}};
  view["guide"] = text_view(step.guide);
  return view;
}

View message_plan_view(const Message& message) {
  View view;
  view["id"] = message.id;
  view["audience"] = message.audience;
  view["when"] = moment_name(message.when);
  view["every_seconds"] = seconds_view(message.every);
  view["subject"] = message.subject;
  view["body"] = message.body;
  return view;
}

View trigger_view(const Trigger& trigger) {
  View view;
  view["any"] = conditions_view(trigger.any);
  view["all"] = conditions_view(trigger.all);
  view["none"] = conditions_view(trigger.none);
  view["for_seconds"] = seconds_view(trigger.hold_for);
  view["supersedes"] = trigger.supersedes;
  return view;
}

View exit_view(const Exit& exit) {
  View view;
  view["by"] = exit.by == Exit::By::health ? View("health") : exit.by == Exit::By::steps ? View("steps") : View(nullptr);
  view["all"] = conditions_view(exit.all);
  view["for_seconds"] = seconds_view(exit.hold_for);
  return view;
}

}  // namespace

View scenario_view(const Seen& seen, const Scenario& scenario, bool whole) {
  View view;
  view["scenario"] = scenario.id;
  view["title"] = scenario.title;
  view["standing"] = standing_name(scenario_standing(seen.state, scenario));
  view["rto_seconds"] = seconds_view(scenario.rto);
  const auto judged = seen.state.record.scenarios.find(scenario.id);
  const ScenarioRecord* record = judged == seen.state.record.scenarios.end() ? nullptr : &judged->second;
  view["projected_seconds"] = record && record->p90_seconds
                                  ? View{{"p50", number_view(*record->p50_seconds)}, {"p90", number_view(*record->p90_seconds)}}
                                  : View(nullptr);
  view["basis"] = record ? text_view(record->basis) : View(nullptr);
  view["message"] = record ? text_view(record->message) : View(nullptr);
  view["recovery_point"] = restorable_view(seen, scenario);
  view["drill"] = drill_view(seen, scenario);
  view["proven"] = proven_view(seen, scenario);
  if (!whole) return view;

  view["summary"] = text_view(scenario.summary);
  view["severity"] = severity_name(scenario.severity);
  view["class"] = class_name(scenario.of_class);
  view["affects"] = scenario.affects;
  view["ack_within_seconds"] = seconds_view(scenario.ack_within);
  view["reopen_within_seconds"] = seconds_view(scenario.reopen_within);
  view["trigger"] = trigger_view(scenario.trigger);
  view["exit"] = exit_view(scenario.exit);
  view["steps"] = View::array();
  for (const auto& step : scenario.steps) view["steps"].push_back(plan_view(step));
  view["messages"] = View::array();
  for (const auto& message : scenario.messages) view["messages"].push_back(message_plan_view(message));
  return view;
}

}  // namespace drwatch::web
