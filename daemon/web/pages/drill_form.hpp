// SPDX-License-Identifier: Apache-2.0
// The form that begins a drill, on the page of the drills and on that of a scenario.
#pragma once

#include "daemon/web/pages/incident.hpp"
#include "daemon/web/room.hpp"

#include <string>

namespace drwatch::web {

// As HTML; "" for who may not begin one. `scenario`: the only one that can be begun with it; nullptr: one is chosen, `chosen` at first.
std::string drill_form(const Moment& now, const Call& call, const Scenario* scenario, const std::string& chosen);

// ---- drills.cpp
Response drills_page(const Moment& now, const Call& call, const NotDone& not_done, const std::string& chosen);

}  // namespace drwatch::web
