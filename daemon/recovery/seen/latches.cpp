// SPDX-License-Identifier: Apache-2.0
// What happened once and stays until a person has looked at it (corrupt pages were read, a table was emptied). It is recorded by events, so
// that neither a restart of drwatch nor one of the target, which loses its counters, makes it good again.
#include "daemon/recovery/deciding.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// A key that is not latched yet, or that was acknowledged and has happened again since. While it is latched, its happening again is no
// further event.
bool is_news(const ProbeRecord& record, const Latch& latch) {
  const auto known = record.latches.find(latch.key);
  return known == record.latches.end() || (known->second.acknowledged && latch.at > known->second.at);
}

// What nobody has acknowledged yet.
std::vector<Latch> holding(const ProbeRecord& record) {
  std::vector<Latch> held;
  for (const auto& [key, latch] : record.latches)
    if (!latch.acknowledged) held.push_back({key, latch.at, latch.message + ", latched until acknowledged"});
  return held;
}

}  // namespace

// Latches what the run reports, and returns its outcome held down by everything that is not acknowledged, however well the run itself went.
Outcome see_latches(Deciding& d, const std::string& probe, Outcome outcome) {
  const std::string component = d.settings.probes.at(probe).component;
  for (const Latch& latch : outcome.latches) {
    const auto known = d.record().probes.find(probe);
    if (known != d.record().probes.end() && !is_news(known->second, latch)) continue;
    d.emit("probe.latched", {.component = component, .probe = probe}, probe + ": " + latch.message,
           Body{{"key", latch.key}, {"happened_at", latch.at}, {"what", latch.message}});
  }
  const auto record = d.record().probes.find(probe);
  return record == d.record().probes.end() ? outcome : held_down(std::move(outcome), holding(record->second));
}

// Acknowledges all that the probe has latched, and runs it at once, so that the person sees whether it is good now.
void order(Deciding& d, const AcknowledgeProbe& o) {
  d.decision.subject = o.probe;
  const auto record = d.record().probes.find(o.probe);
  if (!d.settings.probes.contains(o.probe)) return d.refuse(404, "no probe '" + o.probe + "'", "'drwatch status' shows them");
  const bool latched = record != d.record().probes.end() && !holding(record->second).empty();
  if (!latched) return d.refuse(409, o.probe + " has nothing to acknowledge", "it shows what its runs see");
  Body until;
  std::string what;
  for (const auto& [key, latch] : record->second.latches) {
    if (latch.acknowledged) continue;
    Time at = latch.at;
    // It may have happened again since it was latched. The newest run showed that to the person as well, so it is acknowledged up to there.
    const auto& last = d.state.sight.probes[o.probe].last;
    if (last)
      for (const Latch& seen : last->latches)
        if (seen.key == key) at = std::max(at, seen.at);
    until.set(key, at);
    what += (what.empty() ? "" : "; ") + latch.message;
  }
  d.emit("probe.acknowledged", {.component = d.settings.probes.at(o.probe).component, .probe = o.probe, .by = o.by},
         o.by + " acknowledged of " + o.probe + ": " + what + (o.note.empty() ? "" : " (" + o.note + ")"),
         Body{{"latches", until}, {"note", o.note}});
  d.decision.run_now.push_back(o.probe);
}

}  // namespace drwatch
