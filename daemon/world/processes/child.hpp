// SPDX-License-Identifier: Apache-2.0
// A process of ours, in a process group of its own, with its three pipes.
#pragma once

#include "daemon/world/processes/spawn.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

namespace drwatch {

// Used as begin_pumping, wait, and end in any case. On the loop's thread only, and never waiting there: a process that is in the kernel
// (state D: a network mount that hangs, a frozen cgroup) does not even end of SIGKILL.
class Child : public std::enable_shared_from_this<Child> {
 public:
  // What may be told of it once, after it was killed and did not end: the process or, with false, what it started is `left` behind. Told
  // again with true when nothing of it is left after all.
  struct Remains {
    pid_t process = -1;
    bool itself = true;  // false: it has ended, but not all of what it began
    bool gone = false;
  };
  using Tell = std::function<void(const Remains&)>;

  // `max_output`: bytes that are kept of standard output and standard error together; the rest is read and dropped.
  Child(boost::asio::any_io_executor loop, Spawned spawned, const ExecRequest& request, Tell tell);
  ~Child();  // kills what is left, and waits no longer than a moment for it
  Child(const Child&) = delete;

  // Reads what it prints and writes its input, until it ends.
  void begin_pumping(std::string input);
  // Waits for its end; reaps it, and takes what is still in the pipes. What it left running in the background is
  // not waited for; with `ends_group` it is killed.
  static Task<ExecResult> wait(std::shared_ptr<Child> child);
  // TERM to the whole group; KILL as soon as the process itself has ended, or after two seconds. Nobody waits for it.
  // Does nothing when the process was reaped already.
  void end();

 private:
  using Descriptor = boost::asio::posix::stream_descriptor;

  void pump(Descriptor& from, std::string& into);
  bool drain(Descriptor& from, std::string& into);
  void feed();
  void kill_all();
  void kill_group();
  bool reap();
  bool anything_left() const;
  void watch_remains();
  void look_at_remains();

  boost::asio::any_io_executor loop_;
  // Bytes of output that still fit.
  std::size_t room_;
  pid_t pid_;          // its own, until it was reaped; then -1
  const pid_t group_;  // its process group's: the same number
  Descriptor ended_, in_, out_, err_;
  boost::asio::steady_timer grace_;
  std::string input_;
  std::size_t fed_ = 0;
  bool ends_group_;
  std::shared_ptr<std::string> heard_;
  bool killed_ = false, told_ = false;
  int looks_ = 0;
  Tell tell_;
  ExecResult result_;
};

}  // namespace drwatch
