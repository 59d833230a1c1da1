// SPDX-License-Identifier: Apache-2.0
// Answers made beside the loop: in turn, shared, bounded, with those first who have a token.
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
    ask(Renderer::Lane::usual, "", [wait = go.get_future().share()] {
      return [wait] {
        wait.wait();
        return web::Response{};
      };
    });
    loop.poll();
  }
  static Task<void> one(Bench& bench, Renderer::Lane lane, std::string key, Renderer::Prepare prepare) {
    Renderer::Prepare counted = [&bench, prepare = std::move(prepare)] {
      ++bench.prepared;
      return prepare();
    };
    const auto made = co_await bench.renderer.make(lane, std::move(key), std::move(counted));
    bench.order.push_back(made->body);
    bench.statuses.push_back(made->status);
  }
  TaskGroup::Id ask(Renderer::Lane lane, std::string key, Renderer::Prepare prepare) {
    return tasks.spawn("asks", one(*this, lane, std::move(key), std::move(prepare)));
  }
  void finish() {
    loop.poll();
    go.set_value();
    loop.run();
  }
};

}  // namespace

TEST_CASE("a renderer makes answers in turn, and those of the urgent lane first") {
  Bench bench;
  bench.ask(Renderer::Lane::usual, "", says("one"));
  bench.ask(Renderer::Lane::usual, "", says("two"));
  bench.ask(Renderer::Lane::urgent, "", says("first"));
  bench.finish();
  CHECK(bench.order == std::vector<std::string>{"", "first", "one", "two"});
  CHECK(bench.prepared == 4);
}

TEST_CASE("those who wait for the same share one answer; what is being made already is not shared") {
  Bench bench;
  bool late = false;
  for (int i = 0; i < 50; ++i) bench.ask(Renderer::Lane::usual, "page", says("page"));
  bench.ask(Renderer::Lane::urgent, "page", [&bench, &late] {  // begins before the others'
    if (!std::exchange(late, true)) bench.ask(Renderer::Lane::urgent, "page", says("later"));
    return says("now")();
  });
  bench.finish();
  CHECK(std::count(bench.order.begin(), bench.order.end(), "page") == 50);
  CHECK(std::count(bench.order.begin(), bench.order.end(), "later") == 1);
  CHECK(bench.prepared == 4);
}

TEST_CASE("beyond its bounds a renderer says that it is busy, at once") {
  Bench bench({.answers = 3, .readers = 10});
  for (int i = 0; i < 5; ++i) bench.ask(Renderer::Lane::usual, "", says("different"));
  for (int i = 0; i < 5; ++i) bench.ask(Renderer::Lane::urgent, "same", says("same"));
  bench.loop.poll();
  CHECK(bench.statuses == std::vector<int>{503, 503});
  bench.finish();
  CHECK(std::count(bench.statuses.begin(), bench.statuses.end(), 200) == 9);
}

TEST_CASE("what preparing or making throws comes out, and the next one is made") {
  Bench bench;
  bench.ask(Renderer::Lane::usual, "", []() -> Renderer::Make { throw std::runtime_error("in preparing"); });
  bench.ask(Renderer::Lane::usual, "", [] { return []() -> web::Response { throw std::runtime_error("in making"); }; });
  bench.ask(Renderer::Lane::usual, "", says("after"));
  bench.finish();
  CHECK(bench.thrown.size() == 2);
  CHECK(bench.order.back() == "after");
}

TEST_CASE("what nobody waits for any more is not made") {
  Bench bench;
  const auto gone = bench.ask(Renderer::Lane::usual, "", says("gone"));
  bench.ask(Renderer::Lane::usual, "", says("stays"));
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
  for (int i = 0; i < 4; ++i) bench.ask(Renderer::Lane::usual, "", slow);
  const auto began = std::chrono::steady_clock::now();
  bench.finish();
  // Three pauses of nine times 5 ms; a slower machine only makes them longer.
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(135));
}

}  // namespace renderer_test
