// SPDX-License-Identifier: Apache-2.0
// A target that says: not so often, or not now.
#pragma once

#include "probes/seams/world.hpp"

#include <optional>

namespace drwatch {

// What the answer's Retry-After asks for (RFC 9110, 10.2.3): seconds, or a date, which its own Date is compared with (`now` where it has
// none). At most Outcome::longest_wait, whatever it says; nullopt: it asks for nothing, or its status is neither 429 nor 503.
std::optional<Duration> asked_to_wait(const HttpResponse& answer, Time now);

// 429 (RFC 6585, 4): drwatch is turned away for asking too often. That says nothing of the target nor of other users: unknown. `what` was
// asked: "GET https://api.example.org/health".
Outcome turned_away(const HttpResponse& answer, const std::string& what, Time now);

}  // namespace drwatch
