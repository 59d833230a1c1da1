// SPDX-License-Identifier: Apache-2.0
#include "config/check/noticing.hpp"

#include <algorithm>

namespace drwatch {
namespace {

Duration confirming(const ProbeSettings& probe) { return probe.interval / 2 + probe.retry * (probe.fall - 1); }

// By the quickest of the probes that could tell.
std::optional<Duration> seeing(const Settings& settings, const Condition& condition) {
  std::vector<std::string> probes;
  if (condition.subject == Condition::Subject::probe) probes = {condition.name};
  if (condition.subject == Condition::Subject::component)
    if (const auto component = settings.components.find(condition.name); component != settings.components.end())
      probes = component->second.probes;
  if (condition.subject == Condition::Subject::place) {
    // All of it has to be seen: the slowest component, each by the quickest of its probes.
    std::optional<Duration> last;
    if (const auto place = settings.places.find(condition.name); place != settings.places.end())
      for (const std::string& name : place->second.components) {
        Condition of;
        of.name = name;
        if (const auto took = seeing(settings, of)) last = std::max(last.value_or(*took), *took);
      }
    return last ? std::optional(*last + condition.lasting) : std::nullopt;
  }
  std::optional<Duration> first;
  for (const std::string& name : probes)
    if (const auto probe = settings.probes.find(name); probe != settings.probes.end() && !probe->second.calls_in())
      first = std::min(first.value_or(confirming(probe->second)), confirming(probe->second));
  return first ? std::optional(*first + condition.lasting) : std::nullopt;
}

}  // namespace

std::optional<Duration> noticing(const Settings& settings, const Trigger& trigger) {
  std::optional<Duration> first, last;
  for (const Condition& c : trigger.any)
    if (const auto took = seeing(settings, c)) first = std::min(first.value_or(*took), *took);
  for (const Condition& c : trigger.all)
    if (const auto took = seeing(settings, c)) last = std::max(last.value_or(*took), *took);
  if (!first && !last) return std::nullopt;
  return std::max(first.value_or(Duration{0}), last.value_or(Duration{0})) + trigger.hold_for;
}

}  // namespace drwatch
