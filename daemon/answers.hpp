// SPDX-License-Identifier: Apache-2.0
// Answers that are kept in the journal by their Idempotency-Key: {"at", "subject", "durable", "refused": {...}, "of",
// "made"}.
#pragma once

#include "config/rows/time.hpp"
#include "daemon/desk.hpp"

#include <optional>
#include <string>
#include <utility>

namespace drwatch {

std::string answer_text(Time at, const Answer& answer);
std::optional<std::pair<Time, Answer>> answer_from(const std::string& text);  // nullopt: it is none

// What a drill's command found is in one of its events.
bool keeps_document(const Decision& decision);

}  // namespace drwatch
