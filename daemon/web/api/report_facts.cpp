// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/api/report_facts.hpp"

#include "config/rows/encoding.hpp"
#include "daemon/recovery/outlook/rto.hpp"
#include "daemon/recovery/points/exposure.hpp"
#include "daemon/recovery/points/loss.hpp"
#include "daemon/recovery/points/sources.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

// Written down at its end; of one that goes on, and of one that ended in an older release, what is still remembered.
std::vector<std::pair<Time, Time>> unwatched(const Seen& seen, const Incident& incident) {
  auto spans = incident.unwatched;
  const Time from = incident.started_at, until = incident.recovered_at.value_or(incident.resolved_at.value_or(seen.now));
  for (const Span& span : seen.state.record.blind_spans) {
    const std::pair part{std::max(span.from, from), std::min(span.until, until)};
    const bool known =
        std::any_of(spans.begin(), spans.end(), [&](const auto& each) { return each.first <= part.first && part.second <= each.second; });
    if (part.first < part.second && !known) spans.push_back(part);
  }
  if (incident.live() && seen.state.record.blind_since) spans.emplace_back(std::max(*seen.state.record.blind_since, from), seen.now);
  std::sort(spans.begin(), spans.end());
  return spans;
}

KeptObjective point_of(const Seen& seen, const std::string& component, DisasterClass of_class) {
  const auto exposure = exposure_of(seen.state, seen.settings, component, of_class, seen.now);
  KeptObjective kept{
      component, of_class,          seen.settings.rpo_of(component, of_class), exposure.exposure, exposure.recovery_point, exposure.source,
      "",        exposure.estimated};
  if (exposure.no_source)
    kept.why_none = exposure.emptied.empty() ? "no source survives this class"
                                             : "nothing is left: " + loss_words(seen.state, exposure.emptied).value_or("");
  else if (!exposure.recovery_point)
    kept.why_none = "not known";
  return kept;
}

std::vector<KeptObjective> points(const Seen& seen, const Incident& incident) {
  std::vector<KeptObjective> all;
  const auto own = parse_class(incident.of_class).value_or(DisasterClass::host);
  for (const auto& component : incident.affects) {
    const auto found = seen.settings.components.find(component);
    if (found == seen.settings.components.end() || (found->second.protected_by.empty() && found->second.rpo.empty())) continue;
    for (const DisasterClass of_class : all_classes)
      if (of_class == own || seen.settings.rpo_of(component, of_class)) all.push_back(point_of(seen, component, of_class));
  }
  return all;
}

bool deviates(const Event& event) {
  if (event.kind == "step.skipped" || event.kind == "step.failed" || event.kind == "step.interrupted" || event.kind == "step.broke" ||
      event.kind == "step.undone")
    return true;
  return event.kind.starts_with("step.") && (event.body.flag("against_evidence") || !event.body.texts("before").empty());
}

}  // namespace

ReportFacts report_facts(const Seen& seen, const Incident& incident) {
  ReportFacts facts;
  facts.unwatched = unwatched(seen, incident);
  facts.points = points(seen, incident);
  for (const Event& event : incident.timeline) {
    const bool done = event.kind == "step.done" && !event.body.flag("verified") && !event.body.flag("against_evidence");
    if (done && !facts.mitigated_at) {
      facts.mitigated_at = event.at;
      facts.mitigated_by_step = event.body.text("step");
    }
    if (deviates(event)) facts.deviations.push_back(&event);
    if (event.kind == "incident.acknowledged" || event.kind == "incident.handed" || event.kind == "incident.taken")
      facts.hands.push_back(&event);
    if (event.kind == "incident.projected" && event.incident == incident.id) facts.projections.push_back(&event);
  }
  return facts;
}

namespace {

View apart(const std::optional<Time>& from, const std::optional<Time>& until) {
  return from && until ? seconds_view(*until - *from) : View(nullptr);
}

View intervals_view(const Incident& i, const ReportFacts& facts) {
  const std::optional<Time> recovered = i.recovery_said ? std::nullopt : i.recovered_at;
  return {{"detect", apart(i.started_at, i.detected_at)},
          {"acknowledge", apart(i.opened_at, i.acknowledged_at)},
          {"mitigate", apart(i.started_at, facts.mitigated_at)},
          {"recover", apart(i.started_at, recovered)},
          {"resolve", apart(i.started_at, i.resolved_at)}};
}

View spans_view(const std::vector<std::pair<Time, Time>>& spans) {
  View list = View::array();
  for (const auto& [from, until] : spans) list.push_back({{"from", time_view(from)}, {"until", time_view(until)}});
  return list;
}

View objectives_view(const Seen& seen, const Incident& i, const ReportFacts& facts) {
  const bool missed = i.elapsed(seen.now) > i.rto;
  const bool over = i.recovered_at && !i.recovery_said;
  View list = View::array();
  list.push_back({{"objective", "rto"},
                  {"component", nullptr},
                  {"class", nullptr},
                  {"target_seconds", seconds_view(i.rto)},
                  {"actual_seconds", seconds_view(i.elapsed(seen.now))},
                  {"kept", missed ? View(false)
                           : over ? View(true)
                                  : View(nullptr)},
                  {"recovery_point", nullptr},
                  {"source", nullptr},
                  {"estimated", false}});
  for (const KeptObjective& each : facts.points)
    list.push_back({{"objective", "rpo"},
                    {"component", each.component},
                    {"class", class_name(each.of_class)},
                    {"target_seconds", seconds_view(each.target)},
                    {"actual_seconds", seconds_view(each.actual)},
                    {"kept", each.target && each.actual ? View(*each.actual <= *each.target) : View(nullptr)},
                    {"recovery_point", time_view(each.recovery_point)},
                    {"source", text_view(each.source)},
                    {"estimated", each.estimated}});
  return list;
}

View projections_view(const Incident& i, const ReportFacts& facts) {
  if (facts.projections.empty()) return nullptr;
  const auto of = [](const Event& event) {
    const auto number = [&](const char* key) {
      const auto value = event.body.number(key);
      return value ? number_view(*value) : View(nullptr);
    };
    return View{{"at", time_view(event.at)}, {"p50_seconds", number("p50_seconds")}, {"p90_seconds", number("p90_seconds")}};
  };
  return {{"first", of(*facts.projections.front())},
          {"last", of(*facts.projections.back())},
          {"count", facts.projections.size()},
          {"actual_seconds", i.recovery_said ? View(nullptr) : apart(i.started_at, i.recovered_at)}};
}

View hash_view(const std::string& text) { return text.empty() ? View(nullptr) : View(sha256_hex(text)); }

View events_view(const std::vector<const Event*>& events) {
  View list = View::array();
  for (const Event* event : events) list.push_back(event_view(*event));
  return list;
}

}  // namespace

View report_view(const Seen& seen, const Incident& i) {
  const ReportFacts facts = report_facts(seen, i);
  const View incident = incident_view(seen, i, true);
  View view;
  view["drafted_at"] = time_view(seen.now);
  for (const char* key : {"id",
                          "scenario",
                          "title",
                          "summary",
                          "severity",
                          "class",
                          "state",
                          "affects",
                          "explains",
                          "absorbed",
                          "absorbed_by",
                          "false_alarm",
                          "because",
                          "second",
                          "started_at",
                          "started_by",
                          "started_at_found",
                          "detected_at",
                          "opened_at",
                          "opened_by",
                          "acknowledged_at",
                          "acknowledged_by",
                          "owner"})
    view[key] = incident.at(key);
  view["mitigated_at"] = time_view(facts.mitigated_at);
  view["mitigated_by_step"] = text_view(facts.mitigated_by_step);
  for (const char* key : {"recovered_at", "recovery_said", "resolved_at", "bad_change_at", "bad_change_by", "loss"})
    view[key] = incident.at(key);
  view["intervals_seconds"] = intervals_view(i, facts);
  view["objectives"] = objectives_view(seen, i, facts);
  view["projections"] = projections_view(i, facts);
  view["looked_well"] = spans_view(i.looked_well);
  view["unwatched"] = spans_view(facts.unwatched);
  view["hands"] = events_view(facts.hands);
  view["steps"] = incident.at("steps");
  for (std::size_t n = 0; n < i.steps.size(); ++n) {
    view["steps"][n]["took_seconds"] = apart(i.steps[n].started_at, i.steps[n].ended_at);
    view["steps"][n]["evidence_sha256"] = hash_view(i.steps[n].evidence);
  }
  view["deviations"] = events_view(facts.deviations);
  view["messages"] = incident.at("messages");
  for (std::size_t n = 0; n < i.messages.size(); ++n)
    view["messages"][n]["sha256"] = hash_view(i.messages[n].subject + "\n" + i.messages[n].body);
  view["timeline"] = incident.at("timeline");
  // People's work: null until they have written it, elsewhere.
  for (const char* key : {"data_lost", "causes", "contributing_factors", "what_went_well", "where_we_were_lucky", "actions"})
    view[key] = nullptr;
  return view;
}

}  // namespace drwatch::web
