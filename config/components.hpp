// SPDX-License-Identifier: Apache-2.0
// The components that a name stands for.
#pragma once

#include "config/settings.hpp"

#include <string>
#include <vector>

namespace drwatch {

// A component stands for itself, a place or a set for all components in it. Empty: the name stands for none.
std::vector<std::string> components_in(const Settings& settings, const std::string& name);
std::vector<std::string> names_of_components(const Settings& settings);  // all such names

}  // namespace drwatch
