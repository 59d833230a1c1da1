// SPDX-License-Identifier: Apache-2.0
// How long it takes until drwatch itself has noticed a disaster, by the configuration alone.
#pragma once

#include "config/settings.hpp"

#include <optional>

namespace drwatch {

// From the disaster to the end of the trigger's `for`: half an interval (it strikes anywhere in it), the runs that confirm it, the `for`;
// of the quickest probe that tells of one in `any`, and of every one in `all`. nullopt where people, jobs or objectives have to say it:
// nobody can know how long that takes.
std::optional<Duration> noticing(const Settings& settings, const Trigger& trigger);

}  // namespace drwatch
