// SPDX-License-Identifier: Apache-2.0
#include "probes/statuspage/page.hpp"

#include "probes/parts/bounded_json.hpp"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <optional>

namespace drwatch {
namespace {

using Json = nlohmann::json;

// The other side decides how much it lists.
constexpr std::size_t most_listed = 1000;
constexpr std::size_t longest_text = 16 * 1024;

// The list at `key`; what isn't one counts as empty: see misread().
const Json& list_at(const Json& object, const char* key) {
  static const Json none = Json::array();
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : none;
}

bool has_list(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_array();
}

std::size_t bounded(const Json& list) { return std::min(list.size(), most_listed); }

// Something stands at `key` that is no list: what it would have listed can't be told. (Go writes an empty list as null, where nothing is
// the rule: a maintenance.)
bool misread(const Json& object, const char* key, bool may_be_null = false) {
  const auto found = object.find(key);
  return found != object.end() && !found->is_array() && !(may_be_null && found->is_null());
}

// A component's status, in either vocabulary. What is not known is not fine; what is not told at all is nullopt.
std::optional<Trouble> trouble_of(std::string_view status) {
  if (status.empty()) return std::nullopt;
  if (status == "operational") return Trouble::none;
  if (status.find("maintenance") != status.npos) return Trouble::maintenance;
  if (status == "partial_outage") return Trouble::partial_outage;
  if (status == "major_outage" || status == "full_outage") return Trouble::major_outage;
  return Trouble::degraded;
}

// Statuspage derives an incident's impact from its components: degraded performance is minor, a partial outage major, a major outage
// critical.
Trouble trouble_of_impact(std::string_view impact) {
  if (impact == "maintenance") return Trouble::maintenance;
  if (impact == "major") return Trouble::partial_outage;
  if (impact == "critical") return Trouble::major_outage;
  return Trouble::degraded;  // minor; and `none`, with which open incidents do stand there
}

// Statuses of either vocabulary in which nothing is going on any more, or not yet.
bool over(std::string_view status) {
  return status == "resolved" || status == "postmortem" || status == "completed" || status == "scheduled" ||
         status == "maintenance_scheduled" || status == "maintenance_complete";
}

void add_names(std::vector<std::string>& into, const Json& components) {
  for (std::size_t i = 0; i < bounded(components); ++i)
    if (auto name = text_at(components[i], "name"); !name.empty()) into.push_back(std::move(name));
}

void note_unread(PageReport& report, const Json& document, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (const auto size = list_at(document, key).size(); size > most_listed)
      report.unread = "of its " + std::to_string(size) + " " + key + " only " + std::to_string(most_listed) + " are read";
}

PageIncident statuspage_incident(const Json& json, bool maintenance) {
  PageIncident made;
  made.name = text_at(json, "name");
  made.status = text_at(json, "status");
  made.url = text_at(json, "shortlink");
  made.trouble = maintenance ? Trouble::maintenance : trouble_of_impact(text_at(json, "impact"));
  // What the provider believes to have mended is no outage any more; it isn't over either.
  if (made.status == "monitoring") made.trouble = std::min(made.trouble, Trouble::degraded);
  add_names(made.components, list_at(json, "components"));
  const Json& updates = list_at(json, "incident_updates");
  for (std::size_t i = 0; i < bounded(updates) && made.text.size() < longest_text; ++i) {
    made.text += text_at(updates[i], "body") + "\n";
    add_names(made.components, list_at(updates[i], "affected_components"));
  }
  return made;
}

PageReport statuspage(const Json& document) {
  PageReport report;
  report.shape = "statuspage";
  const Json& page = document.contains("page") ? document["page"] : document;
  report.name = text_at(page, "name");
  report.updated = parse_time(text_at(page, "updated_at"));
  report.indicator = text_at(document["status"], "indicator");
  const Json& components = list_at(document, "components");
  std::map<std::string, std::string> names;  // by id
  for (std::size_t i = 0; i < bounded(components); ++i)
    if (auto id = text_at(components[i], "id"); !id.empty()) names[std::move(id)] = text_at(components[i], "name");
  for (std::size_t i = 0; i < bounded(components); ++i) {
    const Json& one = components[i];
    if (one.is_object() && one.contains("group") && one["group"] == true) continue;
    const auto group = names.find(text_at(one, "group_id"));
    report.components.push_back({text_at(one, "name"), group == names.end() ? "" : group->second, trouble_of(text_at(one, "status"))});
  }
  note_unread(report, document, {"components", "incidents", "scheduled_maintenances"});
  for (const auto& [key, maintenance] : {std::pair{"incidents", false}, std::pair{"scheduled_maintenances", true}}) {
    const Json& listed = list_at(document, key);
    for (std::size_t i = 0; i < bounded(listed); ++i)
      if (listed[i].is_object() && !over(text_at(listed[i], "status")))
        report.incidents.push_back(statuspage_incident(listed[i], maintenance));
  }
  return report;
}

PageIncident incident_io_incident(const Json& json, bool maintenance) {
  PageIncident made;
  made.name = text_at(json, "name");
  made.status = text_at(json, "status");
  made.url = text_at(json, "url");
  made.text = text_at(json, "last_update_message").substr(0, longest_text);
  const Json& affected = list_at(json, "affected_components");
  made.trouble = maintenance ? Trouble::maintenance
                             : std::max(Trouble::degraded, trouble_of(text_at(json, "current_worst_impact")).value_or(Trouble::none));
  if (made.status == "monitoring") made.trouble = std::min(made.trouble, Trouble::degraded);
  add_names(made.components, affected);
  for (std::size_t i = 0; i < bounded(affected); ++i)
    if (auto group = text_at(affected[i], "group_name"); !group.empty()) made.components.push_back(std::move(group));
  return made;
}

PageReport incident_io(const Json& document) {
  PageReport report;
  report.shape = "incident.io";
  report.name = text_at(document, "page_title");
  note_unread(report, document, {"ongoing_incidents", "in_progress_maintenances"});
  for (const auto& [key, maintenance] : {std::pair{"ongoing_incidents", false}, std::pair{"in_progress_maintenances", true}}) {
    const Json& listed = list_at(document, key);
    for (std::size_t i = 0; i < bounded(listed); ++i) {
      if (!listed[i].is_object() || over(text_at(listed[i], "status"))) continue;
      report.incidents.push_back(incident_io_incident(listed[i], maintenance));
      // All that is not named here is operational: the page lists no others.
      const Json& affected = list_at(listed[i], "affected_components");
      for (std::size_t j = 0; j < bounded(affected); ++j)
        report.components.push_back(
            {text_at(affected[j], "name"), text_at(affected[j], "group_name"), trouble_of(text_at(affected[j], "current_status"))});
    }
  }
  return report;
}

Failure no_list(const std::string& key) { return {Reason::protocol, "", "a status page whose " + key + " are no list"}; }

}  // namespace

Result<PageReport> read_status_page(std::string_view body) {
  const Json document = bounded_json(body);
  if (document.is_object()) {
    if (const auto ongoing = document.find("ongoing_incidents"); ongoing != document.end() && ongoing->is_array()) {
      if (misread(document, "in_progress_maintenances", true)) return no_list("in_progress_maintenances");
      return incident_io(document);
    }
    for (const char* key : {"components", "incidents"})
      if (misread(document, key)) return no_list(key);
    if (misread(document, "scheduled_maintenances", true)) return no_list("scheduled_maintenances");
    // The indicator alone (status.json) would be green beside an open incident.
    const bool lists = has_list(document, "incidents") || has_list(document, "components");
    if (const auto status = document.find("status"); status != document.end() && !text_at(*status, "indicator").empty()) {
      if (lists) return statuspage(document);
      return Failure{Reason::protocol, "", "a Statuspage that lists neither components nor incidents (give it /api/v2/summary.json)"};
    }
  }
  return Failure{Reason::protocol, "", "neither a Statuspage nor an incident.io page"};
}

}  // namespace drwatch
