// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/outlook/projection.hpp"

#include "config/check/noticing.hpp"
#include "config/rows/text.hpp"
#include "daemon/recovery/outlook/circumstances.hpp"
#include "daemon/recovery/outlook/remaining.hpp"
#include "daemon/recovery/outlook/sizes.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// ---- sampling

// What stands before every step: noticing, then somebody who takes it.
struct Before {
  std::optional<Spread> notice, acknowledge;
  double waited = 0;  // for the acknowledgement, so far
};

double drawn(const Spread& spread, double elapsed, std::uint64_t stream, int n) {
  const auto at = static_cast<std::uint64_t>(n) * 2;
  return spread.remaining(elapsed, draw(stream, at), draw(stream, at + 1));
}

double left(const Node& node, int n) {
  if (node.step->closed()) return 0;
  if (node.holding) return *node.holding;
  const double hold = node.step->plan.verify ? in_seconds(node.step->plan.hold) : 0;
  if (!node.spread.known()) return hold;
  const double drawn_left = n < 0 ? node.spread.remaining(node.elapsed, 0.5, 0.5) : drawn(node.spread, node.elapsed, node.stream, n);
  return std::max(drawn_left, hold);
}

// When each node ends, in seconds from now; `n` < 0: with typical durations. Returns the end of the last one that gates.
double run_through(const std::vector<Node>& nodes, bool by_health, double noticed, double taken, int n, std::vector<double>& ends) {
  double end = taken;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    double begin = nodes[i].waits_for_people ? taken : noticed;
    for (std::size_t before : nodes[i].after) begin = std::max(begin, ends[before]);
    ends[i] = begin + left(nodes[i], n);
    if (!nodes[i].gates || nodes[i].step->closed()) continue;
    // A recovery by health dates from the first good run, not from the end of the hold that confirmed it.
    double confirming = by_health && nodes[i].step->plan.verify ? in_seconds(nodes[i].step->plan.hold) : 0;
    end = std::max(end, std::max(begin, ends[i] - confirming));
  }
  return end;
}

struct Sampled {
  std::vector<double> ends;  // ordered, seconds from now
  void add(const Sampled& other) { ends.insert(ends.end(), other.ends.begin(), other.ends.end()); }
  void sort() { std::sort(ends.begin(), ends.end()); }
  double quantile(double p) const { return ends[static_cast<std::size_t>(p * static_cast<double>(ends.size() - 1))]; }
  double share_over(double limit) const {
    auto over = std::upper_bound(ends.begin(), ends.end(), limit);
    return static_cast<double>(ends.end() - over) / static_cast<double>(ends.size());
  }
};

Sampled sample(Graph& graph, const Before& before, std::uint64_t stream) {
  Sampled all;
  all.ends.reserve(projection_draws);
  std::vector<double> ends(graph.nodes().size());
  for (int n = 0; n < projection_draws; ++n) {
    const double noticed = before.notice ? drawn(*before.notice, 0, stream, n) : 0;
    const double taken = noticed + (before.acknowledge ? drawn(*before.acknowledge, before.waited, stream + 1, n) : 0);
    all.ends.push_back(run_through(graph.nodes(), graph.by_health(), noticed, taken, n, ends));
  }
  all.sort();
  return all;
}

// ---- what is said of it

// Backwards from the node that ends last, always by what ended last before it; typical durations.
std::vector<const Node*> critical_path(Graph& graph) {
  const auto& nodes = graph.nodes();
  std::vector<double> ends(nodes.size());
  run_through(nodes, graph.by_health(), 0, 0, -1, ends);
  std::optional<std::size_t> at;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].gates && !nodes[i].step->closed() && (!at || ends[i] > ends[*at])) at = i;
  std::vector<const Node*> path;
  while (at) {
    const Node& node = nodes[*at];
    if (!node.step->closed()) path.push_back(&node);
    std::optional<std::size_t> latest;
    for (std::size_t before : node.after)
      if (!latest || ends[before] > ends[*latest]) latest = before;
    at = latest;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

void describe(Graph& graph, const Source& from, Projection& p) {
  p.critical_path.clear();
  p.unplanned.clear();
  p.overrun.clear();
  p.unsized.clear();
  std::size_t measured = 0, planned = 0;
  for (const Node* node : critical_path(graph)) {
    p.critical_path.push_back(node->step->plan.id);
    measured += node->spread.measured() > 0;
    planned += node->spread.measured() < Spread::enough;
  }
  p.basis = measured == 0 ? "planned" : planned == 0 ? "measured" : "blended";
  for (const Node& node : graph.nodes()) {
    const Step& plan = node.step->plan;
    if (node.step->closed() || !plan.critical) continue;
    if (!node.spread.known()) p.unplanned.push_back(plan.id);
    if (node.spread.overrun(node.elapsed)) p.overrun.push_back(plan.id);
    if (node.by_the_hour) p.hours = at_work(from.settings.recovery.working_hours, from.now) ? "working" : "other";
    if (!plan.per_gib) continue;
    p.data_bytes = from.bytes;
    if (!from.bytes) p.unsized.push_back(plan.id);
  }
}

// The ways out, as the runbook lists them: those chosen together first, then each that could still be chosen.
std::vector<Options> ways_of(const Incident& incident) {
  Options chosen;
  std::vector<Options> others;
  for (const IncidentStep& step : incident.steps) {
    const std::string& option = step.plan.option;
    if (option.empty()) continue;
    if (incident.chosen(option))
      chosen.insert(option);
    else if (std::find(others.begin(), others.end(), Options{option}) == others.end())
      others.push_back({option});
  }
  if (!chosen.empty() || others.empty()) others.insert(others.begin(), chosen);
  return others;
}

// Listed last by the runbook, from the mild to the hard: what still works when nothing else does.
std::string last_resort(const Incident& incident) {
  std::string last;
  for (const IncidentStep& step : incident.steps)
    if (!step.plan.option.empty()) last = step.plan.option;
  return last;
}

std::optional<Projection> project(const Source& from, const Before& before) {
  const Incident& incident = from.incident;
  const double elapsed = from.begun ? std::max(in_seconds(from.now - incident.started_at), 0.0) : 0;
  const std::string last = last_resort(incident);
  Projection p;
  Sampled pooled;  // while nobody has chosen, any of the ways may be it
  for (const Options& options : ways_of(incident)) {
    Graph graph(from, options);
    if (!graph.known()) continue;
    const Sampled sampled = sample(graph, before, stream_of(incident.id));
    p.ways.push_back({joined({options.begin(), options.end()}), elapsed + sampled.quantile(0.5), elapsed + sampled.quantile(0.9),
                      incident.deadline() - of_seconds(sampled.quantile(0.9))});
    const bool resort = options.count(last) > 0;
    if (p.ways.size() == 1 || resort) p.decide_by = p.ways.back().decide_by;
    if (p.ways.size() == 1 || (resort && !incident.chosen())) describe(graph, from, p);
    if (p.ways.size() == 1 || !incident.chosen()) pooled.add(sampled);
  }
  if (p.ways.empty()) return std::nullopt;
  pooled.sort();
  p.at = from.now;
  if (incident.chosen()) p.way = p.ways.front().option;
  p.p50_seconds = elapsed + pooled.quantile(0.5);
  p.p90_seconds = elapsed + pooled.quantile(0.9);
  p.missing = pooled.share_over(in_seconds(incident.rto) - elapsed);
  return p;
}

// A third of what is allowed, until it was measured.
struct Acknowledging {
  Spread spread;
  bool by_the_hour = false;
};
Acknowledging acknowledging(const State& state, const Settings& settings, Duration ack_within, Time begins, Time now) {
  OfHours same = of_the_same_hours(state.record.measured.of_acknowledging(now), settings.recovery.working_hours, begins);
  return {Spread(in_seconds(ack_within) / 3, seconds_of(same.samples)), same.told_apart};
}

std::optional<Projection> project(const Source& from, Before before, const Acknowledging& taking) {
  before.acknowledge = taking.spread;
  auto p = project(from, before);
  if (p && taking.by_the_hour) p->hours = at_work(from.settings.recovery.working_hours, from.incident.opened_at) ? "working" : "other";
  return p;
}

// The scenario as an incident that began a moment ago.
Incident imagine(const Settings& settings, const Scenario& scenario, Time now) {
  Incident imagined;
  imagined.id = imagined.scenario = scenario.id;
  imagined.started_at = imagined.opened_at = now;
  imagined.rto = scenario.rto;
  imagined.exit = scenario.exit;
  if (imagined.exit.by == Exit::By::automatic)
    imagined.exit.by = scenario.trigger.empty() || !noticing(settings, scenario.trigger) ? Exit::By::steps : Exit::By::health;
  for (const Step& plan : scenario.steps) {
    IncidentStep step;
    step.plan = plan;
    imagined.steps.push_back(std::move(step));
  }
  return imagined;
}

std::string step_words(const std::vector<std::string>& steps, const char* what) {
  return steps.empty() ? "" : std::string("; ") + what + ": step '" + steps.front() + "'";
}

}  // namespace

Duration time_to_decide(Duration rto) { return std::min<Duration>(minutes{15}, rto / 4); }

std::optional<Projection> project(const State& state, const Settings& settings, const Incident& incident, Time now) {
  const auto bytes = incident.data_bytes ? incident.data_bytes : data_bytes(state, settings, incident.affects);
  const Source from{state, settings, incident, now, bytes};
  if (incident.acknowledged_at) return project(from, Before{});
  Before before;
  before.waited = std::max(in_seconds(now - incident.opened_at), 0.0);
  return project(from, before, acknowledging(state, settings, incident.ack_within, incident.opened_at, now));
}

std::optional<Projection> project(const State& state, const Settings& settings, const Scenario& scenario, Time now) {
  const Incident imagined = imagine(settings, scenario, now);
  Before before;
  const auto notice = noticing(settings, scenario.trigger);
  const auto noticed = seconds_of(state.record.measured.of_noticing(scenario.id, now));
  if (notice || !noticed.empty()) before.notice = Spread(notice ? std::optional(in_seconds(*notice)) : std::nullopt, noticed);
  return project(Source{state, settings, imagined, now, data_bytes(state, settings, scenario.affects), false}, before,
                 acknowledging(state, settings, scenario.ack_within, now, now));
}

std::string basis_words(const Projection& p) {
  return p.basis + (p.data_bytes ? ", with " + size_words(*p.data_bytes) + " of data" : "") +
         (p.hours.empty()        ? ""
          : p.hours == "working" ? ", in working hours"
                                 : ", outside working hours");
}

std::string doubts(const Projection& p) {
  return step_words(p.overrun, "takes longer than anything known") + step_words(p.unplanned, "neither planned nor measured") +
         step_words(p.unsized, "nobody knows how much data there is");
}

}  // namespace drwatch
