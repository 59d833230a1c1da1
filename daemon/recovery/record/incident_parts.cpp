// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/record/incident_parts.hpp"

namespace drwatch::json {
namespace {

Json of(const Condition& c) {
  return {{"text", c.text},
          {"subject", static_cast<int>(c.subject)},
          {"name", c.name},
          {"class", c.of_class ? Json(class_name(*c.of_class)) : Json(nullptr)},
          {"negated", c.negated},
          {"holds", static_cast<int>(c.holds)},
          {"share", static_cast<int>(c.share)},
          {"by", c.by},
          {"lasting_ms", json::of(c.lasting)}};
}
Condition condition(const Json& j) {
  Condition c;
  c.text = json::text(j, "text");
  c.subject = static_cast<Condition::Subject>(j.at("subject").get<int>());
  c.name = json::text(j, "name");
  c.of_class = parse_class(json::text(j, "class"));
  c.negated = json::flag(j, "negated");
  c.holds = static_cast<Condition::Holds>(j.at("holds").get<int>());
  c.share = j.contains("share") ? static_cast<Condition::Share>(j.at("share").get<int>()) : Condition::Share::whole;
  c.by = json::text(j, "by");
  c.lasting = json::duration(j, "lasting_ms", Duration{0});
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
          {"evidence", s.evidence},
          {"against_evidence", s.against_evidence},
          {"ran", s.ran},
          {"undone_at", json::of(s.undone_at)}};
}
IncidentStep step_from(const Json& j) {
  IncidentStep s;
  s.plan = plan(j.at("plan"));
  s.state = parse_step_state(json::text(j, "state")).value_or(StepState::open);
  s.started_at = json::maybe_time(j, "started_at");
  s.ended_at = json::maybe_time(j, "ended_at");
  s.broke_at = json::maybe_time(j, "broke_at");
  s.by = json::text(j, "by");
  s.note = json::text(j, "note");
  s.holds_since = json::maybe_time(j, "holds_since");
  s.held_at_opening = json::flag(j, "held_at_opening");
  if (j.contains("proves") && !j["proves"].is_null()) s.proves = j["proves"].get<bool>();
  s.evidence = json::text(j, "evidence");
  s.against_evidence = json::flag(j, "against_evidence");
  s.ran = json::flag(j, "ran", !s.plan.run.empty() && s.ended_at.has_value());
  s.undone_at = json::maybe_time(j, "undone_at");
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
          {"when", moment_name(m.when)},
          {"state", state_name(m.state)},
          {"subject", m.subject},
          {"body", m.body},
          {"missing", m.missing},
          {"unknown", m.unknown},
          {"by", m.by},
          {"drafted_at", json::of(m.drafted_at)},
          {"sent_at", json::of(m.sent_at)}};
}
IncidentMessage message_from(const Json& j) {
  IncidentMessage m;
  m.id = json::text(j, "id");
  m.audience = json::text(j, "audience");
  m.when = parse_moment(json::text(j, "when")).value_or(Message::When::opened);
  m.state = parse_message_state(json::text(j, "state")).value_or(MessageState::draft);
  m.subject = json::text(j, "subject");
  m.body = json::text(j, "body");
  m.missing = json::texts(j, "missing");
  m.unknown = j.contains("unknown") ? json::texts(j, "unknown") : m.missing;
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

}  // namespace

Json of(const Trigger& t) {
  return {{"any", of(t.any)}, {"all", of(t.all)}, {"none", of(t.none)}, {"for_ms", json::of(t.hold_for)}, {"supersedes", t.supersedes}};
}
void read(const Json& whole, const char* key, Trigger& t) {
  const Json& j = whole.at(key);
  t.any = conditions(j, "any");
  t.all = conditions(j, "all");
  t.none = conditions(j, "none");
  t.hold_for = json::duration(j, "for_ms", Duration{0});
  t.supersedes = json::texts(j, "supersedes");
}

Json of(const Exit& e) {
  const char* by[] = {"automatic", "health", "steps"};
  return {{"by", by[static_cast<int>(e.by)]}, {"all", of(e.all)}, {"for_ms", json::of(e.hold_for)}};
}
void read(const Json& whole, const char* key, Exit& e) {
  const Json& j = whole.at(key);
  std::string by = json::text(j, "by");
  e.by = by == "health" ? Exit::By::health : by == "steps" ? Exit::By::steps : Exit::By::automatic;
  e.all = conditions(j, "all");
  e.hold_for = json::duration(j, "for_ms", minutes{1});
}

Json of(const std::optional<Second>& s) {
  return s ? Json{{"scenario", s->scenario}, {"title", s->title}, {"because", json::of(s->because)}, {"tells_apart", s->tells_apart}}
           : Json(nullptr);
}
void read(const Json& whole, const char* key, std::optional<Second>& into) {
  auto s = whole.find(key);
  if (s == whole.end() || s->is_null()) return into.reset();
  into = Second{json::text(*s, "scenario"), json::text(*s, "title"), json::evidence(*s, "because"), json::texts(*s, "tells_apart")};
}

Json of(IncidentState state) { return state_name(state); }
Json of(Severity severity) { return severity_name(severity); }
Json of(const std::optional<Loss>& loss) { return loss ? to_json(*loss) : Json(nullptr); }
Json of(const std::optional<Projection>& projection) { return projection ? to_json(*projection) : Json(nullptr); }
Json of(const std::vector<IncidentStep>& steps) { return list_of(steps); }
Json of(const std::vector<IncidentMessage>& messages) { return list_of(messages); }
Json of(const std::vector<Message>& plans) { return list_of(plans); }
Json of(const Spans& spans) {
  Json list = Json::array();
  for (const auto& [from, until] : spans) list.push_back({of(from), of(until)});
  return list;
}
Json of(const std::vector<Filed>& all) {
  Json list = Json::array();
  for (const Filed& f : all)
    list.push_back({{"scenario", f.scenario},
                    {"at", of(f.at)},
                    {"components", f.components},
                    {"conditions", f.conditions},
                    {"seen", f.seen ? of(*f.seen) : Json(nullptr)}});
  return list;
}
Json of(const std::vector<Event>& timeline) {
  Json list = Json::array();
  for (const Event& e : timeline) list.push_back(to_json(e));
  return list;
}

void read(const Json& whole, const char* key, std::string& into) { into = text(whole, key); }
void read(const Json& whole, const char* key, bool& into) { into = flag(whole, key, into); }
void read(const Json& whole, const char* key, std::vector<std::string>& into) { into = texts(whole, key); }
void read(const Json& whole, const char* key, Time& into) { into = time(whole, key); }
void read(const Json& whole, const char* key, Duration& into) { into = duration(whole, key, Duration{0}); }
void read(const Json& whole, const char* key, std::optional<Time>& into) { into = maybe_time(whole, key); }
void read(const Json& whole, const char* key, std::optional<double>& into) { into = maybe_number(whole, key); }
void read(const Json& whole, const char* key, std::vector<Evidence>& into) { into = evidence(whole, key); }
void read(const Json& whole, const char* key, IncidentState& into) {
  into = parse_incident_state(text(whole, key)).value_or(IncidentState::open);
}
void read(const Json& whole, const char* key, Severity& into) { into = parse_severity(text(whole, key)).value_or(Severity::critical); }
void read(const Json& whole, const char* key, std::optional<Loss>& into) { into = loss_from_json(whole.value(key, Json())); }
void read(const Json& whole, const char* key, std::optional<Projection>& into) {
  auto p = whole.find(key);
  if (p == whole.end() || p->is_null()) return into.reset();
  into = projection_from_json(*p);
}
void read(const Json& whole, const char* key, std::vector<IncidentStep>& into) { into = list_from(whole, key, step_from); }
void read(const Json& whole, const char* key, std::vector<IncidentMessage>& into) { into = list_from(whole, key, message_from); }
void read(const Json& whole, const char* key, std::vector<Message>& into) { into = list_from(whole, key, message_plan); }
void read(const Json& whole, const char* key, Spans& into) {
  into.clear();
  if (!whole.contains(key)) return;
  for (const Json& span : whole.at(key))
    into.emplace_back(*parse_time(span.at(0).get<std::string>()), *parse_time(span.at(1).get<std::string>()));
}
void read(const Json& whole, const char* key, std::vector<Filed>& into) {
  into.clear();
  if (!whole.contains(key)) return;
  for (const Json& f : whole.at(key)) {
    Filed filed{text(f, "scenario"), time(f, "at"), texts(f, "components"), texts(f, "conditions"), std::nullopt};
    if (f.contains("seen") && !f["seen"].is_null()) read(f, "seen", filed.seen.emplace());
    into.push_back(std::move(filed));
  }
}
void read(const Json& whole, const char* key, std::vector<Event>& into) { into = list_from(whole, key, event_from_json); }

}  // namespace drwatch::json

namespace drwatch {

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

}  // namespace drwatch
