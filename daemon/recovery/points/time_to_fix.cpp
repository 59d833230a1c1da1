// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/points/time_to_fix.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace drwatch {
namespace {

constexpr double quantile = 0.9;

using Subject = Condition::Subject;

// The probe reads recovery points (of this component, when one is given).
bool reads_points(const Settings& settings, const std::string& probe, const ComponentSettings* of) {
  auto found = settings.probes.find(probe);
  if (found == settings.probes.end() || !found->second.backup) return false;
  return !of || found->second.backup->protects == of->name;
}

// "backups is down": a component that is made of backup probes, some of which protect this one.
bool holds_backups(const Settings& settings, const std::string& component, const ComponentSettings* of) {
  auto found = settings.components.find(component);
  if (found == settings.components.end()) return false;
  const auto& probes = found->second.probes;
  return std::all_of(probes.begin(), probes.end(), [&](const std::string& probe) { return reads_points(settings, probe, nullptr); }) &&
         std::any_of(probes.begin(), probes.end(), [&](const std::string& probe) { return reads_points(settings, probe, of); });
}

bool about_points(const Settings& settings, const Condition& condition, const ComponentSettings* of) {
  switch (condition.subject) {
    case Subject::rpo:
      return !of || condition.name == of->name;
    case Subject::any_rpo:
      return true;
    case Subject::probe:
      return reads_points(settings, condition.name, of);
    case Subject::component:
      return holds_backups(settings, condition.name, of);
    default:
      return false;
  }
}

// Every condition of the trigger is about recovery points. An incident that could also be about something else says nothing about how long
// it takes to mend a source.
bool about_points(const Settings& settings, const Trigger& trigger, const ComponentSettings* of) {
  auto about = [&](const Condition& c) { return about_points(settings, c, of); };
  return !trigger.empty() && std::all_of(trigger.any.begin(), trigger.any.end(), about) &&
         std::all_of(trigger.all.begin(), trigger.all.end(), about);
}

// What mending sources of this component has taken, sorted.
std::vector<Duration> samples_of(const State& state, const Settings& settings, const ComponentSettings& component, Time now) {
  std::map<std::string, bool> asked;  // by scenario: they are few, and their samples many
  std::vector<Duration> samples;
  for (const Sample& s : state.record.measured.of_fixing(now)) {
    auto [about, is_new] = asked.emplace(s.scenario, false);
    if (auto scenario = settings.scenarios.find(s.scenario); is_new && scenario != settings.scenarios.end())
      about->second = about_points(settings, scenario->second.trigger, &component);
    if (about->second) samples.push_back(Duration{static_cast<std::int64_t>(std::llround(s.seconds * 1000))});
  }
  std::sort(samples.begin(), samples.end());
  return samples;
}

}  // namespace

bool about_recovery_points(const Settings& settings, const Trigger& trigger) { return about_points(settings, trigger, nullptr); }

TimeToFix time_to_fix(const State& state, const Settings& settings, const std::string& component, Time now) {
  const auto samples = samples_of(state, settings, settings.components.at(component), now);
  TimeToFix fix{settings.recovery.time_to_fix, static_cast<int>(samples.size())};
  if (samples.empty()) return fix;
  const auto rank = static_cast<std::size_t>(std::ceil(quantile * static_cast<double>(samples.size())));  // nearest rank
  const Duration p90 = samples[rank - 1];
  fix.is = fix.measured() ? p90 : (fix.samples * p90 + (TimeToFix::enough - fix.samples) * fix.is) / TimeToFix::enough;
  return fix;
}

}  // namespace drwatch
