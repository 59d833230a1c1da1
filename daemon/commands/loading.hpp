// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"

#include <memory>
#include <string>

namespace drwatch::commands {

// The configuration, or CommandRefused with its problems; warnings are check's business.
std::shared_ptr<const Settings> load_or_refuse(const std::string& file);

// Where a command that is run by hand finds { credential = "NAME" }: in `folder` if one is named, else where systemd says, else in the
// folder `credentials` beside the configuration, from which the unit's LoadCredential lines take them.
void use_credentials(const std::string& folder, const std::string& config);

// As `serve`, a reload and `check` load it: with a look at what is there of what it names. What serve would refuse, check says.
config::LoadOptions with_a_look(bool secrets_must_exist);

}  // namespace drwatch::commands
