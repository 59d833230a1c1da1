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
Exposure exposure_of(const State& state, const Settings& settings, const std::string& component, DisasterClass c, Time now);

// How much of [from, until] the component was known to take no writes.
Duration without_writes(const State& state, const std::string& component, Time from, Time until);

struct RpoJudgement {
  Standing standing = Standing::unproven;
  std::string message;
  std::optional<Time> breach_at;  // when it will be breached if nothing changes
  std::optional<Time> next;       // when the judgement can change by time alone
  // Breached by construction and as good as it ever is (no source survives the class, or none brings points often enough): a finding.
  // Nobody is woken for it and no scenario opens by it; when the source does worse than usual, it is a breach like any other.
  bool structural = false;
};
RpoJudgement judge_rpo(const State& state, const Settings& settings, const std::string& component, DisasterClass c, Time now);

// The ledger: the newest commit that everything up to `safe` includes. nullopt: older than the ledger, or another timeline.
std::optional<Time> ledger_time(const Ledger& ledger, WalPosition safe);
void ledger_add(Ledger& ledger, LedgerRow row);

}  // namespace drwatch
