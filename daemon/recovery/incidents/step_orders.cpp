// SPDX-License-Identifier: Apache-2.0
// What people do with a step: start, done, skip, undo, run, cancel.
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/outlook/projection.hpp"
#include "daemon/recovery/points/loss.hpp"

#include <algorithm>

namespace drwatch {
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
  const bool own = step->plan.id == drill_command;
  if (i.drill && !own && o.action == OnStep::run) {
    d.refuse(409, "a drill does not run '" + step->plan.title + "'",
             "its command works on the platform itself; do it against the copy by hand, and mark it with start and done");
    return true;
  }
  if (i.drill && own && o.action != OnStep::cancel) {
    d.refuse(409, "the drill's command runs once, and by itself", "cancel it, or start another drill");
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
  // What people or a command did is not skipped and what was skipped is not run, or the record would say both: somebody takes it back
  // first. What drwatch ticked by what it sees is nobody's work.
  const bool ran_to_its_end = step->ran && step->by == "drwatch";
  const bool closed_otherwise = step->state == StepState::skipped || (step->state == StepState::done && !ran_to_its_end);
  if ((o.action == OnStep::skip && step->state == StepState::done && !step->plan.verify) || (o.action == OnStep::run && closed_otherwise)) {
    d.refuse(409, "'" + step->plan.title + "' is " + std::string(state_name(step->state)) + " already", "take it back first: undo");
    return true;
  }
  return false;
}

// A person may begin before what the step comes after is over; then it is said, and written down in `body`.
std::string too_early(const Incident& i, const IncidentStep& step, Body& body) {
  const auto open = i.waits_for(step);
  if (open.empty()) return "";
  body.set("before", open);
  return ", before " + in_a_sentence(open) + (open.size() == 1 ? " is closed" : " are closed");
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
void close_step(Deciding& d, const Incident& i, const IncidentStep& step, const StepAction& o, Body body, const std::string& chosen) {
  const bool done = o.action == OnStep::done;
  if (step.state == (done ? StepState::done : StepState::skipped)) return;
  if (done) body.set("evidence", o.note);
  std::string said = done ? " was done by " : " was skipped by ", against;
  // In a drill a person ticks freely: what drwatch sees is production, which nobody drills on.
  if (step.plan.verify && !i.drill && (done || i.gates(step))) {
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
  if (done) against += too_early(i, step, body);
  d.emit(done ? "step.done" : "step.skipped", d.about(i, o.by),
         "'" + step.plan.title + "'" + said + o.by + against + (o.note.empty() ? "" : ": " + o.note) + chosen, body);
}

// The incident, or one that it absorbed, is over by its steps, and this is one of them.
bool rests_on(const Deciding& d, const Incident& i, const std::string& id) {
  const auto parts = with_absorbed(d.record(), i);
  return std::any_of(parts.begin(), parts.end(), [&](const Incident* part) {
    const IncidentStep* step = part->step(id);
    return part->exit.by == Exit::By::steps && step && part->gates(*step);
  });
}

// Opens the step again, as if nobody had touched it. An incident that recovered by its steps is open again with it.
void take_back(Deciding& d, const Incident& i, const IncidentStep& step, const StepAction& o) {
  if (step.state == StepState::open) return;
  d.emit("step.undone", d.about(i, o.by), "'" + step.plan.title + "' was taken back by " + o.by, Body{{"step", o.step}, {"note", o.note}});
  if (i.state != IncidentState::recovered || !i.gates(step) || !rests_on(d, i, o.step)) return;
  if (open_of(d.record(), i.scenario, i.id)) return;  // a later one is worked on
  d.emit("incident.reopened", d.about(i, o.by), i.title + " is open again: '" + step.plan.title + "' was taken back by " + o.by,
         Body{{"looked_well_from", i.recovered_at}, {"undone", o.step}, {"note", o.note}});
}

// What was known when people chose a way out: it is judged by that afterwards, and not by what became of it.
std::string known_then(const Deciding& d, const Incident& i, const IncidentStep& step, Body& body) {
  if (i.drill || step.plan.option.empty() || i.chosen(step.plan.option)) return "";
  Body known{{"option", step.plan.option}};
  std::string words;
  if (const auto projection = project(d.state, d.settings, i, d.now)) {
    known.set("projection", body_of(*projection));
    known.set("decide_by", projection->decide_by);
    const auto moment = [&](double after) { return time_words(i.started_at + Duration{static_cast<std::int64_t>(after * 1000)}); };
    for (const WayOut& way : projection->ways)
      if (!way.option.empty())
        words += "; by '" + way.option + "' likely over at " + moment(way.p50_seconds) + ", nine in ten by " + moment(way.p90_seconds);
    words += "; decide by " + time_words(projection->decide_by) + ", back by " + time_words(i.deadline());
  }
  if (const auto point = restore_point(d.state, d.settings, i, d.now)) {
    known.set("recovery_point", point->at);
    known.set("exposure_seconds", in_seconds(point->lost));
    words += "; exposure " + duration_words(point->lost) + " (" + point->source + (point->estimated ? ", estimated" : "") + ")";
  }
  body.set("known", known);
  return "; this chooses '" + step.plan.option + "'. Known then" + (words.empty() ? ": nothing" : words.replace(0, 1, ":"));
}

// Where the step's command runs: in the incident itself, or in one that it absorbed while the command ran. nullptr: nowhere.
const Incident* runs_in(const Deciding& d, const Incident& i, const std::string& id) {
  for (const Incident* part : with_absorbed(d.record(), i))
    if (const IncidentStep* step = part->step(id); part != &i && step && step->state == StepState::running) return part;
  return &i;
}

// Starts the step's command. What has run to its end is not run again by the same order: it is taken back first.
void run_step(Deciding& d, const Incident& i, const IncidentStep& step, const StepAction& o, Body body, const std::string& chosen) {
  if (step.state == StepState::running || step.state == StepState::done) return;
  if (!i.ready(step))
    return d.refuse(409, "'" + step.plan.title + "' waits for other steps", "close the steps it comes after first, or skip them",
                    step.plan.after);
  start_command(d, i, step, o.by, std::move(body), chosen);
}

// The command is only asked to end. The step changes when it has, by command_ended().
void cancel_step(Deciding& d, const Incident& i, const IncidentStep& step, const StepAction& o) {
  if (step.state == StepState::running) d.decision.cancels.push_back({runs_in(d, i, o.step)->id, o.step, o.by});
}

void start_step(Deciding& d, const Incident& i, const IncidentStep& step, const StepAction& o, Body body, const std::string& chosen) {
  const std::string early = too_early(i, step, body);
  d.emit("step.started", d.about(i, o.by), "'" + step.plan.title + "' was started by " + o.by + early + chosen, body);
}

void act(Deciding& d, const Incident& i, const IncidentStep& step, const StepAction& o) {
  Body body{{"step", o.step}, {"note", o.note}};
  const bool works = o.action == OnStep::start || o.action == OnStep::done || o.action == OnStep::run;
  const std::string chosen = works ? known_then(d, i, step, body) : "";
  switch (o.action) {
    case OnStep::start:
      if (step.state == StepState::started || step.closed()) return;
      return start_step(d, i, step, o, std::move(body), chosen);
    case OnStep::done:
    case OnStep::skip:
      return close_step(d, i, step, o, std::move(body), chosen);
    case OnStep::undo:
      return take_back(d, i, step, o);
    case OnStep::run:
      return run_step(d, i, step, o, std::move(body), chosen);
    case OnStep::cancel:
      return cancel_step(d, i, step, o);
  }
}

}  // namespace

// What a person does with a step. An action that has been done already changes nothing and is no error, so that two people (or a retried
// request) cannot harm. Who works on it has taken the incident.
void order(Deciding& d, const StepAction& o) {
  auto i = find_incident(d, o.incident);
  if (!i) return;
  const IncidentStep* step = i->step(o.step);
  if (refuse_step(d, *i, step, o)) return;
  const std::size_t before = d.decision.events.size();
  act(d, *i, *step, o);
  const bool taken = o.action != OnStep::undo && o.action != OnStep::cancel && d.decision.events.size() > before;
  if (taken && !i->acknowledged_at)
    d.emit("incident.acknowledged", d.about(*i, o.by), i->title + " was taken by " + o.by + ", who works on '" + step->plan.title + "'",
           Body{{"step", o.step}});
}

}  // namespace drwatch
