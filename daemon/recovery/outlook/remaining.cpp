// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/outlook/remaining.hpp"

#include "daemon/recovery/outlook/circumstances.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// It needs nobody: its condition is watched, or its command starts by itself.
bool works_by_itself(const Step& plan) { return plan.verify || (plan.automatic && !plan.run.empty()); }

// How long the step takes, from the plan and from what was measured. What people did at such hours of the day counts alone where there are
// samples enough: people at work are quicker than people asleep.
void measure(const Source& from, Node& node, Time begins) {
  const Step& plan = node.step->plan;
  auto samples = from.state.record.measured.of_step(from.incident.scenario, plan.id, plan.title, from.now);
  if (!works_by_itself(plan)) {
    OfHours same = of_the_same_hours(std::move(samples), from.settings.recovery.working_hours, begins);
    node.by_the_hour = same.told_apart;
    samples = std::move(same.samples);
  }
  node.spread = Spread(planned_seconds(plan, from.bytes), seconds_with(samples, plan, from.bytes));
}

Node node_of(const Source& from, const IncidentStep& step) {
  Node node;
  node.step = &step;
  const Step& plan = step.plan;
  node.stream = stream_of(from.incident.id + "/" + plan.id);
  node.waits_for_people = !works_by_itself(plan) && plan.after.empty();
  auto begin = step.started_at || !from.begun || step.counts() ? step.started_at : could_begin(from.incident, step);
  measure(from, node, begin.value_or(from.now));
  if (!from.begun || step.counts()) return node;
  if (begin) {
    node.elapsed = std::max(in_seconds(from.now - *begin), 0.0);
    node.waits_for_people = false;
  }
  if (auto since = from.state.sight.holding.find(from.incident.id + "/" + plan.id); since != from.state.sight.holding.end())
    node.holding = std::max(in_seconds(since->second + plan.hold - from.now), 0.0);
  return node;
}

bool included(const IncidentStep& step, const Options& options) { return step.plan.option.empty() || options.count(step.plan.option) > 0; }

}  // namespace

Graph::Graph(const Source& from, const Options& options) : from_(from), options_(options) {
  for (const IncidentStep& step : from.incident.steps)
    if (included(step, options)) add(step);
  mark_gates();
}

bool Graph::known() const {
  return std::any_of(nodes_.begin(), nodes_.end(), [](const Node& n) { return n.spread.known(); });
}

// Adds the step behind all that it comes after, so that one pass through the list in order is enough to find every end. Returns its index;
// nullopt: the step waits for itself in a circle.
std::optional<std::size_t> Graph::add(const IncidentStep& step) {
  if (auto known = at_.find(step.plan.id); known != at_.end()) return known->second;
  if (!adding_.insert(step.plan.id).second) return std::nullopt;  // a circle; configurations have none, a journal from elsewhere might
  Node node = node_of(from_, step);
  for (const std::string& id : step.plan.after)
    if (const IncidentStep* before = from_.incident.step(id); before && included(*before, options_))
      if (auto index = add(*before)) node.after.push_back(*index);
  nodes_.push_back(std::move(node));
  return at_[step.plan.id] = nodes_.size() - 1;
}

// Which steps the incident has to wait for. By steps: every critical one. By health: the critical verified ones, and the critical ones that
// do not come after one of these. What comes after a verified step is work on a platform that is back already.
void Graph::mark_gates() {
  std::vector<bool> behind(nodes_.size(), false);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    const Step& plan = node.step->plan;
    for (std::size_t before : node.after)
      behind[i] = behind[i] || behind[before] || (nodes_[before].step->plan.critical && nodes_[before].step->plan.verify);
    node.gates = plan.critical && (!by_health() || plan.verify || !behind[i]);
  }
}

}  // namespace drwatch
