// SPDX-License-Identifier: Apache-2.0
// The page that the alert links to: what to do next, the clock, the checklist, the evidence.
#include "daemon/web/pages/incident.hpp"

#include "config/rows/encoding.hpp"
#include "daemon/recovery/points/exposure.hpp"
#include "daemon/web/api/reading.hpp"
#include "daemon/web/pages/rendering.hpp"
#include "daemon/web/pages/wording.hpp"

namespace drwatch::web {

std::string text_of_message(const std::string& subject, const std::string& body) { return sha256_hex(subject + "\n", body).substr(0, 16); }

namespace {

// At the end of a long night the whole timeline is megabytes, and the page is asked for again with every event; the report has all of it.
constexpr std::size_t newest_of_night = 100;

std::string done_words(const View& steps) {
  int done = 0;
  for (const auto& step : steps) done += step["closed"] == true;
  return std::to_string(done) + " of " + std::to_string(steps.size()) + " done";
}

void word_hero(View& view, const Incident& incident) {
  const bool open = incident.state == IncidentState::open;
  view["was_open"] = !open;
  view["hero"] = open || !view["down_again"].empty() ? "down" : incident.state == IncidentState::recovered ? "degraded" : "unknown";
  view["state_class"] = open ? "open-incident" : std::string(state_name(incident.state));
  view["live"] = incident.live();
  view["recovered"] = incident.state == IncidentState::recovered;
  view["ack_sentence"] = incident.acknowledged_at ? "Taken by " + incident.acknowledged_by + "." : "Nobody has taken it yet.";
  const View point = view["recovery_point"];  // a copy: a key that is added moves all the others
  view["no_data"] = !incident.data;
  view["lost_words"] = !incident.data                        ? "no data is at stake"
                       : point["exposure_seconds"].is_null() ? "not known"
                                                             : seconds_words(point["exposure_seconds"]);
  view["point_words"] = point["at"].is_null() ? "none known" : moment_words(point["at"]) + " from " + point["source"].get<std::string>();
  view["lost_label"] = incident.recovered_at && !view["loss"].is_null() ? "data lost" : "what would be lost";
  if (View& loss = view["loss"]; !loss.is_null()) {
    loss["words"] = seconds_words(loss["seconds"]);
    loss["noticed_words"] = text_or_null(seconds_words(loss["noticed_after_seconds"]));
  }
}

// Why it came second, and what to look at to tell the two apart.
void word_second(View& second) {
  std::string because;
  for (const auto& why : second["because"]) because += (because.empty() ? "" : ", ") + why["condition"].get<std::string>();
  second["because_words"] = because;
  second["missing_words"] = text_or_null(words_of(second["missing"]));
  second["against_words"] = text_or_null(words_of(second["against"]));
  second["alike"] = second["tells_apart"].empty();
}

void word_messages(View& view) {
  std::size_t drafts = 0;
  for (auto& message : view["messages"]) {
    const std::string state = message["state"];
    message["missing_words"] = text_or_null(words_of(message["missing"]));
    // A drill tells nobody outside: the heart refuses it.
    const bool outside = message["audience"] != "on-call" && message["audience"] != "internal";
    const bool whole = message["missing"].empty() && !(view["drill"] == true && outside);
    const bool old = !message["out_of_date"].is_null();
    message["can_approve"] = state == "draft" && whole && !old;
    message["can_send"] = (state == "draft" || state == "approved" || state == "failed") && whole;
    message["unsent"] = state != "sent";
    message["text"] = text_of_message(message["subject"], message["body"]);
    drafts += message["can_approve"] == true;
  }
  View newest(nullptr);
  for (const auto& event : view["timeline"])
    if (event["kind"] == "incident.noted") newest = event;
  view["newest_note"] = std::move(newest);
  view["has_messages"] = !view["messages"].empty();
  view["draft_words"] =
      drafts == 0 ? View(nullptr) : View(counted(drafts, "message") + (drafts == 1 ? " waits" : " wait") + " for approval");
}

// "oncall (responder), boss (admin)"; empty: nobody may.
std::string may_work_words(const View& deciders) {
  std::string words;
  const auto add = [&words](const std::string& who, const View& role) {
    words += (words.empty() ? "" : ", ") + who + " (" + role.get<std::string>() + ")";
  };
  for (const auto& person : deciders["people"]) add(person["name"], person["role"]);
  return words;
}

void word_deciders(View& view, const Incident& incident) {
  if (!incident.live()) return;
  const View deciders = view["deciders"];  // a copy: a key that is added moves all the others
  view["decides_words"] = text_or_null(words_of(deciders["roles"]));
  const std::string may = may_work_words(deciders);
  view["may_work_words"] = may.empty() ? "nobody: no token has the role responder" : may;
}

// What keeps it from being resolved, for whoever is about to.
void word_end(View& view, const Incident& incident) {
  View open = View::array();
  for (const auto& step : incident.steps)
    if (incident.gates(step) && !(incident.drill ? step.closed() : step.counts())) open.push_back(step.plan.title);
  view["open_critical_words"] = text_or_null(words_of(open, "; "));
}

}  // namespace

Response incident_page(const Moment& now, const Call& call, const NotDone& not_done) {
  const Incident* found = worked(now.seen.state.record, call.at.at("id"));
  if (!found) return not_found("incident", call.at.at("id"), keys_of(now.seen.state.record.incidents));
  const Incident& incident = *found;
  View view = incident_view(now.seen, incident, true, newest_of_night);
  word_hero(view, incident);
  word_deciders(view, incident);
  word_clock(view, now.seen, incident);
  if (View& second = view["second"]; !second.is_null()) word_second(second);
  // The projections of every few minutes would bury what people did; the API has them.
  std::erase_if(view["timeline"].get_ref<View::array_t&>(), [](const View& event) { return event["kind"] == "incident.projected"; });
  for (auto& step : view["steps"]) word_step(step, incident.drill);
  word_work(view, now, incident, call);
  if (incident.drill && !incident.live()) view["state"] = now.seen.state.record.drilling.held.at(incident.id).verdict;
  view["done_words"] = done_words(view["steps"]);
  word_messages(view);
  word_end(view, incident);
  const std::size_t events = view["timeline_events"];
  view["earlier_words"] =
      events > newest_of_night ? View("The newest " + std::to_string(newest_of_night) + " of " + counted(events, "event")) : View(nullptr);
  for (auto& event : view["timeline"]) event["person"] = event["by"] == "drwatch" ? View(nullptr) : event["by"];
  view["explains_words"] = text_or_null(words_of(view["explains"]));
  view["absorbed_words"] = text_or_null(words_of(view["absorbed"]));
  view["durable_not"] = view["durable"] == false;
  view["not_done"] = text_or_null(not_done.why);
  view["bad"] = !not_done.already;
  view["post_to"] = call.request.target;
  view["wrote"] = text_or_null(not_done.wrote);
  const std::string state = incident.live() ? view["clock"]["verdict"].get<std::string>() + ": " : "";
  const std::string title = (incident.drill ? "DRILL: " : "") + state + incident.title + " · " + incident.id;
  Response response = page(frame_of(now, call, incident.live()), "incident", title, std::move(view));
  response.status = not_done.status;
  return response;
}

Response page_incident(const Moment& now, const Call& call) { return incident_page(now, call); }

}  // namespace drwatch::web
