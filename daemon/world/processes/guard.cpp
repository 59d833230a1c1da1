// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/processes/guard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <initializer_list>

namespace drwatch {
namespace {

// Everything below up to guard_until_the_end() runs in the forked process: no memory is asked for, and nothing is called that another
// thread's lock could hold up.

struct Told {
  pid_t group = -1;
  std::uint32_t mark = 0;
};
struct Watched {
  Told told;
  int leader = -1;  // a pidfd: its number may be another process's by now, this cannot
};
constexpr int most_watched = 1024;
Watched watched[most_watched];
int watching = 0;
// Of those that ran when drwatch ended. They stay when the leaders have gone.
Told running[most_watched];
int ran = 0;

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

void take(const Told& told) {
  forget_ended();
  if (watching == most_watched) return;
  const int leader = static_cast<int>(syscall(SYS_pidfd_open, told.group, 0));
  if (leader >= 0) watched[watching++] = {told, leader};
}

void signal_all(int signal) {
  for (int i = 0; i < watching; ++i) kill(-watched[i].told.group, signal);
}

// ---- those with a mark

bool is_marked(std::uint32_t mark) {
  for (int i = 0; i < ran; ++i)
    if (running[i].mark == mark) return true;
  return false;
}

bool in_a_group(pid_t pid) {
  const pid_t group = getpgid(pid);
  for (int i = 0; i < ran; ++i)
    if (running[i].group == group) return true;
  return false;
}

// `text` is the rest of an environment, behind "DRWATCH_COMMAND=LIFE-".
bool names_a_mark(const char* text, const char* end) {
  std::uint32_t mark = 0;
  const char* at = text;
  for (; at < end && *at >= '0' && *at <= '9'; ++at) mark = mark * 10 + static_cast<std::uint32_t>(*at - '0');
  return at > text && at < end && *at == '\0' && is_marked(mark);
}

// Its variables in pieces, since they may be megabytes; what a piece ends with is looked at again with the next one.
bool has_a_mark(const char* environ_path, const char* wanted, std::size_t wanted_size) {
  static char piece[64 * 1024];
  constexpr std::size_t overlap = 128;  // more than a mark
  const int file = open(environ_path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  std::size_t held = 0;
  bool found = false;
  for (ssize_t n; !found && (n = read(file, piece + held, sizeof piece - held)) > 0;) {
    held += static_cast<std::size_t>(n);
    const char* end = piece + held;
    for (const char* at = piece; !found && at + wanted_size < end; ++at)
      found = std::memcmp(at, wanted, wanted_size) == 0 && names_a_mark(at + wanted_size, end);
    if (held > overlap) {
      std::memmove(piece, end - overlap, overlap);
      held = overlap;
    }
  }
  close(file);
  return found;
}

// Sends the signal to whoever has the mark of a command that ran; those of its group only if `also_groups`. How many there are. Directories
// are read by the system call, since opendir() asks for memory.
int signal_marked(const char* wanted, int signal, bool also_groups) {
  struct Entry {
    std::uint64_t inode;
    std::int64_t offset;
    unsigned short size;
    unsigned char type;
    char name[1];
  };
  alignas(Entry) static char entries[32 * 1024];
  const int folder = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return 0;
  int found = 0;
  for (long size; (size = syscall(SYS_getdents64, folder, entries, sizeof entries)) > 0;)
    for (long at = 0; at < size;) {
      const char* entry = entries + at;
      unsigned short length = 0;
      std::memcpy(&length, entry + offsetof(Entry, size), sizeof length);
      at += length;
      const char* name = entry + offsetof(Entry, name);
      const pid_t pid = *name >= '1' && *name <= '9' ? static_cast<pid_t>(std::strtol(name, nullptr, 10)) : 0;
      if (pid <= 1 || pid == getpid()) continue;
      const int process = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
      if (process < 0) continue;
      char path[64];
      std::snprintf(path, sizeof path, "/proc/%d/environ", static_cast<int>(pid));
      if (has_a_mark(path, wanted, std::strlen(wanted)) && (also_groups || !in_a_group(pid))) {
        ++found;
        if (signal != 0) syscall(SYS_pidfd_send_signal, process, signal, nullptr, 0U);
        if (signal == SIGTERM) syscall(SYS_pidfd_send_signal, process, SIGCONT, nullptr, 0U);
      }
      close(process);
    }
  close(folder);
  return found;
}

void pause_for(long milliseconds) {
  const timespec piece{0, milliseconds * 1'000'000};
  nanosleep(&piece, nullptr);
}

void end_all(const char* wanted) {
  forget_ended();
  if (watching == 0) return;
  for (ran = 0; ran < watching; ++ran) running[ran] = watched[ran].told;
  char line[128];
  const int size = std::snprintf(line, sizeof line, "drwatch has gone without ending its commands: %d of them are ended now\n", watching);
  signal_all(SIGTERM);
  signal_all(SIGCONT);  // a stopped process does not hear TERM
  int marked = signal_marked(wanted, SIGTERM, false);
  for (int i = 0; i < 200 && (watching > 0 || marked > 0); ++i) {
    pause_for(10);
    // Its leader's end is not the end of the group.
    for (int j = 0; j < watching; ++j)
      if (has_ended(watched[j].leader)) kill(-watched[j].told.group, SIGKILL);
    forget_ended();
    if (i % 10 == 9) marked = signal_marked(wanted, 0, true);
  }
  signal_all(SIGKILL);
  // Again while there are any: what was about to start another when it was looked at has done so.
  for (int i = 0; i < 50 && signal_marked(wanted, SIGKILL, true) > 0; ++i) pause_for(20);
  if (size > 0 && write(STDERR_FILENO, line, static_cast<std::size_t>(size)) < 0) return;
}

void leave_only(int told, int drwatch) {
  dup2(told, 3);
  dup2(drwatch, 4);
  if (syscall(SYS_close_range, 5U, ~0U, 0U) == 0) return;
  for (int other = 5; other < 65536; ++other) close(other);
}

[[noreturn]] void guard_until_the_end(int told, int drwatch, const char* wanted) {
  setsid();  // a terminal's Ctrl-C is not for it
  prctl(PR_SET_NAME, "drwatch-guard");
  // It ends with drwatch and not before: systemd and others signal the two together.
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2}) std::signal(signal, SIG_IGN);
  leave_only(told, drwatch);
  if (chdir("/") != 0) _exit(1);  // no file system is kept busy
  while (true) {
    pollfd ready[] = {{3, POLLIN, 0}, {4, POLLIN, 0}};
    if (poll(ready, 2, -1) < 0 && errno != EINTR) _exit(1);
    Told one;
    // All that was told comes before the end.
    while (read(3, &one, sizeof one) == static_cast<ssize_t>(sizeof one)) take(one);
    if (ready[1].revents != 0) break;
    if ((ready[0].revents & (POLLHUP | POLLERR)) != 0) break;
  }
  end_all(wanted);
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
  std::uint64_t chance = 0;
  if (getrandom(&chance, sizeof chance, 0) != static_cast<ssize_t>(sizeof chance)) chance = static_cast<std::uint64_t>(getpid());
  std::snprintf(life_, sizeof life_, "%016llx", static_cast<unsigned long long>(chance));
  char wanted[64];
  std::snprintf(wanted, sizeof wanted, "%s=%s-", mark_name, life_);
  // Copies above what leave_only() puts them to, so that one does not overwrite the other.
  const int told = fcntl(pipe_ends[0], F_DUPFD_CLOEXEC, 10), drwatch = fcntl(self, F_DUPFD_CLOEXEC, 10);
  guard_ = fork();
  if (guard_ == 0) guard_until_the_end(told, drwatch, wanted);
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
void ProcessGuard::watch(pid_t group, const Mark& mark) const {
  const Told told{group, mark.number};
  if (tell_ >= 0 && write(tell_, &told, sizeof told) < 0) return;
}

ProcessGuard::Mark ProcessGuard::mark() const {
  const std::uint32_t number = ++last_mark_;
  return {number, std::string(life_) + "-" + std::to_string(number)};
}

}  // namespace drwatch
