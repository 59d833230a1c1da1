// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/commands/client.hpp"

#include <string>

namespace drwatch::commands {

// Prints what the step's command prints, as it comes, until it has ended, and how it did. Whoever stops looking does not stop it.
void follow_command(Client& client, const std::string& incident, const std::string& step);

}  // namespace drwatch::commands
