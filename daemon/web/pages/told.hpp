// SPDX-License-Identifier: Apache-2.0
// How a component is, for who sees nothing beside that one word.
#pragma once

#include "daemon/web/moment.hpp"

namespace drwatch::web {

// unknown when nobody has looked for three rounds, or drwatch is blind: what the record says is from before.
Health told_health(const Moment& now, const ComponentSettings& component);

}  // namespace drwatch::web
