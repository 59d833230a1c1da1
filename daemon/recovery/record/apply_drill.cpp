// SPDX-License-Identifier: Apache-2.0
// What the events of drills mean. What is done to a drill's steps, notes and messages has the events of incidents (apply_incident.cpp).
#include "daemon/recovery/record/json.hpp"
#include "daemon/recovery/record/meanings.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// Readers are given a copy of all of them after every event, so they are kept slim (what guides said is the runbook's); the journal has
// every one.
constexpr std::size_t final_drills_kept = 300;

// The oldest go first; what goes on stays.
void forget_oldest_drills(Record& r) {
  std::vector<std::pair<Time, std::string>> over;
  for (const auto& [id, drill] : r.drilling.held)
    if (!drill.work.live()) over.emplace_back(drill.work.opened_at, id);
  if (over.size() <= final_drills_kept) return;
  std::sort(over.begin(), over.end());
  for (std::size_t n = 0; n + final_drills_kept < over.size(); ++n) r.drilling.held.erase(over[n].second);
}

void take_in(Record& r, const Event& e) {
  const auto drill = e.body.json().find("drill");
  if (e.incident.empty() || drill == e.body.json().end() || !drill->is_object()) return;
  r.drilling.held[e.incident] = held_drill_from_json(*drill);
  forget_oldest_drills(r);
}

void drill_started(Record& r, const Event& e) {
  take_in(r, e);
  if (e.body.flag("by_calendar")) r.drilling.tries[e.scenario] = e.at;
}

// The drill is over, in whichever way. One that was held elsewhere comes in with its end.
void end_drill(Record& r, const Event& e, std::string_view verdict) {
  take_in(r, e);
  const auto found = r.drilling.held.find(e.incident);
  if (found == r.drilling.held.end()) return;  // of a release that kept only the newest figures
  HeldDrill& drill = found->second;
  drill.verdict = verdict;
  drill.reason = e.body.text("reason");
  drill.recovery_seconds = e.body.number("recovery_seconds");
  drill.data_loss_seconds = e.body.number("data_loss_seconds");
  drill.proves = e.body.texts("proven");
  if (const auto evidence = e.body.json().find("document"); evidence != e.body.json().end() && evidence->is_object())
    drill.evidence = evidence->dump(-1, ' ', false, Json::error_handler_t::replace);
  drill.work.state = verdict == "aborted" ? IncidentState::aborted : IncidentState::resolved;
  drill.work.resolved_at = e.at;
  drill.work.message_plans.clear();
  for (IncidentStep& step : drill.work.steps) step.plan.guide.clear();
}

std::map<std::string, double> step_seconds(const Event& e) {
  std::map<std::string, double> steps;
  const Json& body = e.body.json();
  if (auto list = body.find("steps"); list != body.end() && list->is_object())
    for (const auto& [step, took] : list->items())
      if (took.is_number()) steps[step] = took.get<double>();
  return steps;
}
DrillTook took(const Event& e) { return {e.scenario, e.at, step_seconds(e), std::nullopt, e.body.number("data_bytes").value_or(0)}; }

// A document that is handed in later is about the day on which the drill was held.
Time held_at(const Event& e) { return e.body.maybe_time("held_at").value_or(e.at); }

std::string proof_key(const std::string& of_class, const std::string& source) { return of_class + "/" + source; }

// What a document calls its copy is free text, so a scenario's proofs are bounded; the newest stay.
constexpr std::size_t proofs_kept = 36;

void forget_oldest_proofs(std::map<std::string, DrillProof>& proofs) {
  while (proofs.size() > proofs_kept)
    proofs.erase(std::min_element(proofs.begin(), proofs.end(), [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
}

void keep_proofs(Record& r, const Event& e) {
  for (const std::string& of_class : e.body.texts("classes")) {
    DrillProof& proof = r.drilling.proofs[e.scenario][proof_key(of_class, e.body.text("source"))];
    if (proof.at > held_at(e)) continue;
    proof = {held_at(e),
             of_class,
             e.body.text("source"),
             e.body.text("reads"),
             e.body.number("recovery_seconds"),
             e.body.number("data_loss_seconds")};
  }
  if (const auto kept = r.drilling.proofs.find(e.scenario); kept != r.drilling.proofs.end()) forget_oldest_proofs(kept->second);
}

// The date that was said is done with, and so is a change, but not one that came after the day on which the drill was held.
void meet_date(Record& r, const Event& e) {
  if (!e.body.flag("on_date", true)) return;
  const auto change = r.drilling.changes.find(e.scenario);
  if (change != r.drilling.changes.end()) {
    if (held_at(e) < change->second.at) return;
    r.drilling.changes.erase(change);
  }
  r.drilling.told.erase(e.scenario);
}

void drill_passed(Record& r, const Event& e) {
  end_drill(r, e, "passed");
  meet_date(r, e);
  if (e.body.text("type") == "tabletop") {
    Time& at = r.drilling.tabletops[e.scenario];
    at = std::max(at, held_at(e));
    return;
  }
  keep_proofs(r, e);
  const auto before = r.drills.find(e.scenario);
  const bool newest = before == r.drills.end() || before->second.at <= held_at(e);
  if (e.body.flag("shows_rto", true) && newest) {
    r.drills[e.scenario] = {.at = held_at(e),
                            .recovery_seconds = e.body.number("recovery_seconds"),
                            .data_loss_seconds = e.body.number("data_loss_seconds"),
                            .data_bytes = e.body.number("data_bytes"),
                            .critical_hash = e.body.text("critical_hash"),
                            .rto_seconds = e.body.number("rto_seconds"),
                            .rpo_seconds = e.body.number("rpo_seconds")};
    if (const auto failed = r.failed_drills.find(e.scenario); failed != r.failed_drills.end() && failed->second.at <= held_at(e))
      r.failed_drills.erase(failed);
  }
  DrillTook drill = took(e);
  drill.recovery = e.body.number("recovery_seconds");
  learn(r.measured, drill);
}

// What the copy had shown before that day it shows no more.
void drop_proofs(Record& r, const Event& e) {
  const auto found = r.drilling.proofs.find(e.scenario);
  if (found == r.drilling.proofs.end()) return;
  const std::string source = e.body.text("source");
  std::erase_if(found->second,
                [&](const auto& each) { return each.second.at <= held_at(e) && (source.empty() || each.second.source == source); });
}

// Whether it says anything of the RTO today: it is about the scenario's class (or came to no copy of any), and none passed after it.
bool fails_the_rto(const Record& r, const Event& e) {
  if (!e.body.flag("shows_rto", true) && !e.body.texts("classes").empty()) return false;
  const auto passed = r.drills.find(e.scenario);
  return passed == r.drills.end() || passed->second.at <= held_at(e);
}

void drill_failed(Record& r, const Event& e) {
  end_drill(r, e, "failed");
  if (e.body.text("type") == "tabletop") return;  // it says something of the plan, nothing of the recovery
  drop_proofs(r, e);
  if (fails_the_rto(r, e)) {
    FailedDrill& failed = r.failed_drills[e.scenario];
    failed.at = std::max(failed.at, held_at(e));
    // Of several failed drills in a row the longest counts: a short failure after a long one makes nothing better.
    failed.longest_seconds = std::max(failed.longest_seconds, e.body.number("recovery_seconds"));
  }
  learn(r.measured, took(e));
}
void drill_partial(Record& r, const Event& e) { end_drill(r, e, "partial"); }
void drill_aborted(Record& r, const Event& e) { end_drill(r, e, "aborted"); }

// Due by a change: from then on, until one passes.
void drill_due(Record& r, const Event& e) {
  const auto at = e.body.maybe_time("due_at");
  if (!at) return;
  if (!e.body.flag("changed")) {
    r.drilling.told[e.scenario] = {*at, false};
    return;
  }
  r.drilling.changes[e.scenario] = {*at, e.body.text("reason")};
  r.drilling.told.try_emplace(e.scenario, DrillTold{*at, false});  // an earlier date that was said goes on
}
void drill_overdue(Record& r, const Event& e) {
  if (const auto at = e.body.maybe_time("due_at")) r.drilling.told[e.scenario] = {*at, true};
}

void drill_held(Record& r, const Event& e) { r.drilling.hold = DrillHold{e.at, e.by, e.body.text("note")}; }
void drill_released(Record& r, const Event&) { r.drilling.hold.reset(); }

}  // namespace

const std::map<std::string_view, Meaning>& drill_meanings() {
  static const std::map<std::string_view, Meaning> table = {
      {"drill.aborted", drill_aborted}, {"drill.due", drill_due},           {"drill.failed", drill_failed},
      {"drill.held", drill_held},       {"drill.overdue", drill_overdue},   {"drill.partial", drill_partial},
      {"drill.passed", drill_passed},   {"drill.released", drill_released}, {"drill.started", drill_started},
  };
  return table;
}

}  // namespace drwatch
