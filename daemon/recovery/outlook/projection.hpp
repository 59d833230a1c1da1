// SPDX-License-Identifier: Apache-2.0
// When an incident will be over: the graph of its remaining steps, sampled with how long they take. Longest path through the graph, many
// times; a sum of p90s would say too much, a sum of medians too little where steps run side by side.
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drwatch {

constexpr int projection_draws = 1000;

// What people do, and what has to end before the incident is over:
//   exit by steps    every critical step
//   exit by health   every critical verified step with all that comes before it, and the critical steps that do not come after one of them
//                    (what comes after is work on a platform that is back)
// of no option, or of the options that were chosen. While none is chosen any of them may be it: their draws are pooled. `decide by` is that
// of the last resort, the option that the runbook lists last, chosen or not: from then on nothing is left to fall back on. nullopt: nothing
// is known of any step that is left.
// Samples count as they would be with the data that there was when the incident opened, and what people did as it was in the hours in
// which it is now (circumstances.hpp).
std::optional<Projection> project(const State& state, const Settings& settings, const Incident& incident, Time now);

// What recovery would take if this struck now: noticing (noticing.hpp, or as measured), acknowledging (a third of `ack_within` as the
// median while nothing was measured), and every step. nullopt: nothing is known.
std::optional<Projection> project(const State& state, const Settings& settings, const Scenario& scenario, Time now);

// How long before `decide by` it is too late to think: 15 minutes, and a quarter of objectives shorter than an hour.
Duration time_to_decide(Duration rto);

// What the figures rest on: "measured, with 42 GiB of data, outside working hours".
std::string basis_words(const Projection& projection);
// What they leave out, or cannot know: "; takes longer than anything known: step 'restore'". Empty: nothing.
std::string doubts(const Projection& projection);

}  // namespace drwatch
