// SPDX-License-Identifier: Apache-2.0
// A process of ours, in a process group of its own, with its three pipes.
#pragma once

#include "probes/seams/world.hpp"

#include <sys/types.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

namespace drwatch {

// Used as start, begin_pumping, wait, and end in any case. On the loop's thread only.
class Child : public std::enable_shared_from_this<Child> {
 public:
  // `max_output`: bytes that are kept of standard output and standard error together; the rest is read and dropped.
  Child(boost::asio::any_io_executor loop, std::size_t max_output);
  ~Child();  // kills and reaps what is left
  Child(const Child&) = delete;

  // Starts argv[0] (looked for in PATH when it has no slash) without a shell. A failure has the reason internal and errno as its code;
  // nothing runs then.
  std::optional<Failure> start(const ExecRequest& request);
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
  void kill_group();
  void reap();

  boost::asio::any_io_executor loop_;
  // Bytes of output that still fit.
  std::size_t room_;
  pid_t pid_ = -1;  // -1: not started, or reaped
  Descriptor ended_, in_, out_, err_;
  boost::asio::steady_timer grace_;
  std::string input_;
  std::size_t fed_ = 0;
  bool ends_group_ = false;
  ExecResult result_;
};

}  // namespace drwatch
