// SPDX-License-Identifier: Apache-2.0
// An incident in the journal's words: whole, so that an opening carries everything that was decided. The API's document is another
// (daemon/web/api/view).
#include "daemon/recovery/record/json.hpp"

namespace drwatch {
namespace {

Json of(const Condition& c) {
  return {{"text", c.text},       {"subject", static_cast<int>(c.subject)},
          {"name", c.name},       {"class", c.of_class ? Json(class_name(*c.of_class)) : Json(nullptr)},
          {"negated", c.negated}, {"holds", static_cast<int>(c.holds)}};
}
Condition condition(const Json& j) {
  Condition c;
  c.text = json::text(j, "text");
  c.subject = static_cast<Condition::Subject>(j.at("subject").get<int>());
  c.name = json::text(j, "name");
  c.of_class = parse_class(json::text(j, "class"));
  c.negated = json::flag(j, "negated");
  c.holds = static_cast<Condition::Holds>(j.at("holds").get<int>());
  return c;
}

Json of(const std::vector<Condition>& conditions) {
  Json list = Json::array();
  for (const Condition& c : conditions) list.push_back(of(c));
  return list;
}
std::vector<Condition> conditions(const Json& j, const char* key) {
  std::vector<Condition> all;
  for (const Json& c : j.at(key)) all.push_back(condition(c));
  return all;
}

Json of(const Trigger& t) {
  return {{"any", of(t.any)}, {"all", of(t.all)}, {"none", of(t.none)}, {"for_ms", json::of(t.hold_for)}, {"supersedes", t.supersedes}};
}
Trigger trigger(const Json& j) {
  Trigger t;
  t.any = conditions(j, "any");
  t.all = conditions(j, "all");
  t.none = conditions(j, "none");
  t.hold_for = json::duration(j, "for_ms", Duration{0});
  t.supersedes = json::texts(j, "supersedes");
  return t;
}

Json of(const Exit& e) {
  const char* by[] = {"automatic", "health", "steps"};
  return {{"by", by[static_cast<int>(e.by)]}, {"all", of(e.all)}, {"for_ms", json::of(e.hold_for)}};
}
Exit exit_from(const Json& j) {
  Exit e;
  std::string by = json::text(j, "by");
  e.by = by == "health" ? Exit::By::health : by == "steps" ? Exit::By::steps : Exit::By::automatic;
  e.all = conditions(j, "all");
  e.hold_for = json::duration(j, "for_ms", minutes{1});
  return e;
}

Json of(const Step& s) {
  return {{"id", s.id},
          {"title", s.title},
          {"critical", s.critical},
          {"owner", s.owner ? Json(*s.owner) : Json(nullptr)},
          {"expect_ms", json::of(s.expect)},
          {"per_gib_ms", json::of(s.per_gib)},
          {"after", s.after},
          {"option", s.option},
          {"guide", s.guide},
          {"verify", s.verify ? of(*s.verify) : Json(nullptr)},
          {"hold_ms", json::of(s.hold)},
          {"run", s.run},
          {"auto", s.automatic},
          {"timeout_ms", json::of(s.timeout)}};
}
Step plan(const Json& j) {
  Step s;
  s.id = json::text(j, "id");
  s.title = json::text(j, "title");
  s.critical = json::flag(j, "critical");
  if (auto owner = json::text(j, "owner"); !owner.empty()) s.owner = owner;
  s.expect = json::maybe_duration(j, "expect_ms");
  s.per_gib = json::maybe_duration(j, "per_gib_ms");
  s.after = json::texts(j, "after");
  s.option = json::text(j, "option");
  s.guide = json::text(j, "guide");
  if (j.contains("verify") && !j["verify"].is_null()) s.verify = condition(j["verify"]);
  s.hold = json::duration(j, "hold_ms", minutes{1});
  s.run = json::texts(j, "run");
  s.automatic = json::flag(j, "auto");
  s.timeout = json::duration(j, "timeout_ms", minutes{10});
  return s;
}

Json of(const IncidentStep& s) {
  return {{"plan", of(s.plan)},
          {"state", state_name(s.state)},
          {"started_at", json::of(s.started_at)},
          {"ended_at", json::of(s.ended_at)},
          {"broke_at", json::of(s.broke_at)},
          {"by", s.by},
          {"note", s.note},
          {"holds_since", json::of(s.holds_since)},
          {"held_at_opening", s.held_at_opening},
          {"proves", s.proves ? Json(*s.proves) : Json(nullptr)},
          {"evidence", s.evidence}};
}
StepState step_state(const std::string& text) {
  for (StepState s : {StepState::open, StepState::started, StepState::running, StepState::done, StepState::skipped, StepState::failed,
                      StepState::interrupted})
    if (state_name(s) == text) return s;
  return StepState::open;
}
IncidentStep step_from(const Json& j) {
  IncidentStep s;
  s.plan = plan(j.at("plan"));
  s.state = step_state(json::text(j, "state"));
  s.started_at = json::maybe_time(j, "started_at");
  s.ended_at = json::maybe_time(j, "ended_at");
  s.broke_at = json::maybe_time(j, "broke_at");
  s.by = json::text(j, "by");
  s.note = json::text(j, "note");
  s.holds_since = json::maybe_time(j, "holds_since");
  s.held_at_opening = json::flag(j, "held_at_opening");
  if (j.contains("proves") && !j["proves"].is_null()) s.proves = j["proves"].get<bool>();
  s.evidence = json::text(j, "evidence");
  return s;
}

Json of(const Message& m) {
  return {{"id", m.id},           {"audience", m.audience}, {"when", static_cast<int>(m.when)}, {"every_ms", json::of(m.every)},
          {"subject", m.subject}, {"body", m.body}};
}
Message message_plan(const Json& j) {
  Message m;
  m.id = json::text(j, "id");
  m.audience = json::text(j, "audience");
  m.when = static_cast<Message::When>(j.at("when").get<int>());
  m.every = json::maybe_duration(j, "every_ms");
  m.subject = json::text(j, "subject");
  m.body = json::text(j, "body");
  return m;
}

Json of(const IncidentMessage& m) {
  return {{"id", m.id},
          {"audience", m.audience},
          {"when", m.when},
          {"state", m.state},
          {"subject", m.subject},
          {"body", m.body},
          {"missing", m.missing},
          {"by", m.by},
          {"drafted_at", json::of(m.drafted_at)},
          {"sent_at", json::of(m.sent_at)}};
}
IncidentMessage message_from(const Json& j) {
  IncidentMessage m;
  m.id = json::text(j, "id");
  m.audience = json::text(j, "audience");
  m.when = json::text(j, "when");
  m.state = json::text(j, "state");
  m.subject = json::text(j, "subject");
  m.body = json::text(j, "body");
  m.missing = json::texts(j, "missing");
  m.by = json::text(j, "by");
  m.drafted_at = json::time(j, "drafted_at");
  m.sent_at = json::maybe_time(j, "sent_at");
  return m;
}

template <class T>
Json list_of(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& v : values) list.push_back(of(v));
  return list;
}
template <class T>
std::vector<T> list_from(const Json& j, const char* key, T (*one)(const Json&)) {
  std::vector<T> all;
  for (const Json& v : j.at(key)) all.push_back(one(v));
  return all;
}

Json of(const std::optional<Second>& s) {
  return s ? Json{{"scenario", s->scenario}, {"title", s->title}, {"because", json::of(s->because)}, {"tells_apart", s->tells_apart}}
           : Json(nullptr);
}
std::optional<Second> second_from(const Json& j) {
  auto s = j.find("second");
  if (s == j.end() || s->is_null()) return std::nullopt;
  return Second{json::text(*s, "scenario"), json::text(*s, "title"), json::evidence(*s, "because"), json::texts(*s, "tells_apart")};
}

}  // namespace

Json to_json(const Projection& p) {
  Json ways = Json::array();
  for (const WayOut& w : p.ways)
    ways.push_back(
        {{"option", w.option}, {"p50_seconds", w.p50_seconds}, {"p90_seconds", w.p90_seconds}, {"decide_by", json::of(w.decide_by)}});
  return {{"at", json::of(p.at)},
          {"p50_seconds", p.p50_seconds},
          {"p90_seconds", p.p90_seconds},
          {"missing", p.missing},
          {"decide_by", json::of(p.decide_by)},
          {"way", p.way},
          {"ways", ways},
          {"critical_path", p.critical_path},
          {"overrun", p.overrun},
          {"unplanned", p.unplanned},
          {"unsized", p.unsized},
          {"data_bytes", json::of(p.data_bytes)},
          {"hours", p.hours},
          {"basis", p.basis}};
}
Projection projection_from_json(const Json& j) {
  Projection p;
  p.at = json::time(j, "at");
  p.p50_seconds = j.at("p50_seconds").get<double>();
  p.p90_seconds = j.at("p90_seconds").get<double>();
  p.missing = j.at("missing").get<double>();
  p.decide_by = json::time(j, "decide_by");
  p.way = json::text(j, "way");
  for (const Json& w : j.at("ways"))
    p.ways.push_back(
        {json::text(w, "option"), w.at("p50_seconds").get<double>(), w.at("p90_seconds").get<double>(), json::time(w, "decide_by")});
  p.critical_path = json::texts(j, "critical_path");
  p.overrun = json::texts(j, "overrun");
  p.unplanned = json::texts(j, "unplanned");
  p.unsized = json::texts(j, "unsized");
  p.data_bytes = json::maybe_number(j, "data_bytes");
  p.hours = json::text(j, "hours");
  p.basis = json::text(j, "basis");
  return p;
}

Json to_json(const Loss& l) {
  return {{"from", json::of(l.from)},
          {"source", l.source},
          {"until", json::of(l.until)},
          {"lost_ms", json::of(l.lost)},
          {"noticed_after_ms", json::of(l.noticed_after)},
          {"estimated", l.estimated}};
}
std::optional<Loss> loss_from_json(const Json& j) {
  if (!j.is_object()) return std::nullopt;
  return Loss{json::maybe_time(j, "from"),
              json::text(j, "source"),
              json::time(j, "until"),
              json::maybe_duration(j, "lost_ms"),
              json::maybe_duration(j, "noticed_after_ms"),
              json::flag(j, "estimated")};
}

Json to_json(const Incident& i) {
  Json well = Json::array();
  for (const auto& [from, until] : i.looked_well) well.push_back({json::of(from), json::of(until)});
  Json timeline = Json::array();
  for (const Event& e : i.timeline) timeline.push_back(to_json(e));
  return {{"id", i.id},
          {"scenario", i.scenario},
          {"title", i.title},
          {"summary", i.summary},
          {"severity", i.severity},
          {"class", i.of_class},
          {"state", state_name(i.state)},
          {"affects", i.affects},
          {"explains", i.explains},
          {"started_at", json::of(i.started_at)},
          {"detected_at", json::of(i.detected_at)},
          {"opened_at", json::of(i.opened_at)},
          {"started_by", i.started_by},
          {"started_at_found", json::of(i.started_at_found)},
          {"acknowledged_at", json::of(i.acknowledged_at)},
          {"recovered_at", json::of(i.recovered_at)},
          {"resolved_at", json::of(i.resolved_at)},
          {"acknowledged_by", i.acknowledged_by},
          {"opened_by", i.opened_by},
          {"bad_change_at", json::of(i.bad_change_at)},
          {"bad_change_by", i.bad_change_by},
          {"bad_change_note", i.bad_change_note},
          {"loss", i.loss ? to_json(*i.loss) : Json(nullptr)},
          {"absorbed", i.absorbed},
          {"absorbed_by", i.absorbed_by},
          {"false_alarm", i.false_alarm},
          {"rto_ms", json::of(i.rto)},
          {"ack_within_ms", json::of(i.ack_within)},
          {"reopen_within_ms", json::of(i.reopen_within)},
          {"exit", of(i.exit)},
          {"trigger", of(i.trigger)},
          {"because", json::of(i.because)},
          {"second", of(i.second)},
          {"projection", i.projection ? to_json(*i.projection) : Json(nullptr)},
          {"steps", list_of(i.steps)},
          {"messages", list_of(i.messages)},
          {"message_plans", list_of(i.message_plans)},
          {"scenario_hash", i.scenario_hash},
          {"data_bytes", json::of(i.data_bytes)},
          {"looked_well", well},
          {"timeline", timeline}};
}

Incident incident_from_json(const Json& j) {
  Incident i;
  i.id = j.at("id").get<std::string>();
  i.scenario = json::text(j, "scenario");
  i.title = json::text(j, "title");
  i.summary = json::text(j, "summary");
  i.severity = json::text(j, "severity");
  i.of_class = json::text(j, "class");
  std::string state = json::text(j, "state");
  for (IncidentState s : {IncidentState::open, IncidentState::recovered, IncidentState::resolved, IncidentState::absorbed})
    if (state_name(s) == state) i.state = s;
  i.affects = json::texts(j, "affects");
  i.explains = json::texts(j, "explains");
  i.started_at = json::time(j, "started_at");
  i.detected_at = json::time(j, "detected_at");
  i.opened_at = json::time(j, "opened_at");
  i.started_by = json::text(j, "started_by");
  i.started_at_found = json::maybe_time(j, "started_at_found");
  i.acknowledged_at = json::maybe_time(j, "acknowledged_at");
  i.recovered_at = json::maybe_time(j, "recovered_at");
  i.resolved_at = json::maybe_time(j, "resolved_at");
  i.acknowledged_by = json::text(j, "acknowledged_by");
  i.opened_by = json::text(j, "opened_by");
  i.bad_change_at = json::maybe_time(j, "bad_change_at");
  i.bad_change_by = json::text(j, "bad_change_by");
  i.bad_change_note = json::text(j, "bad_change_note");
  i.loss = loss_from_json(j.value("loss", Json()));
  i.absorbed = json::texts(j, "absorbed");
  i.absorbed_by = json::text(j, "absorbed_by");
  i.false_alarm = json::flag(j, "false_alarm");
  i.rto = json::duration(j, "rto_ms", Duration{0});
  i.ack_within = json::duration(j, "ack_within_ms", Duration{0});
  i.reopen_within = json::duration(j, "reopen_within_ms", Duration{0});
  i.exit = exit_from(j.at("exit"));
  i.trigger = trigger(j.at("trigger"));
  i.because = json::evidence(j, "because");
  i.second = second_from(j);
  if (auto p = j.find("projection"); p != j.end() && !p->is_null()) i.projection = projection_from_json(*p);
  i.steps = list_from(j, "steps", step_from);
  i.messages = list_from(j, "messages", message_from);
  i.message_plans = list_from(j, "message_plans", message_plan);
  i.scenario_hash = json::text(j, "scenario_hash");
  i.data_bytes = json::maybe_number(j, "data_bytes");
  for (const Json& span : j.at("looked_well"))
    i.looked_well.emplace_back(*parse_time(span.at(0).get<std::string>()), *parse_time(span.at(1).get<std::string>()));
  i.timeline = list_from(j, "timeline", event_from_json);
  return i;
}

}  // namespace drwatch
