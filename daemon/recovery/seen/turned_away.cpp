// SPDX-License-Identifier: Apache-2.0
// A probe that its target turns away for asking too often, again and again: no outage, and something that an operator should know.
#include "daemon/recovery/deciding.hpp"

namespace drwatch {
namespace {

// So long every run is turned away before that is told.
constexpr Duration told_after = hours{1};

}  // namespace

// After a restart what is known of it is only that it was so: that stands until a run says otherwise.
std::optional<FindingRecord> turned_away(const Deciding& d, const ProbeSettings& probe) {
  const auto sight = d.state.sight.probes.find(probe.name);
  const bool seen = sight != d.state.sight.probes.end() && sight->second.seen;
  if (seen && !sight->second.turned_away_since) return std::nullopt;
  const bool long_enough = seen && d.now - sight->second.turned_away_since.value_or(d.now) >= told_after;
  if (!long_enough && d.record().findings.count("turned-away/" + probe.component + "/" + probe.name) == 0) return std::nullopt;
  return FindingRecord{"turned-away", probe.component, "",
                       probe.name + " is turned away for asking too often, every time for " + duration_words(told_after) +
                           " and more: nobody sees its target; lengthen its interval, or ask for a higher limit",
                       d.now};
}

void wake_for_turned_away(Deciding& d) {
  for (const auto& [name, sight] : d.state.sight.probes)
    if (sight.turned_away_since && d.now < *sight.turned_away_since + told_after) d.wake(*sight.turned_away_since + told_after);
}

}  // namespace drwatch
