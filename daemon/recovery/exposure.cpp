// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/exposure.hpp"

#include <algorithm>
#include <cmath>

namespace drwatch {

// ---- the ledger (the algorithm is the LSN ledger: what a source holds as a position becomes the time of the newest commit below it)
// ------

namespace {
constexpr std::size_t ledger_rows = 1024;
constexpr Duration ledger_reach = hours{24 * 8};

// Drops every second row of the older half: the newest rows stay dense, and older ones never make a recovery point look newer than it is.
void thin(std::vector<LedgerRow>& rows) {
  std::vector<LedgerRow> kept;
  kept.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (i >= rows.size() / 2 || i % 2 == 0) kept.push_back(rows[i]);
  rows = std::move(kept);
}
}  // namespace

void ledger_add(Ledger& ledger, LedgerRow row) {
  auto& rows = ledger.rows;
  // A position that went back on the same timeline: the database was restored, what was written behind it is another history.
  while (!rows.empty() && rows.back().at.timeline == row.at.timeline && rows.back().at.lsn > row.at.lsn) rows.pop_back();
  rows.push_back(row);
  auto old = std::find_if(rows.begin(), rows.end(), [&](const LedgerRow& r) { return r.db_time >= row.db_time - ledger_reach; });
  rows.erase(rows.begin(), old);
  if (rows.size() > ledger_rows) thin(rows);
}

std::optional<Time> ledger_time(const Ledger& ledger, WalPosition safe) {
  for (auto row = ledger.rows.rbegin(); row != ledger.rows.rend(); ++row)
    if (row->at.timeline == safe.timeline && row->at.lsn <= safe.lsn) return row->db_time;
  return std::nullopt;
}

// ---- exposure
// ----------------------------------------------------------------------------------------------------------------------------

namespace {

bool survives(const ProbeSettings& probe, DisasterClass c) {
  const auto& classes = probe.backup->survives;
  return std::find(classes.begin(), classes.end(), c) != classes.end();
}

// How much of [from, until] the component was known to take no writes.
Duration without_writes(const WritesKept& writes, Time from, Time until) {
  Duration sum{0};
  auto add = [&](Time a, Time b) {
    a = std::max(a, from);
    b = std::min(b, until);
    if (b > a) sum += b - a;
  };
  for (const Span& span : writes.held) add(span.from, span.until);
  if (writes.held_since) add(*writes.held_since, until);
  return sum;
}

bool readable(const State& state, const std::string& probe) {
  auto sight = state.sight.probes.find(probe);
  return sight != state.sight.probes.end() && sight->second.last && sight->second.last->recovery &&
         sight->second.last->outcome != Health::unknown;
}

// The component does not answer, and nobody knows whether it still takes writes.
bool out_of_sight(const State& state, const std::string& component) {
  auto it = state.record.components.find(component);
  return it != state.record.components.end() && (it->second.health == Health::down || it->second.health == Health::unknown);
}

// The source's normal highest exposure, in seconds; 0 while too little is known. One outlier in ten does not count.
double normal_top(const SourceKept& source) {
  if (source.tops.size() < 3) return 0;
  std::vector<double> tops = source.tops;
  std::sort(tops.begin(), tops.end());
  return tops[static_cast<std::size_t>(0.9 * static_cast<double>(tops.size() - 1))];
}

const SourceKept* source_of(const State& state, const std::string& probe) {
  auto it = state.kept.sources.find(probe);
  return it == state.kept.sources.end() ? nullptr : &it->second;
}

}  // namespace

Exposure exposure_of(const State& state, const Settings& settings, const std::string& component, DisasterClass c, Time now) {
  Exposure result;
  result.of_class = c;
  result.no_source = true;
  const auto& protectors = settings.components.at(component).protected_by;
  for (const std::string& name : protectors) {
    if (!survives(settings.probes.at(name), c)) continue;
    result.no_source = false;
    const SourceKept* source = source_of(state, name);
    if (!source || !source->recovery_point) continue;
    if (result.recovery_point && *result.recovery_point >= *source->recovery_point) continue;
    result.recovery_point = source->recovery_point;
    result.source = name;
  }
  if (!result.recovery_point) return result;

  Duration grown = std::max(now - *result.recovery_point, Duration{0});
  if (auto writes = state.kept.writes.find(component); writes != state.kept.writes.end()) {
    grown -= without_writes(writes->second, *result.recovery_point, now);
    result.held_since = writes->second.held_since;
  }
  result.exposure = grown;
  result.estimated = source_of(state, result.source)->coarse || (!result.held_since && out_of_sight(state, component)) ||
                     (!result.held_since && !readable(state, result.source));
  return result;
}

std::vector<Exposure> exposures(const State& state, const Settings& settings, const std::string& component, Time now) {
  std::vector<Exposure> all;
  const ComponentSettings& of = settings.components.at(component);
  for (DisasterClass c : all_classes) {
    bool judged = settings.rpo_of(component, c).has_value();
    bool measured = std::any_of(of.protected_by.begin(), of.protected_by.end(),
                                [&](const std::string& probe) { return survives(settings.probes.at(probe), c); });
    if (judged || measured) all.push_back(exposure_of(state, settings, component, c, now));
  }
  return all;
}

// ---- how an RPO stands
// -------------------------------------------------------------------------------------------------------------------

namespace {

// Above this exposure the objective is at risk. Contract: exposure > 1.1 top and (RPO - exposure < time_to_fix or exposure >= at_risk *
// RPO; half that fraction while the source says that it fails; only the fraction where RPO < 2 time_to_fix).
Duration risk_level(const Settings& settings, const SourceKept& source, Duration rpo) {
  double fraction = settings.recovery.at_risk * (source.failing ? 0.5 : 1.0);
  Duration level{static_cast<std::int64_t>(std::llround(fraction * static_cast<double>(rpo.count())))};
  if (rpo >= 2 * settings.recovery.time_to_fix) level = std::min(level, rpo - settings.recovery.time_to_fix + Duration{1});
  Duration above_normal{static_cast<std::int64_t>(std::floor(1.1 * normal_top(source) * 1000)) + 1};
  if (normal_top(source) > 0) level = std::max(level, above_normal);
  return level;
}

}  // namespace

RpoJudgement judge_rpo(const State& state, const Settings& settings, const std::string& component, DisasterClass c, Time now) {
  RpoJudgement judged;
  Duration rpo = settings.rpo_of(component, c).value_or(Duration::max());
  Exposure exposure = exposure_of(state, settings, component, c, now);
  std::string of = "a " + std::string(class_name(c)) + " loss now";
  if (exposure.no_source) {
    judged.standing = Standing::breached;
    judged.message = "no source of recovery points survives " + of;
    return judged;
  }
  if (!exposure.exposure) {
    judged.message = "no recovery point has been read yet";
    return judged;
  }
  const SourceKept& source = *source_of(state, exposure.source);
  Duration level = risk_level(settings, source, rpo);
  judged.standing = *exposure.exposure >= rpo ? Standing::breached : *exposure.exposure >= level ? Standing::at_risk : Standing::met;
  judged.message = of + " would lose " + duration_words(*exposure.exposure) + " of " + duration_words(rpo) + " allowed (" +
                   (exposure.estimated ? "estimated, " : "") + "newest recovery point " + time_words(*exposure.recovery_point) + " by " +
                   exposure.source + ")";
  if (exposure.held_since) return judged;  // it does not grow
  if (*exposure.exposure < rpo) {
    judged.breach_at = now + (rpo - *exposure.exposure);
    judged.next = *exposure.exposure < level && level < rpo ? now + (level - *exposure.exposure) : judged.breach_at;
  }
  return judged;
}

}  // namespace drwatch
