// SPDX-License-Identifier: Apache-2.0
// What conditions say of each other, whatever happens.
#pragma once

#include "config/condition.hpp"
#include "config/load/loading.hpp"

namespace drwatch::config {

// Whenever `a` is true, `b` is: "database is down" implies "database is degraded". Only of the same subject.
bool implies(const Condition& a, const Condition& b);
// They are never true together: "database is up" and "database is down".
bool exclude_each_other(const Condition& a, const Condition& b);

// Reports what in a scenario's trigger and exit can never come true.
void check_contradictions(const ScenarioFile& file, Problems& problems);

}  // namespace drwatch::config
