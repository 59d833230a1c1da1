// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/processes/exec.hpp"

#include "daemon/world/processes/child.hpp"

namespace drwatch {
namespace {

// A destructor, so that the process is ended also when the waiting coroutine is cancelled by its deadline. After a normal end it does
// nothing.
struct Ending {
  std::shared_ptr<Child> child;
  ~Ending() { child->end(); }
};

}  // namespace

Task<Result<ExecResult>> RealExec::run(ExecRequest request) {
  auto child = std::make_shared<Child>(loop_, request.max_output);
  if (auto failure = child->start(request)) co_return std::move(*failure);
  Ending ending{child};
  child->begin_pumping(std::move(request.input));
  co_return co_await Child::wait(child);
}

}  // namespace drwatch
