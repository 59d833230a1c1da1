// SPDX-License-Identifier: Apache-2.0
// What steps, acknowledging and noticing have really taken, learned from incidents and drills.
#pragma once

#include "config/rows/time.hpp"
#include "daemon/recovery/record/incident.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace drwatch {

struct Sample {
  Time at{};  // it ended
  double seconds = 0;
  std::string scenario, title;
  double bytes = 0;  // of the data then; 0: not known
  Time began() const { return at - Duration{static_cast<std::int64_t>(seconds * 1000)}; }
};

// One opening projection against what happened.
struct Score {
  std::string incident, scenario;
  double p50_seconds = 0, p90_seconds = 0, actual_seconds = 0;  // since the start of the incident
};

struct Measured {
  std::map<std::string, std::vector<Sample>>
      samples;  // by step id; "(notice)" start to opening, "(acknowledge)" opening to acknowledgement, "(fix)" detection to recovery
  std::vector<Score> scores;  // the newest 100 recoveries that were projected
  std::uint64_t scored = 0, within_p50 = 0, within_p90 = 0;
  std::uint64_t version = 0;  // grows with everything learned

  // Of the last four quarters: those of this scenario, and those of others where the step is word for word the same (an included one).
  std::vector<Sample> of_step(const std::string& scenario, const std::string& step, const std::string& title, Time now) const;
  std::vector<Sample> of_noticing(const std::string& scenario, Time now) const;
  std::vector<Sample> of_acknowledging(Time now) const;  // of every scenario: the people are the same
  std::vector<Sample> of_fixing(Time now) const;         // of every scenario: which are about what is asked by whoever knows their triggers
};

// A finished incident that was no false alarm. A step's time runs from its start, or from when it could have been started, to its end.
// Skipped steps and verifications that prove nothing say nothing.
void learn(Measured& measured, const Incident& incident);
// What a drill took, step by step, and altogether when it passed.
struct DrillTook {
  std::string scenario;
  Time at{};
  std::map<std::string, double> steps;  // seconds
  std::optional<double> recovery;       // seconds
  double bytes = 0;                     // of the data; 0: not known
};
void learn(Measured& measured, const DrillTook& drill);

// When work on the step could begin: everything before it was closed and somebody had taken the incident. nullopt: not yet.
std::optional<Time> could_begin(const Incident& incident, const IncidentStep& step);

}  // namespace drwatch
