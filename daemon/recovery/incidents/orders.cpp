// SPDX-License-Identifier: Apache-2.0
// What people and other systems ask of an incident. The same action twice is one action; what does not fit the state is refused with what
// to do.
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/incidents/commands.hpp"
#include "daemon/recovery/points/loss.hpp"

#include <algorithm>
#include <set>

namespace drwatch {
namespace {

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

}  // namespace

std::optional<Incident> find_incident(Deciding& d, const std::string& id) {
  d.decision.subject = id;
  if (const Incident* found = worked(d.record(), id)) return *found;
  std::vector<std::string> near;
  for (const auto& [other, incident] : d.record().incidents)
    if (incident.live()) near.push_back(other);
  d.refuse(404, "no incident '" + id + "'", near.empty() ? "none is open" : "open: " + near.front(), near);
  return std::nullopt;
}

bool refuse_final(Deciding& d, const Incident& i) {
  if (i.live()) return false;
  d.refuse(409, i.id + " is " + std::string(state_name(i.state)),
           i.absorbed_by.empty() ? "a final incident takes notes only" : "it goes on in " + i.absorbed_by);
  return true;
}

// A person opens it, whether or not its trigger holds, and even in maintenance. When it is open already the answer is that incident.
void order(Deciding& d, const OpenIncident& o) {
  const Scenario* scenario = find_scenario(d, o.scenario);
  if (!scenario) return;
  if (const Incident* open = open_of(d.record(), o.scenario)) {
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
  if (i->drill && message->audience != "on-call" && message->audience != "internal")
    return d.refuse(409, "a drill tells nobody outside",
                    "'" + o.message + "' is for " + message->audience + "; read it, and leave it a draft");
  Body body{{"message", o.message}};
  if (o.action == OnMessage::approve) {
    if (message->state != MessageState::draft) return;
    if (const std::string why = out_of_date(*i, *message); !why.empty())
      return d.refuse(409, "the message is out of date", why + "; send what is drafted for how it is now");
    return d.emit("message.approved", d.about(*i, o.by), "message '" + o.message + "' was approved by " + o.by, body);
  }
  if (o.action == OnMessage::sent) {
    if (message->state == MessageState::sent) return;
    return d.emit("message.sent", d.about(*i, o.by), "message '" + o.message + "' was sent by " + o.by, body);
  }
}

namespace {

// What had failed when a person filed the incident elsewhere: while that goes on it opens nothing under the scenario that it leaves.
void set_filed(const Deciding& d, const Incident& incident, Body& body) {
  const Match now = match_without_words(d, incident.trigger);
  std::set<std::string> components(now.components.begin(), now.components.end()), conditions;
  for (const Condition* c : now.causes) conditions.insert(c->text);
  for (const auto* list : {&incident.trigger.any, &incident.trigger.all})
    for (const Condition& c : *list)
      for (const Evidence& e : incident.because) {
        if (e.condition != c.text) continue;
        conditions.insert(c.text);
        for (const std::string& name : components_of(d.state, d.settings, c)) components.insert(name);
      }
  body.set("components", std::vector<std::string>(components.begin(), components.end()));
  body.set("conditions", std::vector<std::string>(conditions.begin(), conditions.end()));
}

// The other scenario has an open incident: it goes on in that.
void file_into(Deciding& d, const Incident& incident, const Incident& into, const Refile& o) {
  Body body{{"absorbed_by", into.id}, {"note", o.note}};
  set_filed(d, incident, body);
  const std::string id = into.id;
  d.emit(
      "incident.absorbed", d.about(incident, o.by),
      incident.title + " was filed under " + into.title + " by " + o.by + " and goes on in " + id + (o.note.empty() ? "" : ": " + o.note),
      body);
  d.decision.subject = id;
}

}  // namespace

// Goes on with the same incident under another scenario: its start, timeline and ticks stay, its plan becomes the new scenario's.
void order(Deciding& d, const Refile& o) {
  auto i = find_incident(d, o.incident);
  if (!i || refuse_in_drill(d, *i) || refuse_final(d, *i)) return;
  const Scenario* scenario = find_scenario(d, o.scenario);
  if (!scenario || scenario->id == i->scenario) return;
  if (const Incident* open = open_of(d.record(), o.scenario, i->id)) return file_into(d, *i, *open, o);
  Match found = match(d, scenario->trigger);
  found.by_signal = found.by_signal || i->by_signal;
  // Opened on a copy of the whole state, to get the incident as it would be opened now. The event then takes from it what belongs to the
  // scenario. By whom it was opened stays, and with it by what it is over, where the scenario leaves that open.
  State scratch = d.state;
  Deciding sketch{scratch, d.settings, d.now, {}, {}, false};
  open_incident(sketch, *scenario, found, d.now, i->opened_by);
  // What the old scenario superseded stays shut under the new one as well: filed from "everything is down" to "database is down", it must
  // not let the hosting's own incident open beside it.
  Incident& sketched = *scratch.record.incidents.edit(sketch.decision.subject);
  auto& supersedes = sketched.trigger.supersedes;
  for (const std::string& narrow : i->trigger.supersedes)
    if (narrow != scenario->id && std::find(supersedes.begin(), supersedes.end(), narrow) == supersedes.end()) supersedes.push_back(narrow);
  if (auto first = taken_first_for(d, *scenario, i->scenario)) sketched.second = first;
  Body body{{"from", i->scenario}, {"scenario", scenario->id}, {"incident", sketched}, {"note", o.note}};
  set_filed(d, *i, body);
  d.emit("incident.refiled", d.about(*i, o.by),
         i->id + ", filed as " + i->title + ", is now worked as " + scenario->title + (o.note.empty() ? "" : ": " + o.note), body);
  absorb_narrower(d, i->id);
  draft_messages(d, i->id, Message::When::opened);
}

// A person knows better since when it fails. What drwatch found is kept beside it.
void order(Deciding& d, const CorrectStart& o) {
  auto i = find_incident(d, o.incident);
  if (!i || refuse_in_drill(d, *i) || refuse_final(d, *i)) return;
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
  if (!i || refuse_in_drill(d, *i) || refuse_final(d, *i)) return;
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

// Contract, "Resolving": refused (409, with the list) while a critical step is open, unless it is forced with a note. That it was a false
// alarm is no other way past them: it is said of what the steps would show.
void order(Deciding& d, const Resolve& o) {
  auto i = find_incident(d, o.incident);
  if (!i || refuse_in_drill(d, *i)) return;
  if (i->state == IncidentState::resolved) {
    if (!o.false_alarm || i->false_alarm) return;  // it is already so
    return d.refuse(409, i->id + " is resolved",
                    "it was not said to be a false alarm then, and stays as it is; write down with a note what it was");
  }
  if (refuse_final(d, *i)) return;
  std::vector<std::string> words;
  auto open = open_critical(*i, &words);
  if (!open.empty() && !(o.force && o.note.find_first_not_of(" \t\r\n") != std::string::npos))
    return d.refuse(
        409, open.size() == 1 ? "a critical step is open" : "critical steps are open",
        in_a_sentence(words) + "; finish or skip " + (open.size() == 1 ? "it" : "them") + ", or force it with a note that says why", open);
  // Open, but what it is over by is seen to hold: then it recovered, although not yet for the whole `for`.
  const auto holds_since = i->recovered_at ? std::nullopt : exit_holds_since(d, *i);
  Body body{{"false_alarm", o.false_alarm},
            {"forced", !open.empty()},
            {"open_steps", open},
            {"note", o.note},
            {"loss", i->recovered_at ? std::nullopt : loss_at_end(d, *i, holds_since.value_or(d.now))}};
  if (holds_since) body.set("exit_holds_since", holds_since);
  const std::string left = name_latched(d, *i, body);
  if (o.false_alarm) set_kept_shut(d, *i, body);
  d.emit(
      "incident.resolved", d.about(*i, o.by),
      i->title + (o.false_alarm ? " was a false alarm, says " : " was resolved by ") + o.by + (o.note.empty() ? "" : ": " + o.note) + left,
      body);
  draft_messages(d, i->id, Message::When::resolved);
}

// A person says that a recovered incident is not over although it looks well: from then on it takes a new tick, too.
void order(Deciding& d, const Reopen& o) {
  auto i = find_incident(d, o.incident);
  if (!i || refuse_in_drill(d, *i) || i->state == IncidentState::open || refuse_final(d, *i)) return;
  if (const Incident* open = open_of(d.record(), i->scenario, i->id))
    return d.refuse(409, i->scenario + " is open already", "work on " + open->id, {open->id});
  d.emit("incident.reopened", d.about(*i, o.by), i->title + " was opened again by " + o.by + (o.note.empty() ? "" : ": " + o.note),
         Body{{"looked_well_from", i->recovered_at}, {"note", o.note}});
}

bool changes(const Decision& decision) {
  return !decision.cancels.empty() || !decision.commands.empty() ||
         std::any_of(decision.events.begin(), decision.events.end(), [](const Event& event) { return event.by != "drwatch"; });
}

}  // namespace drwatch
