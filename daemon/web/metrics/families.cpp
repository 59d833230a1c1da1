// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/metrics/families.hpp"

#include "daemon/web/metrics/process_figures.hpp"

#include <algorithm>
#include <limits>

namespace drwatch::web {
namespace {

constexpr Family gauge(std::string_view name, Unit unit, Family::Labels labels, std::string_view help, Family::Take take) {
  return {name, Family::Type::gauge, unit, labels, help, take};
}
constexpr Family counter(std::string_view name, Unit unit, Family::Labels labels, std::string_view help, Family::Take take) {
  return {name, Family::Type::counter, unit, labels, help, take};
}
constexpr Family histogram(std::string_view name, Unit unit, Family::Labels labels, std::string_view help, Family::Take take) {
  return {name, Family::Type::histogram, unit, labels, help, take};
}

constexpr double not_known = std::numeric_limits<double>::quiet_NaN();
constexpr double without_end = std::numeric_limits<double>::infinity();
constexpr Health all_health[] = {Health::up, Health::degraded, Health::down, Health::unknown};
constexpr Standing all_standings[] = {Standing::met, Standing::at_risk, Standing::breached, Standing::unproven};

std::string_view kind_of(const ObjectiveFigures& objective) { return objective.of_class ? "rpo" : "rto"; }
std::string_view class_of(const ObjectiveFigures& objective) { return objective.of_class ? class_name(*objective.of_class) : ""; }

constexpr Family release_rows[] = {
    gauge("drwatch_build_info", Unit::none, {"version"}, "The running release.",
          [](const DaemonFigures& daemon, Series& to) { to.add(1, {daemon.version}); }),
    gauge("drwatch_config_info", Unit::none, {"hash"}, "The loaded configuration.",
          [](const Snapshot& snapshot, Series& to) { to.add(1, {snapshot.settings->hash}); }),
    gauge("drwatch_config_last_reload_successful", Unit::none, {}, "Whether the last reload was taken over.",
          [](const DaemonFigures& daemon, Series& to) { to.add(daemon.last_reload_successful); }),
    gauge("drwatch_config_last_reload_success_timestamp_seconds", Unit::unix_time, {}, "When configuration was last taken over.",
          [](const DaemonFigures& daemon, Series& to) { to.add(daemon.last_reload_at.value_or(daemon.started_at)); }),
};

constexpr Family probe_rows[] = {
    gauge("drwatch_probe_up", Unit::none, {"probe", "component", "kind"}, "The probe's health: 1 up or degraded, 0 down, NaN unknown.",
          [](const ProbeFigures& probe, Series& to) {
            const double up = probe.health == Health::unknown ? not_known : probe.health == Health::down ? 0 : 1;
            to.add(up, {probe.settings->name, probe.settings->component, probe.settings->kind});
          }),
    gauge("drwatch_probe_last_run_timestamp_seconds", Unit::unix_time, {"probe"}, "Start of the last run.",
          [](const ProbeFigures& probe, Series& to) { to.add(probe.last_run_at, {probe.settings->name}); }),
    gauge("drwatch_probe_duration_seconds", Unit::seconds, {"probe", "phase"}, "Of the last run, by phase.",
          [](const ProbeFigures& probe, Series& to) {
            for (int i = 0; i < phase_count; ++i) to.add(probe.last.took[i], {probe.settings->name, phase_name(static_cast<Phase>(i))});
          }),
    gauge("drwatch_probe_failed_share", Unit::none, {"probe"},
          "Share of the last `window` runs that were down, since the probe was last well; absent while there were not so many.",
          [](const ProbeFigures& probe, Series& to) {
            if (probe.failed_share) to.add(*probe.failed_share, {probe.settings->name});
          }),
    counter("drwatch_probe_runs_total", Unit::none, {"probe", "outcome"}, "Runs since the start, by what they saw.",
            [](const ProbeFigures& probe, Series& to) {
              for (const Health health : all_health)
                to.add(probe.runs[static_cast<std::size_t>(health)], {probe.settings->name, health_name(health)});
            }),
    counter("drwatch_probe_failures_total", Unit::none, {"probe", "reason"}, "Runs since the start that were not up, by reason.",
            [](const ProbeFigures& probe, Series& to) {
              for (std::size_t i = 0; i < probe.failures.size(); ++i)
                to.add(probe.failures[i], {probe.settings->name, reason_name(all_reasons[i])});
            }),
};

constexpr Family component_rows[] = {
    gauge("drwatch_component_health", Unit::none, {"component", "state"}, "One of the states is 1.",
          [](const ComponentFigures& component, Series& to) {
            for (const Health each : all_health) to.add(each == component.health, {component.settings->name, health_name(each)});
          }),
    gauge("drwatch_recovery_point_timestamp_seconds", Unit::unix_time, {"component", "source"},
          "The newest moment to which the component could be restored from this source.",
          [](const ComponentFigures& component, Series& to) {
            for (const auto& source : component.sources) to.add(source.recovery_point, {component.settings->name, source.source});
          }),
    gauge("drwatch_rpo_exposure_seconds", Unit::seconds, {"component", "class"},
          "What would be lost if a disaster of this class struck now. NaN not known yet, +Inf no source.",
          [](const ComponentFigures& component, Series& to) {
            for (const auto& each : component.exposures) {
              const double lost = each.no_source ? without_end : each.exposure ? in_seconds(*each.exposure) : not_known;
              to.add(lost, {component.settings->name, class_name(each.of_class)});
            }
          }),
    gauge("drwatch_objective_seconds", Unit::seconds, {"component", "objective", "class"}, "The objective.",
          [](const ComponentFigures& component, Series& to) {
            for (const auto& each : component.objectives) to.add(each.target, {component.settings->name, kind_of(each), class_of(each)});
          }),
    gauge("drwatch_objective_standing", Unit::none, {"component", "objective", "class", "standing"},
          "How the objective stands; one of the standings is 1.",
          [](const ComponentFigures& component, Series& to) {
            for (const auto& each : component.objectives)
              for (const Standing one : all_standings)
                to.add(one == each.standing, {component.settings->name, kind_of(each), class_of(each), standing_name(one)});
          }),
    gauge("drwatch_objective_breach_timestamp_seconds", Unit::unix_time, {"component", "class"},
          "When the RPO will be breached if no newer recovery point comes.",
          [](const ComponentFigures& component, Series& to) {
            for (const auto& each : component.objectives) to.add(each.breach_at, {component.settings->name, class_of(each)});
          }),
    gauge("drwatch_time_to_fix_seconds", Unit::seconds, {"component"},
          "How long it takes to mend a source of recovery points, by what was measured, else by the plan.",
          [](const ComponentFigures& component, Series& to) { to.add(component.time_to_fix, {component.settings->name}); }),
    gauge("drwatch_data_bytes", Unit::bytes, {"component"}, "How much data there is to bring back, as it was read last.",
          [](const ComponentFigures& component, Series& to) { to.add(component.data_bytes, {component.settings->name}); }),
};

constexpr Family scenario_rows[] = {
    gauge("drwatch_scenario_standing", Unit::none, {"scenario", "standing"}, "Could it be recovered in time; one of the standings is 1.",
          [](const ScenarioFigures& each, Series& to) {
            for (const Standing one : all_standings) to.add(one == each.standing, {each.scenario->id, standing_name(one)});
          }),
    gauge("drwatch_scenario_projected_recovery_seconds", Unit::seconds, {"scenario", "estimate"},
          "What recovery would take if it struck now, noticing and acknowledging included.",
          [](const ScenarioFigures& each, Series& to) {
            to.add(each.p50_seconds, {each.scenario->id, "p50"});
            to.add(each.p90_seconds, {each.scenario->id, "p90"});
          }),
    gauge("drwatch_drill_last_success_timestamp_seconds", Unit::unix_time, {"scenario"}, "The newest drill that passed.",
          [](const ScenarioFigures& each, Series& to) {
            if (each.drill_last) to.add(*each.drill_last, {each.scenario->id});
          }),
    gauge("drwatch_drill_recovery_seconds", Unit::seconds, {"scenario"}, "What that drill took.",
          [](const ScenarioFigures& each, Series& to) {
            if (each.drill) to.add(each.drill->recovery_seconds, {each.scenario->id});
          }),
    gauge("drwatch_drill_data_loss_seconds", Unit::seconds, {"scenario"}, "What that drill lost.",
          [](const ScenarioFigures& each, Series& to) {
            if (each.drill) to.add(each.drill->data_loss_seconds, {each.scenario->id});
          }),
    gauge("drwatch_drill_overdue", Unit::none, {"scenario"}, "Whether a drill is overdue, its grace over.",
          [](const ScenarioFigures& each, Series& to) { to.add(each.drill_overdue, {each.scenario->id}); }),
    gauge("drwatch_drill_due_timestamp_seconds", Unit::unix_time, {"scenario"}, "When the next drill is due.",
          [](const ScenarioFigures& each, Series& to) {
            if (each.drill_due) to.add(*each.drill_due, {each.scenario->id});
          }),
    gauge("drwatch_drill_running", Unit::none, {"scenario"}, "Whether a drill is held now.",
          [](const ScenarioFigures& each, Series& to) { to.add(each.drill_running, {each.scenario->id}); }),
};

constexpr Family finding_rows[] = {
    counter("drwatch_http_wrong_tokens_total", Unit::none, {},
            "Requests since the start that showed a token which is none of `[server.tokens]`.",
            [](const DaemonFigures& daemon, Series& to) { to.add(daemon.wrong_tokens); }),
    gauge("drwatch_findings", Unit::none, {"finding"}, "What an operator should know and nobody should be woken for.",
          [](const Snapshot& snapshot, Series& to) {
            for (const auto& [finding, count] : snapshot.findings) to.add(count, {finding});
          }),
    gauge("drwatch_blind", Unit::none, {}, "Whether drwatch cannot see: most witnesses fail, or it is late itself.",
          [](const Snapshot& snapshot, Series& to) { to.add(snapshot.blind); }),
};

constexpr Family incident_rows[] = {
    gauge("drwatch_incident_open", Unit::none, {"scenario"}, "Whether an incident of the scenario is open.",
          [](const IncidentFigures& incident, Series& to) { to.add(incident.elapsed.has_value(), {incident.scenario}); }),
    gauge("drwatch_incident_elapsed_seconds", Unit::seconds, {"scenario"}, "Of the open incident, from the last good outcome before it.",
          [](const IncidentFigures& incident, Series& to) { to.add(incident.elapsed, {incident.scenario}); }),
    gauge("drwatch_incident_projected_recovery_seconds", Unit::seconds, {"scenario", "estimate"},
          "From the start of the open incident to its recovery, as projected.",
          [](const IncidentFigures& incident, Series& to) {
            if (!incident.projection) return;
            to.add(incident.projection->p50_seconds, {incident.scenario, "p50"});
            to.add(incident.projection->p90_seconds, {incident.scenario, "p90"});
          }),
    gauge("drwatch_incident_decide_by_timestamp_seconds", Unit::unix_time, {"scenario"},
          "The last moment at which a way out of the open incident still meets the objective.",
          [](const IncidentFigures& incident, Series& to) {
            if (incident.projection) to.add(incident.projection->decide_by, {incident.scenario});
          }),
    gauge("drwatch_incident_update_due_timestamp_seconds", Unit::unix_time, {"scenario"},
          "When people who wait for news of the open incident should hear something; in the past: it is due.",
          [](const IncidentFigures& incident, Series& to) {
            if (incident.update_due) to.add(*incident.update_due, {incident.scenario});
          }),
    gauge("drwatch_incident_missing_probability", Unit::none, {"scenario"}, "That the open incident misses its RTO, as projected: 0 to 1.",
          [](const IncidentFigures& incident, Series& to) {
            if (incident.projection) to.add(incident.projection->missing, {incident.scenario});
          }),
    counter("drwatch_projections_scored_total", Unit::none, {"estimate", "result"},
            "Recoveries held against the projection made at their opening: was it in time.",
            [](const Snapshot& snapshot, Series& to) {
              to.add(snapshot.within_p50, {"p50", "within"});
              to.add(snapshot.scored - snapshot.within_p50, {"p50", "over"});
              to.add(snapshot.within_p90, {"p90", "within"});
              to.add(snapshot.scored - snapshot.within_p90, {"p90", "over"});
            }),
};

constexpr Family own_rows[] = {
    gauge("drwatch_alerts_active", Unit::none, {}, "Alerts that should be firing.",
          [](const DaemonFigures& daemon, Series& to) { to.add(daemon.alerts_active); }),
    gauge("drwatch_alerts_undelivered", Unit::none, {}, "Alerts that no Alertmanager is confirmed to have as they are now.",
          [](const DaemonFigures& daemon, Series& to) { to.add(daemon.alerts_undelivered); }),
    counter("drwatch_alerts_sent_total", Unit::none, {"alertmanager", "result"}, "Alerts sent, by Alertmanager and what became of them.",
            [](const DaemonFigures& daemon, Series& to) {
              for (const auto& [key, count] : daemon.alerts_sent) to.add(count, {key.first, key.second});
            }),
    histogram("drwatch_loop_lag_seconds", Unit::seconds, {}, "How late the loop came to what was due.",
              [](const DaemonFigures& daemon, Series& to) { to.add(daemon.loop_lag); }),
    histogram("drwatch_journal_append_seconds", Unit::seconds, {}, "From the begin of a commit until it was durable.",
              [](const DaemonFigures& daemon, Series& to) { to.add(daemon.journal_append); }),
    gauge("drwatch_journal_waiting_events", Unit::none, {}, "Events that are not durable yet.",
          [](const DaemonFigures& daemon, Series& to) { to.add(daemon.journal_waiting); }),
    gauge("drwatch_journal_waiting_bytes", Unit::bytes, {}, "About what those take in memory.",
          [](const DaemonFigures& daemon, Series& to) { to.add(daemon.journal_waiting_bytes); }),
    counter("drwatch_journal_left_out_events_total", Unit::none, {},
            "Events that were not kept to be written, since the journal could take no more: what they led to is written when it can.",
            [](const DaemonFigures& daemon, Series& to) { to.add(daemon.journal_left_out); }),
    counter("drwatch_log_lines_lost_total", Unit::none, {},
            "Lines of the log that journald, or whoever reads standard error, did not take.",
            [](const DaemonFigures& daemon, Series& to) { to.add(daemon.log_lines_lost); }),
    counter("process_cpu_seconds_total", Unit::seconds, {}, "Total user and system CPU time spent in seconds.",
            [](const Snapshot&, Series& to) { to.add(process_cpu_seconds()); }),
    gauge("process_resident_memory_bytes", Unit::bytes, {}, "Resident memory size in bytes.",
          [](const Snapshot&, Series& to) { to.add(process_resident_bytes()); }),
    gauge("process_open_fds", Unit::none, {}, "Number of open file descriptors.",
          [](const Snapshot&, Series& to) { to.add(process_open_descriptors()); }),
    gauge("process_start_time_seconds", Unit::unix_time, {}, "Start time of the process since unix epoch in seconds.",
          [](const Snapshot&, Series& to) { to.add(process_start_time_seconds()); }),
};

// Prometheus' rules for names: a counter ends in _total and nothing else does; before that comes the unit.
constexpr bool well_named(const Family& row) {
  constexpr std::string_view total = "_total";
  std::string_view name = row.name;
  if (name.ends_with(total) != (row.type == Family::Type::counter)) return false;
  if (name.ends_with(total)) name.remove_suffix(total.size());
  const bool seconds = row.unit == Unit::seconds || row.unit == Unit::unix_time;
  return name.ends_with("_seconds") == seconds && name.ends_with("_bytes") == (row.unit == Unit::bytes);
}

constexpr Chapter all_chapters[] = {
    {"The release and its configuration", release_rows},
    {"Probes", probe_rows},
    {"Components and their objectives", component_rows},
    {"Scenarios and their drills", scenario_rows},
    {"Findings and blindness", finding_rows},
    {"Incidents", incident_rows},
    {"drwatch itself", own_rows},
};
static_assert(std::ranges::all_of(all_chapters, [](const Chapter& chapter) { return std::ranges::all_of(chapter.rows, well_named); }),
              "a row's name does not fit its type and its unit");

}  // namespace

std::span<const Chapter> chapters() { return all_chapters; }

}  // namespace drwatch::web
