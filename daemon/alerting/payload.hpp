// SPDX-License-Identifier: Apache-2.0
// Alerts as JSON: what Alertmanager's API v2 takes and gives, and what its webhook (version 4) sends, which the channels send too.
#pragma once

#include "config/rows/time.hpp"
#include "daemon/recovery/alerts/alert.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

using Labels = std::map<std::string, std::string>;

// The body of POST /api/v2/alerts. While firing `endsAt` is `now` + 4 x `resend`, so that the alert outlives a daemon that is being
// restarted and not much more; a resolved one carries an end that is past, since only that resolves.
std::string alerts_body(const std::vector<Alert>& alerts, Time now, Duration resend);

// The path and query that lists these alerts again: /api/v2/alerts, narrowed to their alertnames.
std::string read_back_path(const std::vector<Alert>& alerts);
// The label sets that the answer lists (Alertmanager lists only what is firing); nullopt: it is not such an answer.
std::optional<std::set<Labels>> listed_alerts(std::string_view body);
// What an error answer says ("invalid label name ..."), one line, bounded.
std::string error_text(std::string_view body);

// One alert as the webhook notification of a receiver of this name, each alert a group of its own.
std::string webhook_body(const Alert& alert, const std::string& receiver, const std::string& external_url);

// Alertmanager's fingerprint of a label set, 16 hex digits: 64-bit FNV-1a over the sorted names and values, each ended by 0xFF.
std::string fingerprint(const Labels& labels);

}  // namespace drwatch
