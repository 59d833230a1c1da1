// SPDX-License-Identifier: Apache-2.0
// The scenarios that ship, as the program carries them: "database-outage.toml", "shared/opening.toml". Made from config/scenarios.
#pragma once

#include <map>
#include <string_view>

namespace drwatch::commands {

const std::map<std::string_view, std::string_view>& shipped_scenarios();

}  // namespace drwatch::commands
