// SPDX-License-Identifier: Apache-2.0
// What a run sees while a change of the story holds.
#include "daemon/story/story.hpp"
#include "probes/parts/pg_outcome.hpp"

#include <cmath>

namespace drwatch {

Outcome story_outcome(const StoryChange& c, bool of_a_database) {
  Health h = parse_health(*c.outcome).value_or(Health::unknown);
  Reason r = c.reason ? parse_reason(*c.reason).value_or(Reason::internal) : h == Health::up ? Reason::none : Reason::assertion;
  Outcome o = outcome_of(h, r, c.code.value_or(""), c.message.value_or(""));
  if (r == Reason::connect && o.code.empty()) o.code = "ECONNREFUSED";
  o.rate_limited = h == Health::unknown && o.code == "429";
  // A story need not know the server's words.
  const bool refuses = o.code == "54000" || takes_no_writes({r, o.code, o.message});
  o.takes_no_writes = of_a_database && h == Health::down && refuses;
  return o;
}

bool in_share(double share, std::uint64_t run) {
  const auto n = static_cast<double>(run);
  return std::ceil((n + 1) * share) > std::ceil(n * share);
}

}  // namespace drwatch
