// SPDX-License-Identifier: Apache-2.0
// What a step's command would be if it was run now.
#pragma once

#include "config/settings.hpp"
#include "daemon/recovery/record/state.hpp"

#include <string>
#include <vector>

namespace drwatch {

struct FilledCommand {
  std::vector<std::string> argv;
  std::vector<std::string> missing;  // names that are not known now: it would not be started
};
FilledCommand filled_command(const State& state, const Settings& settings, const Incident& incident, const IncidentStep& step, Time now);

}  // namespace drwatch
