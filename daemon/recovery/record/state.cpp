// SPDX-License-Identifier: Apache-2.0
// The record as JSON: the snapshot, and how two states are compared.
#include "daemon/recovery/record/state.hpp"

#include "daemon/recovery/record/json.hpp"

namespace drwatch {

std::string_view standing_name(Standing s) {
  switch (s) {
    case Standing::met:
      return "met";
    case Standing::at_risk:
      return "at-risk";
    case Standing::breached:
      return "breached";
    case Standing::unproven:
      return "unproven";
  }
  return "";
}

int rank(Standing s) { return s == Standing::breached ? 3 : s == Standing::at_risk ? 2 : s == Standing::unproven ? 1 : 0; }

std::optional<Standing> parse_standing(std::string_view name) {
  for (Standing s : {Standing::met, Standing::at_risk, Standing::breached, Standing::unproven})
    if (standing_name(s) == name) return s;
  return std::nullopt;
}

std::string objective_key(const std::string& component, DisasterClass c) { return component + " rpo " + std::string(class_name(c)); }

namespace {

Health health_from(const Json& j) { return parse_health(json::text(j, "health")).value_or(Health::unknown); }

Json of(const std::optional<Stretch>& s) {
  if (!s) return nullptr;
  Json j{{"first_bad_at", json::of(s->first_bad_at)}, {"last_good_at", json::of(s->last_good_at)}};
  if (s->last_degraded) j["last_degraded"] = true;
  return j;
}
std::optional<Stretch> stretch(const Json& j, const char* key) {
  if (!j.contains(key) || j[key].is_null()) return std::nullopt;
  return Stretch{json::time(j[key], "first_bad_at"), json::maybe_time(j[key], "last_good_at"), json::flag(j[key], "last_degraded")};
}

Json of(const std::map<std::string, LatchRecord>& latches) {
  Json all = Json::object();
  for (const auto& [key, latch] : latches)
    all[key] = {
        {"at", json::of(latch.at)}, {"message", latch.message}, {"acknowledged", latch.acknowledged}, {"set_at", json::of(latch.set_at)}};
  return all;
}
std::map<std::string, LatchRecord> latches_from(const Json& j) {
  std::map<std::string, LatchRecord> latches;
  if (j.contains("latches"))
    for (const auto& [key, latch] : j["latches"].items())
      latches[key] = {json::time(latch, "at"), json::text(latch, "message"), json::flag(latch, "acknowledged"),
                      json::maybe_time(latch, "set_at").value_or(json::time(latch, "at"))};
  return latches;
}

Json of(const Turns& t) {
  Json j = Json::object();
  if (t.bad != Time{}) j["bad"] = json::of(t.bad);
  if (t.not_down != Time{}) j["not_down"] = json::of(t.not_down);
  return j;
}
Turns turns_from(const Json& j) {
  const Json& turns = j.contains("turns") ? j["turns"] : Json::object();
  return {json::maybe_time(turns, "bad").value_or(Time{}), json::maybe_time(turns, "not_down").value_or(Time{})};
}

Json of(const ProbeRecord& p) {
  Json j = {
      {"health", health_name(p.health)}, {"since", json::of(p.since)}, {"reason", reason_name(p.reason)},      {"message", p.message},
      {"degraded", of(p.degraded)},      {"down", of(p.down)},         {"good_since", json::of(p.good_since)}, {"turns", of(p.turns)}};
  if (!p.latches.empty()) j["latches"] = of(p.latches);
  if (p.by_share) j["by_share"] = true;
  return j;
}
ProbeRecord probe_from(const Json& j) {
  ProbeRecord p;
  p.health = health_from(j);
  p.since = json::time(j, "since");
  p.reason = parse_reason(json::text(j, "reason")).value_or(Reason::none);
  p.message = json::text(j, "message");
  p.degraded = stretch(j, "degraded");
  p.down = stretch(j, "down");
  p.good_since = json::maybe_time(j, "good_since");
  p.by_share = j.contains("by_share") && j["by_share"] == true;
  p.turns = turns_from(j);
  p.latches = latches_from(j);
  return p;
}

Json of(const ComponentRecord& c) {
  return {{"health", health_name(c.health)},
          {"since", json::of(c.since)},
          {"message", c.message},
          {"good_since", json::of(c.good_since)},
          {"turns", of(c.turns)}};
}
ComponentRecord component_from(const Json& j) {
  return {health_from(j), json::time(j, "since"), json::text(j, "message"), json::maybe_time(j, "good_since"), turns_from(j)};
}

Json of(const ObjectiveRecord& o) {
  return {{"standing", standing_name(o.standing)},
          {"structural", o.structural},
          {"since", json::of(o.since)},
          {"message", o.message},
          {"turns", of(o.turns)}};
}
Standing standing_from(const Json& j) { return parse_standing(json::text(j, "standing")).value_or(Standing::unproven); }
ObjectiveRecord objective_from(const Json& j) {
  ObjectiveRecord o;
  o.standing = standing_from(j);
  o.structural = json::flag(j, "structural");
  o.since = json::time(j, "since");
  o.message = json::text(j, "message");
  o.turns = turns_from(j);
  return o;
}

Json of(const SignalRecord& s) {
  Json raisings = Json::object();
  for (const auto& [alert, r] : s.raisings)
    raisings[alert] = {{"by", r.by},
                       {"note", r.note},
                       {"since", json::of(r.since)},
                       {"expires_at", json::of(r.expires_at)},
                       {"starts_at", r.starts_at == Time{} ? Json(nullptr) : json::of(r.starts_at)}};
  return {{"raised", s.raised},
          {"since", json::of(s.since)},
          {"raised_at", json::of(s.raised_at)},
          {"expires_at", json::of(s.expires_at)},
          {"by", s.by},
          {"note", s.note},
          {"raisings", raisings}};
}
SignalRecord signal_from(const Json& j) {
  SignalRecord s;
  s.raised = json::flag(j, "raised");
  s.since = json::time(j, "since");
  s.raised_at = json::maybe_time(j, "raised_at").value_or(s.since);
  s.expires_at = json::maybe_time(j, "expires_at");
  s.by = json::text(j, "by");
  s.note = json::text(j, "note");
  if (j.contains("raisings"))
    for (const auto& [alert, r] : j["raisings"].items())
      s.raisings[alert] = {json::text(r, "by"), json::text(r, "note"), json::time(r, "since"), json::maybe_time(r, "expires_at"),
                           json::maybe_time(r, "starts_at").value_or(Time{})};
  else if (s.raised)  // written by a release that did not tell them apart
    s.raisings[""] = {s.by, s.note, s.since, s.expires_at, {}};
  return s;
}

Json of(const MaintenanceRecord& m) {
  return {{"id", m.id},    {"components", m.components}, {"began_at", json::of(m.began_at)}, {"until", json::of(m.until)}, {"by", m.by},
          {"note", m.note}};
}
MaintenanceRecord maintenance_from(const Json& j) {
  return {json::text(j, "id"),    json::texts(j, "components"), json::time(j, "began_at"),
          json::time(j, "until"), json::text(j, "by"),          json::text(j, "note")};
}

Json of(const PendingRecord& p) {
  return {{"since", json::of(p.since)},           {"opens_at", json::of(p.opens_at)}, {"held_at", json::of(p.held_at)},
          {"started_at", json::of(p.started_at)}, {"started_by", p.started_by},       {"because", json::of(p.because)}};
}
PendingRecord pending_from(const Json& j) {
  return {json::time(j, "since"),      json::time(j, "opens_at"),   json::maybe_time(j, "held_at"),
          json::time(j, "started_at"), json::text(j, "started_by"), json::evidence(j, "because")};
}

Json of(const FalseAlarm& f) {
  return {{"incident", f.incident},     {"by", f.by},      {"at", json::of(f.at)}, {"conditions", f.conditions},
          {"components", f.components}, {"worst", f.worst}};
}
FalseAlarm false_alarm_from(const Json& j) {
  return {json::text(j, "incident"),    json::text(j, "by"),          json::time(j, "at"),
          json::texts(j, "conditions"), json::texts(j, "components"), json::texts(j, "worst")};
}

Json of(const AlertRecord& a) {
  return {{"labels", a.labels},
          {"starts_at", json::of(a.starts_at)},
          {"resolved_at", json::of(a.resolved_at)},
          {"annotations", a.annotations},
          {"order", a.order}};
}
AlertRecord alert_from(const Json& j) {
  return {j.at("labels").get<std::map<std::string, std::string>>(), json::time(j, "starts_at"), json::maybe_time(j, "resolved_at"),
          j.at("annotations").get<std::map<std::string, std::string>>(), j.at("order").get<std::uint64_t>()};
}

Json of(const FindingRecord& f) {
  return {{"finding", f.finding}, {"component", f.component}, {"class", f.of_class}, {"message", f.message}, {"since", json::of(f.since)}};
}
FindingRecord finding_from(const Json& j) {
  return {json::text(j, "finding"), json::text(j, "component"), json::text(j, "class"), json::text(j, "message"), json::time(j, "since")};
}

Json of(const Incident& i) { return to_json(i); }
Json of(Time t) { return json::of(t); }
Time time_from(const Json& j) { return parse_time(j.get<std::string>()).value_or(Time{}); }

Json of(const DrillRecord& d) {
  return {{"at", json::of(d.at)},
          {"recovery_seconds", json::of(d.recovery_seconds)},
          {"data_loss_seconds", json::of(d.data_loss_seconds)},
          {"data_bytes", json::of(d.data_bytes)},
          {"critical_hash", d.critical_hash},
          {"rto_seconds", json::of(d.rto_seconds)},
          {"rpo_seconds", json::of(d.rpo_seconds)}};
}
DrillRecord drill_from(const Json& j) {
  DrillRecord d;
  if (j.is_string()) {  // a snapshot of 0.1.0
    d.at = time_from(j);
    return d;
  }
  d.at = json::time(j, "at");
  d.recovery_seconds = json::maybe_number(j, "recovery_seconds");
  d.data_loss_seconds = json::maybe_number(j, "data_loss_seconds");
  d.data_bytes = json::maybe_number(j, "data_bytes");
  d.critical_hash = json::text(j, "critical_hash");
  d.rto_seconds = json::maybe_number(j, "rto_seconds");
  d.rpo_seconds = json::maybe_number(j, "rpo_seconds");
  return d;
}

Json of(const FailedDrill& d) { return {{"at", json::of(d.at)}, {"longest_seconds", json::of(d.longest_seconds)}}; }
FailedDrill failed_drill_from(const Json& j) { return {json::time(j, "at"), json::maybe_number(j, "longest_seconds")}; }

Json of(const ScenarioRecord& s) {
  return {{"standing", standing_name(s.standing)},
          {"since", json::of(s.since)},
          {"message", s.message},
          {"p50_seconds", json::of(s.p50_seconds)},
          {"p90_seconds", json::of(s.p90_seconds)},
          {"basis", s.basis}};
}
ScenarioRecord scenario_from(const Json& j) {
  return {standing_from(j),
          json::time(j, "since"),
          json::text(j, "message"),
          json::maybe_number(j, "p50_seconds"),
          json::maybe_number(j, "p90_seconds"),
          json::text(j, "basis")};
}

template <class Map>
Json map_of(const Map& values) {
  Json object = Json::object();
  for (const auto& [key, value] : values) object[key] = of(value);
  return object;
}
template <class T>
std::map<std::string, T> map_from(const Json& j, const char* key, T (*one)(const Json&)) {
  std::map<std::string, T> all;
  for (const auto& [name, value] : j.at(key).items()) all.emplace(name, one(value));
  return all;
}

}  // namespace

Json to_json(const Record& r) {
  Json spans = Json::array();
  for (const Span& s : r.blind_spans) spans.push_back({json::of(s.from), json::of(s.until)});
  return {{"seq", r.seq},
          {"at", json::of(r.at)},
          {"probes", map_of(r.probes)},
          {"components", map_of(r.components)},
          {"objectives", map_of(r.objectives)},
          {"signals", map_of(r.signals)},
          {"maintenance", map_of(r.maintenance)},
          {"pending", map_of(r.pending)},
          {"incidents", map_of(r.incidents)},
          {"alerts", map_of(r.alerts)},
          {"findings", map_of(r.findings)},
          {"blind_since", json::of(r.blind_since)},
          {"blind_spans", spans},
          {"first_seen", map_of(r.first_seen)},
          {"drill_passed", map_of(r.drills)},
          {"drill_failed", map_of(r.failed_drills)},
          {"scenarios", map_of(r.scenarios)},
          {"measured", to_json(r.measured)},
          {"journal_failing", r.journal_failing},
          {"false_alarms", map_of(r.false_alarms)},
          {"drilling", to_json(r.drilling)}};
}

Record record_from_json(const Json& j) {
  Record r;
  r.seq = j.at("seq").get<std::uint64_t>();
  r.at = json::time(j, "at");
  r.probes = map_from(j, "probes", probe_from);
  r.components = map_from(j, "components", component_from);
  r.objectives = map_from(j, "objectives", objective_from);
  r.signals = map_from(j, "signals", signal_from);
  r.maintenance = map_from(j, "maintenance", maintenance_from);
  r.pending = map_from(j, "pending", pending_from);
  for (const Json& incident : j.at("incidents")) r.incidents.put(incident_from_json(incident));
  r.alerts = map_from(j, "alerts", alert_from);
  r.findings = map_from(j, "findings", finding_from);
  r.blind_since = json::maybe_time(j, "blind_since");
  for (const Json& span : j.at("blind_spans")) r.blind_spans.push_back({time_from(span.at(0)), time_from(span.at(1))});
  r.first_seen = map_from(j, "first_seen", time_from);
  if (j.contains("drill_passed")) r.drills = map_from(j, "drill_passed", drill_from);
  if (j.contains("drill_failed")) r.failed_drills = map_from(j, "drill_failed", failed_drill_from);
  if (j.contains("scenarios")) r.scenarios = map_from(j, "scenarios", scenario_from);
  if (j.contains("measured")) r.measured = measured_from_json(j.at("measured"));
  r.journal_failing = json::flag(j, "journal_failing");
  if (j.contains("false_alarms")) r.false_alarms = map_from(j, "false_alarms", false_alarm_from);
  if (j.contains("drilling")) r.drilling = drilling_from_json(j.at("drilling"));
  return r;
}

const Incident* worked(const Record& record, const std::string& id) {
  if (const auto incident = record.incidents.find(id); incident != record.incidents.end()) return &incident->second;
  const auto drill = record.drilling.held.find(id);
  return drill == record.drilling.held.end() ? nullptr : &drill->second.work;
}

Body body_of(const Record& record) { return Body::of(to_json(record)); }

// What a plugin prints need not be UTF-8.
std::string snapshot_text(const Record& record) { return to_json(record).dump(-1, ' ', false, Json::error_handler_t::replace); }

std::optional<Record> record_of_snapshot(const std::string& text) {
  try {
    return record_from_json(Json::parse(text));
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace drwatch
