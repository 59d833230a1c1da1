// SPDX-License-Identifier: Apache-2.0
// What responders do: a body becomes an input, the daemon decides, the answer is what it touched.
#include "daemon/web/api/fields.hpp"
#include "daemon/web/api/keyed.hpp"
#include "daemon/web/api/reading.hpp"

#include <algorithm>
#include <set>

namespace drwatch::web {
namespace {

Response refusal(const Refusal& refused) { return problem(refused.status, refused.title, refused.detail, refused.list); }

// The answer to an act does not bring the whole timeline each time: at the end of a long night that is megabytes, once for every note.
constexpr std::size_t newest_of_timeline = 10;

Response incident_answer(const Moment& now, const std::string& id, bool durable, int status) {
  const auto& incidents = now.state.record.incidents;
  const auto found = incidents.find(id);
  if (found == incidents.end()) return json(View{{"id", id}, {"durable", durable}}, status);
  View view = incident_view(now.seen, found->second, true, newest_of_timeline);
  view["durable"] = durable;
  Response response = json(view, status);
  if (status == 201) response.headers.emplace_back("Location", "/api/v1/incidents/" + found->first);
  return response;
}

// The incident that the command touched, as it is now, or the refusal. 201 carries its address.
Task<SharedResponse> incident_answer(Room& room, Caller caller, std::string id, Answer answer, int status) {
  if (answer.refused) co_return shared(refusal(*answer.refused));
  if (!answer.subject.empty()) id = answer.subject;
  std::function<Response(const Moment&)> make = [id, durable = answer.durable, status](const Moment& now) {
    return incident_answer(now, id, durable, status);
  };
  co_return co_await answered(room, caller, std::move(make));
}

// A path that names an incident which does not exist is answered with 404 and the nearest ids, before the body is looked at.
std::optional<Response> no_such_incident(Room& room, const Call& call) {
  const auto& incidents = room.desk.state().record.incidents;
  if (incidents.count(call.at.at("id"))) return std::nullopt;
  return not_found("incident", call.at.at("id"), keys_of(incidents));
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
  std::set<std::string> before;
  for (const auto& [id, incident] : room.desk.state().record.incidents) before.insert(id);
  const Answer answer = co_await submit(room, call, std::move(input));
  // 201 only when this request opened it. The heart answers with the open incident when there is one already, and a repeated request with
  // the answer of the first.
  const bool made = !answer.repeated && !before.contains(answer.subject);
  co_return co_await incident_answer(room, call.caller, answer.subject, answer, made ? 201 : 200);
}

Task<SharedResponse> acknowledge(Room& room, Call call) {
  Fields fields(call.request);
  Acknowledge input{call.at["id"], call.caller.name, fields.text("note")};
  co_return co_await on_incident(room, std::move(call), std::move(fields), std::move(input));
}

Task<SharedResponse> act_on_step(Room& room, Call call) {
  if (auto wrong = no_such_incident(room, call)) co_return shared(std::move(*wrong));
  const Incident& incident = room.desk.state().record.incidents.at(call.at["id"]);
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
  const Incident& incident = room.desk.state().record.incidents.at(call.at["id"]);
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
  View view = signal_view(settings->signals.at(name), room.desk.state());
  view["durable"] = answer.durable;
  co_return shared(json(view));
}

namespace {
Response maintenance_answer(Room& room, const Answer& answer, const std::string& id, int status) {
  if (answer.refused) return refusal(*answer.refused);
  const auto& running = room.desk.state().record.maintenance;
  const auto found = running.find(id);
  View view = found == running.end() ? View{{"id", id}} : maintenance_view(found->second);
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
    if (!settings->components.contains(component)) co_return shared(not_found("component", component, keys_of(settings->components)));
  const Answer answer = co_await submit(room, call, std::move(input));
  co_return shared(maintenance_answer(room, answer, answer.subject, answer.repeated ? 200 : 201));
}

Task<SharedResponse> end_maintenance(Room& room, Call call) {
  const std::string id = call.at["id"];
  const auto running = room.desk.state().record.maintenance;
  const auto found = running.find(id);
  if (found == running.end()) co_return shared(not_found("running maintenance", id, keys_of(running)));
  Fields fields(call.request);
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  EndMaintenance input{id, call.caller.name};
  const Answer answer = co_await submit(room, call, std::move(input));
  if (answer.refused) co_return shared(refusal(*answer.refused));
  View view = maintenance_view(found->second);
  view["until"] = time_view(room.desk.now());
  view["durable"] = answer.durable;
  co_return shared(json(view));
}

Task<SharedResponse> record_drill(Room& room, Call call) {
  Fields fields(call.request);
  RecordDrill input;
  input.scenario = fields.text("scenario");
  input.passed = !fields.flag("failed");
  input.took = fields.duration("took", "took_seconds", false);
  input.lost = fields.duration("lost", "lost_seconds", false);
  input.note = fields.text("note");
  input.by = call.caller.name;
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  const auto settings = room.desk.settings();
  if (!settings->scenarios.contains(input.scenario)) co_return shared(not_found("scenario", input.scenario, keys_of(settings->scenarios)));
  const std::string scenario = input.scenario;
  const Answer answer = co_await submit(room, call, std::move(input));
  if (answer.refused) co_return shared(refusal(*answer.refused));
  std::function<Response(const Moment&)> make = [scenario, durable = answer.durable](const Moment& now) {
    const auto found = now.settings->scenarios.find(scenario);
    if (found == now.settings->scenarios.end()) return json(View{{"scenario", scenario}, {"durable", durable}}, 201);
    View view = scenario_view(now.seen, found->second, false);
    view["durable"] = durable;
    return json(view, 201);
  };
  co_return co_await answered(room, call.caller, std::move(make));
}

}  // namespace drwatch::web
