// SPDX-License-Identifier: Apache-2.0
// A drill as a document that stands alone, and the dates of all drills as a calendar.
#pragma once

#include "daemon/web/api/view.hpp"

#include <string>

namespace drwatch::web {

// Markdown: what an auditor asks of a drill's record, with what only people can say left blank.
std::string drill_report(const Seen& seen, const HeldDrill& drill);
// The same as facts: the drill itself, and null for what only people can say.
View drill_report_view(const Seen& seen, const HeldDrill& drill);

// iCalendar (RFC 5545): an event for the date that is due next of each scenario, and for those of the year after it.
std::string drill_calendar(const Seen& seen);

}  // namespace drwatch::web
