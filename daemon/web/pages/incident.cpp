// SPDX-License-Identifier: Apache-2.0
// The page that the alert links to: the clock, the checklist, the evidence.
#include "daemon/recovery/points/exposure.hpp"
#include "daemon/web/api/reading.hpp"
#include "daemon/web/pages/rendering.hpp"
#include "daemon/web/pages/wording.hpp"

namespace drwatch::web {
namespace {

std::string tick(const std::string& state, bool against) {
  if (against) return "?";
  if (state == "done") return "✓";
  if (state == "skipped") return "–";
  if (state == "failed" || state == "interrupted") return "!";
  return state == "open" ? "" : "…";
}

std::string kind_words(const std::string& kind) {
  return kind == "verified" ? "drwatch verifies it" : kind == "command" ? "a command" : "a person does it";
}

void word_step(View& step) {
  const std::string state = step["state"];
  const bool closed = state == "done" || state == "skipped";
  step["closed"] = closed;
  const bool against = step["against_evidence"] == true;
  step["tick"] = tick(state, against);
  step["tick_class"] = against ? "failed" : state;  // as what does not hold
  step["waits"] = state == "open" && step["ready"] == false && step["kind"] != "verified";
  step["after_words"] = words_of(step["after"]);
  step["kind_words"] = kind_words(step["kind"]);
  step["expect_words"] = text_or_null(seconds_words(step["expect_seconds"]));
  step["guide_html"] = step["guide"].is_null() ? View(nullptr) : View(markdown_html(step["guide"]));
  std::string done;
  if (closed && !step["ended_at"].is_null())
    done = state + " at " + step["ended_at"].get<std::string>();
  else if (!step["started_at"].is_null())
    done = "started at " + step["started_at"].get<std::string>();
  if (!done.empty() && !step["by"].is_null())
    done += against ? ", said by " + step["by"].get<std::string>() + ", against what drwatch sees" : " by " + step["by"].get<std::string>();
  step["done_sentence"] = text_or_null(std::move(done));
  if (View& verify = step["verify"]; !verify.is_null()) {
    verify["hold_words"] = seconds_words(verify["hold_seconds"]);
    verify["proves_nothing"] = verify["proves"] == false;
  }
  if (View& run = step["run"]; !run.is_null()) run["argv_words"] = words_of(run["argv"], " ");
}

std::string done_words(const View& steps) {
  int done = 0;
  for (const auto& step : steps) done += step["closed"] == true;
  return std::to_string(done) + " of " + std::to_string(steps.size()) + " done";
}

void word_hero(View& view, const Seen& seen, const Incident& incident) {
  const bool open = incident.state == IncidentState::open;
  view["hero"] = open ? "down" : incident.state == IncidentState::recovered ? "degraded" : "unknown";
  view["state_class"] = open ? "open-incident" : std::string(state_name(incident.state));
  view["elapsed_label"] = incident.recovered_at ? "took" : "running for";
  view["elapsed_words"] = duration_words(incident.elapsed(seen.now));
  view["rto_words"] = duration_words(incident.rto);
  view["left_words"] = incident.recovered_at ? (incident.elapsed(seen.now) <= incident.rto ? "recovered in time" : "recovered too late")
                                             : left_words(incident.deadline(), seen.now);
  if (incident.recovery_said) view["left_words"] = "called over, never seen to recover";
  if (incident.state == IncidentState::absorbed) view["elapsed_label"] = "ran for", view["left_words"] = "goes on elsewhere";
  view["percent"] = percent_of(incident.elapsed(seen.now), incident.rto);
  view["ack_sentence"] = incident.acknowledged_at ? "Acknowledged by " + incident.acknowledged_by + "." : "Nobody has acknowledged it yet.";
  const View point = view["recovery_point"];  // a copy: a key that is added moves all the others
  view["no_data"] = !incident.data;
  view["lost_words"] = !incident.data                        ? "no data is at stake"
                       : point["exposure_seconds"].is_null() ? "not known"
                                                             : seconds_words(point["exposure_seconds"]);
  view["point_words"] =
      point["at"].is_null() ? "none known" : point["at"].get<std::string>() + " from " + point["source"].get<std::string>();
  view["lost_label"] = incident.recovered_at && !view["loss"].is_null() ? "data lost" : "what would be lost";
  if (View& loss = view["loss"]; !loss.is_null()) {
    loss["words"] = seconds_words(loss["seconds"]);
    loss["noticed_words"] = text_or_null(seconds_words(loss["noticed_after_seconds"]));
  }
}

// What is projected, while it is open.
View outlook_of(const View& view, const Incident& incident, Time now) {
  if (!incident.projection || incident.state != IncidentState::open) return nullptr;
  View outlook = view["projection"];
  outlook["path_words"] = text_or_null(words_of(outlook["critical_path"]));
  outlook["decide_words"] =
      time_words(incident.projection->decide_by) +
      (now <= incident.projection->decide_by ? ", in " + duration_words(incident.projection->decide_by - now) : ", which has passed");
  for (auto& option : outlook["options"])
    option["words"] = "nine in ten within " + seconds_words(option["projected_seconds"]["p90"]) + ", to be chosen by " +
                      option["decide_by"].get<std::string>();
  return outlook;
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

}  // namespace

Response page_incident(const Moment& now, const Call& call) {
  const auto& incidents = now.seen.state.record.incidents;
  const auto found = incidents.find(call.at.at("id"));
  if (found == incidents.end()) return not_found("incident", call.at.at("id"), keys_of(incidents));
  View view = incident_view(now.seen, found->second, true);
  word_hero(view, now.seen, found->second);
  view["outlook"] = outlook_of(view, found->second, now.seen.now);
  if (View& second = view["second"]; !second.is_null()) word_second(second);
  // The projections of every few minutes would bury what people did; the API has them.
  std::erase_if(view["timeline"].get_ref<View::array_t&>(), [](const View& event) { return event["kind"] == "incident.projected"; });
  for (auto& step : view["steps"]) word_step(step);
  view["done_words"] = done_words(view["steps"]);
  for (auto& message : view["messages"]) message["missing_words"] = text_or_null(words_of(message["missing"]));
  view["has_messages"] = !view["messages"].empty();
  for (auto& event : view["timeline"]) event["person"] = event["by"] == "drwatch" ? View(nullptr) : event["by"];
  view["explains_words"] = text_or_null(words_of(view["explains"]));
  view["absorbed_words"] = text_or_null(words_of(view["absorbed"]));
  view["durable_not"] = view["durable"] == false;
  view["now"] = time_text(now.seen.now);
  view["version"] = now.figures.version;
  return page("incident", found->second.title + " · " + found->first, std::move(view), found->second.live() ? 10 : 0);
}

}  // namespace drwatch::web
