// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/processes/guard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <initializer_list>

namespace drwatch {
namespace {

// Everything below up to guard_until_the_end() runs in the forked process: no memory is asked for, and nothing is called that another
// thread's lock could hold up.

struct Watched {
  pid_t group = -1;
  int leader = -1;  // a pidfd: its number may be another process's by now, this cannot
};
constexpr int most_watched = 1024;
Watched watched[most_watched];
int watching = 0;

bool has_ended(int pidfd) {
  pollfd ended{pidfd, POLLIN, 0};
  return poll(&ended, 1, 0) > 0;
}

void forget_ended() {
  int kept = 0;
  for (int i = 0; i < watching; ++i) {
    if (has_ended(watched[i].leader))
      close(watched[i].leader);
    else
      watched[kept++] = watched[i];
  }
  watching = kept;
}

void take(pid_t group) {
  forget_ended();
  if (watching == most_watched) return;
  const int leader = static_cast<int>(syscall(SYS_pidfd_open, group, 0));
  if (leader >= 0) watched[watching++] = {group, leader};
}

void signal_all(int signal) {
  for (int i = 0; i < watching; ++i) kill(-watched[i].group, signal);
}

void end_all() {
  forget_ended();
  if (watching == 0) return;
  char line[128];
  const int size = std::snprintf(line, sizeof line, "drwatch has gone without ending its commands: %d of them are ended now\n", watching);
  signal_all(SIGTERM);
  signal_all(SIGCONT);  // a stopped process does not hear TERM
  for (int i = 0; i < 200 && watching > 0; ++i) {
    const timespec piece{0, 10'000'000};
    nanosleep(&piece, nullptr);
    // Its leader's end is not the end of the group.
    for (int j = 0; j < watching; ++j)
      if (has_ended(watched[j].leader)) kill(-watched[j].group, SIGKILL);
    forget_ended();
  }
  signal_all(SIGKILL);
  if (size > 0 && write(STDERR_FILENO, line, static_cast<std::size_t>(size)) < 0) return;
}

void leave_only(int told, int drwatch) {
  dup2(told, 3);
  dup2(drwatch, 4);
  if (syscall(SYS_close_range, 5U, ~0U, 0U) == 0) return;
  for (int other = 5; other < 65536; ++other) close(other);
}

[[noreturn]] void guard_until_the_end(int told, int drwatch) {
  setsid();  // a terminal's Ctrl-C is not for it
  prctl(PR_SET_NAME, "drwatch-guard");
  // It ends with drwatch and not before: systemd and others signal the two together.
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2}) std::signal(signal, SIG_IGN);
  leave_only(told, drwatch);
  if (chdir("/") != 0) _exit(1);  // no file system is kept busy
  while (true) {
    pollfd ready[] = {{3, POLLIN, 0}, {4, POLLIN, 0}};
    if (poll(ready, 2, -1) < 0 && errno != EINTR) _exit(1);
    pid_t group = -1;
    // All that was told comes before the end.
    while (read(3, &group, sizeof group) == static_cast<ssize_t>(sizeof group)) take(group);
    if (ready[1].revents != 0) break;
    if ((ready[0].revents & (POLLHUP | POLLERR)) != 0) break;
  }
  end_all();
  _exit(0);
}

}  // namespace

ProcessGuard::ProcessGuard() {
  int pipe_ends[2] = {-1, -1};
  const int self = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  // Both ends without waiting: a guard that was stopped must hold nobody up.
  if (self < 0 || pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    if (self >= 0) close(self);
    return;
  }
  // Copies above what leave_only() puts them to, so that one does not overwrite the other.
  const int told = fcntl(pipe_ends[0], F_DUPFD_CLOEXEC, 10), drwatch = fcntl(self, F_DUPFD_CLOEXEC, 10);
  guard_ = fork();
  if (guard_ == 0) guard_until_the_end(told, drwatch);
  for (const int end : {pipe_ends[0], self, told, drwatch}) close(end);
  if (guard_ > 0)
    tell_ = pipe_ends[1];
  else
    close(pipe_ends[1]);
}

ProcessGuard::~ProcessGuard() {
  if (tell_ < 0) return;
  close(tell_);  // it ends what is left, and itself
  // Not a zombie of a process that goes on. Not waited for when something does not let itself be ended: it is nobody's child then.
  for (int i = 0; i < 20 && waitpid(guard_, nullptr, WNOHANG) == 0; ++i) {
    const timespec piece{0, 5'000'000};
    nanosleep(&piece, nullptr);
  }
}

// A record is written whole or not at all (PIPE_BUF). When the guard has gone or stands still, nothing is watched: no reason not to run the
// command.
void ProcessGuard::watch(pid_t group) const {
  if (tell_ >= 0 && write(tell_, &group, sizeof group) < 0) return;
}

}  // namespace drwatch
