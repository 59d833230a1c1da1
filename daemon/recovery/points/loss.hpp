// SPDX-License-Identifier: Apache-2.0
// To which moment an incident's data is to be restored, and what that costs. A logical failure (bad migration, deletion) has to be undone:
// not the newest point counts but the newest one before the bad change, and everything written until somebody noticed and stopped the
// writes is part of the loss (domain: "Definitions and the failure-class matrix").
#pragma once

#include "daemon/recovery/points/exposure.hpp"

#include <optional>
#include <string>

namespace drwatch {

struct RestorePoint {
  Time at{};
  std::string source;      // probe
  Duration lost{0};        // written since, up to now or to the end of the incident
  bool estimated = false;  // the source can't be read, or nobody said when the bad change was made
};
// The worst of the affected components that have one; nullopt: none has. For class `logical` before `bad_change_at`; until somebody says
// when that was, before the first thing that drwatch saw wrong. For other classes the newest point.
std::optional<RestorePoint> restore_point(const State& state, const Settings& settings, const Incident& incident, Time now);

// From what a scenario could be recovered if it struck now: the point that survives its class, of the component that would lose most.
// nullopt: nothing that it affects has recovery points, or should have.
struct Restorable {
  std::string component;
  Exposure exposure;
};
std::optional<Restorable> restorable(const State& state, const Settings& settings, const Scenario& scenario, Time now);

// Something was changed that has to be undone: class logical with data at stake, unless only a source of recovery points fails (whose
// scenario may be of class logical to show that point) and nobody said otherwise.
bool has_bad_change(const Settings& settings, const Incident& incident);

// nullopt: there is no bad change to undo. As it was at the end, once that has been recorded (Incident::loss).
std::optional<Loss> loss_of(const State& state, const Settings& settings, const Incident& incident, Time now);

// The newest moment before `moment` (exclusive) to which a source that survives the class can restore the component: just before it where
// the source is continuous, else its newest point before it.
struct Moment {
  Time at{};
  std::string source;
  bool estimated = false;
};
std::optional<Moment> restorable_before(const State& state, const Settings& settings, const std::string& component, DisasterClass c,
                                        Time moment, Time now);

}  // namespace drwatch
