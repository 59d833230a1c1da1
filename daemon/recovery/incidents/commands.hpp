// SPDX-License-Identifier: Apache-2.0
// What a step's command would be if it was run now.
#pragma once

#include "config/settings.hpp"
#include "daemon/recovery/input.hpp"
#include "daemon/recovery/record/state.hpp"

#include <string>
#include <vector>

namespace drwatch {

struct FilledCommand {
  std::vector<std::string> argv;
  std::vector<std::string> missing;  // names that are not known now: it would not be started
};
FilledCommand filled_command(const State& state, const Settings& settings, const Incident& incident, const IncidentStep& step, Time now);

// Why a text that is not sent yet must not go out as it stands: it speaks of a state that is no more. Empty: it may.
std::string out_of_date(const Incident& incident, const IncidentMessage& message);

// What was ordered had an effect of its own, beside what drwatch decides by itself in the same moment.
bool changes(const Decision& decision);

}  // namespace drwatch
