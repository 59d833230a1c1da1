// SPDX-License-Identifier: Apache-2.0
#include "probes/seams/within.hpp"

#include "daemon/world/clock.hpp"
#include "tests/simulation/virtual_clock.hpp"
#include "tests/world/loop.hpp"

#include <boost/asio/post.hpp>
#include <stdexcept>

namespace within_test {

using namespace drwatch;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

// Says when its frame is gone.
struct Trace {
  bool& gone;
  explicit Trace(bool& g) : gone(g) {}
  ~Trace() { gone = true; }
};

Task<int> answer_after(Clock& clock, std::chrono::nanoseconds d, bool& unwound) {
  Trace trace(unwound);
  co_await clock.sleep_for(d);
  co_return 42;
}
Task<int> answer_at_once() { co_return 7; }
Task<int> throw_after(Clock& clock, std::chrono::nanoseconds d) {
  co_await clock.sleep_for(d);
  throw std::runtime_error("the operation's own");
}
// Does not let itself be cancelled by swallowing it, and answers nevertheless.
Task<int> swallow(Clock& clock) {
  try {
    co_await clock.sleep_for(1h);
  } catch (const boost::system::system_error&) {
  }
  co_return 1;
}
Task<int> throw_when_cancelled(Clock& clock) {
  try {
    co_await clock.sleep_for(1h);
  } catch (const boost::system::system_error&) {
    throw std::logic_error("a bug met while unwinding");
  }
  co_return 1;
}

struct Virtual {
  asio::io_context loop;
  VirtualClock clock{loop};
};

template <class T>
struct Ended {
  bool done = false;
  std::optional<T> value;
  std::string error;
};

Task<void> record(Task<std::optional<int>> task, Ended<int>& ended) {
  try {
    ended.value = co_await std::move(task);
  } catch (const std::exception& e) {
    ended.error = e.what();
  }
  ended.done = true;
}

}  // namespace

TEST_CASE("within: a value before the deadline, and no sleeper left behind") {
  Virtual v;
  bool unwound = false;
  Ended<int> ended;
  asio::co_spawn(v.loop, record(within(v.clock, 2s, answer_after(v.clock, 1s, unwound)), ended), [](std::exception_ptr) {});
  REQUIRE(v.clock.run_until([&] { return ended.done; }, 1h));
  CHECK(ended.value == 42);
  CHECK(v.clock.boottime() == 1s);
  CHECK(v.clock.sleepers() == 0);
}

TEST_CASE("within: nullopt at the deadline, once the operation has unwound") {
  Virtual v;
  bool unwound = false;
  Ended<int> ended;
  asio::co_spawn(v.loop, record(within(v.clock, 2s, answer_after(v.clock, 1h, unwound)), ended), [](std::exception_ptr) {});
  REQUIRE(v.clock.run_until([&] { return ended.done; }, 2h));
  CHECK(ended.error == "");
  CHECK(!ended.value);
  CHECK(unwound);
  CHECK(v.clock.boottime() == 2s);
  CHECK(v.clock.sleepers() == 0);
}

TEST_CASE("within: an operation that never waits") {
  Virtual v;
  Ended<int> ended;
  asio::co_spawn(v.loop, record(within(v.clock, 2s, answer_at_once()), ended), [](std::exception_ptr) {});
  REQUIRE(v.clock.run_until([&] { return ended.done; }, 1h));
  CHECK(ended.value == 7);
  CHECK(v.clock.boottime() == 0s);
  CHECK(v.clock.sleepers() == 0);
}

TEST_CASE("within: exceptions of the operation pass through, also those met after the deadline") {
  Virtual v;
  Ended<int> early, late;
  asio::co_spawn(v.loop, record(within(v.clock, 2s, throw_after(v.clock, 1s)), early), [](std::exception_ptr) {});
  asio::co_spawn(v.loop, record(within(v.clock, 3s, throw_when_cancelled(v.clock)), late), [](std::exception_ptr) {});
  REQUIRE(v.clock.run_until([&] { return early.done && late.done; }, 1h));
  CHECK(early.error == "the operation's own");
  CHECK(late.error == "a bug met while unwinding");
}

TEST_CASE("within: what comes after the deadline does not count") {
  Virtual v;
  Ended<int> ended;
  asio::co_spawn(v.loop, record(within(v.clock, 2s, swallow(v.clock)), ended), [](std::exception_ptr) {});
  REQUIRE(v.clock.run_until([&] { return ended.done; }, 2h));
  CHECK(ended.error == "");
  CHECK(!ended.value);
}

TEST_CASE("within: the caller's cancellation cancels the operation and throws") {
  Virtual v;
  bool unwound = false, ended = false, aborted = false;
  asio::cancellation_signal stop;
  asio::co_spawn(v.loop, within(v.clock, 1h, answer_after(v.clock, 1h, unwound)),
                 asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr e, std::optional<int>) {
                   ended = true;
                   try {
                     if (e) std::rethrow_exception(e);
                   } catch (const boost::system::system_error& error) {
                     aborted = error.code() == asio::error::operation_aborted;
                   }
                 }));
  v.clock.run_for(1s);
  CHECK(!ended);
  stop.emit(asio::cancellation_type::terminal);
  v.clock.settle();
  CHECK(ended);
  CHECK(aborted);
  CHECK(unwound);
  CHECK(v.clock.boottime() == 1s);
  CHECK(v.clock.sleepers() == 0);
}

TEST_CASE("within: nests, and the inner deadline is not the outer one") {
  Virtual v;
  bool unwound = false;
  Ended<int> ended;
  struct Nest {
    static Task<int> inner(Clock& clock, bool& gone) {
      auto first = co_await within(clock, 1s, answer_after(clock, 1h, gone));
      auto second = co_await within(clock, 5s, answer_after(clock, 1s, gone));
      co_return first ? -1 : second.value_or(-2);
    }
  };
  asio::co_spawn(v.loop, record(within(v.clock, 3s, Nest::inner(v.clock, unwound)), ended), [](std::exception_ptr) {});
  REQUIRE(v.clock.run_until([&] { return ended.done; }, 1h));
  CHECK(ended.value == 42);
  CHECK(v.clock.boottime() == 2s);
}

TEST_CASE("within: a loop destroyed in the middle leaks nothing and touches nothing") {
  bool unwound = false;
  Ended<int> ended;
  {
    Virtual v;
    asio::co_spawn(v.loop, record(within(v.clock, 2s, answer_after(v.clock, 1h, unwound)), ended), [](std::exception_ptr) {});
    v.clock.settle();
  }
  CHECK(unwound);
  CHECK(!ended.done);
}

TEST_CASE("within: on the real clock") {
  asio::io_context loop;
  RealClock clock(loop.get_executor());
  bool unwound = false;
  auto begin = std::chrono::steady_clock::now();
  auto late = testing::result_of(loop, within(clock, 50ms, answer_after(clock, 1h, unwound)));
  CHECK(!late);
  CHECK(unwound);
  CHECK(testing::elapsed_since(begin) >= 50ms);
  CHECK(testing::elapsed_since(begin) < 10s);
  auto good = testing::result_of(loop, within(clock, 1h, answer_after(clock, 1ms, unwound)));
  CHECK(good == 42);
}

TEST_CASE("virtual clock: wall time jumps alone, a pause moves both, equal times wake in the order they came") {
  Virtual v;
  const auto wall = v.clock.now();
  std::string order;
  struct Sleeper {
    static Task<void> nap(Clock& clock, std::chrono::nanoseconds d, std::string& text, char mark) {
      co_await clock.sleep_for(d);
      text += mark;
    }
  };
  asio::co_spawn(v.loop, Sleeper::nap(v.clock, 2s, order, 'b'), [](std::exception_ptr) {});
  asio::co_spawn(v.loop, Sleeper::nap(v.clock, 1s, order, 'a'), [](std::exception_ptr) {});
  asio::co_spawn(v.loop, Sleeper::nap(v.clock, 2s, order, 'c'), [](std::exception_ptr) {});
  CHECK(v.clock.run_for(1500ms));
  CHECK(order == "a");
  v.clock.set_wall(wall + 24h);
  CHECK(v.clock.now() == wall + 24h);
  CHECK(v.clock.boottime() == 1500ms);
  v.clock.pause(10s);
  CHECK(v.clock.now() == wall + 24h + 10s);
  v.clock.settle();
  CHECK(order == "a");
  CHECK(v.clock.run_for(0s));
  CHECK(order == "abc");
  CHECK(v.clock.boottime() == 11500ms);
}

}  // namespace within_test
