// SPDX-License-Identifier: Apache-2.0
#include "daemon/alerting/fallback.hpp"

#include <algorithm>

namespace drwatch {

// An alert without a severity goes: better one message too many.
bool Fallback::goes(const Alert& alert) {
  const auto severity = alert.labels.find("severity");
  return severity == alert.labels.end() || (severity->second != "none" && severity->second != "info");
}

void Fallback::update(const std::vector<Alert>& wanted, const std::function<bool(const Alert&)>& held, Moment now) {
  std::map<std::map<std::string, std::string>, Entry> before;
  // Entries of alerts that are no longer wanted go away here.
  before.swap(entries_);
  for (const Alert& alert : wanted) {
    if (!goes(alert)) continue;
    const auto old = before.find(alert.labels);
    const bool same = old != before.end() && old->second.state == state_of(alert);
    Entry entry;
    if (same) {
      entry = std::move(old->second);
    } else {
      entry.state = state_of(alert);
      // A new state begins with no carriers and nobody holding it. A resolve is due at once when a channel carried the firing.
      entry.due = alert.resolved_at && old != before.end() && !old->second.carriers.empty();
    }
    follow(entry, alert, held(alert), now);
    entries_.emplace(alert.labels, std::move(entry));
  }
}

void Fallback::follow(Entry& entry, const Alert& alert, bool held, Moment now) const {
  if (held) {
    entry.was_held = true;
    entry.unheld_since.reset();
    return;
  }
  // A resolve that some Alertmanager has held was told by it, and that is the end of it. A firing alert that was held is different: an
  // Alertmanager that went away right after it took it may not have told anybody yet, so its time begins to run.
  if (entry.due || (alert.resolved_at && entry.was_held)) return;
  if (!entry.unheld_since) entry.unheld_since = now;
  entry.due = now - *entry.unheld_since >= after_;
}

std::vector<Alert> Fallback::due_for(const std::string& channel, const std::vector<Alert>& wanted) const {
  std::vector<Alert> due;
  for (const Alert& alert : wanted) {
    const auto entry = entries_.find(alert.labels);
    if (entry != entries_.end() && entry->second.due && entry->second.state == state_of(alert) && !entry->second.carriers.contains(channel))
      due.push_back(alert);
  }
  return due;
}

void Fallback::carried(const std::string& channel, const Alert& alert) {
  const auto entry = entries_.find(alert.labels);
  // While the channel worked, the alert may have changed or gone.
  if (entry == entries_.end()) return;
  if (entry->second.state == state_of(alert)) {
    entry->second.carriers.insert(channel);
  } else if (!alert.resolved_at && std::get<1>(entry->second.state) == alert.starts_at) {
    entry->second.due = true;  // resolved while its firing was on the way: its end must follow
  }
}

bool Fallback::carried_by_any(const Alert& alert) const {
  const auto entry = entries_.find(alert.labels);
  return entry != entries_.end() && entry->second.state == state_of(alert) && !entry->second.carriers.empty();
}

std::optional<Fallback::Moment> Fallback::next() const {
  std::optional<Moment> soonest;
  for (const auto& [labels, entry] : entries_) {
    if (entry.due || !entry.unheld_since) continue;
    const Moment at = *entry.unheld_since + after_;
    soonest = std::min(soonest.value_or(at), at);
  }
  return soonest;
}

}  // namespace drwatch
