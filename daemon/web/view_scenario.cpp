// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/exposure.hpp"
#include "daemon/web/view.hpp"

#include <utility>

namespace drwatch::web {
namespace {

// Never drilled: due one period after it was first seen.
View drill_view(const Seen& seen, const Scenario& scenario) {
  const auto first_seen = seen.state.record.first_seen.find("scenario/" + scenario.id);
  std::optional<Time> due;
  if (scenario.drill && scenario.drill->schedule && first_seen != seen.state.record.first_seen.end())
    due = scenario.drill->schedule->next_after(first_seen->second);
  if (due == Time::max()) due = std::nullopt;
  View view;
  view["last_success_at"] = nullptr;
  view["due_at"] = time_view(due);
  view["overdue"] = due && seen.now > *due + scenario.drill->grace;
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
  view["verify"] = step.verify ? View{{"condition", step.verify->text}, {"hold_seconds", seconds_view(step.hold)}} : View(nullptr);
  view["run"] = step.run.empty() ? View(nullptr)
                                 : View{{"argv", step.run}, {"auto", step.automatic}, {"timeout_seconds", seconds_view(step.timeout)}};
  view["guide"] = text_view(step.guide);
  return view;
}

View message_plan_view(const Message& message) {
  static constexpr const char* whens[] = {"opened", "update", "recovered", "resolved"};
  View view;
  view["id"] = message.id;
  view["audience"] = message.audience;
  view["when"] = whens[static_cast<int>(message.when)];
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
  view["projected_seconds"] = nullptr;  // nothing was measured yet
  view["drill"] = drill_view(seen, scenario);
  if (!whole) return view;

  view["summary"] = text_view(scenario.summary);
  view["severity"] = scenario.severity == Severity::critical ? "critical" : "warning";
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
