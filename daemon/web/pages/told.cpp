// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/pages/told.hpp"

namespace drwatch::web {
namespace {

// Nobody has looked for three rounds: what the badge would say is from then, and a badge has no room to say so.
bool is_old(const Moment& now, const ComponentSettings& component) {
  for (const auto& name : component.probes) {
    const auto probe = now.settings->probes.find(name);
    if (probe == now.settings->probes.end() || probe->second.calls_in()) continue;
    const auto sight = now.state.sight.probes.find(name);
    if (sight == now.state.sight.probes.end() || !sight->second.last_run_at) return true;
    if (now.seen.now - *sight->second.last_run_at > 3 * probe->second.interval + probe->second.timeout) return true;
  }
  return false;
}

}  // namespace

Health told_health(const Moment& now, const ComponentSettings& component) {
  const auto record = now.state.record.components.find(component.name);
  const bool told = record != now.state.record.components.end() && !now.state.record.blind_since && !is_old(now, component);
  return told ? record->second.health : Health::unknown;
}

}  // namespace drwatch::web
