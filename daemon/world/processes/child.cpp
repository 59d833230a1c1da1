// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/processes/child.hpp"

#include "daemon/world/failures.hpp"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>

namespace drwatch {
namespace {

// Between TERM and KILL: enough to remove a temporary file or a lock, short enough that a run's end does not reach into the next run.
constexpr auto grace = std::chrono::seconds(2);
// After KILL it is looked at again after 20 ms, 40 ms, ..., and is said to be left behind after so many looks (1.3 s).
constexpr auto first_look = std::chrono::milliseconds(20);
constexpr auto longest_look = std::chrono::milliseconds(10'000);
constexpr int looks_until_told = 6;

// As a shell reports it: 128 + n for the end by signal n (137: SIGKILL, often the kernel for lack of memory).
int exit_code_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

// Whether a process of the group runs. A zombie that nobody reaps (a container without an init) counts for kill(2), but not here.
bool group_runs(pid_t group) {
  if (::kill(-group, 0) != 0 && errno == ESRCH) return false;
  const std::unique_ptr<DIR, int (*)(DIR*)> processes(opendir("/proc"), &closedir);
  if (!processes) return true;
  while (const dirent* entry = readdir(processes.get())) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    std::ifstream file(std::string("/proc/") + entry->d_name + "/stat");
    std::string text;
    std::getline(file, text);
    // "PID (NAME) STATE PARENT GROUP ...": the name may hold anything, also a bracket.
    const auto behind = text.rfind(')');
    if (behind == std::string::npos || behind + 2 >= text.size()) continue;
    const char state = text[behind + 2];
    const char* parent = text.c_str() + behind + 3;
    char* rest = nullptr;
    std::strtol(parent, &rest, 10);
    if (std::strtol(rest, nullptr, 10) == group && state != 'Z' && state != 'X') return true;
  }
  return false;
}

}  // namespace

Child::Child(boost::asio::any_io_executor loop, Spawned spawned, const ExecRequest& request, Tell tell)
    : loop_(std::move(loop)),
      room_(request.max_output),
      pid_(std::exchange(spawned.pid, -1)),
      group_(pid_),
      ended_(loop_, std::exchange(spawned.watch, -1)),
      in_(loop_, std::exchange(spawned.in, -1)),
      out_(loop_, std::exchange(spawned.out, -1)),
      err_(loop_, std::exchange(spawned.err, -1)),
      grace_(loop_),
      ends_group_(request.ends_group),
      heard_(request.heard),
      tell_(std::move(tell)) {
  for (auto* pipe : {&in_, &out_, &err_}) pipe->native_non_blocking(true);
}

Child::~Child() {
  if (pid_ < 0) return;
  kill_group();
  // Who is known to be stuck is not waited for.
  reaped_within(pid_, ended_.native_handle(), told_ ? std::chrono::milliseconds(0) : last_grace);
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
    if (heard_) heard_->append(piece, kept);
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
  if (child->ends_group_) child->watch_remains();
  co_return std::move(child->result_);
}

// A negative pid: every process of the group (kill(2)).
void Child::kill_group() { ::kill(-group_, SIGKILL); }

// Frees the pid, if it has ended: the loop does not wait for that. Until here the group can be signalled safely: the kernel gives the
// number of a process that was not waited for, and of a group that has anybody in it, to no other.
bool Child::reap() {
  int status = 0;
  pid_t reaped = 0;
  while ((reaped = waitpid(pid_, &status, WNOHANG)) < 0 && errno == EINTR) {
  }
  if (reaped == 0) return false;
  pid_ = -1;
  if (reaped > 0) result_.exit_code = exit_code_of(status);
  return true;
}

void Child::end() {
  if (pid_ < 0) return;
  ::kill(-group_, SIGTERM);
  ::kill(-group_, SIGCONT);  // a stopped process does not hear TERM
  // Its output is read on: a process that dies of writing to nobody could not clean up.
  auto finish = [self = shared_from_this()](const boost::system::error_code&) { self->kill_all(); };
  // Whichever comes first, the end of the grace or of the process itself, finishes it; `killed_` tells the second that it is too late.
  grace_.expires_after(grace);
  grace_.async_wait(finish);
  ended_.async_wait(Descriptor::wait_read, finish);
}

void Child::kill_all() {
  if (killed_) return;
  killed_ = true;
  kill_group();
  grace_.cancel();
  ended_.cancel();
  watch_remains();
}

bool Child::anything_left() const { return pid_ >= 0 || group_runs(group_); }

// The kernel may keep what was killed: then it is left behind, and said to be. It is looked at ever more seldom, until it is gone.
void Child::watch_remains() {
  if ((pid_ < 0 || reap()) && ::kill(-group_, 0) != 0) return;
  look_at_remains();
}

void Child::look_at_remains() {
  grace_.expires_after(std::min(first_look * (1 << std::min(looks_, 10)), longest_look));
  grace_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error) return;
    if (self->pid_ >= 0) self->reap();
    ++self->looks_;
    const bool left = self->anything_left();
    if (left && self->looks_ == looks_until_told) {
      self->told_ = true;
      if (self->tell_) self->tell_({self->group_, self->pid_ >= 0, false});
    }
    if (left) return self->look_at_remains();
    if (self->told_ && self->tell_) self->tell_({self->group_, false, true});
  });
}

}  // namespace drwatch
