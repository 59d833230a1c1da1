// SPDX-License-Identifier: Apache-2.0
// Whether a condition is true: yes, no, or not known. Contract: "Conditions".
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drwatch {

// How many of its probes have to be down for the component to be.
std::size_t enough_of(const ComponentSettings& component);

// Every probe of it has been seen since the start.
bool seen(const State& state, const Settings& settings, const ComponentSettings& component);

enum class Truth { no, unknown, yes };

struct Sentence {
  Truth truth = Truth::unknown;
  Time since{};          // the present truth began: for an improvement the first good run, not its confirmation
  std::string evidence;  // "primary: connection refused, 3 runs"
  bool dated = true;     // false: nobody knows since when (an RTO's standing follows from many things)
  bool finding = false;  // an objective that can never be met: it is not said to be bad, and not to be well either
};
Sentence evaluate(const State& state, const Settings& settings, const Condition& condition, Time now);
// The same without its evidence: the words cost far more than the truth, and are wanted only when it leads to something.
Sentence evaluate_without_words(const State& state, const Settings& settings, const Condition& condition, Time now);

// When what the condition says began: the earliest last good outcome before the unbroken bad stretch of the probes it is about; for
// objectives and signals when they became so.
struct Start {
  Time at{};
  std::string by;
};
std::optional<Start> started(const State& state, const Settings& settings, const Condition& condition);

// The components a condition is about ("any component": those that make it true). Objectives and signals are about none: maintenance and
// parents do not explain them.
std::vector<std::string> components_of(const State& state, const Settings& settings, const Condition& condition);

// The newest start of a run that every probe behind the condition has had; nullopt: one has not run since the start of drwatch. A subject
// without probes (signal, RTO): `now`.
std::optional<Time> looked_at(const State& state, const Settings& settings, const Condition& condition, Time now);
// The probes behind the condition that have had no run since: none began after `since`, or the last could not look.
std::set<std::string> not_looked_at(const State& state, const Settings& settings, const Condition& condition, Time since);

}  // namespace drwatch
