// SPDX-License-Identifier: Apache-2.0
// What the sentences about components, probes and places share. Inside scenarios only.
#pragma once

#include "daemon/recovery/scenarios/conditions.hpp"

namespace drwatch {

enum class Words { spoken, left_out };  // of the evidence

// nullptr: not configured any more.
const ComponentSettings* component_in(const Settings& settings, const std::string& name);
// The sentence about what is not configured any more: not known.
Sentence no_longer(const std::string& name);
Sentence of_component(const State& state, const Settings& settings, const std::string& name, Condition::Holds holds, Words words);
Sentence of_probe(const State& state, const Settings& settings, const std::string& name, Condition::Holds holds, Words words);
// The sentence with the condition's own `for`.
Sentence lasting(Sentence s, const Condition& c, Time now);

// looked.cpp
// The probe has run since the start; a job that calls in is judged by the clock and its last call.
bool probe_seen(const State& state, const Settings& settings, const std::string& name);

// places.cpp
// The same with the reason or the code that it asks for (`by`).
Sentence of_component_by(const State& state, const Settings& settings, const Condition& c, Words words);
Sentence of_probe_by(const State& state, const Settings& settings, const Condition& c, Words words);
Sentence of_place(const State& state, const Settings& settings, const Condition& c, Words words);
// "not drift" in a set: the probe whose trouble means that nothing is true of it. nullopt: an ordinary member.
std::optional<std::string> speaks_against(const std::string& member);

}  // namespace drwatch
