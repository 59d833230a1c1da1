// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/pages/drill_form.hpp"

#include "config/rows/encoding.hpp"
#include "config/rows/text.hpp"
#include "daemon/web/pages/forms.hpp"
#include "daemon/web/pages/rendering.hpp"

namespace drwatch::web {
namespace {

// Stands for what the drills' commands were when the form was made: nobody begins another one than was read.
std::string commands_confirm(const Settings& settings) {
  std::string all;
  for (const auto& [name, scenario] : settings.scenarios) {
    all += name + '\n';
    if (scenario.drill)
      for (const std::string& word : scenario.drill->run) all += word + '\n';
  }
  return sha256_hex(all).substr(0, 16);
}

// The same for as long as no drill has begun: sent twice, a form is done once.
std::string begin_key(const Call& call, const Record& record) {
  const auto& held = record.drilling.held;
  const std::string newest = held.empty() ? "" : held.rbegin()->first;
  return sha256_hex(call.caller.session + "\n" + std::to_string(held.size()) + "\n", newest).substr(0, 24);
}

}  // namespace

std::string drill_form(const Moment& now, const Call& call, const Scenario* scenario, const std::string& chosen) {
  if (call.caller.session.empty() || call.caller.role == Role::viewer || now.settings->scenarios.empty()) return "";
  View view;
  view["form_token"] = call.caller.form_token;
  view["key"] = begin_key(call, now.seen.state.record);
  view["confirm"] = commands_confirm(*now.settings);
  view["only"] = scenario ? View(scenario->id) : View(nullptr);
  view["planned"] = scenario && scenario->drill ? View(scenario->drill->type) : View(nullptr);
  view["choices"] = View::array();
  view["commands"] = View::array();
  for (const auto& [name, each] : now.settings->scenarios) {
    if (scenario && &each != scenario) continue;
    view["choices"].push_back({{"scenario", name}, {"title", each.title}, {"selected", name == chosen}});
    if (each.drill && !each.drill->run.empty()) view["commands"].push_back({{"of", each.title}, {"exactly", joined(each.drill->run, " ")}});
  }
  view["has_commands"] = !view["commands"].empty();
  return fragment("drill_form", view);
}

namespace {

Task<SharedResponse> back_to_drills(Room& room, Call call, NotDone not_done, std::string chosen) {
  std::function<Response(const Moment&)> make = [call, not_done, chosen](const Moment& now) {
    return drills_page(now, call, not_done, chosen);
  };
  co_return co_await answered(room, call.caller, std::move(make));
}

}  // namespace

Task<SharedResponse> work_on_drills(Room& room, Call call) {
  const auto sent = form_of(call.request);
  if (auto wrong = not_ours(call, sent, "this takes the form that begins a drill; commands are sent to /api/v1"))
    co_return shared(std::move(*wrong));
  const std::string chosen = sent_as(*sent, "scenario"), type = sent_as(*sent, "type"), note = sent_as(*sent, "note");
  if (!call.caller.session.empty() && sent_as(*sent, "confirm") != commands_confirm(*room.desk.settings())) {
    NotDone changed{"The drills' commands have changed since this page was made. Look at them again, and begin it then.", note, 409};
    co_return co_await back_to_drills(room, std::move(call), std::move(changed), chosen);
  }
  View body{{"scenario", chosen}};
  if (!type.empty()) body["type"] = type;
  if (!note.empty()) body["note"] = note;
  Call command;
  command.caller = call.caller;
  command.request = request_for(call, *sent, "/api/v1/drills", body);
  const SharedResponse done = co_await start_drill(room, std::move(command));
  room.moments.forget();
  if (done->status < 400) co_return shared(see_other("/drills/" + percent_encoded(id_in(*done, "")) + "#next"));
  if (!wants_page(call.request)) co_return done;
  NotDone not_done = not_done_of(*done, *sent);
  co_return co_await back_to_drills(room, std::move(call), std::move(not_done), chosen);
}

}  // namespace drwatch::web
