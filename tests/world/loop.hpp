// SPDX-License-Identifier: Apache-2.0
// Runs a coroutine to its end on a loop of its own, bounded: a test that hangs is a test that failed.
#pragma once

#include "probes/seams/world.hpp"

#include <doctest/doctest.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <optional>

namespace drwatch::testing {

// Runs until `task` has ended. Its exception passes through; a task that does not end in `most` fails the test.
inline void run(boost::asio::io_context& loop, Task<void> task, std::chrono::seconds most = std::chrono::seconds(30)) {
  std::optional<std::exception_ptr> ended;
  boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr e) {
    ended = e;
    loop.stop();
  });
  loop.restart();
  loop.run_for(most);
  REQUIRE_MESSAGE(ended.has_value(), "the task did not end in time");
  if (*ended) std::rethrow_exception(*ended);
}

template <class T>
Task<void> keep(Task<T> task, std::optional<T>& into) {
  into.emplace(co_await std::move(task));
}

template <class T>
T result_of(boost::asio::io_context& loop, Task<T> task, std::chrono::seconds most = std::chrono::seconds(30)) {
  std::optional<T> value;
  run(loop, keep(std::move(task), value), most);
  return std::move(*value);
}

inline std::chrono::milliseconds elapsed_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

}  // namespace drwatch::testing
