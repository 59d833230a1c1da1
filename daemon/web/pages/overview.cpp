// SPDX-License-Identifier: Apache-2.0
// The page that says how things are: the status document, put into words.
#include "daemon/web/api/reading.hpp"
#include "daemon/web/pages/rendering.hpp"
#include "daemon/web/pages/wording.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

constexpr int refresh_seconds = 10;

std::string titles_with(const View& components, std::string_view health) {
  View titles = View::array();
  for (const auto& component : components)
    if (component["health"] == health) titles.push_back(component["title"]);
  return words_of(titles);
}

std::string headline(const View& status) {
  const std::string health = status["health"];
  if (status["components"].empty()) return "No component is configured";
  if (health == "up") return "Everything is up";
  if (health == "unknown") return "Not known: " + titles_with(status["components"], health) + " cannot be seen";
  return titles_with(status["components"], health) + (health == "down" ? " down" : " degraded");
}

std::string subline(const View& status) {
  int up = 0;
  for (const auto& component : status["components"]) up += component["health"] == "up";
  const auto incidents = status["incidents"].size();
  return std::to_string(up) + " of " + std::to_string(status["components"].size()) + " components up, " +
         (incidents == 0 ? "no incident" : std::to_string(incidents) + (incidents == 1 ? " incident" : " incidents")) + " in hand.";
}

void word_incident(View& incident, const Seen& seen, const Incident& record) {
  const bool open = record.state == IncidentState::open;
  incident["alarm"] = open && record.severity == Severity::critical;
  incident["state_class"] = open ? "open-incident" : "recovered";
  incident["elapsed_words"] = duration_words(record.elapsed(seen.now));
  incident["rto_words"] = duration_words(record.rto);
  incident["left_words"] = record.recovered_at ? "recovered" : left_words(record.deadline(), seen.now);
  incident["ack_words"] = record.acknowledged_at ? "by " + record.acknowledged_by : "not yet";
  incident["percent"] = percent_of(record.elapsed(seen.now), record.rto);
  View why = View::array();
  for (const auto& each : record.because) why.push_back(each.condition);
  incident["because_words"] = why.empty() ? "" : "Because " + words_of(why) + ".";
}

// The objective of a component's class; null: none.
View objective_of(const View& component, const View& kind, const View& of_class) {
  for (const auto& objective : component["objectives"])
    if (objective["objective"] == kind && objective["class"] == of_class) return objective;
  return nullptr;
}

// null: it is not on its way there.
View breach_words(const View& objective, Time now) {
  if (objective.is_null()) return nullptr;
  if (objective["unreachable"] == true) return "no source can meet it";
  if (objective["breach_at"].is_null() || objective["standing"] == "met") return nullptr;
  const auto at = parse_time(objective["breach_at"].get<std::string>());
  return at ? View("breach at " + clock_words(*at, now)) : View(nullptr);
}

View exposure_rows(const View& components, const Seen& seen) {
  View rows = View::array();
  for (const auto& component : components) {
    for (const auto& exposure : component["exposures"]) {
      const View objective = objective_of(component, "rpo", exposure["class"]);
      View row;
      row["component"] = component["title"];
      row["class"] = exposure["class"];
      row["lost_words"] = exposure["no_source"] == true
                              ? (exposure["emptied"].is_null() ? "nothing survives this" : "everything: nothing is left")
                          : exposure["exposure_seconds"].is_null()
                              ? "not known"
                              : seconds_words(exposure["exposure_seconds"]) + (exposure["estimated"] == true ? " (estimated)" : "");
      row["target_words"] = objective.is_null() ? "" : seconds_words(objective["target_seconds"]);
      row["standing"] = objective.is_null() ? View(nullptr) : objective["standing"];
      row["standing_sign"] = objective.is_null() ? "" : sign(objective["standing"].get<std::string>());
      row["point_words"] = exposure["recovery_point"].is_null() ? View("none") : exposure["recovery_point"];
      row["source_words"] = exposure["source"].is_null() ? "" : "from " + exposure["source"].get<std::string>();
      if (!exposure["held_since"].is_null())
        row["source_words"] = row["source_words"].get<std::string>() + ", no writes since " + ago_words(seen, exposure["held_since"]);
      row["breach_words"] = breach_words(objective, seen.now);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

void word_component(View& component, const Seen& seen) {
  component["health_sign"] = sign(component["health"].get<std::string>());
  component["not_seen"] = component["seen"] == false;
  const std::string age = ago_words(seen, component["since"]);
  component["since_words"] = age.empty()
                                 ? "nothing is known yet"
                                 : component["health"].get<std::string>() + " for " + age.substr(0, age.size() - 4);  // without " ago"
  component["last_good_words"] = component["health"] == "up" ? View(nullptr) : text_view(ago_words(seen, component["last_good_at"]));
  View rto = objective_of(component, "rto", nullptr);
  if (!rto.is_null()) {
    rto["target_words"] = seconds_words(rto["target_seconds"]);
    rto["standing_sign"] = sign(rto["standing"].get<std::string>());
  }
  component["rto"] = std::move(rto);
  View probes = View::array();
  for (const auto* names : {&component["probes"], &component["protected_by"]}) {
    for (const auto& name : *names) {
      const auto record = seen.state.record.probes.find(name.get<std::string>());
      const Health health = record == seen.state.record.probes.end() ? Health::unknown : record->second.health;
      View probe;
      probe["name"] = name;
      probe["health"] = health_name(health);
      probe["health_sign"] = sign(health_name(health));
      if (std::find(probes.begin(), probes.end(), probe) == probes.end()) probes.push_back(std::move(probe));
    }
  }
  component["probes"] = std::move(probes);
}

// "database, from wal-archive: 42 s lost"
std::string restored_words(const View& point) {
  if (point.is_null()) return "no data of its own";
  const std::string of = point["component"];
  if (point["no_source"] == true) return "nothing: no source of " + of + " survives this";
  if (point["exposure_seconds"].is_null()) return "not known: no recovery point of " + of + " was read";
  return of + " from " + point["source"].get<std::string>() + ", " + (point["estimated"] == true ? "about " : "") +
         seconds_words(point["exposure_seconds"]) + " lost" +
         (point["class"] == "logical" ? ", and what is written until it is noticed" : "");
}

void word_standing(View& scenario) {
  scenario["point_words"] = restored_words(scenario["recovery_point"]);
  scenario["rto_words"] = seconds_words(scenario["rto_seconds"]);
  scenario["standing_sign"] = sign(scenario["standing"].get<std::string>());
  const View& drill = scenario["drill"];
  scenario["drill_words"] = drill["due_at"].is_null()
                                ? std::string("none planned")
                                : (drill["overdue"] == true ? "overdue since " : "due ") + drill["due_at"].get<std::string>().substr(0, 10);
}

void flags(View& status, const DaemonFigures& figures) {
  for (const char* list : {"incidents", "pending", "components", "scenarios", "findings", "maintenance"})
    status["has_" + std::string(list)] = !status[list].empty();
  status["has_exposures"] = !status["exposures"].empty();
  status["raised"] = View::array();
  for (const auto& signal : status["signals"])
    if (signal["state"] == "raised") status["raised"].push_back(signal);
  status["has_signals"] = !status["raised"].empty();
  status["not_durable"] = !figures.durable;
  status["reload_error"] = figures.last_reload_successful ? View(nullptr) : text_view(figures.last_reload_error);
  status["alert_words"] =
      std::to_string(figures.alerts_active) + " alerts active" +
      (figures.alerts_undelivered == 0 ? ", all of them delivered."
                                       : ", " + std::to_string(figures.alerts_undelivered) + " of them NOT confirmed by any Alertmanager.");
}

}  // namespace

Response page_overview(const Moment& now, const Call&) {
  const DaemonFigures& figures = now.figures;
  View status = status_view(now.seen, figures);
  status["headline"] = headline(status);
  status["subline"] = subline(status);
  status["health_sign"] = sign(status["health"].get<std::string>());
  status["exposures"] = exposure_rows(status["components"], now.seen);
  for (auto& incident : status["incidents"])
    word_incident(incident, now.seen, now.seen.state.record.incidents.at(incident["id"].get<std::string>()));
  for (auto& pending : status["pending"]) pending["because_words"] = words_of(pending["because"]);
  for (auto& component : status["components"]) word_component(component, now.seen);
  for (auto& scenario : status["scenarios"]) word_standing(scenario);
  for (auto& maintenance : status["maintenance"]) maintenance["component_words"] = words_of(maintenance["components"]);
  flags(status, figures);
  const std::string title = status["headline"].get<std::string>() + " · drwatch";
  return page("overview", title, std::move(status), refresh_seconds);
}

}  // namespace drwatch::web
