// SPDX-License-Identifier: Apache-2.0
// Which alerts the channels must carry because no Alertmanager does. Pure: it is told the time and what is held.
//   An alert goes to the channels once per change of firing and resolved, when no Alertmanager has held that state for `after`. An alert
//   whose firing went there goes there at once when it is resolved: who was paged through a channel hears the end of it there. Watchdog and
//   severity info never go.
#pragma once

#include "daemon/alerting/alertmanager.hpp"
#include "daemon/recovery/alerts/alert.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace drwatch {

class Fallback {
 public:
  using Moment = std::chrono::nanoseconds;  // Clock::boottime: a wall clock that is set must not page, or keep from paging

  void wait_for(Duration after) { after_ = after; }
  // What should stand now, and which of it some Alertmanager holds.
  void update(const std::vector<Alert>& wanted, const std::function<bool(const Alert&)>& held, Moment now);

  // In the order of `wanted`.
  std::vector<Alert> due_for(const std::string& channel, const std::vector<Alert>& wanted) const;  // not carried by this channel yet
  // It took this alert as it was when it was handed over.
  void carried(const std::string& channel, const Alert& alert);
  bool carried_by_any(const Alert& alert) const;
  std::optional<Moment> next() const;  // when time alone makes the next one due

  static bool goes(const Alert& alert);

 private:
  struct Entry {
    AlertState state;
    std::optional<Moment> unheld_since;
    bool was_held = false, due = false;
    std::set<std::string> carriers;
  };
  void follow(Entry& entry, const Alert& alert, bool held, Moment now) const;

  Duration after_ = minutes{1};
  std::map<std::map<std::string, std::string>, Entry> entries_;
};

}  // namespace drwatch
