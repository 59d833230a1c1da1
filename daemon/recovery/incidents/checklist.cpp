// SPDX-License-Identifier: Apache-2.0
// Steps that verify themselves, and commands. Contract: what follows a scenario's sample.
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/incidents/commands.hpp"
#include "daemon/recovery/incidents/drills.hpp"

#include <algorithm>

namespace drwatch {
namespace {

std::string holding_key(const Incident& incident, const IncidentStep& step) { return incident.id + "/" + step.plan.id; }

// Ticks a verified step. `proves` is false when its condition was true at the opening and has never failed since: then the tick says
// nothing about the repair.
void verified(Deciding& d, const Incident& incident, const IncidentStep& step, Time since) {
  Sentence sentence = evaluate(d.state, d.settings, *step.plan.verify, d.now);
  bool proves = sentence.since > incident.opened_at || !step.held_at_opening;
  std::string evidence = sentence.evidence + "; holds since " + time_words(since);
  d.emit("step.done", d.about(incident), "'" + step.plan.title + "' is verified: " + step.plan.verify->text,
         Body{{"step", step.plan.id}, {"evidence", evidence}, {"proves", proves}, {"holds_since", since}, {"verified", true}});
}

// A step is open again because its condition is false, whoever ticked it: a person's tick was taken because drwatch saw the same. What a
// person said against it stays said.
void broke(Deciding& d, const Incident& incident, const IncidentStep& step) {
  std::string evidence = evaluate(d.state, d.settings, *step.plan.verify, d.now).evidence;
  d.emit("step.broke", d.about(incident), "'" + step.plan.title + "' is open again: " + evidence,
         Body{{"step", step.plan.id}, {"evidence", evidence}});
}

// A verified step is done when its condition has held for `hold`, counted from the first good run, and every probe behind it has run since
// the incident opened. Without the second rule a probe that last ran before the failure would tick the step at once.
void judge_step(Deciding& d, const Incident& incident, const IncidentStep& step) {
  Sentence sentence = evaluate_without_words(d.state, d.settings, *step.plan.verify, d.now);
  std::string key = holding_key(incident, step);
  if (step.counts()) {
    const bool stands_for_it = step.state == StepState::done || incident.gates(step);  // not skipped freely
    if (sentence.truth == Truth::no && stands_for_it) broke(d, incident, step);
    return;
  }
  if (sentence.truth != Truth::yes) {  // a hold that cannot be seen is not a hold: it begins again
    d.state.sight.holding.erase(key);
    return;
  }
  const Time asked = std::max({incident.opened_at, step.started_at.value_or(Time{}), step.undone_at.value_or(Time{})});
  auto missing = not_looked_at(d.state, d.settings, *step.plan.verify, asked);
  if (!missing.empty()) {
    d.state.sight.awaited[key] = std::move(missing);
    return;
  }
  // A condition that held all along has no first good run after the opening; its hold counts from when all probes had been asked.
  Time looked = looked_at(d.state, d.settings, *step.plan.verify, d.now).value_or(d.now);
  const Time from = std::max(incident.opened_at, step.undone_at.value_or(Time{}));
  Time since = d.state.sight.holding.try_emplace(key, sentence.since > from ? sentence.since : looked).first->second;
  // Time in which drwatch was blind or not running is no part of the hold.
  Time at = after_watching(d.record(), since, step.plan.hold);
  if (d.now < at) return d.wake(at);
  verified(d, incident, step, since);
  d.state.sight.holding.erase(key);
}

}  // namespace

std::vector<std::string> live_ids(const Record& record) {
  std::vector<std::string> ids;
  for (const auto& [id, incident] : record.incidents)
    if (incident.live()) ids.push_back(id);
  return ids;
}

// A probe that a step waited for has run. When it was the last one, the hold can begin, and a decision is needed.
void see_step_looked_at(Deciding& d, const std::string& probe) {
  for (auto& [step, probes] : d.state.sight.awaited)
    if (probes.erase(probe) > 0 && probes.empty()) d.settle_needed = true;
}

// Verified steps are judged while the incident is live, also when it is recovered; automatic commands start only while it is open, and each
// only once: one that failed or was interrupted is a person's decision.
void judge_steps(Deciding& d) {
  d.state.sight.awaited.clear();
  if (d.record().blind_since) return;
  for (const std::string& id : live_ids(d.record())) {
    // By reference: what a step's event changes stays where it is.
    const Incident& incident = d.record().incidents.at(id);
    for (const IncidentStep& step : incident.steps) {
      if (!incident.needed(step)) continue;  // of an option that nobody chose
      if (step.plan.verify) judge_step(d, incident, step);
      if (step.plan.automatic && !step.plan.run.empty() && step.state == StepState::open && !step.ran &&
          incident.state == IncidentState::open && incident.ready(step))
        start_command(d, incident, step, "drwatch", Body{{"step", step.plan.id}});
    }
  }
}

// ---- commands

FilledCommand filled_command(const State& state, const Settings& settings, const Incident& incident, const IncidentStep& step, Time now) {
  FilledCommand filled;
  const std::string evidence = incident.drill ? evidence_file(settings, incident.id) : "";
  for (const std::string& word : step.plan.run)
    filled.argv.push_back(fill(state, settings, incident, with_evidence_file(word, evidence), now, filled.missing));
  return filled;
}

// The end says why it failed, and all of it would swell the journal.
std::string end_of_output(const std::string& output) {
  constexpr std::size_t kept = 2000;  // bytes
  return output.size() > kept ? output.substr(output.size() - kept) : output;
}

// Fills the words of the command and has it started when the event is durable. A word that cannot be filled fails the step: half a command
// could restore to the wrong place.
void start_command(Deciding& d, const Incident& incident, const IncidentStep& step, const std::string& by, Body body,
                   const std::string& words) {
  const auto [argv, missing] = filled_command(d.state, d.settings, incident, step, d.now);
  const std::string evidence = incident.drill ? evidence_file(d.settings, incident.id) : "";
  body.set("argv", argv);
  if (!missing.empty()) {
    body.set("evidence", "not started: " + not_known(missing));
    d.emit("step.failed", d.about(incident, by), "'" + step.plan.title + "' cannot run: " + not_known(missing), body);
    return;
  }
  d.emit("step.running", d.about(incident, by), "'" + step.plan.title + "' runs: " + quoted(argv) + words, body);
  d.decision.commands.push_back({incident.id, step.plan.id, argv, step.plan.timeout, evidence});
}

namespace {

// The incident, and those that it went on in while its command ran: the step is shown there as well.
std::vector<std::string> followed(const Record& record, const std::string& id) {
  std::vector<std::string> ids;
  for (auto at = record.incidents.find(id); at != record.incidents.end() && !has(ids, at->first);
       at = record.incidents.find(at->second.absorbed_by))
    ids.push_back(at->first);
  return ids;
}

}  // namespace

// A command may outlive its incident, or end after the step was taken back. Its end counts only for a step that is still running.
void command_ended(Deciding& d, const CommandEnded& ended) {
  const std::string tail = end_of_output(ended.output);
  const std::string& who = ended.cancelled_by;
  if (const auto drill = d.record().drilling.held.find(ended.incident); drill != d.record().drilling.held.end())
    return drill_command_ended(d, HeldDrill(drill->second), ended);
  for (const std::string& id : followed(d.record(), ended.incident)) {
    const Incident& incident = d.record().incidents.at(id);
    const IncidentStep* step = incident.step(ended.step);
    if (!step || step->state != StepState::running) continue;
    Body body{{"step", ended.step}, {"exit_code", ended.exit_code}, {"evidence", tail}};
    const std::string title = "'" + step->plan.title + "'";
    if (!who.empty()) {
      body.set("cancelled_by", who);
      d.emit("step.failed", d.about(incident, who), title + " was cancelled by " + who, body);
    } else if (ended.exit_code == 0) {
      d.emit("step.done", d.about(incident), title + " ran to its end", body);
    } else {
      d.emit("step.failed", d.about(incident), title + " failed with exit code " + std::to_string(ended.exit_code), body);
    }
  }
}

// After a start: commands that were running when the daemon ended, of incidents that are over as well. Nobody knows how far they came, so a
// person decides (contract, "The life of an incident").
void interrupt_commands(Deciding& d) {
  struct Running {
    About about;
    std::string step, title;
  };
  std::vector<Running> running;  // by value: an event may put another incident in the place of one that is over
  for (const auto& [id, incident] : d.record().incidents)
    for (const IncidentStep& step : incident.steps)
      if (step.state == StepState::running) running.push_back({d.about(incident), step.plan.id, step.plan.title});
  for (const Running& each : running)
    d.emit("step.interrupted", each.about, "'" + each.title + "' was running when drwatch ended; find out how far it came",
           Body{{"step", each.step}});
  interrupt_drills(d);
}

}  // namespace drwatch
