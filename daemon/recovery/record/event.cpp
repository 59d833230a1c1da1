// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/record/event.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <stdexcept>

namespace drwatch {

const std::vector<EventKind>& event_kinds() {
  using enum Importance;
  static const std::vector<EventKind> kinds = {
      {"daemon.started", info,
       "drwatch started. Health, incidents and alerts stand as the journal has them, marked as not seen since, until each probe has run "
       "once."},
      {"daemon.stopped", info,
       "drwatch stopped in good order. Until it runs again nobody is watching: the Watchdog alert or the deadman tells."},
      {"configuration.loaded", info, "A configuration was loaded. Open incidents keep the runbook that they were opened with."},
      {"configuration.refused", error,
       "A new configuration has errors and was not taken; the old one runs on. Run 'drwatch check --config FILE' and mend what it lists."},
      {"clock.jumped", warning,
       "The wall clock jumped, or drwatch was paused. Nothing that fell into the gap is called missed; each probe is run once before "
       "anything opens by it. Check time synchronisation."},
      {"blind.began", error,
       "Most witnesses fail, or drwatch itself is late at every turn: the fault is its own (network, resolver, this machine). Nothing is "
       "called down and nothing opens until it can see. Mend drwatch's own connection, or what keeps its machine busy, first."},
      {"blind.ended", info, "drwatch can see again. Probes become known as they run."},
      {"probe.suspected", info, "The first bad run after good ones. It is confirmed or cleared by the next runs."},
      {"probe.cleared", info,
       "A suspicion did not hold: the probe is good again without its health ever having changed, or it cannot be seen any more."},
      {"probe.changed", warning, "A probe's health changed, confirmed by as many runs as its 'fall' or 'rise' asks."},
      {"probe.latched", error,
       "A probe saw something that later good runs do not undo: corrupt data, a table emptied. It stays down until a person has looked and "
       "says so: 'drwatch probe NAME --acknowledge --note TEXT'."},
      {"probe.acknowledged", info, "A person has looked at what a probe had latched; it shows again what its runs see."},
      {"probe.removed", info, "A probe is no longer configured; what was known of it is forgotten."},
      {"component.changed", warning, "A component's health changed. When it is down, look at the open incident: 'drwatch incident list'."},
      {"objective.changed", warning,
       "A recovery objective stands differently. At risk: there is still time to mend the source of recovery points. Breached: a disaster "
       "now would lose more than was promised."},
      {"finding.appeared", warning,
       "Something stands that an operator should know and that need not wake anybody. It is listed by 'drwatch status'."},
      {"finding.gone", info, "A finding no longer holds."},
      {"signal.raised", warning, "A declared fact was raised from outside. Scenarios may open by it."},
      {"signal.changed", info, "One more raises a signal, or one fewer: it is raised as before."},
      {"signal.cleared", info, "A signal was cleared: nobody raises it any more."},
      {"signal.expired", info, "A signal was not renewed and expired."},
      {"maintenance.began", info,
       "Maintenance began: it keeps scenarios of its components shut. Watching goes on, and objectives for data are judged as ever."},
      {"maintenance.ended", info, "Maintenance ended. What is still down now begins to count for opening."},
      {"scenario.pending", info, "A scenario's trigger holds; it opens when it has held for its 'for'."},
      {"scenario.changed", info,
       "What recovery would take if the scenario struck now, or how its objective stands: met, at risk, breached, or unproven where no "
       "drill "
       "within its period has shown it."},
      {"scenario.calm", info, "A pending scenario's trigger holds no more, or something keeps it shut."},
      {"incident.opened", error,
       "An incident is open and its clock runs. Work its checklist: 'drwatch incident show ID' or the page the alert links to."},
      {"incident.acknowledged", info, "Somebody took the incident."},
      {"incident.handed", info,
       "The incident was handed to somebody else, with what is open; it is theirs when they take it: 'drwatch incident take ID'."},
      {"incident.taken", info, "Somebody has the incident now, in the place of who had it before."},
      {"incident.projected", info,
       "When the incident will be over, from the steps that are left and what such steps have taken. 'Decide by' is the last moment at "
       "which a way out still meets the objective."},
      {"incident.recovered", info, "The platform is back. People may still have work: see the open steps."},
      {"incident.reopened", error, "It looked well and is not: the same incident is open again, with the same clock."},
      {"incident.resolved", info, "The work is done, or a person said it is over. 'drwatch incident report ID' drafts the post-mortem."},
      {"incident.absorbed", info, "The incident goes on in a wider one, with its clock, timeline, notes and done steps."},
      {"incident.refiled", info, "A person moved the incident under another scenario."},
      {"incident.corrected", info, "A person corrected the start of the incident; both times are kept."},
      {"incident.bad-change", info,
       "Somebody said when the bad change was made that has to be undone. The moment to restore to is now the newest one before it; "
       "everything "
       "written since counts as lost."},
      {"incident.noted", info, "A note was added to the incident."},
      {"incident.explains", info, "A failure elsewhere is explained by this incident and opens none of its own."},
      {"step.started", info, "A step is being worked on."},
      {"step.done", info, "A step is done; its evidence is in the incident."},
      {"step.skipped", info, "A step was skipped, with a reason."},
      {"step.undone", info, "A step was taken back."},
      {"step.broke", warning, "A verified step failed again and is open again. Look at what broke it before going on."},
      {"step.running", info, "A step's command was started."},
      {"step.failed", error, "A step's command failed. Its output is in the incident; a person decides what next."},
      {"step.interrupted", error,
       "drwatch died or was told to stop while a step's command ran. Find out how far it came before running it again."},
      {"message.drafted", info, "A message was drafted from its template. A person approves and sends it."},
      {"message.approved", info, "A message was approved."},
      {"message.sent", info, "A message was sent."},
      {"message.failed", warning, "A message could not be filled and is not to be sent: the missing names are listed."},
      {"alert.fired", info, "An alert stands; it is sent to every Alertmanager until it is resolved."},
      {"alert.resolved", info, "An alert is resolved; the resolve is sent for 15 minutes."},
      {"drill.due", info,
       "A drill is due, by its calendar or since something of weight changed. 'drwatch drill start SCENARIO' begins it."},
      {"drill.overdue", warning,
       "A drill is overdue: what was shown by the last one no longer counts, and the objective is unproven until one passes."},
      {"drill.started", info, "A drill began: an incident on purpose. Nothing of it pages, and its messages stay inside."},
      {"drill.passed", info, "A drill passed. 'drwatch drill report ID' is its record."},
      {"drill.failed", warning, "A drill failed. Until one passes, nothing is shown. 'drwatch drill report ID' says what failed."},
      {"drill.partial", warning, "A drill ended without checking all that it must: it proves nothing, and is due as before."},
      {"drill.aborted", warning, "A drill was aborted: by a person, or because something real goes first. It proves nothing."},
      {"drill.held", warning,
       "A person put all drills on hold: those that ran were aborted, and none begins until 'drwatch drill release'."},
      {"drill.released", info, "Drills may begin again."},
      {"journal.failing", error,
       "The journal cannot be written. Watching and paging go on, but what is decided now would be lost with the process. Free or mend its "
       "disk."},
      {"journal.mended", info, "The journal is written again; everything that waited is in it."},
      {"journal.resumed", warning,
       "The journal is written again after it could take no more. What was decided meanwhile was not written event by event; all that it "
       "led to is in this event, so that nothing that was decided is lost."},
      {"journal.anchored", info, "Old events were cut off behind an anchor that carries the chain on."},
  };
  return kinds;
}

const EventKind* event_kind(std::string_view name) {
  const auto& kinds = event_kinds();
  auto it = std::find_if(kinds.begin(), kinds.end(), [&](const EventKind& k) { return k.name == name; });
  return it == kinds.end() ? nullptr : &*it;
}

Importance importance(const Event& event) {
  const EventKind* kind = event_kind(event.kind);
  if (!kind) return Importance::info;
  // A change for the better is news, not a warning.
  if (event.kind == "probe.changed" || event.kind == "component.changed")
    if (event.body.text("health") == "up") return Importance::info;
  if (event.kind == "component.changed" && event.body.text("health") == "down") return Importance::error;
  if (event.kind == "objective.changed") {
    std::string standing = event.body.text("standing");
    if (standing == "met" || standing == "unproven") return Importance::info;
    if (standing == "breached" && !event.body.flag("structural", event.body.flag("no_source"))) return Importance::error;
  }
  return kind->importance;
}

namespace {
Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }
std::string text_of(const Json& json, const char* key) {
  auto it = json.find(key);
  return it == json.end() || it->is_null() ? std::string() : it->get<std::string>();
}
}  // namespace

Json to_json(const Event& e) {
  return Json{{"seq", e.seq},
              {"at", time_text(e.at)},
              {"kind", e.kind},
              {"version", e.version},
              {"by", e.by},
              {"incident", or_null(e.incident)},
              {"scenario", or_null(e.scenario)},
              {"component", or_null(e.component)},
              {"probe", or_null(e.probe)},
              {"message", e.message},
              {"body", e.body.json()}};
}

namespace {
std::size_t bytes_of(const Json& json) {
  constexpr std::size_t value = 16;  // of which each takes so much at least
  std::size_t bytes = value;
  if (json.is_string()) bytes += json.get_ref<const std::string&>().size();
  if (json.is_object())
    for (const auto& [key, each] : json.items()) bytes += key.size() + bytes_of(each);
  if (json.is_array())
    for (const auto& each : json) bytes += bytes_of(each);
  return bytes;
}
}  // namespace

std::size_t bytes_of(const Event& e) {
  return sizeof e + e.kind.size() + e.by.size() + e.incident.size() + e.scenario.size() + e.component.size() + e.probe.size() +
         e.message.size() + bytes_of(e.body.json());
}

Event event_from_json(const Json& json) {
  Event e;
  e.seq = json.at("seq").get<std::uint64_t>();
  auto at = parse_time(json.at("at").get<std::string>());
  if (!at) throw nlohmann::json::other_error::create(501, "event.at is not a time", &json);
  e.at = *at;
  e.kind = json.at("kind").get<std::string>();
  e.version = json.value("version", 1);
  e.by = text_of(json, "by");
  e.incident = text_of(json, "incident");
  e.scenario = text_of(json, "scenario");
  e.component = text_of(json, "component");
  e.probe = text_of(json, "probe");
  e.message = text_of(json, "message");
  if (auto body = json.find("body"); body != json.end()) e.body = Body::of(*body);
  return e;
}

}  // namespace drwatch
