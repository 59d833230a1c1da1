// SPDX-License-Identifier: Apache-2.0
// Ends the commands of a drwatch that was killed. After a restart a step's command is said to be interrupted and a person decides: it must
// not go on without anybody knowing. Under systemd the whole service ends with its main process; everywhere else nobody would end them.
#pragma once

#include <sys/types.h>

namespace drwatch {

// A small process of its own that waits for the end of this one, and then ends the process groups that it was told of: TERM, KILL two
// seconds later, and a line on standard error. PR_SET_PDEATHSIG would not do: it is about the thread that began the command and not about
// the process, reaches only the command itself and not what that began, and is gone after the exec of a program with privileges of its own.
//
// What remains: a command that puts itself into a session of its own, one that was begun in the microseconds before drwatch was killed, and
// all of them when the guard is killed together with drwatch.
class ProcessGuard {
 public:
  // Forks: to be made at the very start, before there are threads, and before there is anything in memory that is worth a copy.
  ProcessGuard();
  ~ProcessGuard();
  ProcessGuard(const ProcessGuard&) = delete;

  // From now on this group, whose leader has the same number, is ended with drwatch. Nothing has to be said when it has ended by itself.
  // From any thread; it does not wait.
  void watch(pid_t group) const;

 private:
  int tell_ = -1;  // -1: there is no guard
  pid_t guard_ = -1;
};

}  // namespace drwatch
