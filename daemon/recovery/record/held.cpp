// SPDX-License-Identifier: Apache-2.0
// Drills in the journal's words.
#include "daemon/recovery/record/held.hpp"

#include "daemon/recovery/record/evidence.hpp"
#include "daemon/recovery/record/json.hpp"

namespace drwatch {
namespace {

Json claim_json(const std::optional<DrillClaim>& claim) {
  if (!claim) return nullptr;
  return {{"at", json::of(claim->at)}, {"source", claim->source}, {"exposure_seconds", json::of(claim->exposure_seconds)}};
}
std::optional<DrillClaim> claim_from(const Json& j) {
  if (!j.is_object()) return std::nullopt;
  return DrillClaim{json::time(j, "at"), json::text(j, "source"), json::maybe_number(j, "exposure_seconds")};
}

Json proof_json(const DrillProof& p) {
  return {{"at", json::of(p.at)},
          {"class", p.of_class},
          {"source", p.source},
          {"reads", p.reads},
          {"recovery_seconds", json::of(p.recovery_seconds)},
          {"data_loss_seconds", json::of(p.data_loss_seconds)}};
}
DrillProof proof_from(const Json& j) {
  DrillProof p;
  p.at = json::time(j, "at");
  p.of_class = json::text(j, "class");
  p.source = json::text(j, "source");
  p.reads = json::text(j, "reads");
  p.recovery_seconds = json::maybe_number(j, "recovery_seconds");
  p.data_loss_seconds = json::maybe_number(j, "data_loss_seconds");
  return p;
}

template <class T, class Write>
Json object_of(const std::map<std::string, T>& all, Write write) {
  Json object = Json::object();
  for (const auto& [key, value] : all) object[key] = write(value);
  return object;
}
template <class T, class Read>
void read_object(const Json& j, const char* key, std::map<std::string, T>& into, Read read) {
  const auto found = j.find(key);
  if (found == j.end() || !found->is_object()) return;
  for (const auto& [name, value] : found->items()) into.emplace(name, read(value));
}
Time time_in(const Json& j) { return parse_time(j.get<std::string>()).value_or(Time{}); }

}  // namespace

Json to_json(const HeldDrill& d) {
  return {{"work", to_json(d.work)},
          {"type", d.type},
          {"verdict", d.verdict},
          {"reason", d.reason},
          {"recorded", d.recorded},
          {"by_calendar", d.by_calendar},
          {"planned_at", json::of(d.planned_at)},
          {"claim", claim_json(d.claim)},
          {"rpo_seconds", json::of(d.rpo_seconds)},
          {"recovery_seconds", json::of(d.recovery_seconds)},
          {"data_loss_seconds", json::of(d.data_loss_seconds)},
          {"measures", d.measures},
          {"evidence", d.evidence},
          {"proves", d.proves},
          {"critical_hash", d.critical_hash},
          {"wall_at", json::of(d.wall_at)}};
}

HeldDrill held_drill_from_json(const Json& j) {
  HeldDrill d;
  d.work = incident_from_json(j.at("work"));
  d.type = json::text(j, "type");
  d.verdict = json::text(j, "verdict");
  d.reason = json::text(j, "reason");
  d.recorded = json::flag(j, "recorded");
  d.by_calendar = json::flag(j, "by_calendar");
  d.planned_at = json::maybe_time(j, "planned_at");
  d.claim = claim_from(j.value("claim", Json()));
  d.rpo_seconds = json::maybe_number(j, "rpo_seconds");
  d.recovery_seconds = json::maybe_number(j, "recovery_seconds");
  d.data_loss_seconds = json::maybe_number(j, "data_loss_seconds");
  d.measures = json::text(j, "measures");
  d.evidence = json::text(j, "evidence");
  d.proves = json::texts(j, "proves");
  d.critical_hash = json::text(j, "critical_hash");
  d.wall_at = json::maybe_time(j, "wall_at");
  return d;
}

Json to_json(const Drilling& d) {
  Json hold = nullptr;
  if (d.hold) hold = {{"since", json::of(d.hold->since)}, {"by", d.hold->by}, {"note", d.hold->note}};
  return {{"held", object_of(d.held, [](const HeldDrill& each) { return to_json(each); })},
          {"told", object_of(d.told, [](const DrillTold& t) { return Json{{"due_at", json::of(t.due_at)}, {"overdue", t.overdue}}; })},
          {"changes", object_of(d.changes, [](const DrillChange& c) { return Json{{"at", json::of(c.at)}, {"reason", c.reason}}; })},
          {"tabletops", object_of(d.tabletops, [](Time at) { return json::of(at); })},
          {"tries", object_of(d.tries, [](Time at) { return json::of(at); })},
          {"proofs", object_of(d.proofs, [](const auto& proofs) { return object_of(proofs, proof_json); })},
          {"hold", hold}};
}

Drilling drilling_from_json(const Json& j) {
  Drilling d;
  read_object(j, "held", d.held, held_drill_from_json);
  read_object(j, "told", d.told, [](const Json& t) { return DrillTold{json::time(t, "due_at"), json::flag(t, "overdue")}; });
  read_object(j, "changes", d.changes, [](const Json& c) { return DrillChange{json::time(c, "at"), json::text(c, "reason")}; });
  read_object(j, "tabletops", d.tabletops, time_in);
  read_object(j, "tries", d.tries, time_in);
  read_object(j, "proofs", d.proofs, [](const Json& list) {
    std::map<std::string, DrillProof> proofs;
    for (const auto& [key, proof] : list.items()) proofs.emplace(key, proof_from(proof));
    return proofs;
  });
  if (const auto hold = j.find("hold"); hold != j.end() && hold->is_object())
    d.hold = DrillHold{json::time(*hold, "since"), json::text(*hold, "by"), json::text(*hold, "note")};
  return d;
}

}  // namespace drwatch
