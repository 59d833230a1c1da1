// SPDX-License-Identifier: Apache-2.0
// Included by within.hpp only. The operation and a sleeper run as two tasks. Each has a cancellation signal of its own, since a signal
// holds only one handler (shared, the second task would silently unhook the first). The task that ends first cancels the other, and the
// caller goes on when both have ended. The sleeper is the clock's own, so that a virtual clock can drive it.
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace drwatch::race {

inline std::exception_ptr aborted() { return std::make_exception_ptr(boost::system::system_error(boost::asio::error::operation_aborted)); }

inline bool is_aborted(const std::exception_ptr& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code() == boost::asio::error::operation_aborted;
  } catch (...) {
  }
  return false;
}

// What the two tasks share. Owned by the two tasks alone: when the executor is destroyed under them, this goes with them, and with it the
// caller's frame.
template <class T, class Handler>
struct Race : std::enable_shared_from_this<Race<T, Handler>> {
  explicit Race(Handler h) : resume(std::move(h)) {}

  Handler resume;  // void(std::exception_ptr, std::optional<T>)
  boost::asio::cancellation_signal stop_operation, stop_sleeper;
  std::optional<T> value;
  std::exception_ptr error;
  bool operation_ended = false, sleeper_ended = false;
  bool late = false;       // the sleeper ended first, by itself
  bool cancelled = false;  // by the caller

  // By the caller: both are told to end; finish() comes when both have. `self`: emitting may end the tasks at once, and they own this.
  void cancel() {
    auto self = this->shared_from_this();
    cancelled = true;
    if (!sleeper_ended) stop_sleeper.emit(boost::asio::cancellation_type::terminal);
    if (!operation_ended) stop_operation.emit(boost::asio::cancellation_type::terminal);
  }

  void on_operation(std::exception_ptr e) {
    operation_ended = true;
    error = std::move(e);
    if (sleeper_ended) return finish();
    stop_sleeper.emit(boost::asio::cancellation_type::terminal);
  }

  void on_sleeper(std::exception_ptr e) {
    sleeper_ended = true;
    if (operation_ended) return finish();
    // The sleeper ended before the operation: time is up, unless the caller's cancellation ended it.
    late = !cancelled;
    // A clock that fails is a bug that the caller must hear of, but not before the operation has unwound.
    if (e && !is_aborted(e)) clock_error = std::move(e);
    stop_operation.emit(boost::asio::cancellation_type::terminal);
  }

  void finish() {
    auto slot = boost::asio::get_associated_cancellation_slot(resume);
    if (slot.is_connected()) slot.clear();
    // Out of this object first: going on may free it. In this order, because a bug must never be hidden behind a time-out or a
    // cancellation.
    auto go_on = std::move(resume);
    if (clock_error) return std::move(go_on)(clock_error, std::optional<T>());
    if (error && !is_aborted(error)) return std::move(go_on)(error, std::optional<T>());
    if (cancelled) return std::move(go_on)(aborted(), std::optional<T>());
    // Late counts even when the operation still brought a value while it unwound: it did not keep its deadline.
    if (late) return std::move(go_on)(std::exception_ptr(), std::optional<T>());
    // Aborted though nobody here cancelled it: the operation's own doing, passed on as it is.
    std::move(go_on)(error, std::move(value));
  }

  std::exception_ptr clock_error;
};

template <class T, class Handler>
Task<void> keep_value(std::shared_ptr<Race<T, Handler>> race, Task<T> operation) {
  race->value.emplace(co_await std::move(operation));
}

template <class T, class Handler>
void start(boost::asio::any_io_executor executor, Clock& clock, std::chrono::nanoseconds deadline, Task<T> operation, Handler handler) {
  auto race = std::make_shared<Race<T, Handler>>(std::move(handler));
  auto slot = boost::asio::get_associated_cancellation_slot(race->resume);
  // Weak, or the slot, which lives in the handler that the race holds, would keep the race alive for ever.
  if (slot.is_connected()) {
    slot.assign([weak = std::weak_ptr(race)](boost::asio::cancellation_type) {
      if (auto r = weak.lock()) r->cancel();
    });
  }
  boost::asio::co_spawn(
      executor, keep_value<T, Handler>(race, std::move(operation)),
      boost::asio::bind_cancellation_slot(race->stop_operation.slot(), [race](std::exception_ptr e) { race->on_operation(std::move(e)); }));
  // The operation begins at once and may already be over: then there is nothing to watch.
  if (race->operation_ended) return race->on_sleeper(nullptr);
  boost::asio::co_spawn(
      executor, clock.sleep_for(deadline),
      boost::asio::bind_cancellation_slot(race->stop_sleeper.slot(), [race](std::exception_ptr e) { race->on_sleeper(std::move(e)); }));
}

}  // namespace drwatch::race

namespace drwatch {

template <class T>
Task<std::optional<T>> within(Clock& clock, std::chrono::nanoseconds deadline, Task<T> operation) {
  // An explicit initiation instead of Asio's operators: `operation || timer` (Boost 1.81) turns an exception of the operation into a
  // time-out.
  auto executor = co_await boost::asio::this_coro::executor;
  auto begin = [&](auto handler) {
    race::start<T, std::decay_t<decltype(handler)>>(executor, clock, deadline, std::move(operation), std::move(handler));
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(std::exception_ptr, std::optional<T>)>(
      begin, boost::asio::use_awaitable);
}

}  // namespace drwatch
