// SPDX-License-Identifier: Apache-2.0
// Which scenario opens, when, and which one takes over another. Contract: "Opening", "Absorption", "Dependencies".
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/outlook/sizes.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// Whether a trigger holds: all of `all`, one of `any` (an empty list asks nothing), nothing of `none`. `if_unknown` is what a condition of
// `all` or `any` counts as when it is not known. In `none`, a condition that is not known does not forbid (contract, "Conditions").
bool holds(const std::vector<Sentence>& all, const std::vector<Sentence>& any, const std::vector<Sentence>& none, bool if_unknown) {
  auto yes = [&](const Sentence& s) { return s.truth == Truth::yes || (if_unknown && s.truth == Truth::unknown); };
  return std::all_of(all.begin(), all.end(), yes) && (any.empty() || std::any_of(any.begin(), any.end(), yes)) &&
         std::none_of(none.begin(), none.end(), [](const Sentence& s) { return s.truth == Truth::yes; });
}

// Notes a condition that is true: when it became so, the components it is about, and the earliest start of all, which the incident's clock
// counts from.
void add_cause(const Deciding& d, Match& found, const Condition& condition, const Sentence& sentence) {
  found.because.push_back({condition.text, sentence.since == Time{} ? d.now : sentence.since, ""});
  found.causes.push_back(&condition);
  found.by_signal = found.by_signal || asks_for_raised(condition);
  for (const std::string& component : components_of(d.state, d.settings, condition)) found.components.push_back(component);
  auto start = started(d.state, d.settings, condition);
  if (start && (found.start_words.empty() || start->at < found.started_at)) {
    found.started_at = start->at;
    found.start_words = start->by;
  }
}

}  // namespace

bool asks_for_raised(const Condition& c) {
  return c.subject == Condition::Subject::signal && (c.holds == Condition::Holds::raised) != c.negated;
}

namespace {

struct Sentences {
  std::vector<Sentence> all, any, none;
};
Sentences sentences_of(const Deciding& d, const Trigger& trigger) {
  auto seen = [&](const std::vector<Condition>& conditions, Sentence (*evaluated)(const Deciding&, const Condition&)) {
    std::vector<Sentence> sentences;
    for (const Condition& c : conditions) sentences.push_back(evaluated(d, c));
    return sentences;
  };
  const auto plainly = [](const Deciding& of, const Condition& c) { return evaluate_without_words(of.state, of.settings, c, of.now); };
  return {seen(trigger.all, plainly), seen(trigger.any, plainly), seen(trigger.none, forbids)};
}
// Not known when the trigger would hold if everything that cannot be seen were true: it may hold, and nobody can tell.
Truth truth_of(const Sentences& s) {
  if (holds(s.all, s.any, s.none, false)) return Truth::yes;
  return holds(s.all, s.any, s.none, true) ? Truth::unknown : Truth::no;
}

}  // namespace

Truth truth_of(const Deciding& d, const Trigger& trigger) { return trigger.empty() ? Truth::no : truth_of(sentences_of(d, trigger)); }

Match match_without_words(const Deciding& d, const Trigger& trigger) {
  Match found;
  if (trigger.empty()) return found;
  const Sentences sentences = sentences_of(d, trigger);
  const auto& [all, any, none] = sentences;
  found.truth = truth_of(sentences);
  if (found.truth != Truth::yes) return found;
  for (std::size_t i = 0; i < all.size(); ++i) add_cause(d, found, trigger.all[i], all[i]);
  for (std::size_t i = 0; i < any.size(); ++i)
    if (any[i].truth == Truth::yes) add_cause(d, found, trigger.any[i], any[i]);
  // Nothing that makes it true knows since when (an RTO's standing): then it began now.
  if (found.start_words.empty()) {
    found.started_at = d.now;
    found.start_words = "the trigger";
  }
  return found;
}

Match match(const Deciding& d, const Trigger& trigger) {
  Match found = match_without_words(d, trigger);
  for (std::size_t i = 0; i < found.causes.size(); ++i)
    found.because[i].evidence = evaluate(d.state, d.settings, *found.causes[i], d.now).evidence;
  return found;
}

namespace {

// ---- pending

// "database is down; api is down"
std::string because_text(const std::vector<Evidence>& because) {
  std::string text;
  for (const Evidence& e : because) text += (text.empty() ? "" : "; ") + e.condition;
  return text;
}

// The event carries the whole pending record, so that a replay needs neither the settings nor a clock.
void emit_pending(Deciding& d, const Scenario& scenario, const PendingRecord& p, std::string message) {
  d.emit("scenario.pending", {.scenario = scenario.id}, std::move(message),
         Body{{"since", p.since},
              {"opens_at", p.opens_at},
              {"held_at", p.held_at},
              {"started_at", p.started_at},
              {"started_by", p.started_by},
              {"because", p.because}});
}

void begin_pending(Deciding& d, const Scenario& scenario, const Match& found) {
  PendingRecord p{d.now, d.now + scenario.trigger.hold_for, std::nullopt, found.started_at, found.start_words, found.because};
  emit_pending(d, scenario, p, scenario.title + " opens at " + time_words(p.opens_at) + " if this lasts: " + because_text(p.because));
}

// What the trigger asks can no longer be seen: the `for` stands still, as the contract ("Conditions") demands. When it can be seen again,
// the end of the `for` moves by as long as it stood still.
void hold_pending(Deciding& d, const Scenario& scenario, bool held) {
  PendingRecord p = d.record().pending.at(scenario.id);
  if (p.held_at.has_value() == held) return;
  if (held) {
    p.held_at = d.now;
    return emit_pending(d, scenario, p, scenario.title + ": what it waits for cannot be seen; its time stands still");
  }
  p.opens_at += d.now - *p.held_at;
  p.held_at.reset();
  emit_pending(d, scenario, p, scenario.title + " opens at " + time_words(p.opens_at) + " if this lasts");
}

// A wider scenario that supersedes this one is pending as well. Contract, "Absorption": the narrow one waits for it, at most as long as the
// wide one's `for`, counted from when the narrow one could have opened. A wide one that is held (its conditions cannot be seen) is not
// waited for.
bool waits_for_wider(Deciding& d, const Scenario& scenario, const Match& found, Time ready_at) {
  if (found.by_signal) return false;  // it is opened whatever the wide one does
  for (const auto& [id, wide] : d.settings.scenarios) {
    if (!has(wide.trigger.supersedes, scenario.id)) continue;
    auto pending = d.record().pending.find(id);
    if (pending == d.record().pending.end() || pending->second.held_at) continue;
    Time patience = ready_at + wide.trigger.hold_for;
    if (d.now >= patience) continue;
    d.wake(patience);
    return true;
  }
  return false;
}

// ---- opening

}  // namespace

// "20260301-0211-database-outage": it can be said over the phone. A second one of the same scenario in the same minute gets "-2".
std::string free_id(const Record& record, const std::string& begins, const std::string& scenario, Time now) {
  std::string t = time_text(now);  // 2026-03-01T02:11:20Z
  std::string id = begins + t.substr(0, 4) + t.substr(5, 2) + t.substr(8, 2) + "-" + t.substr(11, 2) + t.substr(14, 2) + "-" + scenario;
  if (!worked(record, id)) return id;
  for (int n = 2;; ++n)
    if (std::string next = id + "-" + std::to_string(n); !worked(record, next)) return next;
}

namespace {

// Contract, "Recovery": an incident opened by a signal or a person is over by its steps, because no probe may see what they saw; otherwise
// by health. A scenario may say otherwise.
Exit::By exit_by(const Scenario& scenario, const Match& found, const std::string& by) {
  if (scenario.exit.by != Exit::By::automatic) return scenario.exit.by;
  return found.by_signal || by != "drwatch" || scenario.trigger.empty() ? Exit::By::steps : Exit::By::health;
}

}  // namespace

// A copy of everything that the scenario says now. A reload of the configuration does not change an incident that people are working on.
Incident make_incident(Deciding& d, const Scenario& scenario, const Match& found, Time detected_at, const std::string& by) {
  Incident i;
  i.id = free_id(d.record(), "", scenario.id, d.now);
  i.scenario = scenario.id;
  i.title = scenario.title;
  i.summary = scenario.summary;
  i.severity = scenario.severity;
  i.of_class = class_name(scenario.of_class);
  i.data = scenario.data;
  i.affects = scenario.affects;
  // A person may open a scenario whose trigger does not hold. Then nothing is known of an earlier start, and the clock starts now.
  i.started_at = found.truth == Truth::yes ? std::min(found.started_at, d.now) : d.now;
  i.started_by = found.truth == Truth::yes ? found.start_words : "opened by " + by;
  i.detected_at = detected_at;
  i.opened_at = d.now;
  i.opened_by = by;
  i.by_signal = found.by_signal;
  i.rto = scenario.rto;
  i.ack_within = scenario.ack_within;
  i.reopen_within = scenario.reopen_within;
  i.exit = scenario.exit;
  i.exit.by = exit_by(scenario, found, by);
  i.trigger = scenario.trigger;
  i.because = found.because;
  i.second = second_best(d, scenario);
  i.message_plans = scenario.messages;
  i.scenario_hash = scenario.hash;
  i.data_bytes = data_bytes(d.state, d.settings, scenario.affects);
  for (const Step& plan : scenario.steps) {
    IncidentStep step;
    step.plan = plan;
    // A check that was true already when the incident opened proves nothing about the repair.
    step.held_at_opening = plan.verify && evaluate_without_words(d.state, d.settings, *plan.verify, d.now).truth == Truth::yes;
    i.steps.push_back(std::move(step));
  }
  return i;
}

// The wide incident is copied, and the narrow ones are collected first: every event that is applied changes the map that is walked. What a
// raised signal opened, or speaks for by now, is absorbed only when a person files it so.
void absorb_narrower(Deciding& d, const std::string& wide_id) {
  const Incident wide = d.record().incidents.at(wide_id);
  std::vector<std::string> narrow;
  for (const auto& [id, incident] : d.record().incidents)
    if (incident.state == IncidentState::open && id != wide_id && has(wide.trigger.supersedes, incident.scenario) && !incident.by_signal &&
        !match_without_words(d, incident.trigger).by_signal)
      narrow.push_back(id);
  for (const std::string& id : narrow)
    d.emit("incident.absorbed", d.about(d.record().incidents.at(id)), d.record().incidents.at(id).title + " goes on in " + wide_id,
           Body{{"absorbed_by", wide_id}});
}

namespace {

// Within `reopen_within` it is the same incident: its start, ticks and timeline stay, and its clock counts as if it had never stopped.
void reopen(Deciding& d, const Incident& incident, const Match& found) {
  d.emit("incident.reopened", d.about(incident), incident.title + " is back: " + because_text(found.because),
         Body{{"because", found.because}, {"looked_well_from", incident.recovered_at}, {"by_signal", found.by_signal}});
}

Match match_anew(const Deciding& d, const Scenario& scenario) {
  Match found = match(d, scenario.trigger);
  leave_out_filed(d, scenario.id, found);
  date_anew(d, scenario.id, found);
  return found;
}

// What a condition waits for beside a change of health: the end of its own `for`, which no run tells of; and, where it asks why something
// is bad, the next run of it, which may have another reason.
void wait_for(Deciding& d, const Condition& c) {
  if (std::optional<Time> turns_at; c.lasting > Duration{0} && only_by_work(d, c, &turns_at) && turns_at) d.wake(*turns_at);
  if (c.lasting > Duration{0})
    if (const auto at = evaluate_without_words(d.state, d.settings, c, d.now).turns_at) d.wake(*at);
  if (c.by.empty()) return;
  const auto component = d.settings.components.find(c.name);
  const std::vector<std::string> one = {c.name};
  for (const std::string& name : component == d.settings.components.end() ? one : component->second.probes)
    if (const auto probe = d.record().probes.find(name); probe != d.record().probes.end() && probe->second.degraded)
      d.state.sight.ask_again.insert(name);
}
void wait_for(Deciding& d, const Trigger& trigger) {
  for (const auto* conditions : {&trigger.all, &trigger.any, &trigger.none})
    for (const Condition& c : *conditions) wait_for(d, c);
}

// One scenario, in the order of the contract ("Opening"): does the trigger hold; does something keep it shut; is `for` over; does a wider
// one come first; is it known that it fails by itself. Then it opens, or a recent incident of it opens again.
void judge_trigger(Deciding& d, const Scenario& scenario) {
  if (scenario.trigger.empty() || open_of(d.record(), scenario.id)) return;
  wait_for(d, scenario.trigger);
  Match found = match_without_words(d, scenario.trigger);
  bool pending = d.record().pending.count(scenario.id) > 0;
  // Neither opens nor is forgotten: blind or without sight, the time that has run is kept.
  if (found.truth == Truth::unknown || d.record().blind_since) {
    if (pending) hold_pending(d, scenario, true);
    return;
  }
  if (found.truth == Truth::no) {
    const bool over = d.record().false_alarms.count(scenario.id) > 0;
    Body body;
    if (over) body.set("false_alarm_over", true);
    if (pending || over) d.emit("scenario.calm", {.scenario = scenario.id}, scenario.title + ": its trigger holds no more", body);
    return;
  }
  if (const auto why = kept_shut(d, scenario, found)) {
    d.state.sight.kept_shut[scenario.id] = *why;
    if (pending) d.emit("scenario.calm", {.scenario = scenario.id}, scenario.title + ": kept shut, " + *why, {});
    return;
  }
  if (!pending) begin_pending(d, scenario, match_anew(d, scenario));
  hold_pending(d, scenario, false);
  const PendingRecord p = d.record().pending.at(scenario.id);
  if (d.now < p.opens_at) return d.wake(p.opens_at);
  if (waits_for_wider(d, scenario, found, p.opens_at)) return;
  if (asks_first(d, found)) return;

  found = match_anew(d, scenario);
  if (const Incident* recovered = to_be_reopened(d, scenario.id, found)) {
    const std::string id = recovered->id;
    reopen(d, *recovered, found);
    absorb_narrower(d, id);
    return;
  }
  if (p.started_at < found.started_at) {  // the cause that held first may be gone by now; the stretch began with it all the same
    found.started_at = p.started_at;
    found.start_words = p.started_by;
  }
  open_incident(d, scenario, found, p.since, "drwatch");
}

}  // namespace

const Incident* open_of(const Record& record, const std::string& scenario, const std::string& but) {
  for (const auto& [id, incident] : record.incidents)
    if (incident.scenario == scenario && incident.state == IncidentState::open && id != but) return &incident;
  return nullptr;
}

// Breadth first. One that is in the list already is not added again: a journal from elsewhere could hold a circle.
std::vector<const Incident*> with_absorbed(const Record& record, const Incident& incident) {
  std::vector<const Incident*> all{&incident};
  for (std::size_t n = 0; n < all.size(); ++n)
    for (const std::string& id : all[n]->absorbed) {
      auto part = record.incidents.find(id);
      if (part != record.incidents.end() && std::find(all.begin(), all.end(), &part->second) == all.end()) all.push_back(&part->second);
    }
  return all;
}

// Opens it, takes over the narrower ones that are open, and drafts the messages due at the opening. `detected_at` is when the `for` began.
// The incident's id is the decision's subject afterwards.
void open_incident(Deciding& d, const Scenario& scenario, const Match& found, Time detected_at, std::string by) {
  Incident incident = make_incident(d, scenario, found, detected_at, by);
  std::string id = incident.id, why = because_text(incident.because);
  d.emit("incident.opened", {.incident = id, .scenario = scenario.id, .by = by},
         incident.title + " is open" + (why.empty() ? "" : ": " + why) + "; its clock runs since " + time_words(incident.started_at),
         Body{{"incident", incident}});
  absorb_narrower(d, id);
  draft_messages(d, id, Message::When::opened);
  d.decision.subject = id;
}

void judge_triggers(Deciding& d) {
  // Scenarios that supersede most come first. If a wide and a narrow one are due in the same decision, the narrow one finds the wide one
  // open and stays shut, instead of being opened and absorbed in one breath.
  std::vector<const Scenario*> order;
  for (const auto& [id, scenario] : d.settings.scenarios) order.push_back(&scenario);
  std::stable_sort(order.begin(), order.end(),
                   [](const Scenario* a, const Scenario* b) { return a->trigger.supersedes.size() > b->trigger.supersedes.size(); });
  d.state.sight.ask_again.clear();
  d.state.sight.kept_shut.clear();
  watch_parents(d);
  for (const Scenario* scenario : order) judge_trigger(d, *scenario);
}

}  // namespace drwatch
