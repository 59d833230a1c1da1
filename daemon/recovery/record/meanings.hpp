// SPDX-License-Identifier: Apache-2.0
// How apply() finds what an event means. Only the files of this room include it.
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <map>
#include <string_view>

namespace drwatch {

using Meaning = void (*)(Record&, const Event&);
const std::map<std::string_view, Meaning>& incident_meanings();
const std::map<std::string_view, Meaning>& drill_meanings();

Incident* incident_of(Record& record, const Event& event);  // or the work of a drill; nullptr: the event is about none that is known

}  // namespace drwatch
