// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

class RealExec : public Exec {
 public:
  explicit RealExec(boost::asio::any_io_executor loop) : loop_(std::move(loop)) {}
  Task<Result<ExecResult>> run(ExecRequest request) override;

 private:
  boost::asio::any_io_executor loop_;
};

}  // namespace drwatch
