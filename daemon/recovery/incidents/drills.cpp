// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/incidents/drills.hpp"

#include "config/rows/text.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// 90 days and 14 of grace.
constexpr Duration a_quarter = hours{24 * 104};

std::optional<Time> finite(Time t) { return t == Time::max() ? std::nullopt : std::optional(t); }

// How far apart the next two dates of the plan are; nullopt: it has no two dates left.
std::optional<Duration> period(const Cron& schedule, Time from) {
  auto first = finite(schedule.next_after(from));
  auto second = first ? finite(schedule.next_after(*first)) : std::nullopt;
  return second ? std::optional(*second - *first) : std::nullopt;
}

template <class Map>
std::optional<Time> time_in(const Map& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? std::nullopt : std::optional<Time>(found->second);
}

int weight(const std::string& type) { return type == "tabletop" ? 0 : type == "full" ? 2 : 1; }

}  // namespace

std::optional<Time> drill_due_after(const Cron& schedule, Time held) {
  const auto every = period(schedule, held);
  return every ? finite(schedule.next_after(held + *every / 2)) : std::nullopt;
}

bool counts_for_date(const Scenario& scenario, const std::string& type) {
  return type.empty() || !scenario.drill || weight(type) >= weight(scenario.drill->type);
}

const HeldDrill* running_drill(const Record& record, const std::string& scenario) {
  for (const auto& [id, drill] : record.drilling.held)
    if (drill.work.live() && drill.work.scenario == scenario) return &drill;
  return nullptr;
}

DrillDates drill_dates(const Record& record, const Scenario& scenario) {
  DrillDates dates;
  std::optional<Time> shown;
  if (auto drill = record.drills.find(scenario.id); drill != record.drills.end()) shown = drill->second.at;
  dates.last_success_at = shown;
  if (counts_for_date(scenario, "tabletop"))
    dates.last_success_at = std::max(dates.last_success_at, time_in(record.drilling.tabletops, scenario.id));
  const std::optional<Cron>* schedule = scenario.drill && scenario.drill->schedule ? &scenario.drill->schedule : nullptr;
  const auto seen = time_in(record.first_seen, "scenario/" + scenario.id);
  if (schedule && dates.last_success_at) dates.due_at = drill_due_after(**schedule, *dates.last_success_at);
  if (schedule && !dates.last_success_at && seen)
    if (auto every = period(**schedule, *seen)) dates.due_at = *seen + *every;
  if (const auto change = record.drilling.changes.find(scenario.id); change != record.drilling.changes.end() && scenario.drill)
    if (!dates.due_at || change->second.at < *dates.due_at) dates.due_at = dates.changed_at = change->second.at;
  if (dates.due_at) dates.overdue_at = *dates.due_at + scenario.drill->grace;
  if (!shown) return dates;
  dates.proven_until = *shown + a_quarter;
  if (schedule)
    if (const auto due = drill_due_after(**schedule, *shown)) dates.proven_until = *due + scenario.drill->grace;
  if (dates.changed_at) dates.proven_until = std::min(*dates.proven_until, *dates.overdue_at);
  return dates;
}

std::string_view state_name(DrillState state) {
  switch (state) {
    case DrillState::unplanned:
      return "unplanned";
    case DrillState::planned:
      return "planned";
    case DrillState::soon:
      return "soon";
    case DrillState::due:
      return "due";
    case DrillState::overdue:
      return "overdue";
  }
  return "";
}

DrillState drill_state(const DrillDates& dates, Time now) {
  if (!dates.due_at) return DrillState::unplanned;
  if (now > *dates.overdue_at) return DrillState::overdue;
  if (now >= *dates.due_at) return DrillState::due;
  return now >= *dates.due_at - due_soon ? DrillState::soon : DrillState::planned;
}

// The copies that protect what the scenario affects, each with the classes that it survives, and what drills have shown beside them.
std::vector<Proven> proven(const Record& record, const Settings& settings, const Scenario& scenario, Time now) {
  std::vector<Proven> all;
  const auto dates = drill_dates(record, scenario);
  const auto found = record.drilling.proofs.find(scenario.id);
  const auto shown_by = [&](const std::string& of_class, const std::string& source) -> const DrillProof* {
    if (found == record.drilling.proofs.end()) return nullptr;
    const auto proof = found->second.find(of_class + "/" + source);
    return proof == found->second.end() ? nullptr : &proof->second;
  };
  // The scenario's own figures decide until when; the drill of another copy is as old as it is.
  const auto stands = [&](const DrillProof* proof) {
    if (!proof) return false;
    const auto newest = record.drills.find(scenario.id);
    const Duration proves = newest != record.drills.end() && dates.proven_until ? *dates.proven_until - newest->second.at : a_quarter;
    return now <= proof->at + proves;
  };
  const auto add = [&](const std::string& of_class, const std::string& source) {
    const DrillProof* proof = shown_by(of_class, source);
    all.push_back({of_class, source, stands(proof), proof});
  };
  for (const auto& [name, probe] : settings.probes)
    if (probe.backup && has(scenario.affects, probe.backup->protects))
      for (const DisasterClass c : probe.backup->survives) add(std::string(class_name(c)), name);
  if (found == record.drilling.proofs.end()) return all;
  for (const auto& [key, proof] : found->second)
    if (std::none_of(all.begin(), all.end(), [&](const Proven& p) { return p.of_class == proof.of_class && p.source == proof.source; }))
      add(proof.of_class, proof.source);
  return all;
}

// Beside the journal, where drwatch may write.
std::string evidence_file(const Settings& settings, const std::string& drill) {
  const std::string& journal = settings.journal.path;
  return journal.substr(0, journal.rfind('/') + 1) + drill + ".json";
}

std::string with_evidence_file(std::string word, const std::string& file) {
  constexpr std::string_view name = "{{evidence}}";
  for (std::size_t at; !file.empty() && (at = word.find(name)) != std::string::npos;) word.replace(at, name.size(), file);
  return word;
}

}  // namespace drwatch
