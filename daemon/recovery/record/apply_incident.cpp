// SPDX-License-Identifier: Apache-2.0
// What the events of an incident's life mean: for incidents, their steps and messages, and the triggers that are pending. No settings, no
// clock and no judgement here: a replay of the journal has to give the same record. An event about an incident that is not there any more
// is ignored.
#include "daemon/recovery/record/incident_rows.hpp"
#include "daemon/recovery/record/json.hpp"
#include "daemon/recovery/record/meanings.hpp"

#include <algorithm>

namespace drwatch {

Incident* incident_of(Record& r, const Event& e) {
  if (Incident* incident = r.incidents.edit(e.incident)) return incident;
  const auto drill = r.drilling.held.find(e.incident);
  return drill == r.drilling.held.end() ? nullptr : &drill->second.work;
}

namespace {

// Incidents that are over and are still listed. Beyond that the oldest are dropped from memory; the journal keeps them.
constexpr std::size_t final_incidents_kept = 1000;

std::optional<Loss> loss_in(const Body& body) { return loss_from_json(body.json().value("loss", Json())); }

// ---- incidents

// By opening time. Live incidents are never dropped.
void forget_oldest(Record& r) {
  std::vector<std::pair<Time, std::string>> over;
  for (const auto& [id, incident] : r.incidents)
    if (!incident.live()) over.emplace_back(incident.opened_at, id);
  if (over.size() <= final_incidents_kept) return;
  std::sort(over.begin(), over.end());
  for (std::size_t n = 0; n + final_incidents_kept < over.size(); ++n) r.incidents.erase(over[n].second);
}

void incident_opened(Record& r, const Event& e) {
  Incident incident = incident_from_json(e.body.json().at("incident"));
  incident.id = e.incident;
  r.incidents.put(std::move(incident));
  r.pending.erase(e.scenario);
  r.false_alarms.erase(e.scenario);
  forget_oldest(r);
}
void scenario_pending(Record& r, const Event& e) {
  r.pending[e.scenario] = {e.body.time("since"),      e.body.time("opens_at"),   e.body.maybe_time("held_at"),
                           e.body.time("started_at"), e.body.text("started_by"), e.body.evidence("because")};
}
void scenario_calm(Record& r, const Event& e) {
  r.pending.erase(e.scenario);
  if (e.body.flag("false_alarm_over")) r.false_alarms.erase(e.scenario);
}

void incident_acknowledged(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  i->acknowledged_at = e.at;
  i->acknowledged_by = e.by;
}
// The handing over waits for whom it was handed to; somebody else may take it as well.
void incident_handed(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  i->handed_to = e.body.text("to");
  i->handed_by = e.by;
  i->handed_at = e.at;
  i->handover = e.body.text("summary");
}
void incident_taken(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  i->taken_by = e.by;
  i->taken_at = e.at;
  i->handed_to.clear();
}
// Blind time is remembered for days; the report is asked for after months.
void note_unwatched(Incident& i, const Record& r, Time until) {
  for (const Span& span : r.blind_spans) {
    const std::pair<Time, Time> part{std::max(span.from, i.started_at), std::min(span.until, until)};
    if (part.first < part.second && std::find(i.unwatched.begin(), i.unwatched.end(), part) == i.unwatched.end())
      i.unwatched.push_back(part);
  }
}
void incident_recovered(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  note_unwatched(*i, r, e.at);
  i->state = IncidentState::recovered;
  i->recovered_at = e.body.maybe_time("recovered_at").value_or(e.at);
  i->loss = loss_in(e.body);
}
void incident_reopened(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  i->state = IncidentState::open;
  if (auto from = e.body.maybe_time("looked_well_from")) i->looked_well.emplace_back(*from, e.at);
  i->recovered_at.reset();
  i->loss.reset();
  i->by_signal = i->by_signal || e.body.flag("by_signal");
  if (auto because = e.body.evidence("because"); !because.empty()) i->because = std::move(because);  // why it is open now
  r.pending.erase(i->scenario);
  if (e.by == "drwatch")
    i->reopened_by.clear();  // it does not look well any more
  else if (!e.body.json().contains("undone"))
    i->reopened_by = e.by;
}
void incident_resolved(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  // Resolved without having recovered (forced, or by hand): its clock stops here, if its exit was not seen to hold before.
  if (!i->recovered_at) {
    note_unwatched(*i, r, e.at);
    const auto holds_since = e.body.maybe_time("exit_holds_since");
    i->recovered_at = holds_since.value_or(e.at), i->recovery_said = !holds_since;
  }
  if (auto loss = loss_in(e.body)) i->loss = loss;
  i->state = IncidentState::resolved;
  i->resolved_at = e.at;
  i->false_alarm = e.body.flag("false_alarm");
  learn(r.measured, *i);
  const Json shut = e.body.json().value("keeps_shut", Json::object());
  for (const auto& [scenario, by] : shut.items())
    r.false_alarms[scenario] = {i->id, e.by, e.at, json::texts(by, "conditions"), json::texts(by, "components"), json::texts(by, "worst")};
}
void incident_projected(Record& r, const Event& e) {
  if (Incident* i = incident_of(r, e)) i->projection = projection_from_json(e.body.json());
}

// Contract, "Absorption": the wide incident goes on with the narrow one's start (if earlier), acknowledgement (if earlier), bad change,
// timeline, messages and every done step of the same id. The plan of such a step stays the wide one's.
void take_over(Incident& wide, const Incident& narrow) {
  wide.absorbed.push_back(narrow.id);
  if (narrow.started_at < wide.started_at) {
    wide.started_at = narrow.started_at;
    wide.started_by = narrow.started_by;
    wide.projection.reset();  // its figures count from the start, and are made anew
  }
  if (narrow.acknowledged_at && (!wide.acknowledged_at || *narrow.acknowledged_at < *wide.acknowledged_at)) {
    wide.acknowledged_at = narrow.acknowledged_at;
    wide.acknowledged_by = narrow.acknowledged_by;
  }
  if (wide.taken_by.empty()) wide.taken_by = narrow.taken_by, wide.taken_at = narrow.taken_at;
  if (wide.handed_to.empty() && !narrow.handed_to.empty())
    wide.handed_to = narrow.handed_to, wide.handed_by = narrow.handed_by, wide.handed_at = narrow.handed_at,
    wide.handover = narrow.handover;
  if (narrow.bad_change_at && !wide.bad_change_at) {
    wide.bad_change_at = narrow.bad_change_at;
    wide.bad_change_by = narrow.bad_change_by;
    wide.bad_change_note = narrow.bad_change_note;
  }
  // A command that runs goes on, and must not be started a second time.
  for (const IncidentStep& running : narrow.steps) {
    if (running.state != StepState::running) continue;
    if (IncidentStep* same = wide.step(running.plan.id); !same)
      wide.steps.push_back(running);
    else if (same->state != StepState::running && !same->counts())
      same->state = StepState::running, same->ran = true, same->started_at = running.started_at, same->ended_at.reset(),
      same->by = running.by;
  }
  for (const IncidentStep& done : narrow.steps) {
    IncidentStep* same = wide.step(done.plan.id);
    if (!same || same->counts() || done.state != StepState::done || (same->closed() && !done.counts())) continue;
    Step plan = same->plan;
    *same = done;
    same->plan = plan;
  }
  // An incident that only people's work can end brings that work along: critical steps that the wide one does not have. Otherwise nobody
  // could ever say that it is over.
  if (narrow.exit.by == Exit::By::steps)
    for (const IncidentStep& left : narrow.steps)
      if (narrow.gates(left) && !wide.step(left.plan.id)) wide.steps.push_back(left);
  for (const IncidentMessage& m : narrow.messages)
    if (std::none_of(wide.messages.begin(), wide.messages.end(), [&](const IncidentMessage& w) { return w.id == m.id; }))
      wide.messages.push_back(m);
  for (const std::string& component : narrow.explains)
    if (std::find(wide.explains.begin(), wide.explains.end(), component) == wide.explains.end()) wide.explains.push_back(component);
  wide.timeline.insert(wide.timeline.end(), narrow.timeline.begin(), narrow.timeline.end());
  std::stable_sort(wide.timeline.begin(), wide.timeline.end(), [](const Event& a, const Event& b) { return a.seq < b.seq; });
}
// Of a release that did not say what had failed: nothing.
Filed filed_in(const Event& e, const std::string& scenario) {
  return {scenario, e.at, e.body.texts("components"), e.body.texts("conditions"), std::nullopt};
}
void incident_absorbed(Record& r, const Event& e) {
  Incident* narrow = incident_of(r, e);
  Incident* wide = r.incidents.edit(e.body.text("absorbed_by"));
  if (!narrow || !wide) return;
  narrow->state = IncidentState::absorbed;
  narrow->absorbed_at = e.at;
  narrow->absorbed_by = wide->id;
  take_over(*wide, *narrow);
  if (e.body.json().contains("components")) wide->filed.push_back(filed_in(e, narrow->scenario));  // by a person
}

// The new scenario's plan, with the state of the steps that both have. Steps that only the old plan had stay if somebody worked on them, as
// history: they are critical no more.
void incident_refiled(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  Incident as_new = incident_from_json(e.body.json().at("incident"));
  for (IncidentStep old : i->steps) {
    if (IncidentStep* same = as_new.step(old.plan.id)) {
      if (old.state == StepState::open) continue;
      Step plan = same->plan;
      *same = old;
      same->plan = plan;
    } else if (old.state != StepState::open) {
      old.plan.critical = false;
      as_new.steps.push_back(old);
    }
  }
  Filed from = filed_in(e, e.body.text("from"));
  if (i->exit.by == Exit::By::health) from.seen = i->trigger;
  refile(*i, as_new);
  std::erase_if(i->filed, [&](const Filed& filed) { return filed.scenario == i->scenario; });
  // What it was first filed under must not open beside it by the same failure; an older release did not say by which.
  if (e.body.json().contains("components"))
    i->filed.push_back(std::move(from));
  else
    i->trigger.supersedes.push_back(from.scenario);
  r.pending.erase(i->scenario);
}
void incident_bad_change(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  i->bad_change_at = e.body.maybe_time("bad_change_at");
  i->bad_change_by = e.by;
  i->bad_change_note = e.body.text("note");
  i->loss = loss_in(e.body);
}
void incident_corrected(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  // Corrected twice, what drwatch itself found is still kept.
  if (!i->started_at_found) i->started_at_found = i->started_at;
  i->started_at = e.body.time("started_at");
  i->started_by = "corrected by " + e.by;
  if (i->state == IncidentState::open) i->projection.reset();  // its figures count from the start, and are made anew
}
void incident_explains(Record& r, const Event& e) {
  if (Incident* i = incident_of(r, e)) i->explains.push_back(e.component);
}

// ---- steps

IncidentStep* step_of(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  return i ? i->step(e.body.text("step")) : nullptr;
}
// The step is over, in whichever way. Of a verified one it is noted since when its condition holds, and whether that proves anything.
void end_step(Record& r, const Event& e, StepState state) {
  IncidentStep* s = step_of(r, e);
  if (!s) return;
  s->state = state;
  s->ended_at = e.at;
  s->by = e.by;
  s->note = e.body.text("note");
  s->evidence = e.body.text("evidence");
  s->against_evidence = e.body.flag("against_evidence");
  s->ran = s->ran || e.body.json().contains("argv");  // it could not even be started
  if (const auto found = e.body.json().find("document"); found != e.body.json().end())
    if (const auto drill = r.drilling.held.find(e.incident); drill != r.drilling.held.end())
      drill->second.evidence = found->dump(-1, ' ', false, Json::error_handler_t::replace);
  if (e.body.flag("verified")) {
    s->holds_since = e.body.maybe_time("holds_since");
    s->proves = e.body.flag("proves");
  }
}
// As if nobody had touched it. The note stays.
void reset_step(IncidentStep& s) {
  s.state = StepState::open;
  s.started_at.reset();
  s.ended_at.reset();
  s.holds_since.reset();
  s.proves.reset();
  s.against_evidence = false;
  s.by.clear();
  s.evidence.clear();
}
void step_started(Record& r, const Event& e) {
  if (IncidentStep* s = step_of(r, e)) s->state = StepState::started, s->started_at = e.at, s->by = e.by;
}
void step_running(Record& r, const Event& e) {
  if (IncidentStep* s = step_of(r, e))
    s->state = StepState::running, s->ran = true, s->started_at = e.at, s->ended_at.reset(), s->by = e.by;
}
void step_done(Record& r, const Event& e) { end_step(r, e, StepState::done); }
void step_skipped(Record& r, const Event& e) { end_step(r, e, StepState::skipped); }
void step_failed(Record& r, const Event& e) { end_step(r, e, StepState::failed); }
void step_interrupted(Record& r, const Event& e) { end_step(r, e, StepState::interrupted); }
void step_undone(Record& r, const Event& e) {
  if (IncidentStep* s = step_of(r, e)) {
    reset_step(*s);
    s->undone_at = e.at;
    s->note = e.body.text("note");
  }
}
// The condition of a step that drwatch had ticked is false again. From now on its being true proves something.
void step_broke(Record& r, const Event& e) {
  if (IncidentStep* s = step_of(r, e)) {
    reset_step(*s);
    s->broke_at = e.at;
    s->held_at_opening = false;
  }
}

// ---- messages

// "message.failed" means drafted as well, with names that could not be filled. A new draft of the same message takes the place of the old
// one.
void message_drafted(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  IncidentMessage m;
  m.id = e.body.text("message");
  m.audience = e.body.text("audience");
  m.when = parse_moment(e.body.text("when")).value_or(Message::When::opened);
  m.state = e.kind == "message.failed" ? MessageState::failed : MessageState::draft;
  m.subject = e.body.text("subject");
  m.body = e.body.text("body");
  m.missing = e.body.texts("missing");
  m.unknown = e.body.json().contains("unknown") ? e.body.texts("unknown") : m.missing;
  m.drafted_at = e.at;
  std::erase_if(i->messages, [&](const IncidentMessage& old) { return old.id == m.id; });
  i->messages.push_back(m);
}
IncidentMessage* message_of(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return nullptr;
  std::string id = e.body.text("message");
  auto it = std::find_if(i->messages.begin(), i->messages.end(), [&](const IncidentMessage& m) { return m.id == id; });
  return it == i->messages.end() ? nullptr : &*it;
}
void message_approved(Record& r, const Event& e) {
  if (IncidentMessage* m = message_of(r, e)) m->state = MessageState::approved, m->by = e.by;
}
void message_sent(Record& r, const Event& e) {
  if (IncidentMessage* m = message_of(r, e)) m->state = MessageState::sent, m->by = e.by, m->sent_at = e.at;
}

}  // namespace

const std::map<std::string_view, Meaning>& incident_meanings() {
  static const std::map<std::string_view, Meaning> table = {
      {"incident.absorbed", incident_absorbed},
      {"incident.acknowledged", incident_acknowledged},
      {"incident.bad-change", incident_bad_change},
      {"incident.corrected", incident_corrected},
      {"incident.explains", incident_explains},
      {"incident.handed", incident_handed},
      {"incident.opened", incident_opened},
      {"incident.projected", incident_projected},
      {"incident.recovered", incident_recovered},
      {"incident.refiled", incident_refiled},
      {"incident.reopened", incident_reopened},
      {"incident.resolved", incident_resolved},
      {"incident.taken", incident_taken},
      {"message.approved", message_approved},
      {"message.drafted", message_drafted},
      {"message.failed", message_drafted},
      {"message.sent", message_sent},
      {"scenario.calm", scenario_calm},
      {"scenario.pending", scenario_pending},
      {"step.broke", step_broke},
      {"step.done", step_done},
      {"step.failed", step_failed},
      {"step.interrupted", step_interrupted},
      {"step.running", step_running},
      {"step.skipped", step_skipped},
      {"step.started", step_started},
      {"step.undone", step_undone},
  };
  return table;
}

}  // namespace drwatch
