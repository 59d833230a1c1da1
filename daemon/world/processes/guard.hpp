// SPDX-License-Identifier: Apache-2.0
// Ends the commands of a drwatch that was killed. After a restart a step's command is said to be interrupted and a person decides: it must
// not go on without anybody knowing. Under systemd the whole service ends with its main process; everywhere else nobody would end them.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>

namespace drwatch {

// A small process of its own that waits for the end of this one, and then ends the process groups that it was told of: TERM, KILL two
// seconds later, and a line on standard error. PR_SET_PDEATHSIG would not do: it is about the thread that began the command and not about
// the process, reaches only the command itself and not what that began, and is gone after the exec of a program with privileges of its own.
//
// What a command began and put into a session of its own (a daemon) is in none of these groups, and is nobody's child once its parent has
// ended. It is known by a mark that every command is given in its environment, and that whoever it starts inherits. That is about commands
// that run when drwatch is killed: one that had come to its end may have started a service that is to stay.
//
// What remains: what cleaned its environment or runs as another user, a command that was begun in the microseconds before drwatch was
// killed, and all of them when the guard is killed together with drwatch.
class ProcessGuard {
 public:
  // Forks: to be made at the very start, before there are threads, and before there is anything in memory that is worth a copy.
  ProcessGuard();
  ~ProcessGuard();
  ProcessGuard(const ProcessGuard&) = delete;

  // What a command that is about to be started is known by: `value` is to stand in its environment under `mark_name`. From any thread.
  struct Mark {
    std::uint32_t number = 0;
    std::string value;
  };
  static constexpr const char* mark_name = "DRWATCH_COMMAND";
  Mark mark() const;

  // From now on this group, whose leader has the same number, is ended with drwatch, and whoever has its mark. Nothing has to be said when
  // it has ended by itself. From any thread; it does not wait.
  void watch(pid_t group, const Mark& mark) const;

 private:
  int tell_ = -1;  // -1: there is no guard
  pid_t guard_ = -1;
  char life_[17] = {};  // of this process, in hexadecimal: marks of an earlier one are none of ours
  mutable std::atomic<std::uint32_t> last_mark_ = 0;
};

}  // namespace drwatch
