// SPDX-License-Identifier: Apache-2.0
// What a Mustache text asks for, so that a message or an argument that could never be filled is found when it is loaded.
#pragma once

#include "config/rows/pattern.hpp"

#include <string_view>
#include <vector>

namespace drwatch::config {

// Everything in `text` that could not be filled from message_names(): unknown names, tags and sections that are not closed, partials.
std::vector<Misfit> template_misfits(std::string_view text);

}  // namespace drwatch::config
