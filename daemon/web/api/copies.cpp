// SPDX-License-Identifier: Apache-2.0
// What is taken away and read elsewhere: an incident's events with their chain, the whole journal; and what a command prints.
#include "daemon/web/api/reading.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

Task<void> send_pieces(std::shared_ptr<Pieces> pieces, Tap& tap) {
  for (;;) {
    std::string piece = co_await pieces->next();
    if (piece.empty()) co_return;
    auto shared = std::make_shared<const std::string>(std::move(piece));
    if (!co_await tap.write(std::move(shared))) co_return;
  }
}

Response file_of(Copied copied, const std::string& name) {
  if (copied.refused) return problem(copied.refused->status, copied.refused->title, copied.refused->detail, copied.refused->list);
  Response response;
  response.type = "application/vnd.sqlite3";
  response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + name + "\"");
  response.stream = [pieces = std::move(copied.pieces)](Tap& tap) { return send_pieces(pieces, tap); };
  return response;
}

}  // namespace

Task<SharedResponse> export_incident(Room& room, Call call) {
  const std::string id = call.at["id"];
  const Record& record = room.desk.state().record;
  if (!worked(record, id)) co_return shared(not_found("incident", id, keys_of(record.incidents)));
  Copied copied = co_await room.desk.copy_journal(id);
  co_return shared(file_of(std::move(copied), id + ".journal"));
}

Task<SharedResponse> copy_journal(Room& room, Call) {
  Copied copied = co_await room.desk.copy_journal("");
  co_return shared(file_of(std::move(copied), "journal.db"));
}

// What the step's command has printed, behind ?after bytes of it. The newest part of one that ended before drwatch was started is all that
// is kept.
Response tell_output(Room& room, const Call& call) {
  const Record& record = room.desk.state().record;
  const Incident* found = worked(record, call.at.at("id"));
  if (!found) return not_found("incident", call.at.at("id"), keys_of(record.incidents));
  const Incident& incident = *found;
  const IncidentStep* step = incident.step(call.at.at("step"));
  if (!step) {
    std::vector<std::string> steps;
    for (const auto& each : incident.steps) steps.push_back(each.plan.id);
    return not_found("step", call.at.at("step"), steps);
  }
  const auto after = number_in_query(call, "after", 0);
  if (!after) return problem(400, "not understood", "after is a number of bytes");
  // It may have been started in one that went on in this.
  auto heard = room.desk.heard(incident.id, step->plan.id);
  for (const auto& absorbed : incident.absorbed)
    if (!heard) heard = room.desk.heard(absorbed, step->plan.id);
  const std::string text = heard ? *heard : step->plan.run.empty() ? "" : step->evidence;
  View view;
  view["incident"] = incident.id;
  view["step"] = step->plan.id;
  view["state"] = state_name(step->state);
  view["by"] = text_view(step->by);
  view["started_at"] = time_view(step->started_at);
  view["ended_at"] = time_view(step->ended_at);
  view["output"] = text.substr(std::min<std::size_t>(*after, text.size()));
  view["bytes"] = text.size();
  return json(view);
}

}  // namespace drwatch::web
