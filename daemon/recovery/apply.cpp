// SPDX-License-Identifier: Apache-2.0
// What each event means. One small function a kind, found in a table; what is not in the table (a newer release's event) only goes to the timeline.
#include "daemon/recovery/json.hpp"
#include "daemon/recovery/state.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace drwatch {
namespace {

constexpr Duration resolved_alerts_kept = minutes{15};
constexpr Duration spans_kept = hours{24 * 8};
constexpr std::size_t final_incidents_kept = 1000;

Health health_of(const Json& body, const char* key = "health") { return parse_health(json::text(body, key)).value_or(Health::unknown); }

// ---- probes and components

void probe_suspected(Record& r, const Event& e) {
  ProbeRecord& p = r.probes[e.probe];
  Time first = json::maybe_time(e.body, "first_bad_at").value_or(e.at);
  if (health_of(e.body, "outcome") == Health::down && !p.down) p.down = Stretch{first, json::maybe_time(e.body, "last_not_down_at")};
  if (!p.degraded) p.degraded = Stretch{first, json::maybe_time(e.body, "last_up_at")};
}
void probe_cleared(Record& r, const Event& e) {
  ProbeRecord& p = r.probes[e.probe];
  p.down.reset();
  if (json::text(e.body, "level") == "degraded") p.degraded.reset();
}
void probe_changed(Record& r, const Event& e) {
  ProbeRecord& p = r.probes[e.probe];
  p.health = health_of(e.body);
  p.since = e.at;
  p.reason = parse_reason(json::text(e.body, "reason")).value_or(Reason::none);
  p.message = json::text(e.body, "outcome_message");
  p.good_since = json::maybe_time(e.body, "good_since");
  if (p.health == Health::up) p.degraded.reset();
  if (p.health == Health::up || p.health == Health::degraded) p.down.reset();
}
void component_changed(Record& r, const Event& e) {
  r.components[e.component] = {health_of(e.body), e.at, json::text(e.body, "detail"), json::maybe_time(e.body, "good_since")};
}

// What is no longer configured is forgotten; what is new is remembered as first seen now.
template <class T>
void keep_only(std::map<std::string, T>& values, const std::set<std::string>& names, bool (*belongs)(const std::string&, const std::string&)) {
  std::erase_if(values, [&](const auto& entry) {
    return std::none_of(names.begin(), names.end(), [&](const std::string& name) { return belongs(entry.first, name); });
  });
}
std::set<std::string> names_in(const Json& body, const char* key) {
  auto list = json::texts(body, key);
  return {list.begin(), list.end()};
}
void configuration_loaded(Record& r, const Event& e) {
  auto is = [](const std::string& key, const std::string& name) { return key == name; };
  std::set<std::string> probes = names_in(e.body, "probes"), components = names_in(e.body, "components"), scenarios = names_in(e.body, "scenarios");
  keep_only(r.probes, probes, is);
  keep_only(r.components, components, is);
  keep_only(r.pending, scenarios, is);
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
// Nobody looked since: a `for` that ran stands still from there, until its trigger is seen again.
void blind_time(Record& r, Time from, Time until) {
  add_blind_span(r, from, until);
  for (auto& [scenario, pending] : r.pending)
    if (!pending.held_at) pending.held_at = std::max(from, pending.since);
}
void daemon_started(Record& r, const Event& e) {
  if (auto alive = json::maybe_time(e.body, "alive_at")) blind_time(r, *alive, e.at);
}
void clock_jumped(Record& r, const Event& e) {
  if (auto from = json::maybe_time(e.body, "blind_from")) blind_time(r, *from, e.at);
}
void blind_began(Record& r, const Event& e) {
  r.blind_since = json::maybe_time(e.body, "since").value_or(e.at);
  for (auto& [name, probe] : r.probes) {
    if (probe.health == Health::down) continue;
    probe.health = Health::unknown;
    probe.since = e.at;
    probe.reason = Reason::own_fault;
    probe.message = "drwatch is blind";
    probe.good_since.reset();
  }
}
void blind_ended(Record& r, const Event& e) {
  if (r.blind_since) add_blind_span(r, *r.blind_since, e.at);
  r.blind_since.reset();
}

// ---- objectives, signals, maintenance, findings

void objective_changed(Record& r, const Event& e) {
  ObjectiveRecord o;
  std::string standing = json::text(e.body, "standing");
  for (Standing s : {Standing::met, Standing::at_risk, Standing::breached, Standing::unproven})
    if (standing_name(s) == standing) o.standing = s;
  o.since = e.at;
  o.message = json::text(e.body, "detail");
  r.objectives[e.component + " rpo " + json::text(e.body, "class")] = o;
}
void signal_raised(Record& r, const Event& e) {
  SignalRecord& s = r.signals[json::text(e.body, "signal")];
  if (!s.raised) s.since = e.at;
  s.raised = true;
  s.expires_at = json::maybe_time(e.body, "expires_at");
  s.by = e.by;
  s.note = json::text(e.body, "note");
}
void signal_cleared(Record& r, const Event& e) { r.signals[json::text(e.body, "signal")] = {false, e.at, std::nullopt, e.by, json::text(e.body, "note")}; }
void maintenance_began(Record& r, const Event& e) {
  std::string id = json::text(e.body, "id");
  r.maintenance[id] = {id, json::texts(e.body, "components"), e.at, json::time(e.body, "until"), e.by};
}
void maintenance_ended(Record& r, const Event& e) {
  r.maintenance.erase(json::text(e.body, "id"));
  std::erase_if(r.first_seen, [&](const auto& entry) { return entry.first.starts_with("maintenance-ended/") && entry.second < e.at - spans_kept; });
  r.first_seen["maintenance-ended/" + json::text(e.body, "id")] = e.at;
}
void finding_appeared(Record& r, const Event& e) {
  r.findings[json::text(e.body, "key")] = {json::text(e.body, "finding"), e.component, json::text(e.body, "class"), e.message, e.at};
}
void finding_gone(Record& r, const Event& e) { r.findings.erase(json::text(e.body, "key")); }

// ---- incidents

Incident* incident_of(Record& r, const Event& e) {
  auto it = r.incidents.find(e.incident);
  return it == r.incidents.end() ? nullptr : &it->second;
}

void forget_oldest(Record& r) {
  std::vector<std::pair<Time, std::string>> over;
  for (const auto& [id, incident] : r.incidents)
    if (!incident.live()) over.emplace_back(incident.opened_at, id);
  if (over.size() <= final_incidents_kept) return;
  std::sort(over.begin(), over.end());
  for (std::size_t n = 0; n + final_incidents_kept < over.size(); ++n) r.incidents.erase(over[n].second);
}

void incident_opened(Record& r, const Event& e) {
  r.incidents[e.incident] = incident_from_json(e.body.at("incident"));
  r.pending.erase(e.scenario);
  forget_oldest(r);
}
void scenario_pending(Record& r, const Event& e) {
  r.pending[e.scenario] = {json::time(e.body, "since"),      json::time(e.body, "opens_at"),   json::maybe_time(e.body, "held_at"),
                           json::time(e.body, "started_at"), json::text(e.body, "started_by"), json::evidence(e.body, "because")};
}
void scenario_calm(Record& r, const Event& e) { r.pending.erase(e.scenario); }

void incident_acknowledged(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  i->acknowledged_at = e.at;
  i->acknowledged_by = e.by;
}
void incident_recovered(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  i->state = IncidentState::recovered;
  i->recovered_at = json::maybe_time(e.body, "recovered_at").value_or(e.at);
}
void incident_reopened(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  i->state = IncidentState::open;
  if (auto from = json::maybe_time(e.body, "looked_well_from")) i->looked_well.emplace_back(*from, e.at);
  i->recovered_at.reset();
  if (auto because = json::evidence(e.body, "because"); !because.empty()) i->because = std::move(because);  // why it is open now
  r.pending.erase(i->scenario);
  if (e.by != "drwatch") i->exit.by = Exit::By::steps;  // a person opened it again although it looks well
}
void incident_resolved(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  if (!i->recovered_at) i->recovered_at = e.at;
  i->state = IncidentState::resolved;
  i->resolved_at = e.at;
  i->false_alarm = json::flag(e.body, "false_alarm");
}

// The wide incident goes on with the narrow one's start, acknowledgement, timeline, messages and every done step of the same id.
void take_over(Incident& wide, const Incident& narrow) {
  wide.absorbed.push_back(narrow.id);
  if (narrow.started_at < wide.started_at) {
    wide.started_at = narrow.started_at;
    wide.started_by = narrow.started_by;
  }
  if (narrow.acknowledged_at && (!wide.acknowledged_at || *narrow.acknowledged_at < *wide.acknowledged_at)) {
    wide.acknowledged_at = narrow.acknowledged_at;
    wide.acknowledged_by = narrow.acknowledged_by;
  }
  for (const IncidentStep& done : narrow.steps) {
    IncidentStep* same = wide.step(done.plan.id);
    if (!same || same->closed() || done.state != StepState::done) continue;
    Step plan = same->plan;
    *same = done;
    same->plan = plan;
  }
  for (const IncidentMessage& m : narrow.messages)
    if (std::none_of(wide.messages.begin(), wide.messages.end(), [&](const IncidentMessage& w) { return w.id == m.id; })) wide.messages.push_back(m);
  for (const std::string& component : narrow.explains)
    if (std::find(wide.explains.begin(), wide.explains.end(), component) == wide.explains.end()) wide.explains.push_back(component);
  wide.timeline.insert(wide.timeline.end(), narrow.timeline.begin(), narrow.timeline.end());
  std::stable_sort(wide.timeline.begin(), wide.timeline.end(), [](const Event& a, const Event& b) { return a.seq < b.seq; });
}
void incident_absorbed(Record& r, const Event& e) {
  Incident* narrow = incident_of(r, e);
  auto wide = r.incidents.find(json::text(e.body, "absorbed_by"));
  if (!narrow || wide == r.incidents.end()) return;
  narrow->state = IncidentState::absorbed;
  narrow->absorbed_by = wide->first;
  take_over(wide->second, *narrow);
}

// The new scenario's plan with what was already done; done steps that it does not have stay, as history.
void incident_refiled(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  Incident as_new = incident_from_json(e.body.at("incident"));
  for (IncidentStep old : i->steps) {
    if (IncidentStep* same = as_new.step(old.plan.id)) {
      if (!old.closed()) continue;
      Step plan = same->plan;
      *same = old;
      same->plan = plan;
    } else if (old.state != StepState::open) {
      old.plan.critical = false;
      as_new.steps.push_back(old);
    }
  }
  i->scenario = as_new.scenario;
  i->title = as_new.title;
  i->summary = as_new.summary;
  i->severity = as_new.severity;
  i->of_class = as_new.of_class;
  i->affects = as_new.affects;
  i->rto = as_new.rto;
  i->ack_within = as_new.ack_within;
  i->reopen_within = as_new.reopen_within;
  i->exit = as_new.exit;
  i->trigger = as_new.trigger;
  i->trigger.supersedes.push_back(json::text(e.body, "from"));  // what it was first must not open beside it
  i->steps = as_new.steps;
  i->message_plans = as_new.message_plans;
  i->scenario_hash = as_new.scenario_hash;
  r.pending.erase(i->scenario);
}
void incident_corrected(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  if (!i->started_at_found) i->started_at_found = i->started_at;
  i->started_at = json::time(e.body, "started_at");
  i->started_by = "corrected by " + e.by;
}
void incident_explains(Record& r, const Event& e) {
  if (Incident* i = incident_of(r, e)) i->explains.push_back(e.component);
}

// ---- steps

IncidentStep* step_of(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  return i ? i->step(json::text(e.body, "step")) : nullptr;
}
void end_step(Record& r, const Event& e, StepState state) {
  IncidentStep* s = step_of(r, e);
  if (!s) return;
  s->state = state;
  s->ended_at = e.at;
  s->by = e.by;
  s->note = json::text(e.body, "note");
  s->evidence = json::text(e.body, "evidence");
  if (json::flag(e.body, "verified")) {
    s->holds_since = json::maybe_time(e.body, "holds_since");
    s->proves = json::flag(e.body, "proves");
  }
}
void reset_step(IncidentStep& s) {
  s.state = StepState::open;
  s.started_at.reset();
  s.ended_at.reset();
  s.holds_since.reset();
  s.proves.reset();
  s.by.clear();
  s.evidence.clear();
}
void step_started(Record& r, const Event& e) {
  if (IncidentStep* s = step_of(r, e)) s->state = StepState::started, s->started_at = e.at, s->by = e.by;
}
void step_running(Record& r, const Event& e) {
  if (IncidentStep* s = step_of(r, e)) s->state = StepState::running, s->started_at = e.at, s->ended_at.reset(), s->by = e.by;
}
void step_done(Record& r, const Event& e) { end_step(r, e, StepState::done); }
void step_skipped(Record& r, const Event& e) { end_step(r, e, StepState::skipped); }
void step_failed(Record& r, const Event& e) { end_step(r, e, StepState::failed); }
void step_interrupted(Record& r, const Event& e) { end_step(r, e, StepState::interrupted); }
void step_undone(Record& r, const Event& e) {
  if (IncidentStep* s = step_of(r, e)) {
    reset_step(*s);
    s->note = json::text(e.body, "note");
  }
}
void step_broke(Record& r, const Event& e) {
  if (IncidentStep* s = step_of(r, e)) {
    reset_step(*s);
    s->broke_at = e.at;
    s->held_at_opening = false;
  }
}

// ---- messages

void message_drafted(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return;
  IncidentMessage m;
  m.id = json::text(e.body, "message");
  m.audience = json::text(e.body, "audience");
  m.when = json::text(e.body, "when");
  m.state = e.kind == "message.failed" ? "failed" : "draft";
  m.subject = json::text(e.body, "subject");
  m.body = json::text(e.body, "body");
  m.missing = json::texts(e.body, "missing");
  m.drafted_at = e.at;
  std::erase_if(i->messages, [&](const IncidentMessage& old) { return old.id == m.id; });
  i->messages.push_back(m);
}
IncidentMessage* message_of(Record& r, const Event& e) {
  Incident* i = incident_of(r, e);
  if (!i) return nullptr;
  std::string id = json::text(e.body, "message");
  auto it = std::find_if(i->messages.begin(), i->messages.end(), [&](const IncidentMessage& m) { return m.id == id; });
  return it == i->messages.end() ? nullptr : &*it;
}
void message_approved(Record& r, const Event& e) {
  if (IncidentMessage* m = message_of(r, e)) m->state = "approved", m->by = e.by;
}
void message_sent(Record& r, const Event& e) {
  if (IncidentMessage* m = message_of(r, e)) m->state = "sent", m->by = e.by, m->sent_at = e.at;
}

// ---- alerts and the journal

void alert_fired(Record& r, const Event& e) {
  AlertRecord& a = r.alerts[json::text(e.body, "alert")];
  a.labels = e.body.at("labels").get<std::map<std::string, std::string>>();
  a.annotations = e.body.at("annotations").get<std::map<std::string, std::string>>();
  a.starts_at = json::time(e.body, "starts_at");
  a.resolved_at.reset();
  a.order = e.seq;
}
void alert_resolved(Record& r, const Event& e) {
  auto a = r.alerts.find(json::text(e.body, "alert"));
  if (a != r.alerts.end()) a->second.resolved_at = e.at, a->second.order = e.seq;
  std::erase_if(r.alerts, [&](const auto& entry) { return entry.second.resolved_at && *entry.second.resolved_at < e.at - resolved_alerts_kept; });
}
void drill_passed(Record& r, const Event& e) { r.drill_passed[e.scenario] = e.at; }
void journal_failing(Record& r, const Event&) { r.journal_failing = true; }
void journal_mended(Record& r, const Event&) { r.journal_failing = false; }

using Meaning = void (*)(Record&, const Event&);
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
      {"drill.passed", drill_passed},
      {"finding.appeared", finding_appeared},
      {"finding.gone", finding_gone},
      {"incident.absorbed", incident_absorbed},
      {"incident.acknowledged", incident_acknowledged},
      {"incident.corrected", incident_corrected},
      {"incident.explains", incident_explains},
      {"incident.opened", incident_opened},
      {"incident.recovered", incident_recovered},
      {"incident.refiled", incident_refiled},
      {"incident.reopened", incident_reopened},
      {"incident.resolved", incident_resolved},
      {"journal.failing", journal_failing},
      {"journal.mended", journal_mended},
      {"maintenance.began", maintenance_began},
      {"maintenance.ended", maintenance_ended},
      {"message.approved", message_approved},
      {"message.drafted", message_drafted},
      {"message.failed", message_drafted},
      {"message.sent", message_sent},
      {"objective.changed", objective_changed},
      {"probe.changed", probe_changed},
      {"probe.cleared", probe_cleared},
      {"probe.removed", probe_removed},
      {"probe.suspected", probe_suspected},
      {"scenario.calm", scenario_calm},
      {"scenario.pending", scenario_pending},
      {"signal.cleared", signal_cleared},
      {"signal.expired", signal_cleared},
      {"signal.raised", signal_raised},
      {"step.broke", step_broke},
      {"step.done", step_done},
      {"step.failed", step_failed},
      {"step.interrupted", step_interrupted},
      {"step.running", step_running},
      {"step.skipped", step_skipped},
      {"step.started", step_started},
      {"step.undone", step_undone},
  };
  return table;
}

}  // namespace

void apply(Record& record, const Event& event) {
  if (auto meaning = meanings().find(event.kind); meaning != meanings().end()) meaning->second(record, event);
  if (Incident* incident = incident_of(record, event)) {
    incident->timeline.push_back(event);
    // The opening carries the whole incident; in its own timeline that would be the incident in itself.
    incident->timeline.back().body.erase("incident");
  }
  record.seq = event.seq;
  record.at = event.at;
}

}  // namespace drwatch
