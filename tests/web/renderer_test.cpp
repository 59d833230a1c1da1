// SPDX-License-Identifier: Apache-2.0
// Answers made beside the loop: in turn, shared, bounded.
#include "daemon/web/http/renderer.hpp"

#include "daemon/tasks/task_group.hpp"

#include <doctest/doctest.h>
#include <boost/asio/io_context.hpp>

#include <future>
#include <stdexcept>
#include <thread>

namespace renderer_test {

using namespace drwatch;
using web::Renderer;

namespace {

Renderer::Prepare says(std::string text) {
  return [text] {
    return [text] {
      web::Response response;
      response.body = text;
      return response;
    };
  };
}

// A renderer whose thread stands still until `go`, so that what waits behind it can be looked at.
struct Bench {
  boost::asio::io_context loop;
  TaskGroup tasks{loop.get_executor(), [this](const std::string&, std::exception_ptr error) { thrown.push_back(error); }};
  std::promise<void> go;
  std::vector<std::string> order;  // of the answers, as they came
  std::vector<int> statuses;
  std::vector<std::exception_ptr> thrown;
  Renderer renderer;
  int prepared = 0;

  explicit Bench(Renderer::Bounds bounds = {}) : renderer(loop.get_executor(), bounds) {
    ask("", [wait = go.get_future().share()] {
      return [wait] {
        wait.wait();
        return web::Response{};
      };
    });
    loop.poll();
  }
  static Task<void> one(Bench& bench, std::string key, Renderer::Prepare prepare) {
    Renderer::Prepare counted = [&bench, prepare = std::move(prepare)] {
      ++bench.prepared;
      return prepare();
    };
    const auto made = co_await bench.renderer.make(std::move(key), std::move(counted));
    bench.order.push_back(made->body);
    bench.statuses.push_back(made->status);
  }
  TaskGroup::Id ask(std::string key, Renderer::Prepare prepare) {
    return tasks.spawn("asks", one(*this, std::move(key), std::move(prepare)));
  }
  void finish() {
    loop.poll();
    go.set_value();
    loop.run();
  }
};

}  // namespace

TEST_CASE("a renderer makes answers in turn") {
  Bench bench;
  bench.ask("", says("one"));
  bench.ask("", says("two"));
  bench.finish();
  CHECK(bench.order == std::vector<std::string>{"", "one", "two"});
  CHECK(bench.prepared == 3);
}

TEST_CASE("those who wait for the same share one answer; what has been prepared already is not shared") {
  Bench bench;
  bool late = false;
  bench.ask("page", [&bench, &late] {
    if (!std::exchange(late, true)) bench.ask("page", says("later"));
    return says("page")();
  });
  for (int i = 0; i < 49; ++i) bench.ask("page", says("never made"));
  bench.finish();
  CHECK(std::count(bench.order.begin(), bench.order.end(), "page") == 50);
  CHECK(std::count(bench.order.begin(), bench.order.end(), "later") == 1);
  CHECK(bench.prepared == 3);
}

TEST_CASE("beyond its bounds a renderer says that it is busy, at once") {
  Bench different({.answers = 3, .readers = 100});
  for (int i = 0; i < 5; ++i) different.ask("", says("different"));
  different.loop.poll();
  CHECK(different.statuses == std::vector<int>{503, 503});
  different.finish();
  Bench same({.answers = 3, .readers = 5});
  for (int i = 0; i < 5; ++i) same.ask("same", says("same"));
  same.loop.poll();
  CHECK(same.statuses == std::vector<int>{503});  // with the first one five wait already
  same.finish();
  CHECK(std::count(same.statuses.begin(), same.statuses.end(), 200) == 5);
}

TEST_CASE("the answer to a command that was done comes first, and is never busy") {
  Bench bench({.answers = 2, .readers = 4});
  for (int i = 0; i < 5; ++i) bench.ask("", says("read"));
  bench.tasks.spawn("acts", [](Bench& b) -> Task<void> {
    const auto made = co_await b.renderer.make_at_once(says("done"));
    b.order.push_back(made->body);
    b.statuses.push_back(made->status);
  }(bench));
  bench.loop.poll();
  CHECK(bench.statuses == std::vector<int>{503, 503, 503});
  bench.order.clear();
  bench.finish();
  CHECK(bench.order == std::vector<std::string>{"", "done", "read", "read"});
}

TEST_CASE("what preparing or making throws comes out, and the next one is made") {
  Bench bench;
  bench.ask("", []() -> Renderer::Make { throw std::runtime_error("in preparing"); });
  bench.ask("", [] { return []() -> web::Response { throw std::runtime_error("in making"); }; });
  bench.ask("", says("after"));
  bench.finish();
  CHECK(bench.thrown.size() == 2);
  CHECK(bench.order.back() == "after");
}

TEST_CASE("what nobody waits for any more is not made") {
  Bench bench;
  const auto gone = bench.ask("", says("gone"));
  bench.ask("", says("stays"));
  bench.loop.poll();
  bench.tasks.cancel(gone);
  bench.finish();
  CHECK(bench.order == std::vector<std::string>{"", "stays"});
  CHECK(bench.prepared == 2);
}

TEST_CASE("preparing takes a tenth of the loop's time at the most") {
  Bench bench;
  const auto slow = [] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return says("slow")();
  };
  for (int i = 0; i < 4; ++i) bench.ask("", slow);
  const auto began = std::chrono::steady_clock::now();
  bench.finish();
  // Three pauses of nine times 5 ms; a slower machine only makes them longer.
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(135));
}

}  // namespace renderer_test
