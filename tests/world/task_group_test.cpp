// SPDX-License-Identifier: Apache-2.0
#include "daemon/tasks/task_group.hpp"

#include "tests/simulation/virtual_clock.hpp"
#include "tests/world/loop.hpp"

#include <stdexcept>

namespace task_group_test {

using namespace drwatch;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct Fixture {
  asio::io_context loop;
  VirtualClock clock{loop};
  std::vector<std::string> failures;
  TaskGroup tasks{loop.get_executor(), [this](const std::string& name, std::exception_ptr e) {
                    try {
                      std::rethrow_exception(e);
                    } catch (const std::exception& error) {
                      failures.push_back(name + ": " + error.what());
                    }
                  }};
  bool joined = false;

  static Task<void> nap(Clock& clock, std::chrono::nanoseconds d, int& ended) {
    co_await clock.sleep_for(d);
    ++ended;
  }
  static Task<void> fail() { co_return throw std::runtime_error("boom"); }
  static Task<void> mark(bool& begun) {
    begun = true;
    co_return;
  }
  static Task<void> wait(TaskGroup& tasks, bool& joined) {
    co_await tasks.join();
    joined = true;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "task group: join returns when the last task has ended") {
  int ended = 0, told = 0;
  tasks.spawn("a", nap(clock, 1s, ended), [&] { ++told; });
  tasks.spawn("b", nap(clock, 3s, ended), [&] { ++told; });
  asio::co_spawn(loop, wait(tasks, joined), [](std::exception_ptr) {});
  clock.run_for(2s);
  CHECK(ended == 1);
  CHECK(told == 1);
  CHECK(tasks.running() == 1);
  CHECK(!joined);
  clock.run_for(2s);
  CHECK(ended == 2);
  CHECK(told == 2);
  CHECK(joined);
  CHECK(failures.empty());
}

TEST_CASE_FIXTURE(Fixture, "task group: an empty group is joined at once") {
  asio::co_spawn(loop, wait(tasks, joined), [](std::exception_ptr) {});
  clock.settle();
  CHECK(joined);
}

TEST_CASE_FIXTURE(Fixture, "task group: cancelling one leaves the other alone, and is no failure") {
  int ended = 0, told = 0;
  auto first = tasks.spawn("a", nap(clock, 1h, ended), [&] { ++told; });
  tasks.spawn("b", nap(clock, 1s, ended));
  clock.settle();
  tasks.cancel(first);
  tasks.cancel(4711);
  clock.settle();
  CHECK(told == 1);
  CHECK(tasks.running() == 1);
  clock.run_for(1s);
  CHECK(ended == 1);
  CHECK(tasks.running() == 0);
  CHECK(failures.empty());
}

TEST_CASE_FIXTURE(Fixture, "task group: cancel_all ends all, those that wait as well as those that have not begun") {
  int ended = 0;
  bool begun = false;
  tasks.spawn("a", nap(clock, 1h, ended));
  clock.settle();
  tasks.spawn("b", mark(begun));
  tasks.cancel_all();
  asio::co_spawn(loop, wait(tasks, joined), [](std::exception_ptr) {});
  clock.settle();
  CHECK(joined);
  CHECK(!begun);
  CHECK(ended == 0);
  CHECK(failures.empty());
}

TEST_CASE_FIXTURE(Fixture, "task group: an exception is reported with the task's name and disturbs nobody") {
  int ended = 0;
  tasks.spawn("probe database", fail());
  tasks.spawn("b", nap(clock, 1s, ended));
  clock.run_for(1s);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0] == "probe database: boom");
  CHECK(ended == 1);
}

TEST_CASE_FIXTURE(Fixture, "task group: a task begins with the next turn of the loop, not inside spawn") {
  bool begun = false;
  struct Spawner {
    static Task<void> go(Fixture& f, bool& b, bool& inside) {
      f.tasks.spawn("later", mark(b));
      inside = b;
      co_return;
    }
  };
  bool inside = true;
  asio::co_spawn(loop, Spawner::go(*this, begun, inside), [](std::exception_ptr) {});
  clock.settle();
  CHECK(!inside);
  CHECK(begun);
}

TEST_CASE_FIXTURE(Fixture, "task group: tasks may spawn and cancel tasks, also when they end") {
  int ended = 0;
  tasks.spawn("first", nap(clock, 1s, ended), [&] {
    tasks.spawn("second", nap(clock, 1s, ended), [&] { tasks.cancel_all(); });
    tasks.spawn("third", nap(clock, 1h, ended));
  });
  asio::co_spawn(loop, wait(tasks, joined), [](std::exception_ptr) {});
  clock.run_for(2s);
  CHECK(ended == 2);
  CHECK(joined);
}

TEST_CASE("task group: a loop destroyed with tasks in it") {
  int ended = 0;
  {
    Fixture f;
    f.tasks.spawn("a", Fixture::nap(f.clock, 1h, ended));
    asio::co_spawn(f.loop, Fixture::wait(f.tasks, f.joined), [](std::exception_ptr) {});
    f.clock.settle();
  }
  CHECK(ended == 0);
}

}  // namespace task_group_test
