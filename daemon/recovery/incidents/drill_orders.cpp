// SPDX-License-Identifier: Apache-2.0
// Drills that drwatch leads: how one begins, how people end it, and what stops all of them.
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/incidents/drill_ends.hpp"
#include "daemon/recovery/incidents/drills.hpp"
#include "daemon/recovery/points/loss.hpp"

#include <algorithm>

namespace drwatch {
namespace {

const Scenario* scenario_of_drill(Deciding& d, const std::string& id) {
  d.decision.subject = id;
  if (auto found = d.settings.scenarios.find(id); found != d.settings.scenarios.end()) return &found->second;
  std::vector<std::string> names;
  for (const auto& [name, each] : d.settings.scenarios) names.push_back(name);
  auto near = config::nearest(id, names);
  d.refuse(404, "no scenario '" + id + "'", near ? "did you mean '" + *near + "'?" : "'drwatch runbook list' shows them", names);
  return nullptr;
}

// By value: every event that is applied changes the original. nullopt: refused.
std::optional<HeldDrill> find_drill(Deciding& d, const std::string& id) {
  d.decision.subject = id;
  const auto& held = d.record().drilling.held;
  if (auto found = held.find(id); found != held.end()) return found->second;
  std::vector<std::string> running;
  for (const auto& [other, drill] : held)
    if (drill.work.live()) running.push_back(other);
  d.refuse(404, "no drill '" + id + "'", running.empty() ? "none is held now" : "held now: " + in_a_sentence(running), running);
  return std::nullopt;
}

bool refuse_ended(Deciding& d, const HeldDrill& drill) {
  if (drill.work.live()) return false;
  d.refuse(409, drill.work.id + " is over: " + drill.verdict,
           "its record stays as it is; 'drwatch drill start " + drill.work.scenario + "' begins another");
  return true;
}

// What the drill's command is among the steps. It comes before them, and nothing waits for it.
IncidentStep command_step(const DrillPlan& plan) {
  IncidentStep step;
  step.plan.id = drill_command;
  step.plan.title = "The drill's own command";
  step.plan.critical = true;
  step.plan.run = plan.run;
  step.plan.timeout = plan.timeout;
  step.plan.automatic = true;
  if (std::none_of(plan.run.begin(), plan.run.end(), [](const std::string& word) { return word.find("{{evidence}}") != word.npos; }))
    step.plan.run.insert(step.plan.run.end(), {"--evidence", "{{evidence}}"});
  return step;
}

std::optional<double> rpo_seconds(const Settings& settings, const Scenario& scenario) {
  std::optional<double> least;
  for (const std::string& component : scenario.affects)
    if (const auto rpo = settings.rpo_of(component, scenario.of_class))
      least = std::min(least.value_or(in_seconds(*rpo)), in_seconds(*rpo));
  return least;
}

// The scenario as an incident would have it, but for what production says: a drill begins now, and nothing that is seen opens or ends it.
Incident work_of(Deciding& d, const Scenario& scenario, const std::string& by) {
  Incident work = make_incident(d, scenario, Match{}, d.now, by);
  work.id = free_id(d.record(), "drill-", scenario.id, d.now);
  work.drill = true;
  work.started_at = d.now;
  work.started_by = "the drill's beginning";
  work.exit.by = Exit::By::steps;
  work.exit.all.clear();
  work.trigger = {};
  work.because.clear();
  work.second.reset();
  for (IncidentStep& step : work.steps) step.held_at_opening = false, step.plan.automatic = false;
  return work;
}

}  // namespace

HeldDrill new_drill(Deciding& d, const Scenario& scenario, const std::string& by, const std::string& type) {
  HeldDrill drill;
  drill.work = work_of(d, scenario, by);
  drill.type = !type.empty() ? type : scenario.drill ? scenario.drill->type : "tabletop";
  drill.rpo_seconds = rpo_seconds(d.settings, scenario);
  drill.critical_hash = scenario.critical_hash;
  drill.wall_at = d.wall;
  if (const DrillDates dates = drill_dates(d.record(), scenario); dates.due_at && *dates.due_at <= d.wall) drill.planned_at = dates.due_at;
  if (const auto point = restorable(d.state, d.settings, scenario, d.now); point && point->exposure.recovery_point)
    drill.claim = DrillClaim{*point->exposure.recovery_point, point->exposure.source,
                             point->exposure.exposure ? std::optional(in_seconds(*point->exposure.exposure)) : std::nullopt};
  return drill;
}

const Incident* goes_before_drill(const Record& record, const std::string& scenario) {
  for (const auto& [id, incident] : record.incidents)
    if (incident.state == IncidentState::open && (incident.scenario == scenario || has(incident.trigger.supersedes, scenario)))
      return &incident;
  return nullptr;
}

void begin_drill(Deciding& d, const Scenario& scenario, const StartDrill& o, bool by_calendar) {
  HeldDrill drill = new_drill(d, scenario, o.by, o.type);
  drill.by_calendar = by_calendar;
  const bool commanded = scenario.drill && !scenario.drill->run.empty() && drill.type != "tabletop";
  if (commanded) {
    drill.work.steps.insert(drill.work.steps.begin(), command_step(*scenario.drill));
    drill.measures = scenario.drill->step;
  }
  const std::string id = drill.work.id;
  std::string words = "a drill of " + scenario.title + " (" + drill.type + ") began, by " + o.by;
  if (drill.claim) words += "; were it real, it could be restored to " + time_words(drill.claim->at) + " (" + drill.claim->source + ")";
  d.emit("drill.started", {.incident = id, .scenario = scenario.id, .by = o.by}, words + (o.note.empty() ? "" : ": " + o.note),
         Body{{"drill", drill}, {"by_calendar", by_calendar}, {"note", o.note}});
  draft_messages(d, id, Message::When::opened);
  d.decision.subject = id;
  if (!commanded) return;
  const Incident work = d.record().drilling.held.at(id).work;
  const IncidentStep* step = work.step(drill_command);
  start_command(d, work, *step, o.by, Body{{"step", drill_command}});
  if (const Incident* now = worked(d.record(), id); now->step(drill_command)->state == StepState::failed)
    abort_drill(d, id, "drwatch", "its command could not be begun: " + now->step(drill_command)->evidence);
}

void order(Deciding& d, const StartDrill& o) {
  const Scenario* scenario = scenario_of_drill(d, o.scenario);
  if (!scenario) return;
  if (const auto& hold = d.record().drilling.hold)
    return d.refuse(409, "drills are on hold",
                    "by " + hold->by + " since " + time_words(hold->since) + (hold->note.empty() ? "" : " (" + hold->note + ")") +
                        "; 'drwatch drill release' lets them begin again");
  if (const HeldDrill* running = running_drill(d.record(), scenario->id))
    return d.refuse(409, "a drill of " + scenario->id + " is held already", "go on with " + running->work.id + ", or abort it",
                    {running->work.id});
  if (const Incident* real = goes_before_drill(d.record(), scenario->id))
    return d.refuse(409, "a real incident is open", real->id + " goes first; a drill may begin when it is over", {real->id});
  begin_drill(d, *scenario, o, false);
}

void abort_drill(Deciding& d, const std::string& id, const std::string& by, const std::string& reason) {
  const HeldDrill drill = d.record().drilling.held.at(id);
  d.emit("drill.aborted", {.incident = id, .scenario = drill.work.scenario, .by = by},
         "the drill of " + drill.work.title + " was aborted" + (by == "drwatch" ? "" : " by " + by) + (reason.empty() ? "" : ": " + reason),
         Body{{"reason", reason}, {"type", drill.type}});
  for (const IncidentStep& step : drill.work.steps)
    if (step.state == StepState::running) d.decision.cancels.push_back({id, step.plan.id, by});
}

void order(Deciding& d, const AbortDrill& o) {
  const auto drill = find_drill(d, o.drill);
  if (!drill || drill->verdict == "aborted" || refuse_ended(d, *drill)) return;
  abort_drill(d, o.drill, o.by, o.note);
}

// Passed: when every critical step is closed; one that was skipped leaves something unproven. What it took is measured, up to the last of
// them. Failed: at any time.
void order(Deciding& d, const FinishDrill& o) {
  const auto drill = find_drill(d, o.drill);
  if (!drill) return;
  // The same action twice is one: of a drill that left something unproven as well.
  const bool done_already = o.passed ? drill->verdict == "passed" || drill->verdict == "partial" : drill->verdict == "failed";
  if (done_already || refuse_ended(d, *drill)) return;
  const Incident& work = drill->work;
  std::vector<std::string> open, skipped;
  Time last = work.started_at;
  for (const IncidentStep& step : work.steps) {
    if (step.state == StepState::running)
      return d.refuse(409, "the drill's command is running", "wait for its end, or abort the drill", {step.plan.id});
    if (!work.gates(step)) continue;
    if (!step.closed()) open.push_back(step.plan.id);
    if (step.state == StepState::skipped) skipped.push_back(step.plan.id);
    last = std::max(last, step.ended_at.value_or(last));
  }
  if (o.passed && !open.empty())
    return d.refuse(409, open.size() == 1 ? "a critical step is open" : "critical steps are open",
                    in_a_sentence(open) + "; finish or skip " + (open.size() == 1 ? "it" : "them") + ", or say that the drill failed",
                    open);
  DrillEnd end;
  end.verdict = !o.passed ? "failed" : skipped.empty() ? "passed" : "partial";
  if (o.passed && !skipped.empty()) end.reason = "skipped: " + in_a_sentence(skipped);
  end.note = o.note;
  end.took = in_seconds((o.passed ? last : d.now) - work.started_at);
  if (!drill->evidence.empty()) end.evidence = read_evidence(drill->evidence).evidence;
  if (end.evidence) end.lost = end.evidence->lost_seconds;
  if (o.lost) end.lost = in_seconds(*o.lost);
  end_drill(d, *drill, end, o.by);
}

void order(Deciding& d, const HoldDrills& o) {
  if (d.record().drilling.hold.has_value() == o.held) return;
  const std::string note = o.note.empty() ? "" : ": " + o.note;
  if (!o.held) return d.emit("drill.released", {.by = o.by}, "drills may begin again, says " + o.by + note, Body{{"note", o.note}});
  d.emit("drill.held", {.by = o.by}, "drills are on hold, says " + o.by + note, Body{{"note", o.note}});
  std::vector<std::string> running;
  for (const auto& [id, drill] : d.record().drilling.held)
    if (drill.work.live()) running.push_back(id);
  for (const std::string& id : running) abort_drill(d, id, o.by, "all drills were put on hold");
}

bool refuse_in_drill(Deciding& d, const Incident& i) {
  if (!i.drill) return false;
  d.refuse(409, i.id + " is a drill", "it ends by 'drwatch drill finish " + i.id + "' or 'drwatch drill abort " + i.id + "'");
  return true;
}

// It is not known how far its command came, so it proves nothing. Where people work on the rest of it they go on, or abort it.
void interrupt_drills(Deciding& d) {
  std::vector<std::string> ids;
  for (const auto& [id, drill] : d.record().drilling.held) ids.push_back(id);
  for (const std::string& id : ids) {
    const HeldDrill drill = d.record().drilling.held.at(id);
    bool interrupted = false;
    for (const IncidentStep& step : drill.work.steps) {
      if (step.state != StepState::running) continue;
      interrupted = true;
      d.emit("step.interrupted", d.about(drill.work), "'" + step.plan.title + "' was running when drwatch ended",
             Body{{"step", step.plan.id}});
    }
    if (interrupted && drill.work.live()) abort_drill(d, id, "drwatch", "drwatch ended while its command ran");
  }
}

}  // namespace drwatch
