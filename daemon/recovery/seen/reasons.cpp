// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/seen/reasons.hpp"

#include "daemon/recovery/seen/failed_share.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// Milliseconds and counts differ from run to run; with another figure it is still the same reason.
bool alike(const std::string& a, const std::string& b) {
  const auto words = [](std::string text) {
    std::erase_if(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
    return text;
  };
  return words(a) == words(b);
}

// A run that shows the probe as it is known to be: of one that is down a run that was down, not the first good one of its recovery.
bool shows(Health run, Health is) { return run == is || (is == Health::degraded && run == Health::down); }

const std::string& said_by(const PastRun& run) { return run.whole ? run.whole->message : run.message; }

// The newest run since it became so that shows it; nullptr: the one that made it so.
const PastRun* newest_run(const State& state, const std::string& probe, const ProbeRecord& is) {
  const auto sight = state.sight.probes.find(probe);
  if (sight == state.sight.probes.end()) return nullptr;
  for (const auto* runs : {&sight->second.recent, &sight->second.failures}) {
    const auto found =
        std::find_if(runs->rbegin(), runs->rend(), [&](const PastRun& run) { return run.at > is.since && shows(run.outcome, is.health); });
    if (found != runs->rend()) return &*found;
  }
  return nullptr;
}

std::string or_health(const std::string& message, Health health) { return message.empty() ? std::string(health_name(health)) : message; }

}  // namespace

Why why_of(const State& state, const std::string& probe) {
  const auto record = state.record.probes.find(probe);
  if (record == state.record.probes.end()) return {};
  const ProbeRecord& is = record->second;
  // What a single run saw says nothing of a target of which some runs fail and others do not.
  if (is.by_share) {
    const auto sight = state.sight.probes.find(probe);
    const std::string now = sight == state.sight.probes.end() || !sight->second.share.holds ? "" : share_words(sight->second.share);
    return {now.empty() || is.message.starts_with(now) ? is.message : now, ""};
  }
  const PastRun* run = newest_run(state, probe, is);
  Why why{run ? said_by(*run) : is.message, ""};
  if (is.health != Health::up && !is.message.empty() && !alike(why.now, is.message)) why.first = is.message;
  return why;
}

Why why_of(const State& state, const ComponentSettings& component) {
  const std::string* leads = nullptr;
  Health worst = Health::up;
  for (const std::string& name : component.probes) {
    const auto probe = state.record.probes.find(name);
    const Health health = probe == state.record.probes.end() ? Health::unknown : probe->second.health;
    if (health == Health::up || (leads && (health != Health::down || worst == Health::down))) continue;
    leads = &name;
    worst = health;
  }
  if (!leads) return {};
  Why why{*leads + ": " + or_health(why_of(state, *leads).now, worst), ""};
  const auto record = state.record.components.find(component.name);
  const std::string first = record == state.record.components.end() ? "" : record->second.message;
  if (!first.empty() && record->second.health != Health::up && !alike(first, why.now)) why.first = first;
  return why;
}

std::string with_first(const Why& why) { return why.now + (why.first.empty() ? "" : " (at first: " + why.first + ")"); }

}  // namespace drwatch
