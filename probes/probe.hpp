// SPDX-License-Identifier: Apache-2.0
// A probe asks one question of one target. Deadline, start time, total duration, recording and cancellation are outside (daemon/scheduler),
// so that no kind can forget them.
#pragma once

#include "config/rows/schema.hpp"
#include "config/settings.hpp"
#include "probes/outcome.hpp"
#include "probes/seams/world.hpp"

#include <memory>
#include <vector>

namespace drwatch {

class Probe {
 public:
  virtual ~Probe() = default;
  // One run. Sets outcome, reason, code, message, phases and facts; `at`, `vantage` and phase `total` are set outside. What could not be
  // looked at is `unknown`, never `down`. A run may be cancelled at any co_await.
  virtual Task<Outcome> run(World& world) = 0;
  // Gives back what an earlier run of a probe with the same settings left in Outcome::memory; called after a restart, before the first run.
  // It is for what a run compares its target with and cannot ask for again. The text may be damaged or of an older version: it must be
  // checked.
  virtual void recall(const std::string& /*memory*/) {}
  // The health that a run means which was ended by its deadline. `unknown` for a kind that looks at its target through another system: that
  // the other is slow says nothing about the target.
  virtual Health when_late() const { return Health::down; }
};

// One row of the table of kinds.
struct Kind {
  config::KindSchema schema;
  // Null for a kind that only waits for others to call in (heartbeat).
  std::unique_ptr<Probe> (*make)(const ProbeSettings& settings) = nullptr;
};

const std::vector<Kind>& catalog();                       // probes/catalog.cpp: the visible table
std::vector<config::KindSchema> kind_schemas();           // the same, as config::load wants it
std::unique_ptr<Probe> make_probe(const ProbeSettings&);  // nullptr for a heartbeat

Outcome outcome_of(const Failure& failure);  // down; own-fault and internal: unknown

}  // namespace drwatch
