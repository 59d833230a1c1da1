// SPDX-License-Identifier: Apache-2.0
// /metrics in two halves: a snapshot of plain numbers taken on the loop (no text is made there), and the page made from it elsewhere.
#pragma once

#include "daemon/desk.hpp"
#include "daemon/recovery/points/exposure.hpp"

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace drwatch::web {

struct ProbeFigures {
  const ProbeSettings* settings = nullptr;  // its names, kept alive by Snapshot::settings
  Health health = Health::unknown;
  std::optional<Time> last_run_at;
  Phases last;                                                   // of the last run
  std::optional<double> failed_share;                            // of the last `window` runs; nullopt: there were not so many
  std::array<std::uint64_t, 4> runs{};                           // by Health
  std::array<std::uint64_t, std::size(all_reasons)> failures{};  // in the order of all_reasons
};
struct ObjectiveFigures {
  std::optional<DisasterClass> of_class;  // nullopt: the RTO
  Duration target{0};
  Standing standing = Standing::unproven;
  std::optional<Time> breach_at;  // of an RPO, when nothing changes
};
struct SourceFigures {
  std::string source;
  Time recovery_point{};
};
struct ComponentFigures {
  const ComponentSettings* settings = nullptr;
  Health health = Health::unknown;
  std::vector<Exposure> exposures;
  std::vector<ObjectiveFigures> objectives;
  std::vector<SourceFigures> sources;
  std::optional<Duration> time_to_fix;  // of what has an RPO
  std::optional<double> data_bytes;
};
struct ScenarioFigures {
  const Scenario* scenario = nullptr;
  Standing standing = Standing::unproven;
  std::optional<double> p50_seconds, p90_seconds;  // what recovery would take if it struck now
  std::optional<DrillRecord> drill;                // the newest that passed
  bool drill_overdue = false;
  std::optional<Time> drill_last, drill_due;  // the newest that counts for the calendar; the next
  bool drill_running = false;
};
struct IncidentFigures {
  std::string scenario;
  std::optional<Duration> elapsed;       // while open
  std::optional<Projection> projection;  // of the open incident
  std::optional<Time> update_due{};      // ... and when people who wait for news should hear something
};
struct Snapshot {
  std::shared_ptr<const Settings> settings;
  std::vector<ProbeFigures> probes;
  std::vector<ComponentFigures> components;
  std::vector<ScenarioFigures> scenarios;
  std::vector<IncidentFigures> incidents;                    // one a scenario, and of what is open and no longer configured
  std::map<std::string, std::size_t> findings;               // by kind
  std::uint64_t scored = 0, within_p50 = 0, within_p90 = 0;  // recoveries held against their first projection
  bool blind = false;
  DaemonFigures daemon;
};

Snapshot take_snapshot(const State& state, std::shared_ptr<const Settings> settings, DaemonFigures figures, Time now);

// The page in Prometheus' text format 0.0.4. Reads the process's own figures; touches nothing that the loop owns.
std::string metrics_text(const Snapshot& snapshot);

}  // namespace drwatch::web
