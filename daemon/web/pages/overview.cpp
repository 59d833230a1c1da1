// SPDX-License-Identifier: Apache-2.0
// The page that says how things are: the status document, put into words, what is wrong first.
#include "config/rows/text.hpp"
#include "daemon/web/api/reading.hpp"
#include "daemon/web/pages/headline.hpp"
#include "daemon/web/pages/incident.hpp"
#include "daemon/web/pages/rendering.hpp"
#include "daemon/web/pages/wording.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

// More than so many of one kind are rows and no cards, or folded.
constexpr std::size_t cards_at_most = 12, rows_at_most = 24;

std::string subline(const View& status) {
  const auto up =
      std::count_if(status["components"].begin(), status["components"].end(), [](const View& c) { return c["health"] == "up"; });
  return std::to_string(up) + " of " + counted(status["components"].size(), "component") + " up.";
}

void word_open_incident(View& incident, const Seen& seen, const Incident& record) {
  const bool open = record.state == IncidentState::open;
  incident["alarm"] = open && record.severity == Severity::critical;
  incident["state_class"] = open ? "open-incident" : "recovered";
  word_clock(incident, seen, record);
  incident["ack_words"] = record.acknowledged_at ? "by " + record.acknowledged_by : "by nobody yet";
  View why = View::array();
  for (const auto& each : record.because) why.push_back(each.condition);
  incident["because_words"] =
      why.empty() ? "" : (open ? "Because " : "It opened because ") + words_of(why) + (open ? "." : ", as it was then.");
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

View exposure_row(const View& component, const View& exposure, const Seen& seen) {
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
  row["percent"] = nullptr;
  if (!objective.is_null() && exposure["exposure_seconds"].is_number())
    row["percent"] =
        percent_of(of_seconds(exposure["exposure_seconds"].get<double>()), of_seconds(objective["target_seconds"].get<double>()));
  row["metered"] = !row["percent"].is_null();
  row["point_words"] = exposure["recovery_point"].is_null() ? View("none") : exposure["recovery_point"];
  row["source_words"] = exposure["source"].is_null() ? "" : "from " + exposure["source"].get<std::string>();
  if (!exposure["held_since"].is_null())
    row["source_words"] = row["source_words"].get<std::string>() + ", no writes since " + ago_words(seen, exposure["held_since"]);
  row["breach_words"] = breach_words(objective, seen.now);
  return row;
}

int badness_of(const View& standing) {
  return standing == "breached" ? 0 : standing == "at-risk" ? 1 : standing == "unproven" ? 2 : standing == "met" ? 3 : 4;
}

// Those on the way to a breach, and those that are well or not judged: folded where they are many.
void add_exposures(View& status, const Seen& seen) {
  std::vector<View> rows;
  for (const auto& component : status["components"])
    for (const auto& exposure : component["exposures"]) rows.push_back(exposure_row(component, exposure, seen));
  std::stable_sort(rows.begin(), rows.end(),
                   [](const View& a, const View& b) { return badness_of(a["standing"]) < badness_of(b["standing"]); });
  const bool many = rows.size() > cards_at_most;
  View shown = View::array(), folded = View::array();
  for (auto& row : rows) (many && badness_of(row["standing"]) > 2 ? folded : shown).push_back(std::move(row));
  status["has_exposures"] = !rows.empty();
  status["exposed_html"] = shown.empty() ? View(nullptr) : View(fragment("exposures", {{"rows", shown}}));
  status["more_exposed_html"] = folded.empty() ? View(nullptr) : View(fragment("exposures", {{"rows", folded}}));
  status["more_exposed_words"] = std::to_string(folded.size()) + " more within their objective, or not judged";
}

View probes_of(const View& component, const Seen& seen) {
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
  return probes;
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
    rto["standing_words"] = rto_words(rto);
  }
  component["rto"] = std::move(rto);
  component["probes"] = probes_of(component, seen);
}

std::string in_query(const Call& call, const char* name) {
  const auto found = call.request.query.find(name);
  return found == call.request.query.end() ? std::string() : found->second.substr(0, 100);
}

// By name, title or place, capitals aside.
bool is_found(const View& component, const ComponentSettings& settings, const std::string& words) {
  std::string all = component["name"].get<std::string>() + "\n" + component["title"].get<std::string>();
  for (const std::string& place : settings.lies_in) all += "\n" + place;
  return lower(all).find(lower(words)) != std::string::npos;
}

// Those alone that the address asks for. The headline is of all of them, whatever is looked at.
void narrow_components(View& status, const Seen& seen, const Call& call) {
  const std::string words(trimmed(in_query(call, "find"))), health = in_query(call, "health");
  auto& list = status["components"].get_ref<View::array_t&>();
  const std::size_t of = list.size();
  const auto settings_of = [&](const View& component) -> const ComponentSettings& {
    return seen.settings.components.at(component["name"].get<std::string>());
  };
  std::erase_if(list, [&](const View& component) {
    const bool fits = health.empty() || (health == "not-up" ? component["health"] != "up" : component["health"] == health);
    return !fits || !is_found(component, settings_of(component), words);
  });
  const std::size_t shown = list.size();  // only now may keys be added: they move the list
  const bool narrowed = !words.empty() || !health.empty();
  status["find"] = words;
  status["healths"] = View::array();
  for (const char* each : {"not-up", "down", "unknown", "degraded", "up"})
    status["healths"].push_back({{"health", each}, {"chosen", health == each}});
  status["narrowed_words"] = narrowed ? View("Shown: " + std::to_string(shown) + " of " + counted(of, "component")) : View(nullptr);
  status["has_filter"] = narrowed || of > cards_at_most;
}

// What is wrong first; what is wrong because something else is, behind that.
int place_of(const View& component) {
  const std::string health = component["health"];
  if (health == "up") return 4;
  if (!component["explained_by"].is_null()) return 3;
  return health == "down" ? 0 : health == "unknown" ? 1 : 2;
}

void sort_components(View& status) {
  auto& list = status["components"].get_ref<View::array_t&>();
  std::stable_sort(list.begin(), list.end(), [](const View& a, const View& b) { return place_of(a) < place_of(b); });
  View cards = View::array(), rows = View::array(), well = View::array();
  const bool few = list.size() <= cards_at_most;
  for (const auto& component : list) {
    const bool up = component["health"] == "up";
    const bool card = few || (!up && component["explained_by"].is_null() && cards.size() < cards_at_most);
    (card ? cards : up ? well : rows).push_back(component);
  }
  status["cards"] = std::move(cards);
  status["rows_html"] = rows.empty() ? View(nullptr) : View(fragment("component_rows", {{"rows", rows}}));
  status["well_words"] = counted(well.size(), "component") + " up";
  status["well_open"] = well.size() <= rows_at_most;
  status["well_html"] = well.empty() ? View(nullptr) : View(fragment("component_rows", {{"rows", well}}));
}

// "eu-central: 3 of 14 down"
void add_places(View& status, const Seen& seen) {
  View places = View::array();
  for (const auto& [name, place] : seen.settings.places) {
    std::size_t down = 0, not_up = 0;
    for (const auto& member : place.components) {
      const auto record = seen.state.record.components.find(member);
      const Health health = record == seen.state.record.components.end() ? Health::unknown : record->second.health;
      down += health == Health::down;
      not_up += health != Health::up;
    }
    if (place.components.size() < 2) continue;
    const std::string of = " of " + std::to_string(place.components.size());
    places.push_back({{"name", name},
                      {"class", down > 0     ? "down"
                                : not_up > 0 ? "degraded"
                                             : "up"},
                      {"words", down > 0     ? std::to_string(down) + of + " down"
                                : not_up > 0 ? std::to_string(not_up) + of + " not up"
                                             : "all " + std::to_string(place.components.size()) + " up"}});
  }
  status["places"] = std::move(places);
  status["has_places"] = !status["places"].empty();
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

// Worst first; folded while there is nothing to tell them apart.
void sort_scenarios(View& status) {
  for (auto& scenario : status["scenarios"]) word_standing(scenario);
  auto& list = status["scenarios"].get_ref<View::array_t&>();
  std::stable_sort(list.begin(), list.end(),
                   [](const View& a, const View& b) { return badness_of(a["standing"]) < badness_of(b["standing"]); });
  const bool some = !list.empty(), alike = some && list.front()["standing"] == list.back()["standing"], few = list.size() < 4;
  std::map<std::string, std::size_t> counts;
  for (const auto& scenario : list) ++counts[scenario["standing"].get<std::string>()];
  std::string words = counted(list.size(), "scenario") + ": ";
  bool first = true;
  for (const char* standing : {"breached", "at-risk", "unproven", "met"}) {
    if (!counts.contains(standing)) continue;
    words += (first ? "" : ", ") + std::to_string(counts[standing]) + " " + standing;
    first = false;
  }
  // Only now: a key more may move the list.
  status["has_scenarios"] = some;
  status["scenarios_open"] = !alike || few;
  status["scenarios_words"] = words;
}

void flags(View& status, const DaemonFigures& figures) {
  for (const char* list : {"incidents", "pending", "findings", "maintenance"}) status["has_" + std::string(list)] = !status[list].empty();
  status["raised"] = View::array();
  for (const auto& signal : status["signals"])
    if (signal["state"] == "raised") status["raised"].push_back(signal);
  status["has_signals"] = !status["raised"].empty();
  status["not_durable"] = !figures.durable;
  status["reload_error"] = figures.last_reload_successful ? View(nullptr) : text_view(figures.last_reload_error);
  status["alert_words"] = counted(figures.alerts_active, "alert") + " active" +
                          (figures.alerts_active == 0 ? "."
                           : figures.alerts_undelivered == 0
                               ? ", all of them delivered."
                               : ", " + std::to_string(figures.alerts_undelivered) + " of them NOT confirmed by any Alertmanager.");
}

}  // namespace

Response page_overview(const Moment& now, const Call& call) {
  const DaemonFigures& figures = now.figures;
  View status = status_view(now.seen, figures);
  const Headline headline = headline_of(now.seen, figures);
  status["headline"] = headline.text;
  status["besides"] = headline.besides;
  status["level"] = headline.level;
  status["level_sign"] = sign(headline.level);
  status["level_word"] = headline.level == "up" ? "well" : headline.level == "unknown" ? "not known" : "attention";
  status["subline"] = subline(status);
  auto& incidents = status["incidents"].get_ref<View::array_t&>();
  std::stable_sort(incidents.begin(), incidents.end(),
                   [](const View& a, const View& b) { return a["state"] == "open" && b["state"] != "open"; });
  for (auto& incident : status["incidents"])
    word_open_incident(incident, now.seen, now.seen.state.record.incidents.at(incident["id"].get<std::string>()));
  narrow_components(status, now.seen, call);
  for (auto& pending : status["pending"]) pending["because_words"] = words_of(pending["because"]);
  add_exposures(status, now.seen);
  for (auto& component : status["components"]) word_component(component, now.seen);
  sort_components(status);
  add_places(status, now.seen);
  sort_scenarios(status);
  for (auto& maintenance : status["maintenance"]) maintenance["component_words"] = words_of(maintenance["components"]);
  flags(status, figures);
  const std::string title = sign(headline.level) + " " + headline.text + " · drwatch";
  return page(frame_of(now, call, true), "overview", title, std::move(status));
}

}  // namespace drwatch::web
