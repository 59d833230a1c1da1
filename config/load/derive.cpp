// SPDX-License-Identifier: Apache-2.0
#include "config/components.hpp"
#include "config/load/loading.hpp"

#include <algorithm>
#include <iterator>

namespace drwatch::config {
namespace {

// A backup probe of the component it protects says nothing about that component's health.
bool watches(const ProbeSettings& probe) {
  return !probe.component.empty() && !(probe.backup && probe.backup->protects == probe.component);
}

// The names in the order of the file, which people chose; the map of the settings is sorted by name.
std::vector<std::string> probes_in_order(const Table& root) {
  std::vector<std::string> names;
  const auto* probes = find(root, "probe");
  if (probes && probes->value.table())
    for (const auto& entry : *probes->value.table()) names.push_back(entry.key);
  return names;
}

bool has_own_rpo(const Table& root, const std::string& component) {
  const auto* components = find(root, "component");
  const auto* entry = components && components->value.table() ? find(*components->value.table(), component) : nullptr;
  return entry && entry->value.table() && find(*entry->value.table(), "rpo");
}

}  // namespace

// What follows from the settings and is written nowhere: which probes watch a component, which protect it, and the RPOs of a protected
// component that has none of its own.
void derive(const Document& main, Settings& settings) {
  for (const auto& name : probes_in_order(main.table())) {
    const auto at = settings.probes.find(name);
    if (at == settings.probes.end()) continue;
    const ProbeSettings& probe = at->second;
    if (const auto own = settings.components.find(probe.component); own != settings.components.end() && watches(probe))
      own->second.probes.push_back(name);
    if (!probe.backup) continue;
    if (const auto kept = settings.components.find(probe.backup->protects); kept != settings.components.end())
      kept->second.protected_by.push_back(name);
  }
  for (auto& [name, place] : settings.places) {
    const auto is_probe = [&](const std::string& member) {
      return settings.probes.contains(member.starts_with("not ") ? member.substr(4) : member);
    };
    std::copy_if(place.components.begin(), place.components.end(), std::back_inserter(place.probes), is_probe);
    std::erase_if(place.components, [&](const std::string& member) { return !settings.components.contains(member); });
  }
  for (const auto& [name, component] : settings.components)
    for (const auto& where : component.lies_in) {
      auto& place = settings.places[where];
      place.name = where;
      place.components.push_back(name);
    }
  for (auto& [name, component] : settings.components)
    if (!component.protected_by.empty() && !has_own_rpo(main.table(), name)) component.rpo = settings.recovery.rpo;
}

}  // namespace drwatch::config

namespace drwatch {

std::optional<Duration> Settings::rpo_of(const std::string& component, DisasterClass c) const {
  const auto at = components.find(component);
  if (at == components.end()) return {};
  const auto rpo = at->second.rpo.find(c);
  return rpo == at->second.rpo.end() ? std::nullopt : std::optional(rpo->second);
}

std::vector<std::string> components_in(const Settings& settings, const std::string& name) {
  if (settings.components.contains(name)) return {name};
  const auto place = settings.places.find(name);
  return place == settings.places.end() ? std::vector<std::string>{} : place->second.components;
}

std::vector<std::string> names_of_components(const Settings& settings) {
  std::vector<std::string> names;
  for (const auto& [name, component] : settings.components) names.push_back(name);
  for (const auto& [name, place] : settings.places)
    if (!place.components.empty()) names.push_back(name);
  return names;
}

}  // namespace drwatch
