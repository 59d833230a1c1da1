// SPDX-License-Identifier: Apache-2.0
// The way out of an incident. Contract: "Recovery", "Resolving".
#include "daemon/recovery/deciding.hpp"

#include <algorithm>

namespace drwatch {

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
  const auto forbidding = [&](const Condition& c) { return forbids(d, c).truth == Truth::yes; };
  for (const Condition& c : trigger.all)
    if (const Sentence s = seen(c); s.truth == Truth::no) keeps(s.since);
  for (const Condition& c : trigger.none)
    if (const Sentence s = seen(c); s.truth == Truth::yes && forbidding(c)) keeps(s.since);
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

// Contract, "Absorption": a wide incident recovers only when the exits of those that it absorbed hold as well. What it was open by before a
// person filed it under another name has to be over too, or it would open under the old name again.
Way way_out(const Deciding& d, const Incident& incident) {
  Way way;
  for (const Incident* part : with_absorbed(d.record(), incident)) {
    if (!way.out) break;
    const bool by_health = part->exit.by == Exit::By::health && !only_people_know(d, *part);
    Way own = by_health ? way_by_health(d, *part, incident) : way_by_steps(d, *part, incident);
    // A person opened it again although it looked well: what was seen before says nothing, and the `for` begins anew.
    if (own.out && !part->reopened_by.empty() && !part->looked_well.empty()) {
      const Time again = part->looked_well.back().second;
      own.since = std::max(own.since, again);
      own.over = std::max(own.over, after_watching(d.record(), again, part->exit.hold_for));
    }
    if (part == &incident) way.said = own.said;
    way.needs(own);
    for (const Filed& filed : part->filed) {
      if (!filed.seen || !way.out) continue;
      Way before;
      before.needs(trigger_over(d, *filed.seen));
      before.over = after_watching(d.record(), before.since, incident.exit.hold_for);
      way.needs(before);
    }
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

// After a start or blindness: what it affects was looked at again. What was recorded before says nothing of how it is now.
bool looked_again(const Deciding& d, const Incident& incident) {
  return std::all_of(incident.affects.begin(), incident.affects.end(), [&](const std::string& name) {
    const auto component = d.settings.components.find(name);
    return component == d.settings.components.end() || seen(d.state, d.settings, component->second);
  });
}

// Contract, "Resolving": a recovered incident with no critical step open resolves by itself after `reopen_within`. Not while drwatch is
// blind, and time in which it did not watch is no part of it.
void judge_end(Deciding& d, const Incident& incident) {
  if (d.record().blind_since || critical_open(incident) || !looked_again(d, incident)) return;
  Time at = reopens_until(d.record(), incident);
  if (d.now < at) return d.wake(at);
  Body body{{"false_alarm", false}};
  const std::string left = name_latched(d, incident, body);
  d.emit("incident.resolved", d.about(incident), incident.title + " is resolved: recovered, and no critical step is open" + left, body);
  draft_messages(d, incident.id, Message::When::resolved);
}

}  // namespace

// A person may call it over before the exit has held for its time: that it is seen to hold stays known.
std::optional<Time> exit_holds_since(const Deciding& d, const Incident& incident) {
  if (d.record().blind_since) return std::nullopt;
  const Way way = way_out(d, incident);
  if (!way.out || !way.dated) return std::nullopt;
  return std::clamp(way.since, incident.started_at, d.now);
}

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
