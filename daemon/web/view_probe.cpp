// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/view.hpp"

#include <map>

namespace drwatch::web {

View outcome_view(const Outcome& outcome) {
  View phases = View::object();
  for (int i = 0; i < phase_count; ++i)
    if (const auto& took = outcome.phases.took[i])
      phases[std::string(phase_name(static_cast<Phase>(i)))] = std::chrono::duration<double>(*took).count();
  View facts = View::object();
  for (const auto& [name, value] : outcome.facts) facts[name] = value;
  View view;
  view["at"] = time_view(outcome.at);
  view["vantage"] = outcome.vantage;
  view["outcome"] = health_name(outcome.outcome);
  view["reason"] = text_view(std::string(reason_name(outcome.reason)));
  view["code"] = text_view(outcome.code);
  view["message"] = text_view(outcome.message);
  view["phases_seconds"] = std::move(phases);
  view["facts"] = std::move(facts);
  return view;
}

namespace {

template <class Map, class Key = typename Map::key_type>
const typename Map::mapped_type* look_up(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

View newest_first(const std::deque<Outcome>& outcomes) {
  View list = View::array();
  for (auto it = outcomes.rbegin(); it != outcomes.rend(); ++it) list.push_back(outcome_view(*it));
  return list;
}

}  // namespace

View probe_view(const Seen& seen, const ProbeSettings& probe, const std::optional<Time>& next_run, bool whole) {
  const auto* record = look_up(seen.state.record.probes, probe.name);
  const auto* kept = look_up(seen.state.kept.probes, probe.name);
  const auto* sight = look_up(seen.state.sight.probes, probe.name);
  View view;
  view["name"] = probe.name;
  view["component"] = text_view(probe.component);
  view["kind"] = probe.kind;
  view["health"] = health_name(record ? record->health : Health::unknown);
  view["since"] = record ? time_view(record->since) : View(nullptr);
  view["last_good_at"] = kept ? time_view(kept->last_up_at) : View(nullptr);
  view["next_run_at"] = time_view(next_run);
  view["interval_seconds"] = seconds_view(probe.interval);
  view["consecutive_bad"] = sight ? sight->consecutive_bad : 0;
  view["message"] = record ? text_view(record->message) : View(nullptr);
  view["witness"] = probe.witness;
  view["seen"] = sight && sight->seen;  // since the start: else its health is what the journal remembers
  view["last"] = sight && sight->last ? outcome_view(*sight->last) : View(nullptr);
  view["recent"] = !whole ? View(nullptr) : sight ? newest_first(sight->recent) : View::array();
  view["failures"] = !whole ? View(nullptr) : sight ? newest_first(sight->failures) : View::array();
  return view;
}

}  // namespace drwatch::web
