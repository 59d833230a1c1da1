// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/incidents/commands.hpp"
#include "daemon/recovery/outlook/projection.hpp"
#include "daemon/recovery/outlook/rto.hpp"
#include "daemon/recovery/points/exposure.hpp"
#include "daemon/recovery/points/loss.hpp"
#include "daemon/recovery/record/incident_rows.hpp"
#include "daemon/recovery/scenarios/conditions.hpp"
#include "daemon/web/api/view.hpp"

#include <algorithm>
#include <cmath>

namespace drwatch::web {
namespace {

std::string_view kind_name(Step::Kind kind) {
  return kind == Step::Kind::command ? "command" : kind == Step::Kind::verified ? "verified" : "person";
}

// null: the step verifies nothing.
View verify_view(const Seen& seen, const Incident& incident, const IncidentStep& step) {
  if (!step.plan.verify) return nullptr;
  View view;
  view["condition"] = step.plan.verify->text;
  view["hold_seconds"] = seconds_view(step.plan.hold);
  view["holds_since"] = time_view(step.holds_since);
  view["proves"] = step.proves ? View(*step.proves) : View(nullptr);
  // What was seen when it was ticked; until then, and behind a tick that drwatch does not believe, what is seen now.
  const bool as_now = incident.live() && !step.counts() && !incident.drill;
  view["evidence"] =
      as_now ? text_view(evaluate(seen.state, seen.settings, *step.plan.verify, seen.now).evidence) : text_view(step.evidence);
  view["broke_at"] = time_view(step.broke_at);
  return view;
}

// The newest event of one of these kinds about the step; nullptr: there is none.
const Event* newest_of(const Incident& incident, const IncidentStep& step, std::initializer_list<std::string_view> kinds) {
  const auto found = std::find_if(incident.timeline.rbegin(), incident.timeline.rend(), [&](const Event& event) {
    return std::find(kinds.begin(), kinds.end(), event.kind) != kinds.end() && event.body.text("step") == step.plan.id;
  });
  return found == incident.timeline.rend() ? nullptr : &*found;
}

// null: the step has no command. `output` is the end of what the command wrote; `would_run`: its words as they would be now, null while
// one of the names in `missing` is not known.
View run_view(const Seen& seen, const Incident& incident, const IncidentStep& step) {
  if (step.plan.run.empty()) return nullptr;
  View view;
  view["argv"] = step.plan.run;
  const auto now = incident.live() ? filled_command(seen.state, seen.settings, incident, step, seen.now) : FilledCommand{};
  view["would_run"] = incident.live() && now.missing.empty() ? View(now.argv) : View(nullptr);
  view["missing"] = now.missing;
  view["auto"] = step.plan.automatic;
  view["timeout_seconds"] = seconds_view(step.plan.timeout);
  view["output"] = text_view(step.evidence);
  const Event* failed = step.state == StepState::failed ? newest_of(incident, step, {"step.failed"}) : nullptr;
  view["exit_code"] = failed && failed->body.json().contains("exit_code") ? View(failed->body.json()["exit_code"]) : View(nullptr);
  return view;
}

View step_view(const Seen& seen, const Incident& incident, const IncidentStep& step) {
  View view;
  view["id"] = step.plan.id;
  view["title"] = step.plan.title;
  view["critical"] = step.plan.critical;
  view["owner"] = step.plan.owner ? View(*step.plan.owner) : View(nullptr);
  view["kind"] = kind_name(step.plan.kind());
  view["state"] = state_name(step.state);
  view["after"] = step.plan.after;
  view["waits_for"] = incident.waits_for(step);
  view["option"] = text_view(step.plan.option);
  view["needed"] = incident.needed(step);
  view["ready"] = incident.ready(step);
  view["expect_seconds"] = seconds_view(step.plan.expect);
  view["per_gib_seconds"] = seconds_view(step.plan.per_gib);
  view["started_at"] = time_view(step.started_at);
  view["ended_at"] = time_view(step.ended_at);
  const Event* started = step.started_at ? newest_of(incident, step, {"step.started", "step.running"}) : nullptr;
  view["started_by"] = started ? text_view(started->by) : View(nullptr);
  view["by"] = text_view(step.by);
  view["note"] = text_view(step.note);
  view["against_evidence"] = step.against_evidence;
  view["verify"] = verify_view(seen, incident, step);
  view["run"] = run_view(seen, incident, step);
  view["guide"] = text_view(for_incident(step.plan.guide, incident.id));
  return view;
}

View message_view(const Incident& incident, const IncidentMessage& message) {
  View view;
  view["id"] = message.id;
  view["audience"] = message.audience;
  view["when"] = moment_name(message.when);
  view["state"] = state_name(message.state);
  view["subject"] = message.subject;
  view["body"] = message.body;
  view["missing"] = message.missing;
  view["out_of_date"] = text_view(out_of_date(incident, message));
  view["drafted_at"] = time_view(message.drafted_at);
  view["sent_at"] = time_view(message.sent_at);
  view["by"] = text_view(message.by);
  return view;
}

View because_view(const std::vector<Evidence>& because) {
  View list = View::array();
  for (const auto& each : because) {
    View view;
    view["condition"] = each.condition;
    view["since"] = time_view(each.since);
    view["evidence"] = text_view(each.evidence);
    list.push_back(std::move(view));
  }
  return list;
}

// Which moment the data could be restored to now, and what would be lost by it; nulls when nothing is known.
View recovery_point_view(const Seen& seen, const Incident& incident) {
  const auto point = restore_point(seen.state, seen.settings, incident, seen.now);
  View view;
  view["at"] = point ? time_view(point->at) : View(nullptr);
  view["source"] = point ? text_view(point->source) : View(nullptr);
  view["exposure_seconds"] = point ? number_view(in_seconds(point->lost)) : View(nullptr);
  view["estimated"] = point ? View(point->estimated) : View(nullptr);
  return view;
}

View loss_view(const Seen& seen, const Incident& incident) {
  const auto loss = loss_of(seen.state, seen.settings, incident, seen.now);
  if (!loss) return nullptr;
  View view;
  view["from"] = time_view(loss->from);
  view["source"] = text_view(loss->source);
  view["until"] = time_view(loss->until);
  view["seconds"] = seconds_view(loss->lost);
  view["noticed_after_seconds"] = seconds_view(loss->noticed_after);
  view["estimated"] = loss->estimated;
  return view;
}

std::string option_words(const std::string& option) { return option.empty() ? "" : " for '" + option + "'"; }

// "likely back at ..., nine in ten by ...", as a person says it.
std::string projection_words(const Incident& incident) {
  const Projection& p = *incident.projection;
  const auto moment = [&](double after) { return time_words(incident.started_at + Duration{static_cast<std::int64_t>(after * 1000)}); };
  std::string text = "Likely over at " + moment(p.p50_seconds) + ", nine in ten by " + moment(p.p90_seconds) + option_words(p.way) + " (" +
                     basis_words(p) + "); " + std::to_string(std::lround(p.missing * 100)) + " % to miss the objective" + doubts(p);
  return text;
}

// The projection with what its figures rest on. `option` is null when the runbook has only one way out.
View projection_view(const Incident& incident) {
  if (!incident.projection) return nullptr;
  const Projection& projection = *incident.projection;
  View view;
  view["at"] = time_view(projection.at);
  view["message"] = projection_words(incident);
  view["basis"] = projection.basis;
  view["probability_of_missing"] = number_view(projection.missing);
  view["option"] = text_view(projection.way);
  view["critical_path"] = projection.critical_path;
  view["overrun"] = projection.overrun;
  view["unplanned"] = projection.unplanned;
  view["unsized"] = projection.unsized;
  view["data_bytes"] = projection.data_bytes ? number_view(*projection.data_bytes) : View(nullptr);
  view["hours"] = text_view(projection.hours);
  view["options"] = View::array();
  for (const WayOut& way : projection.ways)
    view["options"].push_back({{"option", text_view(way.option)},
                               {"projected_seconds", {{"p50", number_view(way.p50_seconds)}, {"p90", number_view(way.p90_seconds)}}},
                               {"decide_by", time_view(way.decide_by)}});
  return view;
}

View projected_view(const Incident& incident) {
  if (!incident.projection) return nullptr;
  return {{"p50", number_view(incident.projection->p50_seconds)}, {"p90", number_view(incident.projection->p90_seconds)}};
}

View second_view(const Incident& incident) {
  const auto& second = incident.second;
  if (!second) return nullptr;
  View view;
  view["scenario"] = second->scenario;
  view["title"] = second->title;
  view["because"] = because_view(second->because);
  view["tells_apart"] = second->tells_apart;
  const ToldApart apart = told_apart(incident);
  view["missing"] = apart.missing;
  view["against"] = apart.against;
  return view;
}

// What had recovered with the incident and has gone down since.
View down_again_view(const Seen& seen, const Incident& incident) {
  View list = View::array();
  if (incident.state != IncidentState::recovered || !incident.recovered_at) return list;
  for (const auto& name : incident.affects) {
    const auto found = seen.state.record.components.find(name);
    if (found == seen.state.record.components.end() || found->second.health != Health::down ||
        found->second.since <= *incident.recovered_at)
      continue;
    const auto component = seen.settings.components.find(name);
    list.push_back({{"component", name},
                    {"title", component == seen.settings.components.end() ? name : component->second.title},
                    {"since", time_view(found->second.since)},
                    {"message", found->second.message}});
  }
  return list;
}

// A field that incident_rows.cpp says is shown as it is; an empty text as null where the row says so.
View plain_view(const Incident& incident, const char* key) {
  const IncidentRow& row = incident_row(key);
  const Json value = row.written(incident);
  return row.shown == Shown::or_null && value == "" ? View(nullptr) : View(value);
}

// The scenario is not what it was when the incident opened (people work on the old copy), or is configured no more.
bool runbook_changed(const Seen& seen, const Incident& incident) {
  const auto now = seen.settings.scenarios.find(incident.scenario);
  return now == seen.settings.scenarios.end() || now->second.hash != incident.scenario_hash;
}

}  // namespace

View event_view(const Event& event) {
  View view;
  view["seq"] = event.seq;
  view["at"] = time_view(event.at);
  view["kind"] = event.kind;
  view["version"] = event.version;
  view["by"] = event.by;
  view["incident"] = text_view(event.incident);
  view["scenario"] = text_view(event.scenario);
  view["component"] = text_view(event.component);
  view["probe"] = text_view(event.probe);
  view["message"] = event.message;
  view["body"] = event.body.json();
  return view;
}

std::vector<std::string> incidents_in_order(const Record& record) {
  std::vector<std::string> ids;
  for (const auto& [id, incident] : record.incidents) ids.push_back(id);
  std::reverse(ids.begin(), ids.end());  // ids begin with the minute of the opening
  const auto milder = [&record](const std::string& id) {
    const Incident& incident = record.incidents.at(id);
    if (!incident.live()) return 4;
    return (incident.state == IncidentState::open ? 0 : 2) + (incident.severity == Severity::critical ? 0 : 1);
  };
  std::stable_sort(ids.begin(), ids.end(), [&](const std::string& a, const std::string& b) { return milder(a) < milder(b); });
  return ids;
}

View incident_view(const Seen& seen, const Incident& incident, bool whole, std::size_t events) {
  View view;
  const auto plain = [&](std::initializer_list<const char*> keys) {
    for (const char* key : keys) view[key] = plain_view(incident, key);
  };
  plain({"id", "scenario", "title", "summary", "severity", "class"});
  plain({"drill"});
  plain({"state", "affects", "explains"});
  view["url"] = seen.base_url + (incident.drill ? "/drills/" : "/incidents/") + incident.id;
  plain({"started_at", "started_by", "started_at_found", "detected_at", "opened_at", "opened_by", "acknowledged_at", "acknowledged_by",
         "taken_at", "taken_by"});
  view["owner"] = text_view(incident.owner());
  plain({"handed_at", "handed_to", "handed_by", "handover", "recovered_at", "recovery_said", "resolved_at", "absorbed", "absorbed_by",
         "absorbed_at", "false_alarm", "data"});
  view["elapsed_seconds"] = number_view(in_seconds(incident.elapsed(seen.now)));
  view["rto_seconds"] = seconds_view(incident.rto);
  view["deadline"] = time_view(incident.deadline());
  view["standing"] = standing_name(judge_rto(incident, seen.now).standing);
  view["projected_seconds"] = projected_view(incident);
  view["decide_by"] = incident.projection ? time_view(incident.projection->decide_by) : View(nullptr);
  view["update_due_at"] = incident.state == IncidentState::open ? time_view(incident.update_due()) : View(nullptr);
  view["projection"] = projection_view(incident);
  view["recovery_point"] = recovery_point_view(seen, incident);
  plain({"bad_change_at", "bad_change_by"});
  view["bad_change_asked"] = has_bad_change(seen.settings, incident) && !incident.bad_change_at && incident.live() && !incident.drill;
  view["loss"] = loss_view(seen, incident);
  view["because"] = because_view(because_now(seen.state, seen.settings, incident, seen.now));
  for (std::size_t n = 0; n < incident.because.size(); ++n)
    view["because"][n]["first"] = text_view(incident.because[n].evidence);  // as it was when it opened
  view["down_again"] = down_again_view(seen, incident);
  view["second"] = second_view(incident);
  view["runbook_changed"] = runbook_changed(seen, incident);
  view["durable"] = seen.durable;
  if (!whole) return view;

  view["deciders"] = deciders_view(seen.settings, incident);
  view["steps"] = View::array();
  for (const auto& step : incident.steps) view["steps"].push_back(step_view(seen, incident, step));
  view["messages"] = View::array();
  for (const auto& message : incident.messages) view["messages"].push_back(message_view(incident, message));
  view["timeline"] = View::array();
  const auto& timeline = incident.timeline;
  for (std::size_t i = timeline.size() - std::min(events, timeline.size()); i < timeline.size(); ++i)
    view["timeline"].push_back(event_view(timeline[i]));
  view["timeline_events"] = timeline.size();
  return view;
}

}  // namespace drwatch::web
