// SPDX-License-Identifier: Apache-2.0
// A dead man's switch: drwatch calls an outside receiver again and again, and the receiver pages when the calls stop. That is the only way
// to hear that drwatch itself, or its machine, is gone, or that it no longer meets its schedule.
#pragma once

#include "config/settings.hpp"
#include "daemon/log/log.hpp"
#include "daemon/tasks/task_group.hpp"
#include "probes/seams/world.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace drwatch {

class Deadman {
 public:
  // `on_schedule`: the probes meet their schedule. While it says no, no call is made.
  Deadman(World world, Log& log, TaskGroup& tasks, std::function<bool()> on_schedule);
  ~Deadman();

  void load(std::optional<DeadmanSettings> settings);  // start, and reload; nullopt: no calls
  void stop();
  bool failing() const;  // the last call did not arrive

 private:
  struct Inside;
  std::shared_ptr<Inside> inside_;
};

}  // namespace drwatch
