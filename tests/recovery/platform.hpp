// SPDX-License-Identifier: Apache-2.0
// A small platform made by hand, and a stage on which its hours pass: inputs in, events out, every event also applied to a second record.
#pragma once

#include "daemon/recovery/input.hpp"
#include "daemon/recovery/seen/schedule.hpp"

#include <string>
#include <vector>

namespace drwatch::testing {

struct ByHand : Names {
  explicit ByHand(const Settings& s) : settings(s) {}
  std::optional<Condition::Subject> what(std::string_view name) const override;
  const Settings& settings;
};
Condition condition(const Settings& settings, const std::string& text);

// database (probe primary, backup wal), api (depends on the database, probe web), cron (job nightly, hourly); scenarios database-outage and
// api-outage.
Settings platform();
Scenario scenario(const Settings& settings, const std::string& id, std::vector<std::string> any, std::vector<std::string> affects);

class Stage {
 public:
  explicit Stage(Settings s) : settings(std::move(s)) {
    feed(DaemonStarted{"test"});
    feed(ConfigurationLoaded{});
  }
  Decision feed(const Input& input);
  void compare() const;  // the record is the fold of the events, and nothing else
  // A run of `probe` at the present time.
  Decision ran(const std::string& probe, Health health, Reason reason = Reason::none);
  void recovery_point(Time at, Health health = Health::up);
  // Lets time pass, with a tick whenever the heart asked for one.
  void pass(Duration d);
  Health health(const std::string& component) {
    return state.record.components.count(component) ? state.record.components.at(component).health : Health::unknown;
  }
  Health probe(const std::string& name) { return state.record.probes.count(name) ? state.record.probes.at(name).health : Health::unknown; }
  const Incident* open(const std::string& scenario) const;
  bool fires(const std::string& alert) const;

  Settings settings;
  State state;
  Record replayed;  // the fold of the events alone
  Time now = *parse_time("2026-03-01T02:00:00Z");
  std::vector<Event> events;
};

}  // namespace drwatch::testing
