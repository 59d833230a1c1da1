// SPDX-License-Identifier: Apache-2.0
// Drills: read them, and lead them.
#include "daemon/recovery/incidents/drills.hpp"
#include "daemon/web/api/drill_report.hpp"
#include "daemon/web/api/fields.hpp"
#include "daemon/web/api/keyed.hpp"
#include "daemon/web/api/reading.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

const std::vector<std::string> drill_types = {"tabletop", "restore", "full"};

// A drill in the list, by a key that says what it is: "held/ID" of one that is or was, "planned/SCENARIO" of one to come, "passed/SCENARIO"
// of the newest that passed, where a release that kept no more wrote it down.
struct Listed {
  std::string key, scenario;
  std::string state;
};

std::string state_of_held(const HeldDrill& drill) { return drill.work.live() ? std::string(state_name(drill.work.state)) : drill.verdict; }

std::vector<Listed> listed(const Moment& now) {
  const Record& record = now.state.record;
  std::vector<Listed> running, planned, past;
  for (const auto& [id, drill] : record.drilling.held)
    (drill.work.live() ? running : past).push_back({"held/" + id, drill.work.scenario, state_of_held(drill)});
  std::reverse(past.begin(), past.end());
  // The most pressing first: overdue, due, soon, planned.
  for (const DrillState state : {DrillState::overdue, DrillState::due, DrillState::soon, DrillState::planned})
    for (const auto& [id, scenario] : now.settings->scenarios)
      if (drill_state(drill_dates(record, scenario), now.seen.now) == state)
        planned.push_back({"planned/" + id, id, std::string(state_name(state))});
  for (const auto& [id, drill] : record.drills)
    if (std::none_of(past.begin(), past.end(), [&, of = id](const Listed& each) { return each.scenario == of && each.state == "passed"; }))
      past.push_back({"passed/" + id, id, "passed"});
  std::vector<Listed> all = std::move(running);
  all.insert(all.end(), planned.begin(), planned.end());
  all.insert(all.end(), past.begin(), past.end());
  return all;
}

// `scenario`: one of record.drills.
View passed_view(const Record& record, const std::string& scenario) {
  const DrillRecord& drill = record.drills.at(scenario);
  View view{{"id", nullptr}, {"scenario", scenario}, {"state", "passed"}};
  view["at"] = time_view(drill.at);
  view["due_at"] = nullptr;
  view["recovery_seconds"] = drill.recovery_seconds ? number_view(*drill.recovery_seconds) : View(nullptr);
  view["data_loss_seconds"] = drill.data_loss_seconds ? number_view(*drill.data_loss_seconds) : View(nullptr);
  return view;
}

View listed_row(const Moment& now, const std::string& key) {
  const std::string name = key.substr(key.find('/') + 1);
  if (key.starts_with("held/")) return held_drill_view(now.seen, now.state.record.drilling.held.at(name), false);
  if (key.starts_with("planned/")) return planned_drill_view(now.seen, now.settings->scenarios.at(name));
  return passed_view(now.state.record, name);
}

// All rows have the same keys, whether the drill is to come, is held or was.
View listed_view(const Moment& now, const std::string& key) {
  View row = listed_row(now, key);
  const View held = held_drill_view(now.seen, HeldDrill{}, false);
  for (const auto& [name, value] : held.items())
    if (!row.contains(name)) row[name] = value.is_array() ? View::array() : View(nullptr);
  for (const char* planned : {"overdue_at", "last_success_at", "auto"})
    if (!row.contains(planned)) row[planned] = nullptr;
  return row;
}

const HeldDrill* drill_of(const Moment& now, const Call& call) {
  const auto& held = now.state.record.drilling.held;
  const auto found = held.find(call.at.at("id"));
  return found == held.end() ? nullptr : &found->second;
}
Response no_such_drill(const Moment& now, const Call& call) {
  return not_found("drill", call.at.at("id"), keys_of(now.state.record.drilling.held));
}

Response markdown(std::string text) {
  Response response;
  response.type = "text/markdown; charset=utf-8";
  response.body = std::move(text);
  return response;
}

}  // namespace

Response read_drills(const Moment& now, const Call& call) {
  auto all = listed(now);
  const auto& query = call.request.query;
  if (const auto scenario = query.find("scenario"); scenario != query.end()) {
    if (!now.settings->scenarios.contains(scenario->second))
      return not_found("scenario", scenario->second, keys_of(now.settings->scenarios));
    std::erase_if(all, [&](const Listed& each) { return each.scenario != scenario->second; });
  }
  if (const auto state = query.find("state"); state != query.end()) {
    const std::vector<std::string> states{"open", "overdue", "due", "soon", "planned", "passed", "failed", "partial", "aborted"};
    if (std::find(states.begin(), states.end(), state->second) == states.end())
      return problem(400, "not understood", "state is one of open, overdue, due, soon, planned, passed, failed, partial, aborted", states);
    std::erase_if(all, [&](const Listed& each) { return each.state != state->second; });
  }
  std::vector<std::string> keys;
  for (const Listed& each : all) keys.push_back(each.key);
  return list(call, "drills", keys, [&](const std::string& key) { return listed_view(now, key); }, 100);
}

Response read_drill(const Moment& now, const Call& call) {
  const HeldDrill* drill = drill_of(now, call);
  return drill ? json(held_drill_view(now.seen, *drill, true)) : no_such_drill(now, call);
}

Response read_drill_report(const Moment& now, const Call& call) {
  const HeldDrill* drill = drill_of(now, call);
  if (!drill) return no_such_drill(now, call);
  const auto format = call.request.query.find("format");
  if (format == call.request.query.end()) return markdown(drill_report(now.seen, *drill));
  return format->second == "json" ? json(drill_report_view(now.seen, *drill))
                                  : problem(400, "not understood", "format is json, or left out");
}

Response read_drill_calendar(const Moment& now, const Call&) {
  Response response;
  response.type = "text/calendar; charset=utf-8";
  response.body = drill_calendar(now.seen);
  return response;
}

// ---- acts

namespace {

Task<SharedResponse> on_drill(Room& room, Call call, Fields fields, Input input) {
  const auto& held = room.desk.state().record.drilling.held;
  if (!held.contains(call.at.at("id"))) co_return shared(not_found("drill", call.at.at("id"), keys_of(held)));
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  const Answer answer = co_await submit(room, call, std::move(input));
  co_return co_await incident_answer(room, call.caller, call.at.at("id"), answer, 200);
}

// nullopt: the type is one that there is, or is not said.
std::optional<Response> wrong_type(const std::string& type) {
  if (type.empty() || std::find(drill_types.begin(), drill_types.end(), type) != drill_types.end()) return std::nullopt;
  return problem(400, "not understood", "'type' is one of tabletop, restore, full", drill_types);
}

Task<SharedResponse> put_on_hold(Room& room, Call call, bool held) {
  Fields fields(call.request);
  HoldDrills input{held, call.caller.name, fields.text("note")};
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  const Answer answer = co_await submit(room, call, std::move(input));
  if (answer.refused) co_return shared(refusal(*answer.refused));
  const auto& hold = room.desk.state().record.drilling.hold;
  View view{{"held", hold.has_value()}};
  view["since"] = hold ? time_view(hold->since) : View(nullptr);
  view["by"] = hold ? text_view(hold->by) : View(nullptr);
  view["note"] = hold ? text_view(hold->note) : View(nullptr);
  view["durable"] = answer.durable;
  co_return shared(json(view));
}

}  // namespace

Task<SharedResponse> start_drill(Room& room, Call call) {
  Fields fields(call.request);
  StartDrill input{fields.text("scenario", true), call.caller.name, fields.text("note"), fields.text("type")};
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  if (auto wrong = wrong_type(input.type)) co_return shared(std::move(*wrong));
  const auto& scenarios = room.desk.settings()->scenarios;
  if (!scenarios.contains(input.scenario)) co_return shared(not_found("scenario", input.scenario, keys_of(scenarios)));
  const Answer answer = co_await submit(room, call, std::move(input));
  co_return co_await incident_answer(room, call.caller, answer.subject, answer, answer.made ? 201 : 200);
}

Task<SharedResponse> finish_drill(Room& room, Call call) {
  Fields fields(call.request);
  FinishDrill input{call.at["id"], !fields.flag("failed"), fields.duration("lost", "lost_seconds", false), call.caller.name,
                    fields.text("note")};
  co_return co_await on_drill(room, std::move(call), std::move(fields), std::move(input));
}

Task<SharedResponse> abort_drill(Room& room, Call call) {
  Fields fields(call.request);
  AbortDrill input{call.at["id"], call.caller.name, fields.text("note")};
  co_return co_await on_drill(room, std::move(call), std::move(fields), std::move(input));
}

Task<SharedResponse> hold_drills(Room& room, Call call) { co_return co_await put_on_hold(room, std::move(call), true); }
Task<SharedResponse> release_drills(Room& room, Call call) { co_return co_await put_on_hold(room, std::move(call), false); }

Task<SharedResponse> record_drill(Room& room, Call call) {
  Fields fields(call.request);
  RecordDrill input;
  input.scenario = fields.text("scenario");
  input.passed = !fields.flag("failed");
  input.took = fields.duration("took", "took_seconds", false);
  input.lost = fields.duration("lost", "lost_seconds", false);
  input.note = fields.text("note");
  input.type = fields.text("type");
  input.evidence = fields.document("evidence");
  input.by = call.caller.name;
  if (auto wrong = fields.wrong()) co_return shared(std::move(*wrong));
  if (auto wrong = wrong_type(input.type)) co_return shared(std::move(*wrong));
  if (!input.evidence.empty() && (input.took || input.lost || !input.passed))
    co_return shared(
        problem(400, "not understood", "the evidence says what the drill took and lost, and whether it passed; leave the rest out"));
  const auto settings = room.desk.settings();
  if (!settings->scenarios.contains(input.scenario)) co_return shared(not_found("scenario", input.scenario, keys_of(settings->scenarios)));
  const std::string scenario = input.scenario;
  const Answer answer = co_await submit(room, call, std::move(input));
  if (answer.refused) co_return shared(refusal(*answer.refused));
  std::function<Response(const Moment&)> make = [scenario, id = answer.subject, durable = answer.durable,
                                                 status = answer.made ? 201 : 200](const Moment& now) {
    const auto found = now.settings->scenarios.find(scenario);
    if (found == now.settings->scenarios.end()) return json(View{{"scenario", scenario}, {"durable", durable}}, status);
    View view = scenario_view(now.seen, found->second, false);
    const auto drill = now.state.record.drilling.held.find(id);
    view["recorded"] = drill == now.state.record.drilling.held.end() ? View(nullptr) : held_drill_view(now.seen, drill->second, false);
    view["durable"] = durable;
    return json(view, status);
  };
  co_return co_await answered(room, call.caller, std::move(make));
}

}  // namespace drwatch::web
