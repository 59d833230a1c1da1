// SPDX-License-Identifier: Apache-2.0
// The GET side of the API.
#include "daemon/web/api/reading.hpp"

#include "daemon/recovery/alerts/wanted.hpp"

#include "daemon/web/api/report.hpp"
#include "daemon/web/api/report_facts.hpp"

#include <algorithm>
#include <charconv>

namespace drwatch::web {
namespace {

constexpr std::size_t most_in_list = 1000;

template <class Map>
const typename Map::mapped_type* find(const Map& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

Response json(const View& document, int status) {
  Response response;
  response.status = status;
  response.type = "application/json";
  response.body = json_text(document);
  return response;
}

std::optional<std::uint64_t> number_in_query(const Call& call, const std::string& name, std::uint64_t otherwise) {
  const auto given = call.request.query.find(name);
  if (given == call.request.query.end()) return otherwise;
  std::uint64_t number = 0;
  const auto& text = given->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Paging by the last key and not by a number: what is added meanwhile moves nothing.
Response list(const Call& call, const std::string& name, const std::vector<std::string>& keys,
              const std::function<View(const std::string&)>& view, std::size_t usual_limit) {
  const auto limit = number_in_query(call, "limit", usual_limit);
  if (!limit || *limit == 0 || *limit > most_in_list)
    return problem(400, "not understood", "limit is a number from 1 to " + std::to_string(most_in_list));
  auto from = keys.begin();
  if (const auto after = call.request.query.find("after"); after != call.request.query.end()) {
    from = std::find(keys.begin(), keys.end(), after->second);
    if (from == keys.end())
      return problem(400, "not understood", "after is the 'next' of the list before; '" + after->second + "' is not in it");
    ++from;
  }
  View document;
  document[name] = View::array();
  document["next"] = nullptr;
  for (std::size_t n = 0; from != keys.end(); ++from, ++n) {
    if (n == *limit) {
      document["next"] = *(from - 1);
      break;
    }
    document[name].push_back(view(*from));
  }
  return json(document);
}

Response tell_health(Room&, const Call&) {
  Response response;
  response.body = "ok\n";  // that there is an answer is the proof: the loop turns
  return response;
}

// Ready when every probe has run since the start. Before that much is unknown, and a load balancer or a deployment should wait.
Response tell_readiness(Room& room, const Call&) {
  const DaemonFigures figures = room.desk.figures();
  if (figures.probes_not_seen.empty()) {
    Response response;
    response.body = "ready\n";
    return response;
  }
  Response response = problem(503, "not ready", "these probes have not run since the start", figures.probes_not_seen);
  response.headers.emplace_back("Retry-After", "2");
  return response;
}

Response read_status(const Moment& now, const Call&) { return json(status_view(now.seen, now.figures)); }

Response read_components(const Moment& now, const Call& call) {
  const auto& components = now.settings->components;
  return list(
      call, "components", keys_of(components), [&](const auto& name) { return component_view(now.seen, components.at(name)); },
      most_in_list);
}

Response read_probes(const Moment& now, const Call& call) {
  const auto& probes = now.settings->probes;
  return list(
      call, "probes", keys_of(probes),
      [&](const auto& name) { return probe_view(now.seen, probes.at(name), now.next_runs.at(name), false); }, most_in_list);
}

Response read_probe(const Moment& now, const Call& call) {
  const auto& name = call.at.at("name");
  const auto* probe = find(now.settings->probes, name);
  if (!probe) return not_found("probe", name, keys_of(now.settings->probes));
  return json(probe_view(now.seen, *probe, now.next_runs.at(name), true));
}

Response read_incidents(const Moment& now, const Call& call) {
  const auto& incidents = now.seen.state.record.incidents;
  auto ids = incidents_in_order(now.seen.state.record);
  const std::vector<std::string> states{"open", "recovered", "resolved", "absorbed"};
  const auto wanted = call.request.query.find("state");
  if (wanted != call.request.query.end() && std::find(states.begin(), states.end(), wanted->second) == states.end())
    return problem(400, "not understood", "state is one of open, recovered, resolved, absorbed", states);
  if (wanted != call.request.query.end())
    std::erase_if(ids, [&](const auto& id) { return state_name(incidents.at(id).state) != wanted->second; });
  return list(call, "incidents", ids, [&](const auto& id) { return incident_view(now.seen, incidents.at(id), false); }, 100);
}

Response read_incident(const Moment& now, const Call& call) {
  const auto* incident = find(now.seen.state.record.incidents, call.at.at("id"));
  if (!incident && worked(now.seen.state.record, call.at.at("id"))) return read_drill(now, call);
  if (!incident) return not_found("incident", call.at.at("id"), keys_of(now.seen.state.record.incidents));
  return json(incident_view(now.seen, *incident, true));
}

Response read_report(const Moment& now, const Call& call) {
  const auto* incident = find(now.seen.state.record.incidents, call.at.at("id"));
  if (!incident && worked(now.seen.state.record, call.at.at("id"))) return read_drill_report(now, call);
  if (!incident) return not_found("incident", call.at.at("id"), keys_of(now.seen.state.record.incidents));
  const auto format = call.request.query.find("format");
  if (format != call.request.query.end() && format->second == "json") return json(report_view(now.seen, *incident));
  if (format != call.request.query.end() && format->second != "markdown")
    return problem(400, "not understood", "format is markdown or json", {"markdown", "json"});
  Response response;
  response.type = "text/markdown; charset=utf-8";
  response.body = report(now.seen, *incident);
  return response;
}

Response read_scenarios(const Moment& now, const Call& call) {
  const auto& scenarios = now.settings->scenarios;
  return list(
      call, "scenarios", keys_of(scenarios), [&](const auto& name) { return scenario_view(now.seen, scenarios.at(name), false); },
      most_in_list);
}

Response read_scenario(const Moment& now, const Call& call) {
  const auto* scenario = find(now.settings->scenarios, call.at.at("scenario"));
  if (!scenario) return not_found("scenario", call.at.at("scenario"), keys_of(now.settings->scenarios));
  return json(scenario_view(now.seen, *scenario, true));
}

Response read_maintenance(const Moment& now, const Call& call) {
  const auto& running = now.seen.state.record.maintenance;
  return list(call, "maintenance", keys_of(running), [&](const auto& id) { return maintenance_view(running.at(id)); }, most_in_list);
}

Response read_signals(const Moment& now, const Call& call) {
  const auto& signals = now.settings->signals;
  return list(
      call, "signals", keys_of(signals), [&](const auto& name) { return signal_view(signals.at(name), now.seen.state, now.seen.settings); },
      most_in_list);
}

Response read_alerts(const Moment& now, const Call& call) {
  std::map<std::string, Alert> alerts;  // with the words of now, as they are sent
  for (Alert& alert : standing_alerts(now.seen.state, now.seen.settings, now.seen.now)) {
    std::string key = alert_key(alert);
    alerts.emplace(std::move(key), std::move(alert));
  }
  return list(call, "alerts", keys_of(alerts), [&](const auto& key) { return alert_view(alerts.at(key)); }, most_in_list);
}

}  // namespace drwatch::web
