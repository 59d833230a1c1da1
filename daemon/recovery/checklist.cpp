// SPDX-License-Identifier: Apache-2.0
// Steps that verify themselves, commands, and the way out of an incident. Contract: "Recovery", "Resolving", and what follows a scenario's
// sample.
#include "daemon/recovery/deciding.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr std::size_t output_kept = 2000;

std::string holding_key(const Incident& incident, const IncidentStep& step) { return incident.id + "/" + step.plan.id; }

void verified(Deciding& d, const Incident& incident, const IncidentStep& step, Time since) {
  Sentence sentence = evaluate(d.state, d.settings, *step.plan.verify, d.now);
  bool proves = sentence.since > incident.opened_at || !step.held_at_opening;
  std::string evidence = sentence.evidence + "; holds since " + time_words(since);
  d.emit("step.done", d.about(incident), "'" + step.plan.title + "' is verified: " + step.plan.verify->text,
         Json{{"step", step.plan.id}, {"evidence", evidence}, {"proves", proves}, {"holds_since", time_text(since)}, {"verified", true}});
}

void broke(Deciding& d, const Incident& incident, const IncidentStep& step) {
  std::string evidence = evaluate(d.state, d.settings, *step.plan.verify, d.now).evidence;
  d.emit("step.broke", d.about(incident), "'" + step.plan.title + "' is open again: " + evidence,
         Json{{"step", step.plan.id}, {"evidence", evidence}});
}

// A verified step is done when its condition has held for `hold`, counted from the first good run, on runs that began after the incident
// opened.
void judge_step(Deciding& d, const Incident& incident, const IncidentStep& step) {
  Sentence sentence = look(d.state, d.settings, *step.plan.verify, d.now);
  std::string key = holding_key(incident, step);
  if (step.state == StepState::done && step.by == "drwatch") {
    if (sentence.truth == Truth::no) broke(d, incident, step);
    return;
  }
  if (step.closed()) return;
  if (sentence.truth != Truth::yes) {  // what cannot be seen is no part of a hold
    d.state.sight.holding.erase(key);
    return;
  }
  auto missing = not_looked_at(d.state, d.settings, *step.plan.verify, incident.opened_at);
  if (!missing.empty()) {
    d.state.sight.awaited[key] = std::move(missing);
    return;
  }
  Time looked = looked_at(d.state, d.settings, *step.plan.verify, d.now).value_or(d.now);
  Time since = d.state.sight.holding.try_emplace(key, sentence.since > incident.opened_at ? sentence.since : looked).first->second;
  Time at = later(d.record(), since, step.plan.hold);
  if (d.now < at) return d.wake(at);
  verified(d, incident, step, since);
  d.state.sight.holding.erase(key);
}

std::vector<std::string> live_ids(const Record& record) {
  std::vector<std::string> ids;
  for (const auto& [id, incident] : record.incidents)
    if (incident.live()) ids.push_back(id);
  return ids;
}

}  // namespace

// The last of the runs that a step waited for: now its hold can begin.
void see_step_looked_at(Deciding& d, const std::string& probe) {
  for (auto& [step, probes] : d.state.sight.awaited)
    if (probes.erase(probe) > 0 && probes.empty()) d.settle_needed = true;
}

void judge_steps(Deciding& d) {
  d.state.sight.awaited.clear();
  if (d.record().blind_since) return;
  for (const std::string& id : live_ids(d.record())) {
    // By reference: what a step's event changes stays where it is.
    const Incident& incident = d.record().incidents.at(id);
    for (const IncidentStep& step : incident.steps) {
      if (!incident.needed(step)) continue;  // of an option that nobody chose
      if (step.plan.verify) judge_step(d, incident, step);
      if (step.plan.automatic && !step.plan.run.empty() && step.state == StepState::open && !step.ended_at &&
          incident.state == IncidentState::open && incident.ready(step))
        start_command(d, incident, step, "drwatch");
    }
  }
}

// ---- commands
// ----------------------------------------------------------------------------------------------------------------------------

void start_command(Deciding& d, const Incident& incident, const IncidentStep& step, const std::string& by) {
  std::vector<std::string> argv, missing;
  for (const std::string& word : step.plan.run) argv.push_back(fill(d.state, d.settings, incident, word, d.now, missing));
  Json body{{"step", step.plan.id}, {"argv", argv}};
  if (!missing.empty()) {
    body["evidence"] = "not started: " + missing.front() + " is not known";
    d.emit("step.failed", d.about(incident, by), "'" + step.plan.title + "' cannot run: " + missing.front() + " is not known", body);
    return;
  }
  d.emit("step.running", d.about(incident, by), "'" + step.plan.title + "' runs: " + Json(argv).dump(), body);
  d.decision.commands.push_back({incident.id, step.plan.id, argv, step.plan.timeout});
}

void command_ended(Deciding& d, const CommandEnded& ended) {
  auto found = d.record().incidents.find(ended.incident);
  if (found == d.record().incidents.end()) return;
  const Incident incident = found->second;
  const IncidentStep* step = incident.step(ended.step);
  if (!step || step->state != StepState::running) return;
  std::string tail = ended.output.size() > output_kept ? ended.output.substr(ended.output.size() - output_kept) : ended.output;
  Json body{{"step", ended.step}, {"exit_code", ended.exit_code}, {"evidence", tail}};
  if (ended.exit_code == 0)
    d.emit("step.done", d.about(incident), "'" + step->plan.title + "' ran to its end", body);
  else
    d.emit("step.failed", d.about(incident), "'" + step->plan.title + "' failed with exit code " + std::to_string(ended.exit_code), body);
}

void interrupt_commands(Deciding& d) {
  for (const std::string& id : live_ids(d.record())) {
    const Incident& incident = d.record().incidents.at(id);
    for (const IncidentStep& step : incident.steps)
      if (step.state == StepState::running)
        d.emit("step.interrupted", d.about(incident), "'" + step.plan.title + "' was running when drwatch ended; find out how far it came",
               Json{{"step", step.plan.id}});
  }
}

// ---- the way out
// -------------------------------------------------------------------------------------------------------------------------

namespace {

// What an exit still asks for, or since when it has held.
struct Way {
  bool out = true;
  Time since{};
  std::string said;
  std::vector<Condition> because;  // all of them hold

  void needs(const Sentence& s) {
    out = out && s.truth == Truth::yes;
    since = std::max(since, s.since);
  }
  void needs(const Deciding& d, const Condition& c) {
    if (!out) return;
    needs(look(d.state, d.settings, c, d.now));
    because.push_back(c);
  }
  std::string evidence(const Deciding& d) const {
    std::string text = said;
    for (const Condition& c : because) text += (text.empty() ? "" : "; ") + evaluate(d.state, d.settings, c, d.now).evidence;
    return text;
  }
};

// The trigger is seen not to hold: since the first of its conditions that stopped (all of `any`, or one of `all`).
Sentence trigger_over(const Deciding& d, const Trigger& trigger) {
  Sentence over;
  over.truth = truth_of(d, trigger) == Truth::no ? Truth::yes : Truth::no;
  Time any_since{};
  for (const Condition& c : trigger.any) any_since = std::max(any_since, look(d.state, d.settings, c, d.now).since);
  over.since = any_since;
  for (const Condition& c : trigger.all) {
    Sentence s = look(d.state, d.settings, c, d.now);
    if (s.truth == Truth::no) over.since = trigger.any.empty() && over.since == Time{} ? s.since : std::min(over.since, s.since);
  }
  return over;
}

void way_out(const Deciding& d, const Incident& incident, Way& way) {
  way.needs(trigger_over(d, incident.trigger));
  if (!way.out) return;
  for (const std::string& component : incident.affects) {
    Condition up{component + " is up", Condition::Subject::component, component, std::nullopt, false, Condition::Holds::up};
    way.needs(d, up);
  }
  for (const IncidentStep& step : incident.steps) {
    if (!step.plan.critical || !incident.needed(step) || !step.plan.verify || step.state == StepState::skipped) continue;
    Sentence s{step.state == StepState::done ? Truth::yes : Truth::no, step.holds_since.value_or(Time{}), ""};
    way.needs(s);
  }
  for (const Condition& c : incident.exit.all) way.needs(d, c);
}

// It also has to be well for those that it absorbed.
void way_out_of_absorbed(const Deciding& d, const Incident& incident, Way& way) {
  for (const Incident* absorbed : with_absorbed(d.record(), incident)) {
    if (absorbed == &incident || !way.out) continue;
    way.needs(trigger_over(d, absorbed->trigger));
    for (const Condition& c : absorbed->exit.all) way.needs(d, c);
    for (const std::string& component : absorbed->affects) {
      Condition up{component + " is up", Condition::Subject::component, component, std::nullopt, false, Condition::Holds::up};
      way.needs(d, up);
    }
  }
}

Way way_out_by_steps(const Incident& incident) {
  Way way;
  bool any = false;
  for (const IncidentStep& step : incident.steps) {
    if (!incident.gates(step)) continue;
    any = true;
    way.out = way.out && step.closed();
    way.since = std::max(way.since, step.ended_at.value_or(Time{}));
  }
  // Open again with every tick in place: it takes a new tick, or a person who resolves it.
  bool again = !incident.looked_well.empty() && way.since <= incident.looked_well.back().second;
  way.out = way.out && any && !again;
  way.said = "every critical step is done or skipped";
  return way;
}

bool critical_open(const Incident& incident) {
  return std::any_of(incident.steps.begin(), incident.steps.end(), [&](const IncidentStep& s) { return incident.gates(s) && !s.closed(); });
}

void judge_recovery(Deciding& d, const Incident& incident) {
  if (d.record().blind_since) return;
  Way way;
  bool by_health = incident.exit.by == Exit::By::health;
  if (by_health)
    way_out(d, incident, way);
  else
    way = way_out_by_steps(incident);
  way_out_of_absorbed(d, incident, way);
  if (!way.out) return;
  way.since = std::clamp(way.since, incident.started_at, d.now);
  Time at = by_health ? later(d.record(), way.since, incident.exit.hold_for) : d.now;
  if (d.now < at) return d.wake(at);
  d.emit("incident.recovered", d.about(incident),
         incident.title + " is recovered since " + time_words(way.since) + ", " + duration_words(way.since - incident.started_at) +
             " after it began",
         Json{{"recovered_at", time_text(way.since)}, {"evidence", way.evidence(d)}, {"loss", loss_json(d, incident, way.since)}});
  draft_messages(d, incident.id, Message::When::recovered);
}

void judge_end(Deciding& d, const Incident& incident) {
  if (critical_open(incident)) return;
  Time at = incident.recovered_at.value_or(d.now) + incident.reopen_within;
  if (d.now < at) return d.wake(at);
  d.emit("incident.resolved", d.about(incident), incident.title + " is resolved: recovered, and no critical step is open",
         Json{{"false_alarm", false}});
  draft_messages(d, incident.id, Message::When::resolved);
}

}  // namespace

void judge_exits(Deciding& d) {
  for (const std::string& id : live_ids(d.record())) {
    const Incident& incident = d.record().incidents.at(id);
    if (incident.state == IncidentState::open)
      judge_recovery(d, incident);
    else
      judge_end(d, incident);
  }
}

}  // namespace drwatch
