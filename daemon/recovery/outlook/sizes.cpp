// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/outlook/sizes.hpp"

#include <algorithm>
#include <cmath>

namespace drwatch {
namespace {

// Sizes that differ by less than 2 % are the same: a database that grows all day must not be written down with every run.
constexpr double same_size = 0.02;

// The largest that any probe of the component has read; nullopt: none did.
std::optional<double> data_bytes(const State& state, const ComponentSettings& component) {
  std::optional<double> largest;
  for (const auto* probes : {&component.probes, &component.protected_by})
    for (const std::string& name : *probes)
      if (auto kept = state.kept.probes.find(name); kept != state.kept.probes.end() && kept->second.data_bytes)
        largest = std::max(largest.value_or(0), *kept->second.data_bytes);
  return largest;
}

}  // namespace

// Of several components the sum of what is known.
std::optional<double> data_bytes(const State& state, const Settings& settings, const std::vector<std::string>& components) {
  std::optional<double> sum;
  for (const std::string& name : components)
    if (auto component = settings.components.find(name); component != settings.components.end())
      if (auto bytes = data_bytes(state, component->second)) sum = sum.value_or(0) + *bytes;
  return sum;
}

bool remember_size(ProbeKept& kept, double bytes) {
  if (kept.data_bytes && std::abs(bytes - *kept.data_bytes) <= same_size * *kept.data_bytes) return false;
  kept.data_bytes = bytes;
  return true;
}

}  // namespace drwatch
