// SPDX-License-Identifier: Apache-2.0
// Stage one: only what an Alertmanager will take is sent. One bad alert in a batch answers 400, a malformed generatorURL 422 and then none
// is taken.
#pragma once

#include "daemon/recovery/alerts/alert.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

// Our own bounds, in bytes; Alertmanager has none. They keep a message that some service wrote from making a batch too large for a proxy.
inline constexpr std::size_t max_label_bytes = 1024, max_annotation_bytes = 16 * 1024;
inline constexpr Duration resolved_stays = minutes{15};  // how long a resolve is sent again

// Why this alert can't be sent as it is; nullopt: it can. Judged by its labels and its start, since these are its identity and can't be
// mended.
std::optional<std::string> why_unsendable(const Alert& alert);

// The alert with all that can be mended mended: labels without a value dropped (Alertmanager drops them too: the same identity),
// annotations made UTF-8 and cut to size, annotations with impossible names dropped, `durable` = "false" said where it is so.
Alert tidy(Alert alert);

// May stand as a generatorURL: an absolute http(s) URL.
bool good_generator_url(std::string_view url);

// Sent in this order: firing before resolved, and by their changes. So a wide alert fires before the narrow one that it absorbed is
// resolved.
void sort_for_sending(std::vector<Alert>& alerts);

// Firing, or resolved not too long ago to be sent still.
bool still_sent(const Alert& alert, Time now);

}  // namespace drwatch
