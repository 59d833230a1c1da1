// SPDX-License-Identifier: Apache-2.0
// Keeps every Alertmanager in step with the alerts that should stand, in stages: wanted, validated, sent, confirmed by reading back. What
// no Alertmanager takes goes to the fallback channels.
#pragma once

#include "config/settings.hpp"
#include "daemon/log/log.hpp"
#include "daemon/recovery/alerts/alert.hpp"
#include "daemon/tasks/task_group.hpp"
#include "probes/seams/world.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace drwatch {

struct AlertingStatus {
  std::size_t active = 0;
  std::size_t undelivered =
      0;  // firing alerts, and resolves younger than 15 min, that no Alertmanager is confirmed to have as they are now
  std::map<std::pair<std::string, std::string>, std::uint64_t> sent;  // (url, "accepted" | "rejected" | "failed" | "unconfirmed")
};

class Alerting {
 public:
  // `tasks` runs one loop for each Alertmanager and one for each channel.
  Alerting(World world, Log& log, TaskGroup& tasks);
  ~Alerting();

  void load(std::shared_ptr<const Settings> settings);  // start, and reload
  // All that should stand now: firing alerts and those resolved within 15 minutes, in the order of their changes. The newest call counts.
  void want(std::vector<Alert> alerts);
  AlertingStatus status() const;
  // A test alert through every Alertmanager (read back) and every fallback channel: one line each, and whether it was taken.
  Task<std::vector<std::pair<std::string, bool>>> test();
  void stop();

 private:
  struct Inside;
  std::shared_ptr<Inside> inside_;
};

}  // namespace drwatch
