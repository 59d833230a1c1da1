// SPDX-License-Identifier: Apache-2.0
// What responders do: a body becomes an input, the daemon decides, the answer is what it touched.
#include "config/components.hpp"
#include "daemon/web/api/fields.hpp"
#include "daemon/web/api/keyed.hpp"
#include "daemon/web/api/reading.hpp"

#include <algorithm>
#include <limits>

namespace drwatch::web {

Response refusal(const Refusal& refused) { return problem(refused.status, refused.title, refused.detail, refused.list); }

namespace {

// The answer to an act does not bring the whole timeline each time: at the end of a long night that is megabytes, once for every note.
constexpr std::size_t newest_of_timeline = 10;

Response incident_answer(const Moment& now, const std::string& id, bool durable, bool changed, int status) {
  const auto& incidents = now.state.record.incidents;
  const auto& drills = now.state.record.drilling.held;
  View view;
  std::string path;
  if (const auto found = incidents.find(id); found != incidents.end()) {
    view = incident_view(now.seen, found->second, true, newest_of_timeline);
    path = "/api/v1/incidents/";
  } else if (const auto drill = drills.find(id); drill != drills.end()) {
    view = held_drill_view(now.seen, drill->second, true, newest_of_timeline);
    path = "/api/v1/drills/";
  } else {
    return json(View{{"id", id}, {"durable", durable}, {"changed", changed}}, status);
  }
  view["durable"] = durable;
  view["changed"] = changed;
  Response response = json(view, status);
  if (status == 201) response.headers.emplace_back("Location", path + id);
  return response;
}

}  // namespace

// The incident or drill that the command touched, as it is now, or the refusal. 201 carries its address.
Task<SharedResponse> incident_answer(Room& room, Caller caller, std::string id, Answer answer, int status) {
  if (answer.refused) co_return shared(refusal(*answer.refused));
  if (!answer.subject.empty()) id = answer.subject;
  std::function<Response(const Moment&)> make = [id, durable = answer.durable, changed = answer.changed && !answer.repeated,
                                                 status](const Moment& now) { return incident_answer(now, id, durable, changed, status); };
  co_return co_await answered(room, caller, std::move(make));
}

namespace {

// A path that names an incident which does not exist is answered with 404 and the nearest ids, before the body is looked at.
std::optional<Response> no_such_incident(Room& room, const Call& call) {
  const Record& record = room.desk.state().record;
  if (worked(record, call.at.at("id"))) return std::nullopt;
  const bool drill = call.request.segments.size() > 2 && call.request.segments[2] == "drills";
  return drill ? not_found("drill", call.at.at("id"), keys_of(record.drilling.held))
               : not_found("incident", call.at.at("id"), keys_of(record.incidents));
}

// What all commands on an incident share: the incident exists, the body is understood, the daemon decides, the answer is the incident.
Task<SharedResponse> on_incident(Room& room, Call call, Fields fields, Input input) {
  if (auto wrong = no_such_incident(room, call)) co_return shared(std::move(*wrong));
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  const Answer answer = co_await submit(room, call, std::move(input));
  co_return co_await incident_answer(room, call.caller, call.at.at("id"), answer, 200);
}

}  // namespace

Task<SharedResponse> open_incident(Room& room, Call call) {
  Fields fields(call.request);
  OpenIncident input{fields.text("scenario", true), call.caller.name, fields.text("note")};
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  const auto& scenarios = room.desk.settings()->scenarios;
  // 404 with the nearest names, rather than the plain refusal of the heart.
  if (!scenarios.contains(input.scenario)) {
    co_return shared(not_found("scenario", input.scenario, keys_of(scenarios)));
  }
  const Answer answer = co_await submit(room, call, std::move(input));
  // 201 only when this request opened it, also when it is sent again. The heart answers with the open incident when there is one already.
  co_return co_await incident_answer(room, call.caller, answer.subject, answer, answer.made ? 201 : 200);
}

Task<SharedResponse> acknowledge(Room& room, Call call) {
  Fields fields(call.request);
  Acknowledge input{call.at["id"], call.caller.name, fields.text("note")};
  co_return co_await on_incident(room, std::move(call), std::move(fields), std::move(input));
}

Task<SharedResponse> act_on_step(Room& room, Call call) {
  if (auto wrong = no_such_incident(room, call)) co_return shared(std::move(*wrong));
  const Incident& incident = *worked(room.desk.state().record, call.at["id"]);
  if (!incident.step(call.at["step"])) {
    std::vector<std::string> steps;
    for (const auto& step : incident.steps) steps.push_back(step.plan.id);
    co_return shared(not_found("step", call.at["step"], steps));
  }
  Fields fields(call.request);
  const auto action = parse_step_action(fields.one_of("action", step_actions()));
  StepAction input{call.at["id"],    call.at["step"],     action.value_or(OnStep::start),
                   call.caller.name, fields.text("note"), fields.flag("force")};
  co_return co_await on_incident(room, std::move(call), std::move(fields), std::move(input));
}

Task<SharedResponse> add_note(Room& room, Call call) {
  Fields fields(call.request);
  AddNote input{call.at["id"], fields.text("text", true), call.caller.name};
  co_return co_await on_incident(room, std::move(call), std::move(fields), std::move(input));
}

Task<SharedResponse> act_on_message(Room& room, Call call) {
  if (auto wrong = no_such_incident(room, call)) co_return shared(std::move(*wrong));
  const Incident& incident = *worked(room.desk.state().record, call.at["id"]);
  std::vector<std::string> known;
  for (const auto& message : incident.messages) known.push_back(message.id);
  if (std::find(known.begin(), known.end(), call.at["message"]) == known.end())
    co_return shared(not_found("message", call.at["message"], known));
  Fields fields(call.request);
  const auto action = parse_message_action(fields.one_of("action", message_actions()));
  MessageAction input{call.at["id"], call.at["message"], action.value_or(OnMessage::approve), call.caller.name};
  co_return co_await on_incident(room, std::move(call), std::move(fields), std::move(input));
}

Task<SharedResponse> resolve(Room& room, Call call) {
  Fields fields(call.request);
  Resolve input{call.at["id"], fields.flag("force"), fields.flag("false_alarm"), call.caller.name, fields.text("note")};
  co_return co_await on_incident(room, std::move(call), std::move(fields), std::move(input));
}

Task<SharedResponse> reopen(Room& room, Call call) {
  Fields fields(call.request);
  Reopen input{call.at["id"], call.caller.name, fields.text("note")};
  co_return co_await on_incident(room, std::move(call), std::move(fields), std::move(input));
}

Task<SharedResponse> hand_over(Room& room, Call call) {
  Fields fields(call.request);
  HandOver input{call.at["id"], fields.text("to", true), call.caller.name, fields.text("note")};
  co_return co_await on_incident(room, std::move(call), std::move(fields), std::move(input));
}

Task<SharedResponse> take_over(Room& room, Call call) {
  Fields fields(call.request);
  TakeOver input{call.at["id"], call.caller.name, fields.text("note")};
  co_return co_await on_incident(room, std::move(call), std::move(fields), std::move(input));
}

Task<SharedResponse> refile(Room& room, Call call) {
  Fields fields(call.request);
  Refile input{call.at["id"], fields.text("scenario", true), call.caller.name, fields.text("note")};
  co_return co_await on_incident(room, std::move(call), std::move(fields), std::move(input));
}

Task<SharedResponse> correct_start(Room& room, Call call) {
  Fields fields(call.request);
  CorrectStart input{call.at["id"], fields.time("at").value_or(Time{}), call.caller.name, fields.text("note")};
  co_return co_await on_incident(room, std::move(call), std::move(fields), std::move(input));
}

Task<SharedResponse> say_bad_change(Room& room, Call call) {
  Fields fields(call.request);
  SayBadChange input{call.at["id"], fields.time("at").value_or(Time{}), call.caller.name, fields.text("note")};
  co_return co_await on_incident(room, std::move(call), std::move(fields), std::move(input));
}

Task<SharedResponse> set_signal(Room& room, Call call) {
  const auto settings = room.desk.settings();
  const std::string name = call.at["name"];
  if (!settings->signals.contains(name)) co_return shared(not_found("signal", name, keys_of(settings->signals)));
  Fields fields(call.request);
  const auto raised = parse_signal_state(fields.one_of("state", signal_states()));
  SetSignal input{name, raised.value_or(false), call.caller.name, fields.text("note"), "", fields.flag("force")};
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  const Answer answer = co_await submit(room, call, std::move(input));
  if (answer.refused) co_return shared(refusal(*answer.refused));
  View view = signal_view(settings->signals.at(name), room.desk.state(), *settings);
  view["durable"] = answer.durable;
  co_return shared(json(view));
}

namespace {

// One that runs; or, for who asks again, one that has ended, as its events tell, which are remembered for long but not for ever.
std::optional<MaintenanceRecord> maintenance_of(Room& room, const std::string& id) {
  const auto& running = room.desk.state().record.maintenance;
  if (const auto found = running.find(id); found != running.end()) return found->second;
  const auto ended = room.desk.state().record.first_seen.find("maintenance-ended/" + id);
  if (ended == room.desk.state().record.first_seen.end()) return std::nullopt;
  MaintenanceRecord record{id, {}, {}, ended->second, ""};
  for (const auto& event : room.desk.events_since(0, std::numeric_limits<std::size_t>::max()))
    if (event->kind == "maintenance.began" && event->body.text("id") == id)
      record = {id, event->body.texts("components"), event->at, ended->second, event->by, event->body.text("note")};
  return record;
}

Response maintenance_answer(Room& room, const Answer& answer, const std::string& id, int status) {
  if (answer.refused) return refusal(*answer.refused);
  View view = maintenance_view(maintenance_of(room, id).value_or(MaintenanceRecord{id, {}, {}, {}, "", ""}));
  view["durable"] = answer.durable;
  return json(view, status);
}

}  // namespace

Task<SharedResponse> start_maintenance(Room& room, Call call) {
  Fields fields(call.request);
  StartMaintenance input;
  input.components = fields.texts("components");
  input.lasts = fields.duration("for", "for_seconds").value_or(Duration{0});
  input.note = fields.text("note");
  input.by = call.caller.name;
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  const auto settings = room.desk.settings();
  for (const auto& component : input.components)
    if (components_in(*settings, component).empty())
      co_return shared(not_found("component or place", component, names_of_components(*settings)));
  const Answer answer = co_await submit(room, call, std::move(input));
  co_return shared(maintenance_answer(room, answer, answer.subject, answer.made ? 201 : 200));
}

Task<SharedResponse> end_maintenance(Room& room, Call call) {
  const std::string id = call.at["id"];
  if (!maintenance_of(room, id)) co_return shared(not_found("running maintenance", id, keys_of(room.desk.state().record.maintenance)));
  Fields fields(call.request);
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  EndMaintenance input{id, call.caller.name};
  const Answer answer = co_await submit(room, call, std::move(input));
  co_return shared(maintenance_answer(room, answer, id, 200));
}

}  // namespace drwatch::web
