// SPDX-License-Identifier: Apache-2.0
// The post-mortem draft of an incident, in Markdown: what drwatch knows, and headings for what only people know.
#pragma once

#include "daemon/web/api/view.hpp"

#include <string>

namespace drwatch::web {

std::string report(const Seen& seen, const Incident& incident);

}  // namespace drwatch::web
