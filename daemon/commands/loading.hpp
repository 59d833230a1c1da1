// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"

#include <memory>
#include <string>

namespace drwatch::commands {

// The configuration, or CommandRefused with its problems; warnings are check's business.
std::shared_ptr<const Settings> load_or_refuse(const std::string& file);

}  // namespace drwatch::commands
