// SPDX-License-Identifier: Apache-2.0
// What each event means for the record: one small function for each kind, found in a table (those of incidents are in apply_incident.cpp,
// those of drills in apply_drill.cpp). A kind that is in no table, written by a newer release, goes to the timeline only. Nothing here
// judges: everything that was decided is in the event, so that a replay gives the same record under any settings.
#include "daemon/recovery/record/back.hpp"
#include "daemon/recovery/record/json.hpp"
#include "daemon/recovery/record/late.hpp"
#include "daemon/recovery/record/meanings.hpp"
#include "daemon/recovery/record/state.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace drwatch {
namespace {

constexpr Duration resolved_alerts_kept = minutes{15};
constexpr Duration spans_kept = hours{24 * 8};

Health health_of(const Body& body, const char* key = "health") { return parse_health(body.text(key)).value_or(Health::unknown); }

// A turn keeps its time for as long as the wider sentence stays true, and loses it when that becomes false.
void turn(Turns& turns, bool bad, bool not_down, Time at, Time good_at) {
  if (!bad || turns.bad == Time{}) turns.bad = bad ? at : Time{};
  if (!not_down || turns.not_down == Time{}) turns.not_down = not_down ? good_at : Time{};
}
void turn(Turns& turns, Health to, const Event& e) {
  const bool bad = to == Health::degraded || to == Health::down, not_down = to == Health::up || to == Health::degraded;
  const char* since = to == Health::up ? "good_since" : "not_down_since";
  turn(turns, bad, not_down, e.at, e.body.maybe_time(since).value_or(e.at));
}

// ---- probes and components

// A run that is down begins both stretches, one that is degraded only the wider one.
void probe_suspected(Record& r, const Event& e) {
  ProbeRecord& p = r.probes[e.probe];
  Time first = e.body.maybe_time("first_bad_at").value_or(e.at);
  const auto up = e.body.maybe_time("last_up_at"), not_down = e.body.maybe_time("last_not_down_at");
  if (health_of(e.body, "outcome") == Health::down && !p.down) p.down = Stretch{first, not_down, up < not_down};
  if (!p.degraded) p.degraded = Stretch{first, up, false};
}
// "degraded": no run is bad any more, both stretches end. "down": only that of runs that were down.
void probe_cleared(Record& r, const Event& e) {
  ProbeRecord& p = r.probes[e.probe];
  p.down.reset();
  if (e.body.text("level") == "degraded") p.degraded.reset();
}
void probe_changed(Record& r, const Event& e) {
  ProbeRecord& p = r.probes[e.probe];
  p.health = health_of(e.body);
  p.since = e.at;
  p.reason = parse_reason(e.body.text("reason")).value_or(Reason::none);
  p.message = e.body.text("outcome_message");
  p.good_since = e.body.maybe_time("good_since");
  p.by_share = e.body.flag("by_share");
  turn(p.turns, p.health, e);
  if (p.health == Health::up) p.degraded.reset();
  if (p.health == Health::up || p.health == Health::degraded) p.down.reset();
}
void probe_latched(Record& r, const Event& e) {
  r.probes[e.probe].latches[e.body.text("key")] = {e.body.time("happened_at"), e.body.text("what"), false, e.at};
}
void probe_acknowledged(Record& r, const Event& e) {
  auto& latches = r.probes[e.probe].latches;
  const Json& body = e.body.json();
  if (!body.contains("latches")) return;
  for (const auto& [key, at] : body["latches"].items())
    if (auto latch = latches.find(key); latch != latches.end())
      latch->second = {parse_time(at.get<std::string>()).value_or(latch->second.at), latch->second.message, true, latch->second.set_at};
}
void component_changed(Record& r, const Event& e) {
  ComponentRecord& c = r.components[e.component];
  c = {health_of(e.body), e.at, e.body.text("detail"), e.body.maybe_time("good_since"), c.turns};
  turn(c.turns, c.health, e);
}

// Drops the entries that belong to none of `names`: what they are about is configured no more.
template <class T>
void keep_only(std::map<std::string, T>& values, const std::set<std::string>& names,
               bool (*belongs)(const std::string&, const std::string&)) {
  std::erase_if(values, [&](const auto& entry) {
    return std::none_of(names.begin(), names.end(), [&](const std::string& name) { return belongs(entry.first, name); });
  });
}
std::set<std::string> names_in(const Body& body, const char* key) {
  auto list = body.texts(key);
  return {list.begin(), list.end()};
}
void configuration_loaded(Record& r, const Event& e) {
  auto is = [](const std::string& key, const std::string& name) { return key == name; };
  std::set<std::string> probes = names_in(e.body, "probes"), components = names_in(e.body, "components"),
                        scenarios = names_in(e.body, "scenarios");
  keep_only(r.probes, probes, is);
  keep_only(r.components, components, is);
  keep_only(r.pending, scenarios, is);
  keep_only(r.false_alarms, scenarios, is);
  keep_only(r.scenarios, scenarios, is);
  keep_only(r.drilling.told, scenarios, is);
  keep_only(r.drilling.changes, scenarios, is);
  keep_only(r.drilling.tries, scenarios, is);
  keep_only(r.drilling.tabletops, scenarios, is);
  keep_only(r.drilling.proofs, scenarios, is);
  keep_only(r.signals, names_in(e.body, "signals"), is);
  std::set<std::string> objectives = names_in(e.body, "objectives");
  keep_only(r.objectives, objectives, is);
  for (const std::string& job : names_in(e.body, "jobs")) r.first_seen.try_emplace("job/" + job, e.at);
  for (const std::string& scenario : scenarios) r.first_seen.try_emplace("scenario/" + scenario, e.at);
}
void probe_removed(Record& r, const Event& e) { r.probes.erase(e.probe); }

// ---- time and sight

void add_blind_span(Record& r, Time from, Time until) {
  if (until > from) r.blind_spans.push_back({from, until});
  std::erase_if(r.blind_spans, [&](const Span& s) { return s.until < until - spans_kept; });
}
// Nobody watched in this time. A `for` that was running stands still from its beginning on; judge_triggers() lets it go on when its trigger
// is seen again.
void blind_time(Record& r, Time from, Time until) {
  add_blind_span(r, from, until);
  for (auto& [scenario, pending] : r.pending)
    if (!pending.held_at) pending.held_at = std::max(from, pending.since);
}
void daemon_started(Record& r, const Event& e) {
  if (auto alive = e.body.maybe_time("alive_at")) blind_time(r, *alive, e.at);
  r.first_seen.erase(late_loop_key);  // another process
}
void clock_jumped(Record& r, const Event& e) {
  if (auto from = e.body.maybe_time("blind_from")) blind_time(r, *from, e.at);
  const auto back = e.body.number("back_ms");
  const auto was = e.body.maybe_time("was"), wall = e.body.maybe_time("wall");
  if (back && was) bring_back(r, {.now = e.at, .was = *was, .by = Duration{static_cast<std::int64_t>(*back)}});
  // Times that the clock will tell again, and this time somebody listens.
  if (wall) {
    for (Span& span : r.blind_spans) span.until = std::min(span.until, *wall);
    std::erase_if(r.blind_spans, [](const Span& span) { return span.until <= span.from; });
  }
}
// Contract, "Blindness": what was not down becomes unknown. What was confirmed to be down stays so.
void blind_began(Record& r, const Event& e) {
  r.blind_since = e.body.maybe_time("since").value_or(e.at);
  if (auto late = e.body.maybe_time("late_since")) r.first_seen[late_loop_key] = *late;
  for (auto& [name, probe] : r.probes) {
    if (probe.health == Health::down) continue;
    probe.health = Health::unknown;
    probe.since = e.at;
    probe.reason = Reason::own_fault;
    probe.message = "drwatch is blind";
    probe.good_since.reset();
    probe.turns = {};
  }
}
void blind_ended(Record& r, const Event& e) {
  if (r.blind_since) add_blind_span(r, *r.blind_since, e.at);
  r.blind_since.reset();
  r.first_seen.erase(late_loop_key);
}

// ---- objectives, signals, maintenance, findings

void objective_changed(Record& r, const Event& e) {
  ObjectiveRecord& o = r.objectives[e.component + " rpo " + e.body.text("class")];
  o.standing = parse_standing(e.body.text("standing")).value_or(Standing::unproven);
  o.since = e.body.maybe_time("since").value_or(e.at);
  o.message = e.body.text("detail");
  const bool structural = e.body.flag("structural", e.body.flag("no_source"));
  if (structural != o.structural) o.turns = {};
  o.structural = structural;
  const bool bad = o.standing == Standing::at_risk || o.standing == Standing::breached;
  turn(o.turns, bad, o.standing == Standing::met || o.standing == Standing::at_risk, o.since, o.since);
}
// What the whole signal says of those who raise it.
void sum_up(SignalRecord& s) {
  const SignalRaising* first = nullptr;
  bool ends = true;
  s.expires_at.reset();
  for (const auto& [alert, raising] : s.raisings) {
    if (!first || raising.since < first->since) first = &raising;
    ends = ends && raising.expires_at;
    s.expires_at = std::max(s.expires_at, raising.expires_at);
  }
  if (!ends) s.expires_at.reset();
  if (first) s.by = first->by, s.note = first->note;
}
void signal_raised(Record& r, const Event& e) {
  SignalRecord& s = r.signals[e.body.text("signal")];
  if (!s.raised) s.since = e.at;
  if (!s.raised || e.body.flag("anew")) s.raised_at = e.at;
  s.raised = true;
  SignalRaising& raising = s.raisings.try_emplace(e.body.text("alert"), SignalRaising{e.by, "", e.at, std::nullopt, {}}).first->second;
  raising.by = e.by;
  raising.starts_at = e.body.maybe_time("starts_at").value_or(raising.starts_at);
  raising.note = e.body.text("note");
  raising.expires_at = e.body.maybe_time("expires_at");
  sum_up(s);
}
void signal_cleared(Record& r, const Event& e) {
  r.signals[e.body.text("signal")] = {false, e.at, e.at, std::nullopt, e.by, e.body.text("note"), {}};
}
// One more raises it, or one fewer; it stands as it did.
void signal_changed(Record& r, const Event& e) {
  if (e.body.flag("raised")) return signal_raised(r, e);
  SignalRecord& s = r.signals[e.body.text("signal")];
  s.raisings.erase(e.body.text("alert"));
  sum_up(s);
}
void maintenance_began(Record& r, const Event& e) {
  std::string id = e.body.text("id");
  r.maintenance[id] = {id, e.body.texts("components"), e.at, e.body.time("until"), e.by, e.body.text("note")};
}
void maintenance_ended(Record& r, const Event& e) {
  r.maintenance.erase(e.body.text("id"));
  std::erase_if(r.first_seen,
                [&](const auto& entry) { return entry.first.starts_with("maintenance-ended/") && entry.second < e.at - spans_kept; });
  // Remembered for as long as blind spans are: a planned window that a person ended early must not begin again.
  r.first_seen["maintenance-ended/" + e.body.text("id")] = e.at;
}
void finding_appeared(Record& r, const Event& e) {
  r.findings[e.body.text("key")] = {e.body.text("finding"), e.component, e.body.text("class"), e.message, e.at};
}
void finding_gone(Record& r, const Event& e) { r.findings.erase(e.body.text("key")); }

// ---- alerts and the journal

void alert_fired(Record& r, const Event& e) {
  AlertRecord& a = r.alerts[e.body.text("alert")];
  a.labels = e.body.json().at("labels").get<std::map<std::string, std::string>>();
  a.annotations = e.body.json().at("annotations").get<std::map<std::string, std::string>>();
  a.starts_at = e.body.time("starts_at");
  a.resolved_at.reset();
  a.order = e.seq;
}
void alert_resolved(Record& r, const Event& e) {
  auto a = r.alerts.find(e.body.text("alert"));
  if (a != r.alerts.end()) {
    a->second.resolved_at = e.at, a->second.order = e.seq;
    if (const Json& body = e.body.json(); body.contains("annotations")) body["annotations"].get_to(a->second.annotations);
  }
  std::erase_if(r.alerts,
                [&](const auto& entry) { return entry.second.resolved_at && *entry.second.resolved_at < e.at - resolved_alerts_kept; });
}
// Events that were left out led to it.
void journal_resumed(Record& r, const Event& e) {
  const Json& body = e.body.json();
  if (const auto record = body.find("record"); record != body.end() && record->is_object()) r = record_from_json(*record);
}
// ---- what scenarios would take

void scenario_changed(Record& r, const Event& e) {
  ScenarioRecord& s = r.scenarios[e.scenario];
  Standing standing = parse_standing(e.body.text("standing")).value_or(Standing::unproven);
  // New figures under the same standing do not move `since`.
  if (standing != s.standing || s.since == Time{}) s.since = e.at;
  s.standing = standing;
  s.message = e.body.text("detail");
  s.p50_seconds = e.body.number("p50_seconds");
  s.p90_seconds = e.body.number("p90_seconds");
  s.basis = e.body.text("basis");
}
void journal_failing(Record& r, const Event&) { r.journal_failing = true; }
void journal_mended(Record& r, const Event&) { r.journal_failing = false; }

const std::map<std::string_view, Meaning>& meanings() {
  static const std::map<std::string_view, Meaning> table = {
      {"alert.fired", alert_fired},
      {"alert.resolved", alert_resolved},
      {"blind.began", blind_began},
      {"blind.ended", blind_ended},
      {"clock.jumped", clock_jumped},
      {"component.changed", component_changed},
      {"configuration.loaded", configuration_loaded},
      {"daemon.started", daemon_started},
      {"finding.appeared", finding_appeared},
      {"finding.gone", finding_gone},
      {"journal.failing", journal_failing},
      {"journal.mended", journal_mended},
      {"journal.resumed", journal_resumed},
      {"maintenance.began", maintenance_began},
      {"maintenance.ended", maintenance_ended},
      {"objective.changed", objective_changed},
      {"probe.acknowledged", probe_acknowledged},
      {"probe.changed", probe_changed},
      {"probe.cleared", probe_cleared},
      {"probe.latched", probe_latched},
      {"probe.removed", probe_removed},
      {"probe.suspected", probe_suspected},
      {"scenario.changed", scenario_changed},
      {"signal.changed", signal_changed},
      {"signal.cleared", signal_cleared},
      {"signal.expired", signal_cleared},
      {"signal.raised", signal_raised},
  };
  return table;
}

}  // namespace

void apply(Record& record, const Event& event) {
  for (const auto* table : {&meanings(), &incident_meanings(), &drill_meanings()})
    if (auto meaning = table->find(event.kind); meaning != table->end()) meaning->second(record, event);
  if (Incident* incident = incident_of(record, event)) {
    incident->timeline.push_back(event);
    // The opening carries the whole incident; in its own timeline that would be the incident in itself. What a drill found stands beside
    // it.
    incident->timeline.back().body = event.body.without("incident").without("drill").without("document");
  }
  record.seq = event.seq;
  record.at = event.at;
}

}  // namespace drwatch
