// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/processes/exec.hpp"

#include "daemon/world/processes/child.hpp"
#include "daemon/world/processes/guard.hpp"

#include <atomic>

namespace drwatch {
namespace {

// A program is begun in about a millisecond; one that is not by then lies where the kernel waits for an answer.
constexpr auto start_patience = std::chrono::seconds(2);

// A destructor, so that the process is ended also when the waiting coroutine is cancelled by its deadline. After a normal end it does
// nothing.
struct Ending {
  std::shared_ptr<Child> child;
  ~Ending() { child->end(); }
};

// One and the same command: a zero byte stands in no argument.
std::string command_of(const ExecRequest& request) {
  std::string command;
  for (const std::string& word : request.argv) command += word + '\0';
  for (const auto& [name, value] : request.environment) command += '\0' + name + '=' + value;
  return command;
}

std::string words_of(const Child::Remains& remains, const std::string& program) {
  if (remains.itself)
    return "an earlier " + program + " (process " + std::to_string(remains.process) +
           ") was killed and does not end: the kernel holds it (a disk or a network mount that hangs?)";
  return "an earlier " + program + " (process group " + std::to_string(remains.process) +
         ") has left a process behind that was killed and does not end: the kernel holds it (a disk or a network mount that hangs?)";
}

}  // namespace

RealExec::RealExec(boost::asio::any_io_executor loop, Disk& disk) : loop_(std::move(loop)), disk_(disk) {}

Task<Result<Spawned>> RealExec::start(ExecRequest request) {
  const std::string program = request.argv.empty() ? "" : request.argv.front();
  // Shared with the thread. When nobody waits for it any more, what was started is killed with it.
  auto answer = std::make_shared<Result<Spawned>>(Failure{});
  // Whoever comes first: the thread that begins it, or the end of the patience. What is given up is not begun any more.
  enum Stage { waits, begun, given_up };
  auto stage = std::make_shared<std::atomic<Stage>>(waits);
  std::function<void()> work = [answer, stage, request = std::move(request), guard = guard_]() mutable {
    if (stage->exchange(begun) == given_up) return;
    const auto mark = guard ? guard->mark() : ProcessGuard::Mark();
    if (guard) request.environment[ProcessGuard::mark_name] = mark.value;
    *answer = spawn(request);
    if (guard && answer->has_value()) guard->watch((*answer)->pid, mark);
  };
  if (auto hangs = co_await disk_.ask(program, std::move(work), start_patience)) {
    hangs->message = "cannot start a program: " + hangs->message;
    // The kernel may yet come to it, or has: it is killed then, but a command that is not to run twice must not be taken for one that never
    // ran.
    if (stage->exchange(given_up) == begun) hangs->message += "; it may have run for a moment";
    co_return std::move(*hangs);
  }
  co_return std::move(*answer);
}

std::shared_ptr<Child> RealExec::watched(Spawned spawned, const ExecRequest& request, const std::string& command) {
  auto tell = [left = left_, tell = tell_, command, program = request.argv.front()](const Child::Remains& remains) {
    std::string words;
    if (remains.gone) {
      left->erase(command);
      words = "what was left of " + program + " (process " + std::to_string(remains.process) + ") has ended; it is started again";
    } else {
      words = words_of(remains, program) + "; it is not started again until that is gone";
      (*left)[command] = words;
    }
    if (*tell) (*tell)(words);
  };
  return std::make_shared<Child>(loop_, std::move(spawned), request, std::move(tell));
}

Task<Result<ExecResult>> RealExec::run(ExecRequest request) {
  const std::string command = command_of(request);
  if (const auto left = left_->find(command); left != left_->end()) co_return Failure{Reason::own_fault, "EBUSY", left->second};
  auto spawned = co_await start(request);
  if (!spawned) co_return spawned.error();
  const auto child = watched(std::move(*spawned), request, command);
  Ending ending{child};
  child->begin_pumping(std::move(request.input));
  co_return co_await Child::wait(child);
}

}  // namespace drwatch
