// SPDX-License-Identifier: Apache-2.0
// What was: every incident by its month, and the record, event by event.
#include "daemon/recovery/points/loss.hpp"
#include "daemon/web/api/reading.hpp"
#include "daemon/web/pages/incident.hpp"
#include "daemon/web/pages/rendering.hpp"
#include "daemon/web/pages/wording.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

constexpr std::size_t incidents_a_page = 100, events_a_page = 200, events_looked_through = 5000;

View past_row(const Seen& seen, const Incident& incident) {
  View row;
  row["id"] = incident.id;
  row["title"] = incident.title;
  row["state"] = state_name(incident.state);
  row["state_class"] = incident.state == IncidentState::open ? std::string("open-incident") : std::string(state_name(incident.state));
  row["severity"] = severity_name(incident.severity);
  row["false_alarm"] = incident.false_alarm;
  row["started_at"] = time_view(incident.started_at);
  row["took_words"] = duration_words(incident.elapsed(seen.now));
  row["rto_words"] = duration_words(incident.rto);
  const std::string verdict = clock_verdict(incident, seen.now);
  // One that goes on in a wider incident, or was none, says nothing about the objective.
  const bool judged = incident.state != IncidentState::absorbed && !incident.false_alarm && !incident.recovery_said;
  row["verdict"] = judged ? View(verdict) : View(nullptr);
  row["verdict_class"] = verdict == "on track" || verdict == "in time" ? "up" : verdict == "at risk" ? "degraded" : "down";
  const auto loss = incident.data ? loss_of(seen.state, seen.settings, incident, seen.now) : std::nullopt;
  const std::string lost = !incident.data || !loss ? std::string()
                           : !loss->lost           ? std::string("everything")
                                                   : duration_words(*loss->lost) + (loss->estimated ? " (estimated)" : "");
  row["loss_words"] = text_or_null(lost);
  return row;
}

std::string month_of(Time t) {
  static constexpr const char* names[] = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(t)};
  return std::string(names[static_cast<unsigned>(day.month()) - 1]) + " " + std::to_string(static_cast<int>(day.year()));
}

}  // namespace

Response page_incidents(const Moment& now, const Call& call) {
  const auto& incidents = now.seen.state.record.incidents;
  const auto before = call.request.query.find("before");
  auto from = incidents.rbegin();
  if (before != call.request.query.end()) from = std::make_reverse_iterator(incidents.lower_bound(before->second));
  View view;
  view["months"] = View::array();
  std::size_t shown = 0;
  for (; from != incidents.rend() && shown < incidents_a_page; ++from, ++shown) {
    const std::string month = month_of(from->second.opened_at);
    if (view["months"].empty() || view["months"].back()["month"] != month) {
      View next;
      next["month"] = month;
      next["rows"] = View::array();
      view["months"].push_back(std::move(next));
    }
    view["months"].back()["rows"].push_back(past_row(now.seen, from->second));
  }
  view["older"] = from == incidents.rend() || shown == 0 ? View(nullptr) : View(std::prev(from)->first);
  view["none"] = shown == 0;
  return page(frame_of(now, call, true), "incidents", "Incidents · drwatch", std::move(view));
}

namespace {

struct Filter {
  std::string kind, incident, component;
  bool fits(const Event& event) const {
    const bool of_kind = kind.empty() || event.kind == kind || event.kind.starts_with(kind + ".");
    return of_kind && (incident.empty() || event.incident == incident) && (component.empty() || event.component == component);
  }
  bool any() const { return !kind.empty() || !incident.empty() || !component.empty(); }
};

std::string asked_for(const Call& call, const std::string& name) {
  const auto found = call.request.query.find(name);
  return found == call.request.query.end() ? std::string() : found->second;
}

View event_row(const Event& event) {
  View row;
  row["seq"] = event.seq;
  row["at"] = time_view(event.at);
  row["kind"] = event.kind;
  row["message"] = event.message;
  row["incident"] = text_view(event.incident);
  row["component"] = text_view(event.component);
  row["probe"] = text_view(event.probe);
  row["person"] = event.by == "drwatch" ? View(nullptr) : text_view(event.by);
  return row;
}

// The first words of the kinds of events, to choose from.
View kinds_of(const std::string& chosen) {
  View kinds = View::array();
  std::vector<std::string> words;
  for (const auto& kind : event_kinds()) {
    const std::string word(kind.name.substr(0, kind.name.find('.')));
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  std::sort(words.begin(), words.end());
  for (const auto& word : words) kinds.push_back({{"kind", word}, {"chosen", word == chosen}});
  return kinds;
}

Response record_page(const Moment& now, const Call& call, const std::vector<std::shared_ptr<const Event>>& events) {
  const Filter filter{asked_for(call, "kind"), asked_for(call, "incident"), asked_for(call, "component")};
  View view;
  view["kinds"] = kinds_of(filter.kind);
  view["incident"] = filter.incident;
  view["component"] = filter.component;
  view["filtered"] = filter.any();
  view["events"] = View::array();
  for (auto event = events.rbegin(); event != events.rend() && view["events"].size() < events_a_page; ++event)
    if (filter.fits(**event)) view["events"].push_back(event_row(**event));
  view["none"] = view["events"].empty();
  view["full"] = view["events"].size() == events_a_page;
  view["looked_through"] = events.size();
  return page(frame_of(now, call, true), "events", "The record · drwatch", std::move(view));
}

}  // namespace

// Of the events that are in memory: the newest ones, over restarts.
Task<SharedResponse> page_events(Room& room, Call call) {
  auto events = room.desk.newest_events(events_looked_through);
  std::function<Response(const Moment&)> make = [call, events = std::move(events)](const Moment& now) {
    return record_page(now, call, events);
  };
  co_return co_await rendered(room, call.caller, std::move(make));
}

}  // namespace drwatch::web
