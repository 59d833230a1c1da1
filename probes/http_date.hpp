// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/world.hpp"

#include <optional>

namespace drwatch {

// The answer's Date header (RFC 9110 5.6.7, the form that servers must send); nullopt: none, or not such a date.
std::optional<Time> http_date(const HttpResponse& answer);

}  // namespace drwatch
