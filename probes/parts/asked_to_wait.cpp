// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/asked_to_wait.hpp"

#include "config/rows/text.hpp"
#include "probes/parts/http_date.hpp"
#include "probes/parts/http_expectation.hpp"

#include <algorithm>

namespace drwatch {

std::optional<Duration> asked_to_wait(const HttpResponse& answer, Time now) {
  if (answer.status != 429 && answer.status != 503) return std::nullopt;
  const auto values = header_values(answer, "retry-after");
  if (values.empty()) return std::nullopt;
  const std::string text(trimmed(values.front()));
  if (text.empty()) return std::nullopt;
  if (text.find_first_not_of("0123456789") == text.npos) {
    // More digits than three are more than the bound anyway.
    const Duration wanted = text.size() > 3 ? Outcome::longest_wait : Duration{seconds{std::stoi(text)}};
    return std::min(wanted, Outcome::longest_wait);
  }
  const auto at = parse_http_date(text);
  if (!at) return std::nullopt;
  return std::clamp(*at - http_date(answer).value_or(now), Duration{0}, Outcome::longest_wait);
}

Outcome turned_away(const HttpResponse& answer, const std::string& what, Time now) {
  Outcome made = outcome_of(Health::unknown, Reason::own_fault, std::to_string(answer.status), "");
  made.rate_limited = true;
  made.wait = asked_to_wait(answer, now);
  made.message = what + ": turns drwatch away for asking too often (" + made.code + ")" +
                 (made.wait ? ", and asks it to wait " + duration_words(*made.wait) : "") + "; lengthen the probe's interval";
  return made;
}

}  // namespace drwatch
