// SPDX-License-Identifier: Apache-2.0
#include "probes/outcome.hpp"

#include <array>
#include <utility>

namespace drwatch {
namespace {

constexpr std::array<std::string_view, 4> health_names = {"up", "degraded", "down", "unknown"};
constexpr std::array<std::string_view, 12> reason_names = {"",         "dns",       "connect", "tls",    "auth",      "timeout",
                                                           "protocol", "assertion", "stale",   "absent", "own-fault", "internal"};
constexpr std::array<std::string_view, phase_count> phase_names = {"resolve", "connect", "tls", "auth", "request", "response", "total"};

}  // namespace

std::string_view health_name(Health h) { return health_names[static_cast<std::size_t>(h)]; }

int severity_seen(Health h) { return h == Health::down ? 3 : h == Health::degraded ? 2 : h == Health::unknown ? 1 : 0; }
int severity_possible(Health h) { return h == Health::down ? 3 : h == Health::unknown ? 2 : h == Health::degraded ? 1 : 0; }

std::optional<Health> parse_health(std::string_view text) {
  for (std::size_t i = 0; i < health_names.size(); ++i)
    if (health_names[i] == text) return static_cast<Health>(i);
  return std::nullopt;
}

std::string_view reason_name(Reason r) { return reason_names[static_cast<std::size_t>(r)]; }

std::optional<Reason> parse_reason(std::string_view text) {
  for (Reason r : all_reasons)
    if (reason_name(r) == text) return r;
  return std::nullopt;  // "" as well: `none` is the absence of a reason, nobody writes it
}

std::string_view phase_name(Phase p) { return phase_names[static_cast<std::size_t>(p)]; }

Outcome outcome_of(Health h, Reason r, std::string code, std::string message) {
  Outcome made;
  made.outcome = h;
  made.reason = r;
  made.code = std::move(code);
  made.message = std::move(message);
  return made;
}

Outcome held_down(Outcome outcome, const std::vector<Latch>& latches) {
  if (latches.empty()) return outcome;
  std::string said;
  for (const Latch& latch : latches) said += (said.empty() ? "" : "; ") + latch.message;
  if (outcome.outcome != Health::up && !outcome.message.empty() && outcome.message != said) said += "; now: " + outcome.message;
  // A run that is down by itself keeps its own reason and code.
  if (outcome.outcome != Health::down || outcome.reason == Reason::none) {
    outcome.reason = Reason::assertion;
    outcome.code.clear();
  }
  outcome.outcome = Health::down;
  outcome.message = std::move(said);
  return outcome;
}

}  // namespace drwatch
