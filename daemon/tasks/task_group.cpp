// SPDX-License-Identifier: Apache-2.0
#include "daemon/tasks/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <vector>

namespace drwatch {
namespace {

namespace asio = boost::asio;

bool cancellation(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

// A task begins with the loop's next turn, never inside spawn(): who spawns may still be changing what the task reads.
Task<void> begin(Task<void> task) {
  co_await asio::post(asio::use_awaitable);
  co_await std::move(task);
}

}  // namespace

struct TaskGroup::Shared : std::enable_shared_from_this<TaskGroup::Shared> {
  struct Entry {
    std::string name;
    std::function<void()> ended;
    // Held by a pointer: a task that ends while its signal is being emitted must not take the signal with it.
    std::shared_ptr<asio::cancellation_signal> signal = std::make_shared<asio::cancellation_signal>();
  };

  asio::any_io_executor executor;
  std::function<void(const std::string&, std::exception_ptr)> failed;
  std::map<Id, Entry> entries;
  std::vector<asio::steady_timer*> joining;
  Id last = 0;

  void on_end(Id id, const std::exception_ptr& error) {
    // Taken out first: the callbacks below may spawn, or ask what is running.
    auto node = entries.extract(id);
    if (error && !cancellation(error) && failed) failed(node.mapped().name, error);
    if (node.mapped().ended) node.mapped().ended();
    if (!entries.empty()) return;
    for (auto* timer : joining) timer->cancel();
  }

  // Nothing for a task that has ended: its id is never used again.
  void cancel(Id id) {
    auto found = entries.find(id);
    if (found == entries.end()) return;
    auto signal = found->second.signal;
    signal->emit(asio::cancellation_type::terminal);
  }
};

namespace {

// Waits on a timer that never fires; the end of the last task cancels it.
template <class Shared>
Task<void> until_empty(std::shared_ptr<Shared> shared) {
  while (!shared->entries.empty()) {
    asio::steady_timer never(shared->executor, asio::steady_timer::time_point::max());
    shared->joining.push_back(&never);
    struct Leave {
      Shared& shared;
      asio::steady_timer* timer;
      ~Leave() { std::erase(shared.joining, timer); }
    } leave{*shared, &never};
    boost::system::error_code ended;
    co_await never.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  }
  // A cancellation shows only at a co_await. Without this one, a join that is cancelled in the very turn in which the last task ended would
  // return as if it had not been.
  co_await asio::post(asio::use_awaitable);
}

}  // namespace

TaskGroup::TaskGroup(asio::any_io_executor executor, std::function<void(const std::string& name, std::exception_ptr)> failed)
    : shared_(std::make_shared<Shared>()) {
  shared_->executor = std::move(executor);
  shared_->failed = std::move(failed);
}

TaskGroup::~TaskGroup() = default;

TaskGroup::Id TaskGroup::spawn(std::string name, Task<void> task, std::function<void()> ended) {
  const Id id = ++shared_->last;
  auto& entry = shared_->entries[id];
  entry.name = std::move(name);
  entry.ended = std::move(ended);
  auto on_end = [shared = shared_, id](const std::exception_ptr& error) { shared->on_end(id, error); };
  asio::co_spawn(shared_->executor, begin(std::move(task)), asio::bind_cancellation_slot(entry.signal->slot(), std::move(on_end)));
  return id;
}

void TaskGroup::cancel(Id id) { shared_->cancel(id); }

void TaskGroup::cancel_all() {
  // Copied: a task that ends at once takes itself out of `entries`.
  std::vector<Id> ids;
  for (const auto& [id, entry] : shared_->entries) ids.push_back(id);
  for (Id id : ids) shared_->cancel(id);
}

Task<void> TaskGroup::join() { return until_empty(shared_); }

std::size_t TaskGroup::running() const { return shared_->entries.size(); }

}  // namespace drwatch
