// SPDX-License-Identifier: Apache-2.0
// Steps that verify themselves, commands, and the way out of an incident. Contract: "Recovery", "Resolving", and what follows a scenario's
// sample.
#include "daemon/recovery/deciding.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// Bytes from the end of a command's output: the end says why it failed, and all of it would swell the journal.
constexpr std::size_t output_kept = 2000;

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
  auto missing = not_looked_at(d.state, d.settings, *step.plan.verify, incident.opened_at);
  if (!missing.empty()) {
    d.state.sight.awaited[key] = std::move(missing);
    return;
  }
  // A condition that held all along has no first good run after the opening; its hold counts from when all probes had been asked.
  Time looked = looked_at(d.state, d.settings, *step.plan.verify, d.now).value_or(d.now);
  Time since = d.state.sight.holding.try_emplace(key, sentence.since > incident.opened_at ? sentence.since : looked).first->second;
  // Time in which drwatch was blind or not running is no part of the hold.
  Time at = after_watching(d.record(), since, step.plan.hold);
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
      if (step.plan.automatic && !step.plan.run.empty() && step.state == StepState::open && !step.ended_at &&
          incident.state == IncidentState::open && incident.ready(step))
        start_command(d, incident, step, "drwatch");
    }
  }
}

// ---- commands

// Fills the words of the command and has it started when the event is durable. A word that cannot be filled fails the step: half a command
// could restore to the wrong place.
void start_command(Deciding& d, const Incident& incident, const IncidentStep& step, const std::string& by) {
  std::vector<std::string> argv, missing;
  for (const std::string& word : step.plan.run) argv.push_back(fill(d.state, d.settings, incident, word, d.now, missing));
  Body body{{"step", step.plan.id}, {"argv", argv}};
  if (!missing.empty()) {
    body.set("evidence", "not started: " + not_known(missing));
    d.emit("step.failed", d.about(incident, by), "'" + step.plan.title + "' cannot run: " + not_known(missing), body);
    return;
  }
  d.emit("step.running", d.about(incident, by), "'" + step.plan.title + "' runs: " + quoted(argv), body);
  d.decision.commands.push_back({incident.id, step.plan.id, argv, step.plan.timeout});
}

// A command may outlive its incident, or end after the step was taken back. Its end counts only for a step that is still running.
void command_ended(Deciding& d, const CommandEnded& ended) {
  auto found = d.record().incidents.find(ended.incident);
  if (found == d.record().incidents.end()) return;
  const Incident incident = found->second;
  const IncidentStep* step = incident.step(ended.step);
  if (!step || step->state != StepState::running) return;
  std::string tail = ended.output.size() > output_kept ? ended.output.substr(ended.output.size() - output_kept) : ended.output;
  Body body{{"step", ended.step}, {"exit_code", ended.exit_code}, {"evidence", tail}};
  if (ended.exit_code == 0)
    d.emit("step.done", d.about(incident), "'" + step->plan.title + "' ran to its end", body);
  else
    d.emit("step.failed", d.about(incident), "'" + step->plan.title + "' failed with exit code " + std::to_string(ended.exit_code), body);
}

// After a start: commands that were running when the daemon ended, of incidents that are over as well. Nobody knows how far they came, so a
// person decides (contract, "The life of an incident").
void interrupt_commands(Deciding& d) {
  for (const auto& [id, incident] : d.record().incidents) {
    for (const IncidentStep& step : incident.steps)
      if (step.state == StepState::running)
        d.emit("step.interrupted", d.about(incident), "'" + step.plan.title + "' was running when drwatch ended; find out how far it came",
               Body{{"step", step.plan.id}});
  }
}

// ---- the way out

namespace {

// What an exit asks for: whether all of it holds (`out`), since when, and when that has been long enough (`over`). `dated` false: something
// holds of which nobody knows since when.
struct Way {
  bool out = true, dated = true;
  Time since{}, over{};
  std::string said;
  std::vector<Condition> because;  // all of them hold

  void needs(const Sentence& s) {
    out = out && s.truth == Truth::yes;
    dated = dated && s.dated;
    since = std::max(since, s.since);
  }
  void needs(const Deciding& d, const Condition& c) {
    if (!out) return;
    needs(evaluate_without_words(d.state, d.settings, c, d.now));
    because.push_back(c);
  }
  // Both ways have to be open: the later of their times counts.
  void needs(const Way& other) {
    out = out && other.out;
    dated = dated && other.dated;
    since = std::max(since, other.since);
    over = std::max(over, other.over);
    because.insert(because.end(), other.because.begin(), other.because.end());
  }
  std::string evidence(const Deciding& d) const {
    std::string text = said;
    for (const Condition& c : because) text += (text.empty() ? "" : "; ") + evaluate(d.state, d.settings, c, d.now).evidence;
    return text;
  }
};

// True when the trigger is seen not to hold. One false condition is enough for that, so it is over since the earliest of: a condition of
// `all` became false, the last of `any` did, a condition of `none` became true.
Sentence trigger_over(const Deciding& d, const Trigger& trigger) {
  Sentence over;
  over.truth = truth_of(d, trigger) == Truth::no ? Truth::yes : Truth::no;
  if (over.truth == Truth::no) return over;
  std::optional<Time> since;
  const auto keeps = [&](Time at) { since = std::min(since.value_or(at), at); };
  const auto seen = [&](const Condition& c) {
    Sentence s = evaluate_without_words(d.state, d.settings, c, d.now);
    over.dated = over.dated && s.dated;
    return s;
  };
  for (const Condition& c : trigger.all)
    if (const Sentence s = seen(c); s.truth == Truth::no) keeps(s.since);
  for (const Condition& c : trigger.none)
    if (const Sentence s = seen(c); s.truth == Truth::yes) keeps(s.since);
  // Over by `any` only when none of it holds and all of it can be seen.
  std::optional<Time> none_of_any;
  for (const Condition& c : trigger.any) {
    const Sentence s = seen(c);
    if (s.truth != Truth::no) {
      none_of_any.reset();
      break;
    }
    none_of_any = std::max(none_of_any.value_or(s.since), s.since);
  }
  if (none_of_any) keeps(*none_of_any);
  over.since = since.value_or(Time{});
  return over;
}

Condition is_up(const std::string& component) {
  return {component + " is up", Condition::Subject::component, component, std::nullopt, false, Condition::Holds::up};
}

// Contract, "Recovery", by health: the trigger is seen not to hold, every affected component is up, every critical verified step is done,
// and `[exit] all` holds, for `[exit] for`. `worked` is the incident whose checklist people work on. Of an incident that it absorbed the
// steps are not ticked any more, so what they verify is asked directly.
Way way_by_health(const Deciding& d, const Incident& incident, const Incident& worked) {
  Way way;
  way.needs(trigger_over(d, incident.trigger));
  if (!way.out) return way;
  for (const std::string& component : incident.affects) way.needs(d, is_up(component));
  for (const IncidentStep& step : incident.steps) {
    const auto left_out = [](const IncidentStep& s) { return s.state == StepState::skipped && s.counts(); };
    if (!step.plan.critical || !incident.needed(step) || !step.plan.verify || left_out(step)) continue;
    if (&incident == &worked)
      way.needs({step.counts() ? Truth::yes : Truth::no, step.holds_since.value_or(step.ended_at.value_or(Time{})), ""});
    else if (const IncidentStep* same = worked.step(step.plan.id); !same || !left_out(*same))
      way.needs(d, *step.plan.verify);
  }
  for (const Condition& c : incident.exit.all) way.needs(d, c);
  way.over = after_watching(d.record(), way.since, incident.exit.hold_for);
  return way;
}

// Contract, "Recovery", by steps: every critical step is done or skipped, none of them against what drwatch sees, and `[exit] all` holds.
// Without any critical step only a person can say that it is over. A step that went over to the wide incident is looked up there.
Way way_by_steps(const Deciding& d, const Incident& incident, const Incident& worked) {
  Way way, rest;
  bool any = false;
  for (const IncidentStep& planned : incident.steps) {
    if (!incident.gates(planned)) continue;
    any = true;
    const IncidentStep* kept = worked.step(planned.plan.id);
    const IncidentStep& step = kept ? *kept : planned;
    way.out = way.out && step.counts();
    way.since = std::max(way.since, step.ended_at.value_or(Time{}));
  }
  // Opened again with every tick in place, it would recover at once. It takes a new tick, or a person who resolves it.
  bool again = !incident.looked_well.empty() && way.since <= incident.looked_well.back().second;
  way.out = way.out && any && !again;
  way.said = "every critical step is done or skipped";
  for (const Condition& c : incident.exit.all) rest.needs(d, c);
  if (!rest.because.empty()) rest.over = after_watching(d.record(), rest.since, incident.exit.hold_for);
  way.needs(rest);
  return way;
}

// A person opened it or filed it under this scenario, and since it opened nothing of the scenario was seen to fail, neither in its trigger
// nor in what it affects. Then probes do not see what the person saw, and their being good says nothing: only people can say when it is
// over.
bool only_people_know(const Deciding& d, const Incident& incident) {
  const auto& timeline = incident.timeline;
  const bool by_person = incident.opened_by != "drwatch" ||
                         std::any_of(timeline.begin(), timeline.end(), [](const Event& e) { return e.kind == "incident.refiled"; });
  if (!by_person || incident.trigger.empty()) return false;
  Way seen;
  seen.needs(trigger_over(d, incident.trigger));
  for (const std::string& component : incident.affects) seen.needs(d, is_up(component));
  return seen.out && seen.dated && seen.since <= incident.opened_at;
}

// Contract, "Absorption": a wide incident recovers only when the exits of those that it absorbed hold as well.
Way way_out(const Deciding& d, const Incident& incident) {
  Way way;
  for (const Incident* part : with_absorbed(d.record(), incident)) {
    if (!way.out) break;
    const bool by_health = part->exit.by == Exit::By::health && !only_people_know(d, *part);
    Way own = by_health ? way_by_health(d, *part, incident) : way_by_steps(d, *part, incident);
    if (part == &incident) way.said = own.said;
    way.needs(own);
  }
  return way;
}

bool critical_open(const Incident& incident) {
  return std::any_of(incident.steps.begin(), incident.steps.end(), [&](const IncidentStep& s) { return incident.gates(s) && !s.counts(); });
}

// Recovered since the exit began to hold, not since the end of its `for` (contract, "The life of an incident"). Blind, nothing recovers.
void judge_recovery(Deciding& d, const Incident& incident) {
  if (d.record().blind_since) return;
  Way way = way_out(d, incident);
  auto& holding = d.state.sight.holding;
  const std::string key = incident.id + "/";  // the key of the incident itself; steps have theirs behind the slash
  if (!way.out || way.dated) holding.erase(key);
  if (!way.out) return;
  if (!way.dated) {  // nobody knows since when it has held: it counts from when it was first seen to
    const Time seen = holding.try_emplace(key, d.now).first->second;
    way.since = std::max(way.since, seen);
    way.over = std::max(way.over, after_watching(d.record(), seen, incident.exit.hold_for));
  }
  // A step or a condition may be older than the incident, or dated by a clock that is ahead.
  way.since = std::clamp(way.since, incident.started_at, d.now);
  if (d.now < way.over) return d.wake(way.over);
  d.emit("incident.recovered", d.about(incident),
         incident.title + " is recovered since " + time_words(way.since) + ", " + duration_words(way.since - incident.started_at) +
             " after it began",
         Body{{"recovered_at", way.since}, {"evidence", way.evidence(d)}, {"loss", loss_at_end(d, incident, way.since)}});
  draft_messages(d, incident.id, Message::When::recovered);
}

// Contract, "Resolving": a recovered incident with no critical step open resolves by itself after `reopen_within`.
void judge_end(Deciding& d, const Incident& incident) {
  if (critical_open(incident)) return;
  Time at = incident.recovered_at.value_or(d.now) + incident.reopen_within;
  if (d.now < at) return d.wake(at);
  d.emit("incident.resolved", d.about(incident), incident.title + " is resolved: recovered, and no critical step is open",
         Body{{"false_alarm", false}});
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
