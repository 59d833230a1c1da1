// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/points/exposure.hpp"

#include <algorithm>
#include <cmath>

namespace drwatch {

// ---- the ledger: what a source holds as a position (LSN) becomes the time of the newest commit below it

namespace {
// The ledger reaches back eight days, so that a weekly backup still finds its time in it, and stays small however often a canary writes.
constexpr std::size_t ledger_rows = 1024;
constexpr Duration ledger_reach = hours{24 * 8};

// Drops every second row of the older half. The newest rows stay dense, because they decide the exposure that is shown. Where a row is
// missing, a position is given the time of the row below it: the recovery point looks older than it is, never newer.
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
  // A position that is lower than the last one on the same timeline means that the database was restored. The rows above it belong to a
  // history that is gone, and would date new positions by it.
  while (!rows.empty() && rows.back().at.timeline == row.at.timeline && rows.back().at.lsn > row.at.lsn) rows.pop_back();
  rows.push_back(row);
  auto old = std::find_if(rows.begin(), rows.end(), [&](const LedgerRow& r) { return r.db_time >= row.db_time - ledger_reach; });
  rows.erase(rows.begin(), old);
  if (rows.size() > ledger_rows) thin(rows);
}

std::optional<Time> ledger_time(const Ledger& ledger, WalPosition safe) {
  // Timelines are never compared with each other: the same position on another timeline is another commit.
  for (auto row = ledger.rows.rbegin(); row != ledger.rows.rend(); ++row)
    if (row->at.timeline == safe.timeline && row->at.lsn <= safe.lsn) return row->db_time;
  return std::nullopt;
}

// ---- exposure

namespace {

// The component is down or unknown, so nobody can tell whether it still takes writes. Its exposure grows, and is called an estimate.
bool out_of_sight(const State& state, const std::string& component) {
  auto it = state.record.components.find(component);
  return it != state.record.components.end() && (it->second.health == Health::down || it->second.health == Health::unknown);
}

}  // namespace

Duration without_writes(const State& state, const std::string& component, Time from, Time until) {
  Duration sum{0};
  auto writes = state.kept.writes.find(component);
  if (writes == state.kept.writes.end()) return sum;
  // Adds the part of the span that lies within [from, until].
  auto add = [&](Time a, Time b) {
    a = std::max(a, from);
    b = std::min(b, until);
    if (b > a) sum += b - a;
  };
  for (const Span& span : writes->second.held) add(span.from, span.until);
  // The span that is still open counts only as far as the last run could vouch for it.
  if (writes->second.held_since) add(*writes->second.held_since, std::min(until, writes->second.known_until.value_or(until)));
  return sum;
}

namespace {

// Since when the component is known to take no writes; nullopt when it is not known now. A run that saw this vouches for it until
// `known_until`; when no run followed by then, writes may have begun again and the exposure grows.
std::optional<Time> held_since(const State& state, const std::string& component, Time now) {
  auto writes = state.kept.writes.find(component);
  if (writes == state.kept.writes.end() || now > writes->second.known_until.value_or(now)) return std::nullopt;
  return writes->second.held_since;
}

}  // namespace

Exposure exposure_of(const State& state, const Settings& settings, const std::string& component, DisasterClass c, Time now) {
  Exposure result;
  result.of_class = c;
  result.no_source = true;
  bool estimated = false;
  for (const std::string& name : sources_of(settings, component, c)) {
    result.no_source = false;
    const Believed its = believed(state, settings, name, now);
    if (its.empty && result.emptied.empty()) result.emptied = its.source;
    // The newest point of all sources counts: that is the one a person would restore from.
    if (!its.point || (result.recovery_point && *result.recovery_point >= *its.point)) continue;
    result.recovery_point = its.point;
    result.source = its.source;
    result.failing = its.failing;
    estimated = its.estimated;
  }
  if (result.recovery_point) result.emptied.clear();
  // One source is known to be empty, and no other has ever shown a point. What was never read may hold something, but nobody may count on
  // that: everything would be lost.
  if (!result.emptied.empty()) result.no_source = true;
  if (!result.recovery_point) return result;

  // Contract, "Exposure and objectives": the time in which the component took no writes is no part of the exposure.
  Duration grown = std::max(now - *result.recovery_point, Duration{0});
  result.held_since = held_since(state, component, now);
  result.exposure = grown - without_writes(state, component, *result.recovery_point, now);
  const bool coarse = source_of(state, result.source)->coarse;
  // While it is known to take no writes the figure stands still, so it is no guess although the source may be out of reach. A coarse point
  // (the time of a file, not of a commit) is always one.
  result.estimated = coarse || (!result.held_since && (estimated || out_of_sight(state, component)));
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

namespace {

Duration part(double fraction, Duration of) {
  return Duration{static_cast<std::int64_t>(std::llround(fraction * static_cast<double>(of.count())))};
}
// 10 % above what the source does when all is well, and one millisecond, so that "at or above" means "more than".
Duration above_normal(Duration top) { return part(1.1, top) + Duration{1}; }

// The exposure from which on an objective is at risk. Contract, "Exposure and objectives": exposure > 1.1 x top and (RPO - exposure <
// time_to_fix or exposure >= at_risk x RPO), with half that fraction while the source says that it fails.
// Whether the time to fix counts: a configured plan counts only where RPO >= 2 x plan, because the plan may be a default that says nothing
// about this platform, and with a short RPO it would warn all day. One that was measured (5 samples) counts however short the RPO is.
// How low it may push the level: once there are samples, no lower than half the fraction. Without this floor an RPO that is shorter than
// mending takes would be at risk for ever, and a warning that never ends is not read.
Duration risk_level(const Settings& settings, const Exposure& exposure, Duration top, const TimeToFix& fix, Duration rpo) {
  const Duration half = part(0.5 * settings.recovery.at_risk, rpo);
  Duration level = exposure.failing ? half : part(settings.recovery.at_risk, rpo);
  const bool means_something = fix.measured() || rpo >= 2 * settings.recovery.time_to_fix;
  if (means_something) level = std::min(level, std::max(rpo - fix.is + Duration{1}, fix.samples > 0 ? half : Duration{0}));
  return top > Duration{0} ? std::max(level, above_normal(top)) : level;
}

std::string point_words(const Exposure& exposure) {
  return std::string(exposure.estimated ? "estimated, " : "") + "newest recovery point " + time_words(*exposure.recovery_point) + " by " +
         exposure.source;
}

// Not confirmed to be down: one bad run wakes nobody.
bool works(const State& state, const std::string& source) {
  const auto probe = state.record.probes.find(source);
  return probe == state.record.probes.end() || probe->second.health != Health::down;
}

// The best source comes too rarely to meet the RPO. That stands breached, as a finding (`structural`) that wakes nobody, for as long as the
// exposure is within the normal of that source, and the source works. Above it, or when it is down, it is doing worse than usual, which is
// a breach like any other. `next` is when that happens if no new point comes.
RpoJudgement judge_unreachable(const Unreachable& why, const Exposure& exposure, bool works, Duration top, Duration rpo,
                               const std::string& of, Time now) {
  RpoJudgement judged;
  judged.standing = Standing::breached;
  judged.structural = works && *exposure.exposure < above_normal(top);
  judged.message = duration_words(rpo) + " cannot be met: " + why.source + " brings a new point every " + duration_words(why.best) +
                   " at best; " + of + " would lose " + duration_words(*exposure.exposure) + " (" + point_words(exposure) + ")";
  if (judged.structural && !exposure.held_since) judged.next = now + (above_normal(top) - *exposure.exposure);
  return judged;
}

}  // namespace

RpoJudgement judge_rpo(const State& state, const Settings& settings, const std::string& component, DisasterClass c, Time now) {
  RpoJudgement judged;
  Duration rpo = settings.rpo_of(component, c).value_or(Duration::max());
  Exposure exposure = exposure_of(state, settings, component, c, now);
  std::string of = "a " + std::string(class_name(c)) + " loss now";
  if (exposure.no_source) {
    judged.standing = Standing::breached;
    judged.structural =
        exposure.emptied.empty();  // nothing configured for this class: a finding; a store that was emptied: somebody must act
    judged.message = exposure.emptied.empty() ? "no source of recovery points survives " + of
                                              : of + " would lose everything: " + loss_words(state, exposure.emptied).value_or("");
    return judged;
  }
  if (!exposure.exposure) {
    judged.message = "no recovery point has been read yet";
    return judged;
  }
  const Duration top = normal_top(state, settings, exposure.source);
  if (auto why = unreachable(state, settings, component, c))
    return judge_unreachable(*why, exposure, works(state, exposure.source), std::max(top, why->best), rpo, of, now);
  Duration level = risk_level(settings, exposure, top, time_to_fix(state, settings, component, now), rpo);
  judged.standing = *exposure.exposure >= rpo ? Standing::breached : *exposure.exposure >= level ? Standing::at_risk : Standing::met;
  judged.message =
      of + " would lose " + duration_words(*exposure.exposure) + " of " + duration_words(rpo) + " allowed (" + point_words(exposure) + ")";
  if (exposure.held_since) {  // it stands still; when no run confirms that any more, it is judged anew
    judged.next = state.kept.writes.at(component).known_until;
    return judged;
  }
  if (*exposure.exposure < rpo) {
    judged.breach_at = now + (rpo - *exposure.exposure);
    // By time alone it first reaches the risk level (if it is below) and then the RPO.
    judged.next = *exposure.exposure < level && level < rpo ? now + (level - *exposure.exposure) : judged.breach_at;
    if (judged.standing == Standing::at_risk) judged.message += "; breach at " + clock_words(*judged.breach_at, now);
  }
  return judged;
}

}  // namespace drwatch
