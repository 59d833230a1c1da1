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

// What comes before every step: drwatch notices, and somebody takes the incident. Without a spread that part is over.
struct Before {
  std::optional<Spread> notice, acknowledge;
  double waited = 0;  // seconds that the acknowledgement has been waited for so far
};

// The n-th draw of what is left, in seconds. Each draw takes two numbers of the stream, always the same ones, so that a projection moves
// only with what happened.
double drawn(const Spread& spread, double elapsed, std::uint64_t stream, int n) {
  const auto at = static_cast<std::uint64_t>(n) * 2;
  return spread.remaining(elapsed, draw(stream, at), draw(stream, at + 1));
}

// Seconds until the step is done. One whose condition holds already ends with its hold. One that nobody planned or measured counts as
// nothing (it is listed as unplanned). `n` < 0: the typical duration.
double left(const Node& node, int n) {
  if (node.step->counts()) return 0;
  if (node.holding) return *node.holding;
  const double hold = node.step->plan.verify ? in_seconds(node.step->plan.hold) : 0;
  if (!node.spread.known()) return hold;
  const double drawn_left = n < 0 ? node.spread.remaining(node.elapsed, 0.5, 0.5) : drawn(node.spread, node.elapsed, node.stream, n);
  return std::max(drawn_left, hold);
}

// The longest path through the steps, which are in an order in which each comes after what it waits for. Fills `ends`, in seconds from now,
// and returns when the last step ends that the incident has to wait for. `noticed`: when drwatch has noticed; `taken`: when somebody has
// taken it; `n` < 0: with typical durations.
double run_through(const std::vector<Node>& nodes, bool by_health, double noticed, double taken, int n, std::vector<double>& ends) {
  double end = taken;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    double begin = nodes[i].waits_for_people ? taken : noticed;
    for (std::size_t before : nodes[i].after) begin = std::max(begin, ends[before]);
    ends[i] = begin + left(nodes[i], n);
    if (!nodes[i].gates || nodes[i].step->counts()) continue;
    // A recovery by health dates from the first good run, not from the end of the hold that confirmed it.
    double confirming = by_health && nodes[i].step->plan.verify ? in_seconds(nodes[i].step->plan.hold) : 0;
    end = std::max(end, std::max(begin, ends[i] - confirming));
  }
  return end;
}

// The ends of all draws; quantiles and shares need sort() before.
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

// 1000 draws of the whole way. The acknowledgement draws from a stream of its own, or it would move with the noticing.
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

// From the node that ends last back to the start, always to the one of its predecessors that ends last, with typical durations. Only steps
// that are not closed are named.
std::vector<const Node*> critical_path(Graph& graph) {
  const auto& nodes = graph.nodes();
  std::vector<double> ends(nodes.size());
  run_through(nodes, graph.by_health(), 0, 0, -1, ends);
  std::optional<std::size_t> at;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].gates && !nodes[i].step->counts() && (!at || ends[i] > ends[*at])) at = i;
  std::vector<const Node*> path;
  while (at) {
    const Node& node = nodes[*at];
    if (!node.step->counts()) path.push_back(&node);
    std::optional<std::size_t> latest;
    for (std::size_t before : node.after)
      if (!latest || ends[before] > ends[*latest]) latest = before;
    at = latest;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

// Writes down what a person should know about the figures of this way out: its critical path, what the figures rest on, and what they leave
// out.
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
    if (node.step->counts() || !plan.critical) continue;
    if (!node.spread.known()) p.unplanned.push_back(plan.id);
    if (node.spread.overrun(node.elapsed)) p.overrun.push_back(plan.id);
    if (node.by_the_hour) p.hours = at_work(from.settings.recovery.working_hours, from.now) ? "working" : "other";
    if (!plan.per_gib) continue;
    p.data_bytes = from.bytes;
    if (!from.bytes) p.unsized.push_back(plan.id);
  }
}

// The ways out, in the runbook's order. Options that were chosen are one way together, and it comes first; each option that could still be
// chosen is a way of its own. An incident without options has one way, the empty one.
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

// The option that the runbook lists last. Runbooks go from the mild to the hard, so it is what still works when nothing else does.
std::string last_resort(const Incident& incident) {
  std::string last;
  for (const IncidentStep& step : incident.steps)
    if (!step.plan.option.empty()) last = step.plan.option;
  return last;
}

// One projection of all ways out. The figures are those of the chosen way; while nobody has chosen, the draws of all ways are pooled, since
// any of them may be it. `decide by` is that of the last resort.
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

// How long people take to acknowledge: as measured at such an hour of the day, and before that a third of `ack_within` as the median.
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

// The scenario as an incident that begins now: what the question "could we recover from it?" is asked of.
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

// A quarter of the objective, because 15 minutes of a 20-minute RTO would be at risk from the start.
Duration time_to_decide(Duration rto) { return std::min<Duration>(minutes{15}, rto / 4); }

std::optional<Projection> project(const State& state, const Settings& settings, const Incident& incident, Time now) {
  // What was there when it opened: read now, a database that was emptied would seem quick to restore.
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
