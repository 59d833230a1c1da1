// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/record/incident_rows.hpp"

#include "daemon/recovery/record/incident_parts.hpp"

#include <stdexcept>

namespace drwatch {
namespace {

template <class T>
IncidentRow row(const char* key, T Incident::* member, Refiled refiled, Shown shown) {
  const auto anew = [=](Incident& i, const Incident& as_new) {
    if (refiled == Refiled::taken) i.*member = as_new.*member;
    if (refiled == Refiled::dropped) i.*member = T{};
  };
  return {key,
          refiled,
          shown,
          [=](const Incident& i) { return json::of(i.*member); },
          [=](Incident& i, const Json& whole) { json::read(whole, key, i.*member); },
          anew,
          [=](const Incident& i) -> const void* { return &(i.*member); }};
}

}  // namespace

const std::vector<IncidentRow>& incident_rows() {
  using enum Refiled;
  using enum Shown;
  using I = Incident;
  static const std::vector<IncidentRow> rows = {
      row("id", &I::id, stays, plain),
      row("scenario", &I::scenario, taken, plain),
      row("title", &I::title, taken, plain),
      row("summary", &I::summary, taken, or_null),
      row("severity", &I::severity, taken, plain),
      row("class", &I::of_class, taken, plain),
      row("state", &I::state, stays, plain),
      row("affects", &I::affects, taken, plain),
      row("explains", &I::explains, stays, plain),
      row("started_at", &I::started_at, stays, plain),
      row("detected_at", &I::detected_at, stays, plain),
      row("opened_at", &I::opened_at, stays, plain),
      row("started_by", &I::started_by, stays, or_null),
      row("started_at_found", &I::started_at_found, stays, plain),
      row("acknowledged_at", &I::acknowledged_at, stays, plain),
      row("recovered_at", &I::recovered_at, stays, plain),
      row("resolved_at", &I::resolved_at, stays, plain),
      row("absorbed_at", &I::absorbed_at, stays, plain),
      row("recovery_said", &I::recovery_said, stays, plain),
      row("by_signal", &I::by_signal, stays, hidden),
      row("acknowledged_by", &I::acknowledged_by, stays, or_null),
      row("opened_by", &I::opened_by, stays, or_null),
      row("reopened_by", &I::reopened_by, stays, hidden),
      row("bad_change_at", &I::bad_change_at, stays, plain),
      row("bad_change_by", &I::bad_change_by, stays, or_null),
      row("bad_change_note", &I::bad_change_note, stays, hidden),
      row("loss", &I::loss, stays, otherwise),
      row("absorbed", &I::absorbed, stays, plain),
      row("absorbed_by", &I::absorbed_by, stays, or_null),
      row("filed", &I::filed, stays, hidden),
      row("false_alarm", &I::false_alarm, stays, plain),
      row("rto_ms", &I::rto, taken, otherwise),
      row("ack_within_ms", &I::ack_within, taken, hidden),
      row("reopen_within_ms", &I::reopen_within, taken, hidden),
      row("exit", &I::exit, taken, hidden),
      row("trigger", &I::trigger, taken, hidden),
      row("because", &I::because, stays, otherwise),
      row("second", &I::second, taken, otherwise),
      row("projection", &I::projection, dropped, otherwise),
      row("steps", &I::steps, taken, otherwise),
      row("messages", &I::messages, stays, otherwise),
      row("message_plans", &I::message_plans, taken, hidden),
      row("scenario_hash", &I::scenario_hash, taken, hidden),
      row("data", &I::data, taken, plain),
      row("data_bytes", &I::data_bytes, taken, hidden),
      row("looked_well", &I::looked_well, stays, hidden),
      row("timeline", &I::timeline, stays, otherwise),
      row("taken_by", &I::taken_by, stays, or_null),
      row("taken_at", &I::taken_at, stays, plain),
      row("handed_at", &I::handed_at, stays, plain),
      row("handed_to", &I::handed_to, stays, or_null),
      row("handed_by", &I::handed_by, stays, or_null),
      row("handover", &I::handover, stays, or_null),
      row("unwatched", &I::unwatched, stays, hidden),
      row("drill", &I::drill, stays, plain),
  };
  return rows;
}

const IncidentRow& incident_row(std::string_view key) {
  for (const IncidentRow& row : incident_rows())
    if (row.key == key) return row;
  throw std::out_of_range("an incident has no field '" + std::string(key) + "'");
}

void refile(Incident& incident, const Incident& as_new) {
  for (const IncidentRow& row : incident_rows()) row.refile(incident, as_new);
}

Json to_json(const Incident& incident) {
  Json j = Json::object();
  for (const IncidentRow& row : incident_rows()) j[row.key] = row.written(incident);
  return j;
}

Incident incident_from_json(const Json& j) {
  Incident incident;
  (void)j.at("id").get_ref<const std::string&>();  // without it it is none
  for (const IncidentRow& row : incident_rows()) row.read(incident, j);
  // A snapshot of a release that did not write down when it was absorbed.
  if (incident.state == IncidentState::absorbed && !incident.absorbed_at)
    for (const Event& e : incident.timeline)
      if (e.kind == "incident.absorbed" && e.incident == incident.id) incident.absorbed_at = e.at;
  return incident;
}

}  // namespace drwatch
