// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/processes/spawn.hpp"

#include "daemon/world/failures.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <utility>

namespace drwatch {
namespace {

// Both ends are close-on-exec and closed by the destructor unless taken. So the parent's copies of the child's ends go away when start()
// returns; otherwise reading its output would never come to an end.
struct Pipe {
  int ends[2] = {-1, -1};
  bool open() { return pipe2(ends, O_CLOEXEC) == 0; }
  int take(int end) { return std::exchange(ends[end], -1); }
  ~Pipe() {
    for (int end : ends) {
      if (end >= 0) ::close(end);
    }
  }
};

// What posix_spawn wants to be told, released again.
struct Orders {
  posix_spawnattr_t how;
  posix_spawn_file_actions_t files;
  Orders() {
    posix_spawnattr_init(&how);
    posix_spawn_file_actions_init(&files);
  }
  ~Orders() {
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
  }
  Orders(const Orders&) = delete;
};

// A process group of its own (its number is the child's pid), so that what the command starts can be ended with it. No signal is blocked or
// ignored: a child inherits both from us, and with our ignored SIGPIPE `command | head` would not end.
void own_group_and_plain_signals(Orders& orders) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  // 0: the child's own pid becomes the group's id.
  posix_spawnattr_setpgroup(&orders.how, 0);
  posix_spawnattr_setsigmask(&orders.how, &none);
  posix_spawnattr_setsigdefault(&orders.how, &all);
  posix_spawnattr_setflags(&orders.how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

void only_these_files(Orders& orders, int in, int out, int err) {
  posix_spawn_file_actions_adddup2(&orders.files, in, 0);
  posix_spawn_file_actions_adddup2(&orders.files, out, 1);
  posix_spawn_file_actions_adddup2(&orders.files, err, 2);
  // Asio's sockets are not marked close-on-exec: a command must not hold our connections open.
  posix_spawn_file_actions_addclosefrom_np(&orders.files, 3);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (auto& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// Nothing of the daemon's own environment is passed on: it has secrets in it (passwords of ${VARIABLES}). What a command needs is
// configured.
std::vector<std::string> environment_of(const ExecRequest& request) {
  std::map<std::string, std::string> variables{{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                                               {"LANG", "C.UTF-8"}};
  for (const auto& [name, value] : request.environment) variables[name] = value;
  std::vector<std::string> list;
  for (const auto& [name, value] : variables) list.push_back(name + "=" + value);
  return list;
}

// A kernel that is short of memory is to spare drwatch (OOMScoreAdjust= of its unit), and not what it starts, which inherits that: a
// command that goes wild would outlive the database beside it. posix_spawn has no order for it.
void killed_before_us(pid_t pid) {
  int ours = 0;
  std::ifstream("/proc/self/oom_score_adj") >> ours;
  std::ofstream("/proc/" + std::to_string(pid) + "/oom_score_adj") << std::min(ours + 500, 1000);
}

Failure not_started(const std::string& program, int number) {
  return {Reason::internal, errno_name(number), "cannot start " + program + ": " + errno_words(number)};
}

}  // namespace

bool reaped_within(pid_t pid, int watch, std::chrono::milliseconds patience) {
  pollfd ended{watch, POLLIN, 0};
  if (watch >= 0) ::poll(&ended, 1, static_cast<int>(patience.count()));
  while (true) {
    const pid_t reaped = waitpid(pid, nullptr, WNOHANG);
    if (reaped == 0 || (reaped < 0 && errno != EINTR)) return reaped != 0;
    if (reaped > 0) return true;
  }
}

Spawned::Spawned(Spawned&& other) noexcept
    : pid(std::exchange(other.pid, -1)),
      watch(std::exchange(other.watch, -1)),
      in(std::exchange(other.in, -1)),
      out(std::exchange(other.out, -1)),
      err(std::exchange(other.err, -1)) {}

Spawned& Spawned::operator=(Spawned&& other) noexcept {
  std::swap(pid, other.pid);
  std::swap(watch, other.watch);
  std::swap(in, other.in);
  std::swap(out, other.out);
  std::swap(err, other.err);
  return *this;
}

Spawned::~Spawned() {
  if (pid >= 0) {
    ::kill(-pid, SIGKILL);
    reaped_within(pid, watch, last_grace);
  }
  for (const int end : {watch, in, out, err})
    if (end >= 0) ::close(end);
}

Result<Spawned> spawn(const ExecRequest& request) {
  if (request.argv.empty() || request.argv.front().empty()) return Failure{Reason::internal, "", "no command to start"};
  const auto& program = request.argv.front();
  Pipe in, out, err;
  if (!in.open() || !out.open() || !err.open()) return not_started(program, errno);
  Orders orders;
  own_group_and_plain_signals(orders);
  only_these_files(orders, in.ends[0], out.ends[1], err.ends[1]);
  auto argv = request.argv;
  auto environment = environment_of(request);
  Spawned spawned;
  const int refused =
      posix_spawnp(&spawned.pid, program.c_str(), &orders.files, &orders.how, pointers(argv).data(), pointers(environment).data());
  if (refused != 0) {
    spawned.pid = -1;
    return not_started(program, refused);
  }
  // The bound on memory cannot be given to posix_spawn, so it is set right after the start, before the process can have asked for much. Its
  // children inherit it.
  if (const rlimit bound{request.max_memory, request.max_memory};
      request.max_memory > 0 && prlimit(spawned.pid, RLIMIT_DATA, &bound, nullptr) != 0)
    return not_started(program, errno);  // the destructor ends it
  killed_before_us(spawned.pid);
  // A pidfd becomes readable when the process ends: the loop waits for it as for a socket, without SIGCHLD, which is global to the process.
  spawned.watch = static_cast<int>(syscall(SYS_pidfd_open, spawned.pid, 0));
  if (spawned.watch < 0) return not_started(program, errno);  // the destructor ends it
  spawned.in = in.take(1);
  spawned.out = out.take(0);
  spawned.err = err.take(0);
  return spawned;
}

}  // namespace drwatch
