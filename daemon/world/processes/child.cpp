// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/processes/child.hpp"

#include "daemon/world/failures.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace drwatch {
namespace {

// Between TERM and KILL: enough to remove a temporary file or a lock, short enough that a run's end does not reach into the next run.
constexpr auto grace = std::chrono::seconds(2);

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

Failure not_started(const std::string& program, int number) {
  return {Reason::internal, errno_name(number), "cannot start " + program + ": " + errno_words(number)};
}

// As a shell reports it: 128 + n for the end by signal n (137: SIGKILL, often the kernel for lack of memory).
int exit_code_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

}  // namespace

Child::Child(boost::asio::any_io_executor loop, std::size_t max_output)
    : loop_(std::move(loop)), room_(max_output), ended_(loop_), in_(loop_), out_(loop_), err_(loop_), grace_(loop_) {}

Child::~Child() {
  if (pid_ < 0) return;
  kill_group();
  reap();
}

std::optional<Failure> Child::start(const ExecRequest& request) {
  if (request.argv.empty() || request.argv.front().empty()) return Failure{Reason::internal, "", "no command to start"};
  const auto& program = request.argv.front();
  Pipe in, out, err;
  if (!in.open() || !out.open() || !err.open()) return not_started(program, errno);
  Orders orders;
  own_group_and_plain_signals(orders);
  only_these_files(orders, in.ends[0], out.ends[1], err.ends[1]);
  auto argv = request.argv;
  auto environment = environment_of(request);
  const int refused = posix_spawnp(&pid_, program.c_str(), &orders.files, &orders.how, pointers(argv).data(), pointers(environment).data());
  if (refused != 0) {
    pid_ = -1;
    return not_started(program, refused);
  }
  ends_group_ = request.ends_group;
  // The bound on memory cannot be given to posix_spawn, so it is set right after the start, before the process can have asked for much. Its
  // children inherit it.
  if (const rlimit bound{request.max_memory, request.max_memory};
      request.max_memory > 0 && prlimit(pid_, RLIMIT_DATA, &bound, nullptr) != 0)
    return not_started(program, errno);  // the destructor ends it
  // A pidfd becomes readable when the process ends: the loop waits for it as for a socket, without SIGCHLD, which is global to the process.
  const int watch = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (watch < 0) return not_started(program, errno);  // the destructor ends it
  ended_.assign(watch);
  in_.assign(in.take(1));
  out_.assign(out.take(0));
  err_.assign(err.take(0));
  for (auto* pipe : {&in_, &out_, &err_}) pipe->native_non_blocking(true);
  return std::nullopt;
}

void Child::begin_pumping(std::string input) {
  input_ = std::move(input);
  pump(out_, result_.output);
  pump(err_, result_.errors);
  feed();
}

// Reads what is there now and keeps what fits into the bound. False: the other side has closed the pipe, or it is broken. What is over the
// bound is read and dropped, because a process whose pipe stays full would wait for ever.
bool Child::drain(Descriptor& from, std::string& into) {
  char piece[16 * 1024];
  // Bounded in turn: a process that prints without end must not keep the loop for itself.
  for (int turn = 0; turn < 16; ++turn) {
    const auto n = ::read(from.native_handle(), piece, sizeof piece);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    const auto kept = std::min(room_, static_cast<std::size_t>(n));
    into.append(piece, kept);
    room_ -= kept;
  }
  return true;
}

void Child::pump(Descriptor& from, std::string& into) {
  from.async_wait(Descriptor::wait_read, [self = weak_from_this(), &from, &into](const boost::system::error_code& error) {
    // The process may have been reaped, or the Child destroyed, by the time that the wait ends; then there is nobody to read for.
    auto child = self.lock();
    if (error || !child || child->pid_ < 0) return;
    if (child->drain(from, into)) child->pump(from, into);
  });
}

void Child::feed() {
  while (fed_ < input_.size()) {
    const auto n = ::write(in_.native_handle(), input_.data() + fed_, input_.size() - fed_);
    if (n > 0) {
      fed_ += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      return in_.async_wait(Descriptor::wait_write, [self = weak_from_this()](const boost::system::error_code& error) {
        auto child = self.lock();
        if (!error && child && child->pid_ >= 0) child->feed();
      });
    } else if (errno != EINTR) {
      break;  // it does not read its input: its own affair
    }
  }
  boost::system::error_code ignored;
  in_.close(ignored);
}

Task<ExecResult> Child::wait(std::shared_ptr<Child> child) {
  boost::system::error_code error;
  co_await child->ended_.async_wait(Descriptor::wait_read, boost::asio::redirect_error(boost::asio::use_awaitable, error));
  unwind_if_cancelled(error);
  if (child->ends_group_) child->kill_group();
  child->reap();
  // The process has ended, but its last words may still be in the pipes. Not read until the end of the pipe: a process that it left in the
  // background holds the other end open.
  child->drain(child->out_, child->result_.output);
  child->drain(child->err_, child->result_.errors);
  co_return std::move(child->result_);
}

// A negative pid: every process of the group (kill(2)).
void Child::kill_group() { ::kill(-pid_, SIGKILL); }

// Frees the pid. Until here the group can be signalled safely: the kernel gives the number of a process that was not waited for to no
// other.
void Child::reap() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  result_.exit_code = exit_code_of(status);
}

void Child::end() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGTERM);
  ::kill(-pid_, SIGCONT);  // a stopped process does not hear TERM
  // Its output is read on: a process that dies of writing to nobody could not clean up.
  auto finish = [self = shared_from_this()](const boost::system::error_code&) {
    if (self->pid_ < 0) return;
    self->kill_group();
    self->reap();
    self->grace_.cancel();
    self->ended_.cancel();
  };
  // Whichever comes first, the end of the grace or of the process itself, finishes it; `pid_` tells the second that it is too late.
  grace_.expires_after(grace);
  grace_.async_wait(finish);
  ended_.async_wait(Descriptor::wait_read, finish);
}

}  // namespace drwatch
