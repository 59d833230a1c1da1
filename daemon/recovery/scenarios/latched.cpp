// SPDX-License-Identifier: Apache-2.0
// Latches that were set while people work: what a restore rewrites or a step empties looks like damage, and stays down until somebody has
// looked. While the work goes on it is a finding and wakes nobody; what nobody acknowledged by its end opens then.
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// Set while the incident was open, or at the instant of its opening by a run that opened it: that one is why it is open.
bool set_within(const Incident& incident, const LatchRecord& latch) { return latch.set_at > incident.opened_at; }

// What of the probe is latched and not acknowledged, of all that was set as `when` asks.
template <class When>
std::vector<const LatchRecord*> latches_of(const Deciding& d, const std::string& probe, const When& when) {
  std::vector<const LatchRecord*> held;
  const auto record = d.record().probes.find(probe);
  if (record == d.record().probes.end()) return held;
  for (const auto& [key, latch] : record->second.latches)
    if (!latch.acknowledged && when(latch)) held.push_back(&latch);
  return held;
}

// The work during which this was set and that still goes on: an incident that affects the component, or its maintenance.
bool at_work(const Deciding& d, const std::string& component, const LatchRecord& latch) {
  for (const auto& [id, incident] : d.record().incidents)
    if (incident.state == IncidentState::open && has(incident.affects, component) && set_within(incident, latch)) return true;
  return std::any_of(d.record().maintenance.begin(), d.record().maintenance.end(),
                     [&](const auto& entry) { return has(entry.second.components, component) && latch.set_at >= entry.second.began_at; });
}

std::string words_of(const std::string& probe, const std::vector<const LatchRecord*>& held) {
  std::string words;
  for (const LatchRecord* latch : held) words += (words.empty() ? "" : "; ") + latch->message;
  return probe + ": " + words;
}

}  // namespace

// Every probe that makes the component down has nothing but such latches.
bool latched_at_work(const Deciding& d, const std::string& component) {
  bool any = false;
  for (const std::string& probe : d.settings.components.at(component).probes) {
    const auto record = d.record().probes.find(probe);
    if (record == d.record().probes.end() || record->second.health != Health::down) continue;
    const auto all = latches_of(d, probe, [](const LatchRecord&) { return true; });
    if (all.empty() || !std::all_of(all.begin(), all.end(), [&](const LatchRecord* l) { return at_work(d, component, *l); })) return false;
    any = true;
  }
  return any;
}

void find_latched(const Deciding& d, std::map<std::string, FindingRecord>& wanted) {
  for (const auto& [name, record] : d.record().probes) {
    const auto probe = record.latches.empty() ? d.settings.probes.end() : d.settings.probes.find(name);
    if (probe == d.settings.probes.end() || probe->second.component.empty()) continue;
    const std::string& component = probe->second.component;
    const auto held = latches_of(d, name, [&](const LatchRecord& l) { return at_work(d, component, l); });
    if (held.empty()) continue;
    wanted["latched/" + component + "/" + name] = {
        "latched", component, "",
        words_of(name, held) + ": latched while people work on it; it opens when that ends, unless somebody has looked: 'drwatch probe " +
            name + " --acknowledge --note TEXT'",
        d.now};
  }
}

std::string name_latched(const Deciding& d, const Incident& incident, Body& body) {
  std::vector<std::string> named;
  for (const std::string& component : incident.affects) {
    const auto of = d.settings.components.find(component);
    if (of == d.settings.components.end()) continue;
    for (const std::string& probe : of->second.probes)
      if (const auto held = latches_of(d, probe, [&](const LatchRecord& l) { return set_within(incident, l); }); !held.empty())
        named.push_back(words_of(probe, held));
  }
  if (named.empty()) return "";
  body.set("latched", named);
  std::string words;
  for (const std::string& each : named) words += (words.empty() ? "" : "; ") + each;
  return "; latched meanwhile and not acknowledged: " + words;
}

}  // namespace drwatch
