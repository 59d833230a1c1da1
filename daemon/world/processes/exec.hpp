// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/world/disk.hpp"

#include <functional>
#include <map>
#include <string>

namespace drwatch {

class Child;
class ProcessGuard;
struct Spawned;

// Programs by posix_spawn, in process groups of their own (Child). See Exec for what goes in and out. A program that hangs in the kernel
// and does not even end of SIGKILL is left behind, and the same command is not started again until it is gone: otherwise every run would
// leave another one.
class RealExec : public Exec {
 public:
  RealExec(boost::asio::any_io_executor loop, Disk& disk);
  Task<Result<ExecResult>> run(ExecRequest request) override;

  // Told in a sentence of each that is left behind, and when it has gone after all.
  void on_left_behind(std::function<void(const std::string&)> tell) { *tell_ = std::move(tell); }

  // What is started from now on ends with this process, also when that is killed. It has to outlive this.
  void guarded_by(const ProcessGuard& guard) { guard_ = &guard; }

 private:
  Task<Result<Spawned>> start(ExecRequest request);
  std::shared_ptr<Child> watched(Spawned spawned, const ExecRequest& request, const std::string& command);

  boost::asio::any_io_executor loop_;
  Disk& disk_;
  const ProcessGuard* guard_ = nullptr;
  // By command: why it is not started. Shared with what is left behind, which may outlive this.
  std::shared_ptr<std::map<std::string, std::string>> left_ = std::make_shared<std::map<std::string, std::string>>();
  std::shared_ptr<std::function<void(const std::string&)>> tell_ = std::make_shared<std::function<void(const std::string&)>>();
};

}  // namespace drwatch
