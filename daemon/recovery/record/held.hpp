// SPDX-License-Identifier: Apache-2.0
// A drill that is held, or was: an incident on purpose. It stands beside the incidents and never among them, so that nothing that counts,
// opens, recovers or pages by incidents can take it for one.
#pragma once

#include "daemon/recovery/record/incident.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

// The step that the drill's own command is, before those of the scenario.
inline constexpr std::string_view drill_command = "drill-command";

// The moment to which drwatch said that could be restored when the drill began: what the drill is held against.
struct DrillClaim {
  Time at{};
  std::string source;  // probe
  std::optional<double> exposure_seconds;
};

struct HeldDrill {
  Incident work;          // its steps, clock, messages and timeline, as an incident has them
  std::string type;       // tabletop | restore | full
  std::string verdict;    // passed | failed | partial | aborted; empty: it goes on
  std::string reason;     // why it is not passed; empty: it is, or nobody said
  bool recorded = false;  // it was held elsewhere and written down
  bool by_calendar = false;
  std::optional<Time> planned_at;  // the date that it was due at
  std::optional<DrillClaim> claim;
  std::optional<double> rpo_seconds;  // the objective at that time; the RTO is in `work`
  std::optional<double> recovery_seconds, data_loss_seconds;
  std::string measures;             // the step whose time the command's time is; empty: none
  std::string evidence;             // what its command found, as JSON; empty: nothing was handed in
  std::vector<std::string> proves;  // "host from wal-archive"
  std::string critical_hash;        // of the runbook that it began with; empty: nobody wrote it down
  std::optional<Time> wall_at;      // what the wall's clock showed when it began, by which its command dates its evidence
};

// A date that was said once, and need not be said again.
struct DrillTold {
  Time due_at{};
  bool overdue = false;
};
// Something of weight changed since the newest drill that passed: another one is due since then.
struct DrillChange {
  Time at{};
  std::string reason;
};
// The newest drill that showed a recovery from one copy after one class of disaster.
struct DrillProof {
  Time at{};
  std::string of_class, source, reads;  // source: a probe; empty: nobody said
  std::optional<double> recovery_seconds, data_loss_seconds;
};
// Nobody begins a drill meanwhile.
struct DrillHold {
  Time since{};
  std::string by, note;
};

struct Record;
struct Event;

// What the record knows of drills beside the newest that passed or failed.
struct Drilling {
  std::map<std::string, HeldDrill> held;                            // by id; final ones are kept (the newest 300)
  std::map<std::string, DrillTold> told;                            // by scenario
  std::map<std::string, DrillChange> changes;                       // by scenario
  std::map<std::string, Time> tabletops;                            // by scenario: the newest that passed; it proves the plan alone
  std::map<std::string, Time> tries;                                // by scenario: the newest that the calendar began
  std::map<std::string, std::map<std::string, DrillProof>> proofs;  // by scenario, then "CLASS/SOURCE"
  std::optional<DrillHold> hold;
};

}  // namespace drwatch
