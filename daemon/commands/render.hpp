// SPDX-License-Identifier: Apache-2.0
// The API's documents as text for people. Pure: the same document, the same text.
#pragma once

#include "config/rows/document.hpp"
#include "daemon/commands/text.hpp"
#include "daemon/journal/journal.hpp"

#include <string>
#include <vector>

namespace drwatch::commands {

Json problems_document(const std::vector<config::Problem>& problems);
std::string check_summary(const std::string& file, const std::vector<config::Problem>& problems);

std::string status_text(const Json& status, const Paint& paint);
int status_exit_code(
    const Json& status);  // 1: a component is down, an incident open, an objective at-risk or breached, or drwatch is blind

std::string incidents_text(const Json& list, Time now, const Paint& paint);
std::string incident_text(const Json& incident, Time now, const Paint& paint);
std::string message_text(const Json& message, const Paint& paint);
std::string restore_text(const Json& incident);  // after somebody said when the bad change was made: to which moment to restore

std::string scenarios_text(const Json& list, const Paint& paint);
std::string scenario_text(const Json& scenario);  // Markdown: a page of the runbook that stands alone
std::string runbook_index(const std::vector<Json>& scenarios);
std::string runbook_targets(const std::vector<Json>& scenarios, const Json& components);  // Markdown: every RTO and RPO on one page

// [{"name", "outcome": {...}, "configured": {...}}]; `whole`: also of those that are up, what was asked and what came back.
std::string outcomes_text(const Json& outcomes, bool whole, const Paint& paint);
int outcomes_exit_code(const Json& outcomes);

std::string maintenance_text(const Json& list, Time now, const Paint& paint);
std::string alerts_text(const Json& list, Time now, const Paint& paint);

std::string verdict_text(const std::string& file, const JournalVerdict& verdict);
Json verdict_document(const JournalVerdict& verdict);
std::string event_line(const Event& event, const Paint& paint);

}  // namespace drwatch::commands
