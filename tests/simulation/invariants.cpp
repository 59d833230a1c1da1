// SPDX-License-Identifier: Apache-2.0
#include "invariants.hpp"

#include <nlohmann/json.hpp>

#include <map>

namespace drwatch::sim {

std::string replay_equals_live(const Scene& s) {
  for (; s.replayed_events < s.told.size(); ++s.replayed_events)
    apply(s.replayed, event_from_json(Json::parse(to_json(s.told[s.replayed_events]).dump())));
  Json a = to_json(s.replayed), b = to_json(s.daemon.state().record);
  return a == b ? "" : "the replayed state differs from the live one: " + Json::diff(a, b).dump().substr(0, 400);
}

std::string nothing_acknowledged_lost(const Scene& s) {
  for (const Acknowledged& a : s.acknowledged) {
    auto incident = s.daemon.state().record.incidents.find(a.incident);
    if (incident == s.daemon.state().record.incidents.end()) return "the acknowledged incident " + a.incident + " is gone";
    bool found = false;
    for (const Event& e : incident->second.timeline) found = found || (e.kind == "incident.noted" && e.body.text("text") == a.note);
    if (!found) return "the acknowledged note '" + a.note + "' of " + a.incident + " is gone";
  }
  return "";
}

std::string one_open_incident_a_scenario(const Scene& s) {
  std::map<std::string, int> open;
  for (const auto& [id, incident] : s.daemon.state().record.incidents)
    if (incident.state == IncidentState::open && ++open[incident.scenario] > 1) return "two open incidents of " + incident.scenario;
  return "";
}

std::string clocks_run_forward(const Scene& s) {
  Time last = s.at_start.at;
  std::uint64_t seq = s.at_start.seq;
  for (const Event& e : s.told) {
    if (e.at < last) return "event " + std::to_string(e.seq) + " goes back in time";
    if (e.seq != ++seq) return "event " + std::to_string(e.seq) + " leaves a hole before it";
    last = e.at;
  }
  for (const auto& [id, i] : s.daemon.state().record.incidents) {
    if (i.started_at > i.detected_at || i.detected_at > i.opened_at) return id + ": started, detected, opened are out of order";
    if (i.recovered_at && *i.recovered_at < i.started_at) return id + " recovered before it started";
    if (i.elapsed(s.daemon.now()) < Duration{0}) return id + " has a negative elapsed time";
  }
  return "";
}

std::string no_overlap(const Scene& s) { return s.runs.overlapped ? "a probe overlapped itself" : ""; }

std::string incidents_have_causes(const Scene& s) {
  for (const auto& [id, i] : s.daemon.state().record.incidents)
    if (i.opened_by == "drwatch" && i.because.empty()) return id + " opened without a cause";
  for (const auto& [key, alert] : s.daemon.state().record.alerts) {
    auto scenario = alert.labels.find("scenario");
    if (alert.resolved_at || scenario == alert.labels.end()) continue;
    bool open = false;
    for (const auto& [id, i] : s.daemon.state().record.incidents)
      open = open || (i.state == IncidentState::open && i.scenario == scenario->second);
    if (!open) return key + " fires and no incident of its scenario is open";
  }
  return "";
}

std::string no_probe_starved(const Scene& s) {
  for (const auto& [name, probe] : s.daemon.settings()->probes) {
    if (probe.job) continue;
    auto begun = s.runs.last_begun.find(name);
    // While drwatch's time catches up with a clock that was set back, its intervals are a little longer.
    Duration most = probe.interval * catching_up / (catching_up - 1) + probe.timeout + seconds{2};
    if (begun == s.runs.last_begun.end() || begun->second < s.clock.boottime() - most) return "probe " + name + " is starved";
  }
  return "";
}

std::string alerts_match(const Scene& s) {
  std::set<std::map<std::string, std::string>> wanted;
  for (const auto& [key, alert] : s.daemon.state().record.alerts)
    if (!alert.resolved_at) wanted.insert(alert.labels);
  auto standing = s.alertmanager.standing();
  for (const auto& labels : wanted)
    if (!standing.count(labels)) return "Alertmanager lacks " + labels.at("alertname");
  for (const auto& labels : standing)
    if (!wanted.count(labels)) return "Alertmanager has " + labels.at("alertname") + " without a cause";
  return "";
}

}  // namespace drwatch::sim
