// SPDX-License-Identifier: Apache-2.0
// Exposure: now minus the best recovery point that survives a class; and how an RPO stands. Contract: "Exposure and objectives".
#pragma once

#include "daemon/recovery/points/sources.hpp"
#include "daemon/recovery/points/time_to_fix.hpp"
#include "daemon/recovery/record/state.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drwatch {

// How much would be lost if the component were lost now by a disaster of this class.
struct Exposure {
  DisasterClass of_class = DisasterClass::host;
  bool no_source = false;            // infinite: nothing survives this class, or nothing is left in what would
  std::string emptied;               // no_source: the probe whose store holds nothing
  std::optional<Duration> exposure;  // nullopt: no point was ever read (or no_source)
  std::optional<Time> recovery_point;
  std::string source;              // probe; empty: none
  bool estimated = false;          // the source can't be read, or the point is coarse: it could be worse or better than this
  bool failing = false;            // the source says that it fails, or was found to claim what is not there
  std::optional<Time> held_since;  // it stands still since: the component takes no writes
};
// For every class that a source of the component survives or that has an objective.
std::vector<Exposure> exposures(const State& state, const Settings& settings, const std::string& component, Time now);
// For one class. Without any source that survives it: `no_source`; before a point was ever read: neither a point nor an exposure.
Exposure exposure_of(const State& state, const Settings& settings, const std::string& component, DisasterClass c, Time now);

// How much of [from, until] the component was known to take no writes. Spans that ended more than 8 days ago are forgotten.
Duration without_writes(const State& state, const std::string& component, Time from, Time until);

// How an RPO stands, and when it could stand otherwise without anything happening.
struct RpoJudgement {
  Standing standing = Standing::unproven;
  std::string message;
  std::optional<Time> breach_at;  // when it will be breached if nothing changes
  std::optional<Time> next;       // when the judgement can change by time alone
  // Breached by construction and as good as it ever is (no source survives the class, or none brings points often enough): a finding.
  // Nobody is woken for it and no scenario opens by it; when the source does worse than usual, it is a breach like any other.
  bool structural = false;
};
// Pure: judged at `now`, by what is kept. A class without an objective is never breached by its exposure; callers ask only for classes that
// have one.
RpoJudgement judge_rpo(const State& state, const Settings& settings, const std::string& component, DisasterClass c, Time now);

// The time of the newest commit at or below the position `safe`: up to there a source that holds `safe` can restore. nullopt: the position
// is older than the ledger, or on another timeline.
std::optional<Time> ledger_time(const Ledger& ledger, WalPosition safe);
// Adds what a canary wrote. Rows above it on the same timeline are dropped (the database was restored), as are those older than 8 days.
void ledger_add(Ledger& ledger, LedgerRow row);

}  // namespace drwatch
