// SPDX-License-Identifier: Apache-2.0
// What people and other systems ask of an incident. The same action twice is one action; what does not fit the state is refused with what
// to do.
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/points/loss.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// The incident to act on, by value (applying an event changes the original); nullopt: refused.
std::optional<Incident> find_incident(Deciding& d, const std::string& id) {
  d.decision.subject = id;
  auto found = d.record().incidents.find(id);
  if (found != d.record().incidents.end()) return found->second;
  std::vector<std::string> near;
  for (const auto& [other, incident] : d.record().incidents)
    if (incident.live()) near.push_back(other);
  d.refuse(404, "no incident '" + id + "'", near.empty() ? "none is open" : "open: " + near.front(), near);
  return std::nullopt;
}

// True: the incident is resolved or absorbed, and the refusal is written (409). Notes are the only thing that a final incident still takes.
bool refuse_final(Deciding& d, const Incident& i) {
  if (i.live()) return false;
  d.refuse(409, i.id + " is " + std::string(state_name(i.state)),
           i.absorbed_by.empty() ? "a final incident takes notes only" : "it goes on in " + i.absorbed_by);
  return true;
}

// nullptr: there is none of this name, and the refusal is written (404), with the nearest name if one is close.
const Scenario* find_scenario(Deciding& d, const std::string& id) {
  auto found = d.settings.scenarios.find(id);
  if (found != d.settings.scenarios.end()) return &found->second;
  std::vector<std::string> names;
  for (const auto& [name, scenario] : d.settings.scenarios) names.push_back(name);
  auto near = config::nearest(id, names);
  d.refuse(404, "no scenario '" + id + "'", near ? "did you mean '" + *near + "'?" : "'drwatch runbook list' shows them", names);
  return nullptr;
}

// The ids of the critical steps that still have to be closed before the incident can be resolved; `words` tells a tick that counts for
// nothing from one that was not made.
std::vector<std::string> open_critical(const Incident& i, std::vector<std::string>* words = nullptr) {
  std::vector<std::string> open;
  for (const IncidentStep& s : i.steps) {
    if (!i.gates(s) || s.counts()) continue;
    open.push_back(s.plan.id);
    if (words) words->push_back(s.plan.id + (s.against_evidence ? " (against what drwatch sees)" : ""));
  }
  return open;
}

// The open incident of the scenario, other than `but`; nullptr: none. At most one incident of a scenario is open.
const Incident* live_of(const Record& record, const std::string& scenario, const std::string& but = "") {
  for (const auto& [id, incident] : record.incidents)
    if (incident.scenario == scenario && incident.state == IncidentState::open && id != but) return &incident;
  return nullptr;
}

}  // namespace

// A person opens it, whether or not its trigger holds, and even in maintenance. When it is open already the answer is that incident.
void order(Deciding& d, const OpenIncident& o) {
  const Scenario* scenario = find_scenario(d, o.scenario);
  if (!scenario) return;
  if (const Incident* open = live_of(d.record(), o.scenario)) {
    d.decision.subject = open->id;  // it is already so
    return;
  }
  Match found = match(d, scenario->trigger);
  open_incident(d, *scenario, found, d.now, o.by);
  if (!o.note.empty()) order(d, AddNote{d.decision.subject, o.note, o.by});
}

// The first one who takes it has it; a second acknowledgement changes nothing.
void order(Deciding& d, const Acknowledge& o) {
  auto i = find_incident(d, o.incident);
  if (!i || refuse_final(d, *i)) return;
  if (i->acknowledged_at) return;
  d.emit("incident.acknowledged", d.about(*i, o.by), i->title + " was taken by " + o.by, Body{{"note", o.note}});
}

// The only order that a final incident takes: what was learned is often written down afterwards.
void order(Deciding& d, const AddNote& o) {
  auto i = find_incident(d, o.incident);
  if (!i) return;
  if (o.text.empty()) return d.refuse(422, "the note is empty", "write what should be remembered");
  d.emit("incident.noted", d.about(*i, o.by), o.by + ": " + o.text, Body{{"text", o.text}});
}

namespace {

// True: the action does not fit the step, and the refusal is written. `step` is null when the incident has no such step.
bool refuse_step(Deciding& d, const Incident& i, const IncidentStep* step, const StepAction& o) {
  if (!step) {
    std::vector<std::string> ids;
    for (const IncidentStep& s : i.steps) ids.push_back(s.plan.id);
    auto near = config::nearest(o.step, ids);
    d.refuse(404, "no step '" + o.step + "' in " + i.id,
             near ? "did you mean '" + *near + "'?" : "'drwatch incident show " + i.id + "' lists them", ids);
    return true;
  }
  // A command goes on when its incident is over, and can be ended for as long as it runs.
  const bool ends_it = o.action == OnStep::cancel && step->state == StepState::running;
  if (!ends_it && refuse_final(d, i)) return true;
  bool command = !step->plan.run.empty();
  if ((o.action == OnStep::run || o.action == OnStep::cancel) && !command) {
    d.refuse(409, "'" + step->plan.title + "' has no command", "mark it with start, done or skip");
    return true;
  }
  if (o.action == OnStep::skip && step->plan.critical && o.note.empty() && step->state != StepState::skipped) {
    d.refuse(422, "a critical step is skipped with a reason only", "say why with a note");
    return true;
  }
  if (step->state == StepState::running && o.action != OnStep::cancel && o.action != OnStep::run) {
    d.refuse(409, "'" + step->plan.title + "' is running", "wait for its end, or cancel it");
    return true;
  }
  return false;
}

// What a verified step asks is seen now, by runs that began after the incident opened. What can't be seen is not seen.
bool seen_to_hold(const Deciding& d, const Incident& i, const IncidentStep& step) {
  const Condition& asks = *step.plan.verify;
  return evaluate_without_words(d.state, d.settings, asks, d.now).truth == Truth::yes &&
         not_looked_at(d.state, d.settings, asks, i.opened_at).empty();
}

// Contract, 3: a person ticks a verified step, or skips a critical one, only with a note and `force` while what it asks is not seen. True:
// the refusal is written.
bool refuse_against(Deciding& d, const IncidentStep& step, const StepAction& o) {
  const std::string seen = evaluate(d.state, d.settings, *step.plan.verify, d.now).evidence;
  const char* anyway = o.action == OnStep::done ? "tick it anyway" : "skip it anyway";
  if (!o.force) {
    d.refuse(409, "'" + step.plan.title + "' is not seen to be so",
             "drwatch sees: " + seen + "; wait until '" + step.plan.verify->text + "' holds, or " + anyway +
                 " with force and a note that says why, which then counts for nothing but the checklist");
    return true;
  }
  if (o.note.find_first_not_of(" \t\r\n") != std::string::npos) return false;
  d.refuse(422, "against what drwatch sees a step is closed with a reason only", std::string("say with a note why to ") + anyway);
  return true;
}

// A person closes the step: done or skipped.
void close_step(Deciding& d, const Incident& i, const IncidentStep& step, const StepAction& o) {
  const bool done = o.action == OnStep::done;
  if (step.state == (done ? StepState::done : StepState::skipped)) return;
  Body body{{"step", o.step}, {"note", o.note}};
  if (done) body.set("evidence", o.note);
  std::string said = done ? " was done by " : " was skipped by ", against;
  if (step.plan.verify && (done || i.gates(step))) {
    const bool seen = seen_to_hold(d, i, step);
    if (!seen && refuse_against(d, step, o)) return;
    const std::string evidence = evaluate(d.state, d.settings, *step.plan.verify, d.now).evidence;
    body.set("evidence", evidence);
    if (!seen) {
      body.set("against_evidence", true);
      if (done) said = " is done, says ";
      against = ", against what drwatch sees (" + evidence + ")";
    }
  }
  d.emit(done ? "step.done" : "step.skipped", d.about(i, o.by),
         "'" + step.plan.title + "'" + said + o.by + against + (o.note.empty() ? "" : ": " + o.note), body);
}

// Opens the step again, as if nobody had touched it.
void take_back(Deciding& d, const Incident& i, const IncidentStep& step, const StepAction& o) {
  if (step.state == StepState::open) return;
  d.emit("step.undone", d.about(i, o.by), "'" + step.plan.title + "' was taken back by " + o.by, Body{{"step", o.step}, {"note", o.note}});
}

}  // namespace

// What a person does with a step. An action that has been done already changes nothing and is no error, so that two people (or a retried
// request) cannot harm.
void order(Deciding& d, const StepAction& o) {
  auto i = find_incident(d, o.incident);
  if (!i) return;
  const IncidentStep* step = i->step(o.step);
  if (refuse_step(d, *i, step, o)) return;
  Body body{{"step", o.step}, {"note", o.note}};
  About about = d.about(*i, o.by);
  std::string title = "'" + step->plan.title + "'";
  if (o.action == OnStep::start) {
    if (step->state == StepState::started || step->closed()) return;
    return d.emit("step.started", about, title + " was started by " + o.by, body);
  }
  if (o.action == OnStep::done || o.action == OnStep::skip) return close_step(d, *i, *step, o);
  if (o.action == OnStep::undo) return take_back(d, *i, *step, o);
  if (o.action == OnStep::run) {
    if (step->state == StepState::running) return;
    if (!i->ready(*step))
      return d.refuse(409, title + " waits for other steps", "close the steps it comes after first, or skip them", step->plan.after);
    return start_command(d, *i, *step, o.by);
  }
  // The command is only asked to end. The step changes when it has, by command_ended().
  if (o.action == OnStep::cancel) {
    if (step->state == StepState::running) d.decision.cancels.emplace_back(i->id, o.step);
    return;
  }
}

// Approves a drafted message or notes that it was sent. One with names that could not be filled is refused: a customer would read
// "{{eta}}".
void order(Deciding& d, const MessageAction& o) {
  auto i = find_incident(d, o.incident);
  if (!i) return;
  auto message = std::find_if(i->messages.begin(), i->messages.end(), [&](const IncidentMessage& m) { return m.id == o.message; });
  if (message == i->messages.end()) {
    std::vector<std::string> ids;
    for (const IncidentMessage& m : i->messages) ids.push_back(m.id);
    return d.refuse(404, "no message '" + o.message + "' is drafted in " + i->id, "messages are drafted when their moment comes", ids);
  }
  if (!message->missing.empty())
    return d.refuse(422, "the message cannot be filled", not_known(message->missing) + "; it is drafted anew when that is known",
                    message->missing);
  Body body{{"message", o.message}};
  if (o.action == OnMessage::approve) {
    if (message->state != MessageState::draft) return;
    return d.emit("message.approved", d.about(*i, o.by), "message '" + o.message + "' was approved by " + o.by, body);
  }
  if (o.action == OnMessage::sent) {
    if (message->state == MessageState::sent) return;
    return d.emit("message.sent", d.about(*i, o.by), "message '" + o.message + "' was sent by " + o.by, body);
  }
}

// Goes on with the same incident under another scenario: its start, timeline and ticks stay, its plan becomes the new scenario's.
void order(Deciding& d, const Refile& o) {
  auto i = find_incident(d, o.incident);
  if (!i || refuse_final(d, *i)) return;
  const Scenario* scenario = find_scenario(d, o.scenario);
  if (!scenario || scenario->id == i->scenario) return;
  if (const Incident* open = live_of(d.record(), o.scenario, i->id))
    return d.refuse(409, o.scenario + " is open already", "work on " + open->id, {open->id});
  Match found = match(d, scenario->trigger);
  // Opened on a copy of the whole state, to get the incident as it would be opened now. The event then takes from it what belongs to the
  // scenario.
  State scratch = d.state;
  Deciding sketch{scratch, d.settings, d.now, {}, {}, false};
  open_incident(sketch, *scenario, found, d.now,
                o.by);  // by a person: so its exit is by steps where the scenario leaves it open, since the trigger may never have held
  // What the old scenario superseded stays shut under the new one as well: filed from "everything is down" to "database is down", it must
  // not let the hosting's own incident open beside it.
  Incident& sketched = scratch.record.incidents.at(sketch.decision.subject);
  auto& supersedes = sketched.trigger.supersedes;
  for (const std::string& narrow : i->trigger.supersedes)
    if (narrow != scenario->id && std::find(supersedes.begin(), supersedes.end(), narrow) == supersedes.end()) supersedes.push_back(narrow);
  if (auto first = taken_first_for(d, *scenario, i->scenario)) sketched.second = first;
  d.emit("incident.refiled", d.about(*i, o.by),
         i->id + ", filed as " + i->title + ", is now worked as " + scenario->title + (o.note.empty() ? "" : ": " + o.note),
         Body{{"from", i->scenario}, {"scenario", scenario->id}, {"incident", sketched}, {"note", o.note}});
  absorb_narrower(d, i->id);
  draft_messages(d, i->id, Message::When::opened);
}

// A person knows better since when it fails. What drwatch found is kept beside it.
void order(Deciding& d, const CorrectStart& o) {
  auto i = find_incident(d, o.incident);
  if (!i || refuse_final(d, *i)) return;
  if (o.at > i->opened_at) return d.refuse(422, "the start lies after the opening", "it was opened at " + time_words(i->opened_at));
  // A year mistyped would be an RTO breached by centuries.
  if (o.at < i->opened_at - hours{24 * 366})
    return d.refuse(422, "the start lies more than a year before the opening", "it was opened at " + time_words(i->opened_at));
  if (o.at == i->started_at) return;
  d.emit("incident.corrected", d.about(*i, o.by), "the start of " + i->id + " was corrected to " + time_words(o.at) + " by " + o.by,
         Body{{"started_at", o.at}, {"from", i->started_at}, {"note", o.note}});
}

// The loss as it would be if the incident had recovered at this time. It is written into the event, because the kept values that it is
// computed from are forgotten after days.
std::optional<Loss> loss_at_end(const Deciding& d, Incident incident, Time recovered_at) {
  incident.recovered_at = recovered_at;
  incident.loss.reset();
  return loss_of(d.state, d.settings, incident, d.now);
}

// When the change was made that has to be undone. The answer says at once which moment can be restored to, and what that costs.
void order(Deciding& d, const SayBadChange& o) {
  auto i = find_incident(d, o.incident);
  if (!i || refuse_final(d, *i)) return;
  if (!i->data)
    return d.refuse(422, "no data is at stake in " + i->id,
                    "its scenario says `data = false`; if data was changed or deleted, file it under another first");
  if (i->of_class != class_name(DisasterClass::logical))
    return d.refuse(422, i->id + " is of class " + i->of_class + ": nothing was changed that has to be undone",
                    "if data was changed or deleted, file it under a scenario of class logical first");
  if (o.at > d.now) return d.refuse(422, "the bad change lies in the future", "it is " + time_words(d.now) + " now");
  if (i->recovered_at && o.at > *i->recovered_at)
    return d.refuse(422, "the bad change lies after the recovery", "it was recovered at " + time_words(*i->recovered_at));
  if (o.at == i->bad_change_at) return;
  Incident as_said = *i;
  as_said.bad_change_at = o.at;
  Body body{{"bad_change_at", o.at},
            {"from", i->bad_change_at},
            {"note", o.note},
            {"loss", i->recovered_at ? loss_at_end(d, as_said, *i->recovered_at) : std::nullopt}};
  auto point = restore_point(d.state, d.settings, as_said, d.now);
  d.emit("incident.bad-change", d.about(*i, o.by),
         "the bad change was made at " + time_words(o.at) + ", says " + o.by + (o.note.empty() ? "" : ": " + o.note) +
             (point ? "; restore to " + time_words(point->at) + " by " + point->source + ", what was written since (" +
                          duration_words(point->lost) + ") is lost"
                    : "; no source can be restored to a moment before it"),
         body);
}

// Contract, "Resolving": refused (409, with the list) while a critical step is open, unless it is forced with a note or was a false alarm.
void order(Deciding& d, const Resolve& o) {
  auto i = find_incident(d, o.incident);
  if (!i || i->state == IncidentState::resolved || refuse_final(d, *i)) return;
  std::vector<std::string> words;
  auto open = open_critical(*i, &words);
  if (!open.empty() && !(o.force && !o.note.empty()) && !o.false_alarm)
    return d.refuse(
        409, open.size() == 1 ? "a critical step is open" : "critical steps are open",
        in_a_sentence(words) + "; finish or skip " + (open.size() == 1 ? "it" : "them") + ", or force it with a note that says why", open);
  d.emit("incident.resolved", d.about(*i, o.by),
         i->title + (o.false_alarm ? " was a false alarm, says " : " was resolved by ") + o.by + (o.note.empty() ? "" : ": " + o.note),
         Body{{"false_alarm", o.false_alarm},
              {"forced", !open.empty()},
              {"open_steps", open},
              {"note", o.note},
              {"loss", i->recovered_at ? std::nullopt : loss_at_end(d, *i, d.now)}});
  draft_messages(d, i->id, Message::When::resolved);
}

// A person says that a recovered incident is not over. From then on only its steps end it (apply_incident.cpp).
void order(Deciding& d, const Reopen& o) {
  auto i = find_incident(d, o.incident);
  if (!i || i->state == IncidentState::open || refuse_final(d, *i)) return;
  if (const Incident* open = live_of(d.record(), i->scenario, i->id))
    return d.refuse(409, i->scenario + " is open already", "work on " + open->id, {open->id});
  d.emit("incident.reopened", d.about(*i, o.by), i->title + " was opened again by " + o.by + (o.note.empty() ? "" : ": " + o.note),
         Body{{"looked_well_from", i->recovered_at}, {"note", o.note}});
}

}  // namespace drwatch
