// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

// Programs by posix_spawn, in process groups of their own (Child). See Exec for what goes in and out.
class RealExec : public Exec {
 public:
  explicit RealExec(boost::asio::any_io_executor loop) : loop_(std::move(loop)) {}
  Task<Result<ExecResult>> run(ExecRequest request) override;

 private:
  boost::asio::any_io_executor loop_;
};

}  // namespace drwatch
