// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/seen/reasons.hpp"
#include "daemon/web/api/view.hpp"
#include "probes/seams/redaction.hpp"

#include <map>

namespace drwatch::web {

namespace {

View trace_view(const Trace* trace) {
  if (!trace) return nullptr;
  View view;
  view["exchanges"] = View::array();
  for (const Exchange& exchange : trace->exchanges) {
    View one;
    one["at_seconds"] = std::chrono::duration<double>(exchange.at).count();
    one["took_seconds"] = exchange.took ? View(std::chrono::duration<double>(*exchange.took).count()) : View(nullptr);
    one["failed"] = exchange.failed;
    one["asked"] = exchange.asked;
    one["answered"] = text_view(exchange.answered);
    view["exchanges"].push_back(std::move(one));
  }
  view["left_off"] = trace->left_off;
  return view;
}

}  // namespace

View outcome_view(const Outcome& outcome, bool whole) {
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
  view["trace"] = trace_view(whole ? outcome.trace.get() : nullptr);
  return view;
}

namespace {

template <class Map, class Key = typename Map::key_type>
const typename Map::mapped_type* look_up(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

// A run of which not everything is kept any more is shown with what is left: when, how, how long, code and message.
View past_view(const PastRun& run) {
  if (run.whole) return outcome_view(*run.whole, true);
  Outcome left = outcome_of(run.outcome, run.reason, run.code, run.message);
  left.at = run.at;
  left.phases[Phase::total] = run.took;
  return outcome_view(left, true);
}

View newest_first(const std::vector<PastRun>& runs) {
  View list = View::array();
  for (auto it = runs.rbegin(); it != runs.rend(); ++it) list.push_back(past_view(*it));
  return list;
}

}  // namespace

// Secrets are redacted: the page that shows this is read by more people than the file.
View written_view(const ProbeSettings& probe) {
  View written = View::object();
  for (const auto& [key, value] : probe.written) written[key] = redacted(value, {});
  return written;
}

View probe_view(const Seen& seen, const ProbeSettings& probe, const std::optional<Time>& next_run, bool whole) {
  const auto* record = look_up(seen.state.record.probes, probe.name);
  const auto* kept = look_up(seen.state.kept.probes, probe.name);
  const auto* sight = look_up(seen.state.sight.probes, probe.name);
  View view;
  view["name"] = probe.name;
  view["component"] = text_view(probe.component);
  view["kind"] = probe.kind;
  view["health"] = health_name(record ? record->health : Health::unknown);
  view["since"] = record && record->since != Time{} ? time_view(record->since) : View(nullptr);
  view["last_good_at"] = kept ? time_view(kept->last_up_at) : View(nullptr);
  view["next_run_at"] = time_view(next_run);
  view["interval_seconds"] = seconds_view(probe.interval);
  view["consecutive_bad"] = sight ? sight->consecutive_bad : 0;
  const Why why = why_of(seen.state, probe.name);
  view["message"] = text_view(why.now);
  view["first_message"] = text_view(why.first);
  view["witness"] = probe.witness;
  view["seen"] = sight && sight->seen;  // since the start; otherwise its health is what the journal remembers
  view["last"] = sight && sight->last ? outcome_view(*sight->last, whole) : View(nullptr);
  view["configured"] = !whole ? View(nullptr) : written_view(probe);
  view["recent"] = !whole ? View(nullptr) : sight ? newest_first(sight->recent) : View::array();
  view["failures"] = !whole ? View(nullptr) : sight ? newest_first(sight->failures) : View::array();
  return view;
}

}  // namespace drwatch::web
