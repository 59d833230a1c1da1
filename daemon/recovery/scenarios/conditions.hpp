// SPDX-License-Identifier: Apache-2.0
// Whether a condition is true: yes, no, or not known. Contract: "Conditions".
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace drwatch {

// How many of its probes have to be down for the component to be down, by its `down_when`: at least 1.
std::size_t enough_of(const ComponentSettings& component);

// True when every probe of the component has had a run since the start (or since blindness or a jump of the clock ended). Until then
// nothing is said of it: what the record holds is from before.
bool seen(const State& state, const Settings& settings, const ComponentSettings& component);

// A condition is not a bool: what could not be seen must neither open nor recover an incident.
enum class Truth { no, unknown, yes };

// What a condition says now.
struct Sentence {
  Truth truth = Truth::unknown;
  Time since{};                  // the present truth began: for an improvement the first good run, not its confirmation
  std::string evidence;          // "primary: connection refused, 3 runs"
  bool dated = true;             // false: nobody knows since when (an RTO's standing follows from many things)
  bool finding = false;          // an RPO that can never be met: neither "breached" nor "met" may be concluded from it
  std::optional<Time> turns_at;  // true all but for its own `for`, which is over then
};
// The condition, judged at `now` by what is recorded and what was seen since the start. Never fails: what is not configured any more is not
// known.
Sentence evaluate(const State& state, const Settings& settings, const Condition& condition, Time now);
// The same with `evidence` left empty in most cases: composing the words costs far more than the truth, and they are wanted only when
// something follows from it.
Sentence evaluate_without_words(const State& state, const Settings& settings, const Condition& condition, Time now);

// Of a place or set that is down or degraded: the same by the word of those members alone that `counts` does not leave out. Of more than
// half of it nobody may be left out where it says that all of it is so: a rest is not the place.
Sentence evaluate_without(const State& state, const Settings& settings, const Condition& condition, Time now,
                          const std::function<bool(const std::string& component)>& left_out);

// Why the incident is open, in the words of now: what has held since its opening may have another reason today. What holds no more is as it
// was then.
std::vector<Evidence> because_now(const State& state, const Settings& settings, const Incident& incident, Time now);

// When what a condition says began, for the clock of an incident: the earliest last good outcome before the unbroken bad stretch of the
// probes it is about; for objectives and signals, when they became so. `by` says what it is known by, for people: "last good outcome of
// primary".
struct Start {
  Time at{};
  std::string by;
};
// nullopt: nothing that the condition is about is bad, or nobody knows since when.
std::optional<Start> started(const State& state, const Settings& settings, const Condition& condition);

// The components a condition is about; of "any component", those for which it is true now. Objectives and signals are about none, so
// neither maintenance nor a failing parent keeps a scenario shut that opens by them.
// Of a place, those of its members that are as it says.
std::vector<std::string> components_of(const State& state, const Settings& settings, const Condition& condition);

// The condition was looked at as a whole at this time: the start of the newest run of each probe behind it, and of these the oldest.
// nullopt: one of them has not run since drwatch started. `now` for a subject without probes (signal, RTO).
std::optional<Time> looked_at(const State& state, const Settings& settings, const Condition& condition, Time now);
// The probes behind the condition of which no run began after `since`; of an RPO also those whose last run could not read the source.
std::set<std::string> not_looked_at(const State& state, const Settings& settings, const Condition& condition, Time since);

}  // namespace drwatch
