// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/seams/world.hpp"

#include <optional>

namespace drwatch {

// "Sun, 06 Nov 1994 08:49:37 GMT", or with dashes in the date, as cookies have it; nullopt: not such a date.
std::optional<Time> parse_http_date(std::string_view text);

// The answer's Date header (RFC 9110 5.6.7, the form that servers must send); nullopt: none, or not such a date.
std::optional<Time> http_date(const HttpResponse& answer);

}  // namespace drwatch
