// SPDX-License-Identifier: Apache-2.0
// Owns coroutines: the only place that spawns. Each task has its own cancellation signal; how it ended is reported; the group can be
// stopped and waited for.
#pragma once

#include "probes/seams/world.hpp"

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace drwatch {

class TaskGroup {
 public:
  // `failed` is called with the name of every task that ended with an exception other than a cancellation: a bug.
  TaskGroup(boost::asio::any_io_executor executor, std::function<void(const std::string& name, std::exception_ptr)> failed);
  ~TaskGroup();  // all tasks must have ended (join), or the executor never runs again
  TaskGroup(const TaskGroup&) = delete;

  using Id = std::uint64_t;
  // Starts `task` with the loop's next turn. `name` is for `failed`, and need not be unique; `ended` is called after the task has ended,
  // whichever way.
  Id spawn(std::string name, Task<void> task, std::function<void()> ended = {});
  void cancel(Id id);  // terminal; nothing when it has ended
  void cancel_all();
  Task<void> join();  // returns when every task has ended
  std::size_t running() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace drwatch
