// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/seams/world.hpp"

#include <optional>

namespace drwatch {

// Unpacks the body by its Content-Encoding (gzip, deflate as zlib or bare, br; at most three on top of each other), in place. Fails with
// protocol: the encoding is not known, the bytes are not what it says, they end too early, or they unpack to more than `max_body` bytes.
std::optional<Failure> unpack(HttpResponse& answer, std::size_t max_body);

}  // namespace drwatch
