// SPDX-License-Identifier: Apache-2.0
// From the snapshot to Prometheus' families. On the worker: strings are copied freely here.
#include "daemon/web/metrics/metrics.hpp"

#include "daemon/web/metrics/process_figures.hpp"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <sstream>

namespace drwatch::web {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string_view, std::string_view>>;
constexpr double not_known = std::numeric_limits<double>::quiet_NaN();
constexpr double without_end = std::numeric_limits<double>::infinity();
constexpr Health all_health[] = {Health::up, Health::degraded, Health::down, Health::unknown};
constexpr Standing all_standings[] = {Standing::met, Standing::at_risk, Standing::breached, Standing::unproven};

struct Family {
  MetricFamily made;
  Family(std::string name, MetricType type, std::string help) {
    made.name = std::move(name);
    made.help = std::move(help);
    made.type = type;
  }
  ClientMetric& series(const Labels& labels) {
    auto& metric = made.metric.emplace_back();
    for (const auto& [name, value] : labels) metric.label.push_back({std::string(name), std::string(value)});
    return metric;
  }
  void add(double value, const Labels& labels = {}) {
    auto& metric = series(labels);
    if (made.type == MetricType::Counter)
      metric.counter.value = value;
    else
      metric.gauge.value = value;
  }
};
Family gauge(std::string name, std::string help) { return {std::move(name), MetricType::Gauge, std::move(help)}; }
Family counter(std::string name, std::string help) { return {std::move(name), MetricType::Counter, std::move(help)}; }

// Families without a series are left out: a header alone says nothing.
void take(std::vector<MetricFamily>& into, Family&& family) {
  if (!family.made.metric.empty()) into.push_back(std::move(family.made));
}

void daemon_families(const Snapshot& snapshot, std::vector<MetricFamily>& into) {
  const DaemonFigures& daemon = snapshot.daemon;
  auto build = gauge("drwatch_build_info", "The running release.");
  build.add(1, {{"version", daemon.version}});
  take(into, std::move(build));
  auto config = gauge("drwatch_config_info", "The loaded configuration.");
  config.add(1, {{"hash", snapshot.settings->hash}});
  take(into, std::move(config));
  auto successful = gauge("drwatch_config_last_reload_successful", "Whether the last reload was taken over.");
  successful.add(daemon.last_reload_successful);
  take(into, std::move(successful));
  auto loaded = gauge("drwatch_config_last_reload_success_timestamp_seconds", "When configuration was last taken over.");
  loaded.add(unix_seconds(daemon.last_reload_at.value_or(daemon.started_at)));
  take(into, std::move(loaded));
}

void probe_families(const Snapshot& snapshot, std::vector<MetricFamily>& into) {
  auto up = gauge("drwatch_probe_up", "The probe's health: 1 up or degraded, 0 down, NaN unknown.");
  auto last = gauge("drwatch_probe_last_run_timestamp_seconds", "Start of the last run.");
  auto duration = gauge("drwatch_probe_duration_seconds", "Of the last run, by phase.");
  auto runs = counter("drwatch_probe_runs_total", "Runs since the start, by what they saw.");
  auto failures = counter("drwatch_probe_failures_total", "Runs since the start that were not up, by reason.");
  for (const auto& probe : snapshot.probes) {
    const std::string& name = probe.settings->name;
    up.add(probe.health == Health::unknown ? not_known
           : probe.health == Health::down  ? 0
                                           : 1,
           {{"probe", name}, {"component", probe.settings->component}, {"kind", probe.settings->kind}});
    if (probe.last_run_at) last.add(unix_seconds(*probe.last_run_at), {{"probe", name}});
    for (int i = 0; i < phase_count; ++i)
      if (const auto& took = probe.last.took[i])
        duration.add(std::chrono::duration<double>(*took).count(), {{"probe", name}, {"phase", phase_name(static_cast<Phase>(i))}});
    for (const Health health : all_health)
      runs.add(static_cast<double>(probe.runs[static_cast<std::size_t>(health)]), {{"probe", name}, {"outcome", health_name(health)}});
    for (std::size_t i = 0; i < probe.failures.size(); ++i)
      failures.add(static_cast<double>(probe.failures[i]), {{"probe", name}, {"reason", reason_name(all_reasons[i])}});
  }
  for (auto* family : {&up, &last, &duration, &runs, &failures}) take(into, std::move(*family));
}

void component_families(const Snapshot& snapshot, std::vector<MetricFamily>& into) {
  auto health = gauge("drwatch_component_health", "One of the states is 1.");
  auto point =
      gauge("drwatch_recovery_point_timestamp_seconds", "The newest moment to which the component could be restored from this source.");
  auto exposure = gauge("drwatch_rpo_exposure_seconds",
                        "What would be lost if a disaster of this class struck now. NaN not known yet, +Inf no source.");
  auto target = gauge("drwatch_objective_seconds", "The objective.");
  auto standing = gauge("drwatch_objective_standing", "How the objective stands; one of the standings is 1.");
  auto breach = gauge("drwatch_objective_breach_timestamp_seconds", "When the RPO will be breached if no newer recovery point comes.");
  auto fix = gauge("drwatch_time_to_fix_seconds",
                   "How long it takes to mend a source of recovery points, by what was measured, else by the plan.");
  auto size = gauge("drwatch_data_bytes", "How much data there is to bring back, as it was read last.");
  for (const auto& component : snapshot.components) {
    const std::string& name = component.settings->name;
    if (component.time_to_fix) fix.add(in_seconds(*component.time_to_fix), {{"component", name}});
    if (component.data_bytes) size.add(*component.data_bytes, {{"component", name}});
    for (const Health each : all_health) health.add(each == component.health, {{"component", name}, {"state", health_name(each)}});
    for (const auto& source : component.sources)
      point.add(unix_seconds(source.recovery_point), {{"component", name}, {"source", source.source}});
    for (const auto& each : component.exposures)
      exposure.add(each.no_source  ? without_end
                   : each.exposure ? in_seconds(*each.exposure)
                                   : not_known,
                   {{"component", name}, {"class", class_name(each.of_class)}});
    for (const auto& objective : component.objectives) {
      const std::string_view kind = objective.of_class ? "rpo" : "rto",
                             of_class = objective.of_class ? class_name(*objective.of_class) : "";
      if (objective.breach_at) breach.add(unix_seconds(*objective.breach_at), {{"component", name}, {"class", of_class}});
      target.add(in_seconds(objective.target), {{"component", name}, {"objective", kind}, {"class", of_class}});
      for (const Standing each : all_standings)
        standing.add(each == objective.standing,
                     {{"component", name}, {"objective", kind}, {"class", of_class}, {"standing", standing_name(each)}});
    }
  }
  for (auto* family : {&health, &point, &exposure, &target, &standing, &breach, &fix, &size}) take(into, std::move(*family));
}

void incident_families(const Snapshot& snapshot, std::vector<MetricFamily>& into) {
  auto open = gauge("drwatch_incident_open", "Whether an incident of the scenario is open.");
  auto elapsed = gauge("drwatch_incident_elapsed_seconds", "Of the open incident, from the last good outcome before it.");
  auto projected =
      gauge("drwatch_incident_projected_recovery_seconds", "From the start of the open incident to its recovery, as projected.");
  auto decide_by = gauge("drwatch_incident_decide_by_timestamp_seconds",
                         "The last moment at which a way out of the open incident still meets the objective.");
  auto missing = gauge("drwatch_incident_missing_probability", "That the open incident misses its RTO, as projected: 0 to 1.");
  for (const auto& each : snapshot.incidents) {
    const std::string& name = each.scenario;
    open.add(each.elapsed.has_value(), {{"scenario", name}});
    if (each.elapsed) elapsed.add(in_seconds(*each.elapsed), {{"scenario", name}});
    if (!each.projection) continue;
    projected.add(each.projection->p50_seconds, {{"scenario", name}, {"estimate", "p50"}});
    projected.add(each.projection->p90_seconds, {{"scenario", name}, {"estimate", "p90"}});
    decide_by.add(unix_seconds(each.projection->decide_by), {{"scenario", name}});
    missing.add(each.projection->missing, {{"scenario", name}});
  }
  auto scored =
      counter("drwatch_projections_scored_total", "Recoveries held against the projection made at their opening: was it in time.");
  for (const auto& [estimate, within] : {std::pair{"p50", snapshot.within_p50}, std::pair{"p90", snapshot.within_p90}}) {
    scored.add(static_cast<double>(within), {{"estimate", estimate}, {"result", "within"}});
    scored.add(static_cast<double>(snapshot.scored - within), {{"estimate", estimate}, {"result", "over"}});
  }
  for (auto* family : {&open, &elapsed, &projected, &decide_by, &missing, &scored}) take(into, std::move(*family));
}

void scenario_families(const Snapshot& snapshot, std::vector<MetricFamily>& into) {
  auto standing = gauge("drwatch_scenario_standing", "Could it be recovered in time; one of the standings is 1.");
  auto would = gauge("drwatch_scenario_projected_recovery_seconds",
                     "What recovery would take if it struck now, noticing and acknowledging included.");
  auto success = gauge("drwatch_drill_last_success_timestamp_seconds", "The newest drill that passed.");
  auto recovery = gauge("drwatch_drill_recovery_seconds", "What that drill took.");
  auto loss = gauge("drwatch_drill_data_loss_seconds", "What that drill lost.");
  auto overdue = gauge("drwatch_drill_overdue", "Whether a drill is overdue, its grace over.");
  for (const auto& each : snapshot.scenarios) {
    const std::string& name = each.scenario->id;
    for (const Standing one : all_standings) standing.add(one == each.standing, {{"scenario", name}, {"standing", standing_name(one)}});
    if (each.p50_seconds) would.add(*each.p50_seconds, {{"scenario", name}, {"estimate", "p50"}});
    if (each.p90_seconds) would.add(*each.p90_seconds, {{"scenario", name}, {"estimate", "p90"}});
    if (each.drill) success.add(unix_seconds(each.drill->at), {{"scenario", name}});
    if (each.drill && each.drill->recovery_seconds) recovery.add(*each.drill->recovery_seconds, {{"scenario", name}});
    if (each.drill && each.drill->data_loss_seconds) loss.add(*each.drill->data_loss_seconds, {{"scenario", name}});
    overdue.add(each.drill_overdue, {{"scenario", name}});
  }
  auto findings = gauge("drwatch_findings", "What an operator should know and nobody should be woken for.");
  for (const auto& [finding, count] : snapshot.findings) findings.add(static_cast<double>(count), {{"finding", finding}});
  auto blind = gauge("drwatch_blind", "Whether drwatch cannot see: most witnesses fail.");
  blind.add(snapshot.blind);
  for (auto* family : {&standing, &would, &success, &recovery, &loss, &overdue, &findings, &blind}) take(into, std::move(*family));
}

Family histogram(std::string name, std::string help, const Histogram& from) {
  Family family(std::move(name), MetricType::Histogram, std::move(help));
  auto& made = family.series({}).histogram;
  std::uint64_t last = 0;  // counts are cumulative already; the last one has all
  for (std::size_t i = 0; i < from.counts.size(); ++i) {
    last = from.counts[i];
    made.bucket.push_back({last, i < from.bounds.size() ? from.bounds[i] : without_end});
  }
  if (from.counts.empty()) made.bucket.push_back({0, without_end});
  made.sample_count = last;
  made.sample_sum = from.sum;
  return family;
}

void own_families(const Snapshot& snapshot, std::vector<MetricFamily>& into) {
  const DaemonFigures& daemon = snapshot.daemon;
  auto active = gauge("drwatch_alerts_active", "Alerts that should be firing.");
  active.add(static_cast<double>(daemon.alerts_active));
  auto undelivered = gauge("drwatch_alerts_undelivered", "Alerts that no Alertmanager is confirmed to have as they are now.");
  undelivered.add(static_cast<double>(daemon.alerts_undelivered));
  auto sent = counter("drwatch_alerts_sent_total", "Alerts sent, by Alertmanager and what became of them.");
  for (const auto& [key, count] : daemon.alerts_sent)
    sent.add(static_cast<double>(count), {{"alertmanager", key.first}, {"result", key.second}});
  for (auto* family : {&active, &undelivered, &sent}) take(into, std::move(*family));
  take(into, histogram("drwatch_loop_lag_seconds", "How late the loop came to what was due.", daemon.loop_lag));
  take(into, histogram("drwatch_journal_append_seconds", "From the begin of a commit until it was durable.", daemon.journal_append));

  const ProcessFigures process = process_figures();
  auto cpu = counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.");
  cpu.add(process.cpu_seconds);
  auto memory = gauge("process_resident_memory_bytes", "Resident memory size in bytes.");
  memory.add(process.resident_bytes);
  auto descriptors = gauge("process_open_fds", "Number of open file descriptors.");
  descriptors.add(process.open_descriptors);
  auto started = gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.");
  started.add(process.start_time_seconds);
  for (auto* family : {&cpu, &memory, &descriptors, &started}) take(into, std::move(*family));
}

class Page final : public prometheus::Collectable {
 public:
  explicit Page(const Snapshot& snapshot) : snapshot_(snapshot) {}
  std::vector<MetricFamily> Collect() const override {
    std::vector<MetricFamily> families;
    daemon_families(snapshot_, families);
    probe_families(snapshot_, families);
    component_families(snapshot_, families);
    scenario_families(snapshot_, families);
    incident_families(snapshot_, families);
    own_families(snapshot_, families);
    return families;
  }

 private:
  const Snapshot& snapshot_;
};

}  // namespace

std::string metrics_text(const Snapshot& snapshot) {
  std::ostringstream out;
  prometheus::TextSerializer{}.Serialize(out, Page(snapshot).Collect());
  return std::move(out).str();
}

}  // namespace drwatch::web
