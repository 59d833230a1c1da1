// SPDX-License-Identifier: Apache-2.0
// The forms of the page of an incident or a drill. A form becomes the API's own command, with the same refusals; then the browser is sent
// back to the page.
#include "config/rows/encoding.hpp"
#include "daemon/web/api/reading.hpp"
#include "daemon/web/pages/forms.hpp"
#include "daemon/web/pages/incident.hpp"
#include "daemon/web/pages/rendering.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

bool ticked(const Sent& sent, const std::string& name) { return sent.contains(name); }

View with_note(const Sent& sent) {
  const std::string note = sent_as(sent, "note");
  return note.empty() ? View::object() : View{{"note", note}};
}
View on_step(const Sent& sent) {
  View body = with_note(sent);
  body["action"] = sent_as(sent, "do");
  if (ticked(sent, "force")) body["force"] = true;
  return body;
}
View on_message(const Sent& sent) { return {{"action", sent_as(sent, "do")}}; }
View noted(const Sent& sent) { return {{"text", sent_as(sent, "note")}}; }
View resolved(const Sent& sent) {
  View body = with_note(sent);
  if (ticked(sent, "force")) body["force"] = true;
  if (sent_as(sent, "do") == "false-alarm") body["false_alarm"] = true;
  return body;
}
View refiled(const Sent& sent) {
  View body = with_note(sent);
  body["scenario"] = sent_as(sent, "scenario");
  return body;
}
View finished(const Sent& sent) {
  View body = with_note(sent);
  if (const std::string lost = sent_as(sent, "lost"); !lost.empty()) body["lost"] = lost;
  if (sent_as(sent, "do") == "finish-failed") body["failed"] = true;
  return body;
}
// A browser's field of date and time, which the page says to be UTC: "2026-03-01T02:09", with seconds or without.
View said_when(const Sent& sent) {
  View body = with_note(sent);
  std::string at = sent_as(sent, "at");
  if (at.size() == 16) at += ":00";
  if (!at.empty() && !at.ends_with('Z')) at += "Z";
  body["at"] = at;
  return body;
}

// A button's name, the command that it is, and the anchor on the page where its work goes on.
struct Deed {
  std::string_view button, path;  // {step}, {message}: that field of the form
  Acts does;
  View (*body)(const Sent&);
  std::string_view anchor;
};
const Deed deeds[] = {
    {"ack", "ack", acknowledge, with_note, "next"},
    {"start", "steps/{step}", act_on_step, on_step, "next"},
    {"done", "steps/{step}", act_on_step, on_step, "next"},
    {"skip", "steps/{step}", act_on_step, on_step, "next"},
    {"undo", "steps/{step}", act_on_step, on_step, "next"},
    {"run", "steps/{step}", act_on_step, on_step, "next"},
    {"cancel", "steps/{step}", act_on_step, on_step, "next"},
    {"note", "notes", add_note, noted, "note-fold"},
    {"approve", "messages/{message}", act_on_message, on_message, "messages"},
    {"sent", "messages/{message}", act_on_message, on_message, "messages"},
    {"resolve", "resolve", resolve, resolved, "next"},
    {"false-alarm", "resolve", resolve, resolved, "next"},
    {"reopen", "reopen", reopen, with_note, "next"},
    {"refile", "refile", refile, refiled, "next"},
    {"bad-change", "bad-change", say_bad_change, said_when, "next"},
    {"finish", "finish", finish_drill, finished, "next"},
    {"finish-failed", "finish", finish_drill, finished, "next"},
    {"abort", "abort", abort_drill, with_note, "next"},
};

const Deed* deed_of(const std::string& button) {
  const auto found = std::find_if(std::begin(deeds), std::end(deeds), [&](const Deed& each) { return each.button == button; });
  return found == std::end(deeds) ? nullptr : &*found;
}

// "incidents" or "drills": which page the form was on.
const std::string& kind_of(const Call& call) { return call.request.segments.front(); }

// The API's request. Its idempotency key holds for exactly what was sent: the form's own changes with the incident.
Call command_for(const Call& call, const Deed& deed, const Sent& sent) {
  Call command;
  command.caller = call.caller;
  command.at = call.at;
  std::string path(deed.path);
  for (const std::string& name : {std::string("step"), std::string("message")}) {
    const std::string braced = "{" + name + "}";
    if (const auto at = path.find(braced); at != std::string::npos) {
      command.at[name] = sent_as(sent, name);
      path.replace(at, braced.size(), percent_encoded(sent_as(sent, name)));
    }
  }
  command.request =
      request_for(call, sent, "/api/v1/" + kind_of(call) + "/" + percent_encoded(call.at.at("id")) + "/" + path, deed.body(sent));
  return command;
}

// What would run is not what was confirmed: nobody has said yes to that.
std::optional<NotDone> other_command(Room& room, const Call& call, const Sent& sent) {
  if (sent_as(sent, "do") != "run") return std::nullopt;
  const auto moment = room.moment();
  const Incident* incident = worked(moment->state.record, call.at.at("id"));
  const IncidentStep* step = incident ? incident->step(sent_as(sent, "step")) : nullptr;
  if (!step) return std::nullopt;
  const Seen& seen = moment->seen;
  if (confirm_of(*step, filled_command(seen.state, seen.settings, *incident, *step, seen.now)) == sent_as(sent, "confirm"))
    return std::nullopt;
  return NotDone{"The command's arguments have changed since this page was made. Look at them again and confirm what is there now.", "",
                 409};
}

// What would be approved is not what was read.
std::optional<NotDone> other_text(Room& room, const Call& call, const Sent& sent) {
  const auto read = sent.find("text");
  if (sent_as(sent, "do") != "approve" || read == sent.end()) return std::nullopt;
  const Incident* incident = worked(room.desk.state().record, call.at.at("id"));
  if (!incident) return std::nullopt;
  for (const auto& message : incident->messages)
    if (message.id == sent_as(sent, "message") && text_of_message(message.subject, message.body) != read->second)
      return NotDone{"The message was drafted anew since this page was made. Read it again and approve what is there now.", "", 409};
  return std::nullopt;
}

// A form of a page that is old: it was sent before, or somebody was faster. Whoever pressed must not take that for what they did.
std::optional<NotDone> nothing_done(const Response& done) {
  const View said = View::parse(done.body, nullptr, false);
  if (!said.is_object() || !said.contains("changed") || said["changed"] != false) return std::nullopt;
  return NotDone{"This changed nothing: the form had been sent before, or somebody was faster. How things are now stands below.", "", 409,
                 true};
}

Task<SharedResponse> back_with(Room& room, Call call, NotDone not_done) {
  std::function<Response(const Moment&)> make = [call, not_done](const Moment& now) { return incident_page(now, call, not_done); };
  co_return co_await answered(room, call.caller, std::move(make));
}

}  // namespace

Task<SharedResponse> work_on_incident(Room& room, Call call) {
  const auto sent = form_of(call.request);
  if (auto wrong = not_ours(call, sent, "this takes the forms of the incident's page; commands are sent to /api/v1"))
    co_return shared(std::move(*wrong));
  const Deed* deed = deed_of(sent_as(*sent, "do"));
  if (!deed) co_return shared(problem(400, "not understood", "the form does not say what to do"));
  const std::string id = call.at.at("id");
  if (auto changed = other_command(room, call, *sent)) co_return co_await back_with(room, std::move(call), std::move(*changed));
  if (auto changed = other_text(room, call, *sent)) co_return co_await back_with(room, std::move(call), std::move(*changed));
  Call command = command_for(call, *deed, *sent);
  const SharedResponse done = co_await deed->does(room, std::move(command));
  room.moments.forget();
  if (done->status >= 400) {
    if (done->status == 404 || !wants_page(call.request)) co_return done;
    NotDone not_done = not_done_of(*done, *sent);
    co_return co_await back_with(room, std::move(call), std::move(not_done));
  }
  if (auto nothing = nothing_done(*done)) co_return co_await back_with(room, std::move(call), std::move(*nothing));
  // An incident that was filed elsewhere goes on there.
  const std::string at = deed->button == "refile" ? id_in(*done, id) : id;
  co_return shared(see_other("/" + kind_of(call) + "/" + percent_encoded(at) + "#" + std::string(deed->anchor)));
}

}  // namespace drwatch::web
