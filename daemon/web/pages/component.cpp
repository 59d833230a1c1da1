// SPDX-License-Identifier: Apache-2.0
// One component: what is seen of it, what would be lost with it, what happened to it; and its badge.
#include "daemon/web/api/reading.hpp"
#include "daemon/web/pages/rendering.hpp"
#include "daemon/web/pages/told.hpp"
#include "daemon/web/pages/wording.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

constexpr std::size_t incidents_shown = 20;

View probe_row(const Seen& seen, const std::string& name) {
  const auto record = seen.state.record.probes.find(name);
  const auto sight = seen.state.sight.probes.find(name);
  const Health health = record == seen.state.record.probes.end() ? Health::unknown : record->second.health;
  View row;
  row["name"] = name;
  row["health"] = health_name(health);
  row["health_sign"] = sign(health_name(health));
  const bool ran = sight != seen.state.sight.probes.end() && sight->second.last_run_at;
  row["ran_words"] = ran ? duration_words(seen.now - *sight->second.last_run_at) + " ago" : "not since the start";
  row["message"] = record == seen.state.record.probes.end() || health == Health::up ? View(nullptr) : text_view(record->second.message);
  return row;
}

View objective_row(const View& objective, Time now) {
  View row;
  const bool rto = objective["objective"] == "rto";
  row["words"] =
      rto ? "back within " + seconds_words(objective["target_seconds"])
          : "at most " + seconds_words(objective["target_seconds"]) + " lost, if the " + objective["class"].get<std::string>() + " is";
  row["standing"] = objective["standing"];
  row["standing_sign"] = sign(objective["standing"].get<std::string>());
  row["standing_words"] = rto ? View(rto_words(objective)) : objective["standing"];
  row["message"] = objective["message"];
  const auto at = objective["breach_at"].is_string() ? parse_time(objective["breach_at"].get<std::string>()) : std::nullopt;
  row["breach_words"] = at && objective["standing"] != "met" ? View("breach at " + clock_words(*at, now)) : View(nullptr);
  return row;
}

View exposure_words(const View& exposure) {
  View row;
  row["class"] = exposure["class"];
  row["lost_words"] = exposure["no_source"] == true ? std::string("nothing survives this")
                      : exposure["exposure_seconds"].is_null()
                          ? std::string("not known")
                          : seconds_words(exposure["exposure_seconds"]) + (exposure["estimated"] == true ? " (estimated)" : "");
  row["point"] = exposure["recovery_point"];
  row["source"] = exposure["source"];
  return row;
}

View incidents_of(const Seen& seen, const std::string& component) {
  View list = View::array();
  const auto& incidents = seen.state.record.incidents;
  for (auto each = incidents.rbegin(); each != incidents.rend() && list.size() < incidents_shown; ++each) {
    const auto& affects = each->second.affects;
    if (std::find(affects.begin(), affects.end(), component) == affects.end()) continue;
    list.push_back({{"id", each->first},
                    {"title", each->second.title},
                    {"state", state_name(each->second.state)},
                    {"took_words", duration_words(each->second.elapsed(seen.now))}});
  }
  return list;
}

View links_of(const Settings& settings, const std::vector<std::string>& names) {
  View list = View::array();
  for (const auto& name : names) {
    const auto found = settings.components.find(name);
    list.push_back({{"name", name}, {"title", found == settings.components.end() ? name : found->second.title}});
  }
  return list;
}

}  // namespace

Response page_component(const Moment& now, const Call& call) {
  const auto& components = now.settings->components;
  const auto found = components.find(call.at.at("component"));
  if (found == components.end()) return not_found("component", call.at.at("component"), keys_of(components));
  const ComponentSettings& component = found->second;
  View view = component_view(now.seen, component);
  view["health_sign"] = sign(view["health"].get<std::string>());
  view["not_seen"] = view["seen"] == false;
  view["since_words"] = view["since"].is_null() ? "not known" : ago_words(now.seen, view["since"]);
  view["last_good_words"] = view["last_good_at"].is_null() ? "never" : ago_words(now.seen, view["last_good_at"]);
  std::vector<std::string> names = component.probes;
  for (const auto& name : component.protected_by)
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  view["rows"] = View::array();
  for (const auto& name : names) view["rows"].push_back(probe_row(now.seen, name));
  view["has_rows"] = !names.empty();
  view["aims"] = View::array();
  for (const auto& objective : view["objectives"]) view["aims"].push_back(objective_row(objective, now.seen.now));
  view["has_aims"] = !view["aims"].empty();
  view["exposed"] = View::array();
  for (const auto& exposure : view["exposures"]) view["exposed"].push_back(exposure_words(exposure));
  view["has_exposed"] = !view["exposed"].empty();
  view["stands_on"] = links_of(*now.settings, component.depends_on);
  view["has_stands_on"] = !component.depends_on.empty();
  std::vector<std::string> carried;
  for (const auto& [name, other] : components)
    if (std::find(other.depends_on.begin(), other.depends_on.end(), component.name) != other.depends_on.end()) carried.push_back(name);
  view["carries"] = links_of(*now.settings, carried);
  view["has_carries"] = !carried.empty();
  view["incidents"] = incidents_of(now.seen, component.name);
  view["has_incidents"] = !view["incidents"].empty();
  return page(frame_of(now, call, true), "component", component.title + " · drwatch", std::move(view));
}

Response page_badge(const Moment& now, const Call& call) {
  std::string name = call.at.at("badge");
  const auto& components = now.settings->components;
  if (name.ends_with(".svg")) name.resize(name.size() - 4);
  const auto found = components.find(name);
  if (found == components.end() || name == call.at.at("badge"))
    return not_found("badge", call.at.at("badge"), [&] {
      std::vector<std::string> known;
      for (const auto& [component, settings] : components) known.push_back(component + ".svg");
      return known;
    }());
  const std::string health(health_name(told_health(now, found->second)));
  constexpr int letter = 7, room = 10;  // of a letter at this size, about; on both sides of a word
  const int left = static_cast<int>(std::min<std::size_t>(found->second.title.size(), 60)) * letter + 2 * room;
  const int right = static_cast<int>(health.size()) * letter + 2 * room;
  View view;
  view["title"] = found->second.title;
  view["health"] = health;
  view["colour"] = health == "up" ? "#17653b" : health == "degraded" ? "#9a6200" : health == "down" ? "#a3201d" : "#4b5361";
  view["left"] = left;
  view["right"] = right;
  view["width"] = left + right;
  view["left_middle"] = left / 2;
  view["right_middle"] = left + right / 2;
  Response response;
  response.type = "image/svg+xml";
  response.body = fragment("badge", view);
  return response;
}

}  // namespace drwatch::web
