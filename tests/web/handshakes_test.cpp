// SPDX-License-Identifier: Apache-2.0
// Whose turn it is, in what order and with how much between: nothing here is timed but from below.
#include "daemon/web/http/handshakes.hpp"

#include <doctest/doctest.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace handshakes_test {

using namespace drwatch::web;
using Turn = std::shared_ptr<Handshakes::Place>;

namespace {

struct Queue {
  boost::asio::io_context io;
  std::shared_ptr<Handshakes> all = std::make_shared<Handshakes>(io.get_executor());
  std::vector<std::string> order;
  std::vector<std::weak_ptr<Handshakes::Place>> places;

  void enter(const std::string& peer, std::function<void()> step = {}) {
    Turn place = all->enter(peer);
    places.push_back(place);
    auto& turn = place->turn();
    turn.async_wait([this, peer, step = std::move(step), place = std::move(place)](const boost::system::error_code&) mutable {
      const Turn own = std::move(place);
      if (!own->granted()) return order.push_back(peer + " gave up");
      own->begin();
      order.push_back(peer);
      if (step) step();
    });
  }
};

}  // namespace

TEST_CASE("a peer's one handshake comes before the second of another's thousand") {
  Queue queue;
  for (int i = 0; i < 1000; ++i) queue.enter("many");
  queue.enter("one");
  queue.enter("other");
  while (queue.order.size() < 6) queue.io.run_one();
  // The first of many had its turn before the others came.
  CHECK(queue.order == std::vector<std::string>{"many", "many", "one", "other", "many", "many"});
  CHECK(queue.all->waiting() >= 995);
}

TEST_CASE("between any two steps the loop turns") {
  Queue queue;
  int turns = 0;
  std::vector<int> at;
  std::function<void()> turn = [&] {
    ++turns;
    if (at.size() < 20) boost::asio::post(queue.io, turn);
  };
  boost::asio::post(queue.io, turn);
  for (int i = 0; i < 20; ++i) queue.enter(std::to_string(i % 3), [&] { at.push_back(turns); });
  queue.io.run();
  REQUIRE(at.size() == 20);
  for (std::size_t i = 1; i < at.size(); ++i) CHECK(at[i] > at[i - 1]);
}

TEST_CASE("all steps together take a share of the time") {
  Queue queue;
  constexpr int steps = 6;
  const auto work = std::chrono::milliseconds(5);
  for (int i = 0; i < steps; ++i) queue.enter(std::to_string(i), [&] { std::this_thread::sleep_for(work); });
  const auto began = std::chrono::steady_clock::now();
  queue.io.run();
  CHECK(queue.order.size() == steps);
  // Behind the last one nobody has to pause.
  CHECK(std::chrono::steady_clock::now() - began >= work * (Handshakes::parts * (steps - 1) + 1));
}

TEST_CASE("who gives up goes on at once, and holds nobody's turn") {
  Queue queue;
  for (const char* peer : {"a", "b", "b", "c"}) queue.enter(peer);
  queue.places[1].lock()->give_up();
  queue.places[3].lock()->give_up();
  queue.places[0].lock()->give_up();  // its turn has come: it may still take it
  CHECK(queue.all->waiting() == 1);
  queue.io.run();
  REQUIRE(queue.order.size() == 4);
  CHECK(queue.order.back() == "b");
  CHECK(std::set<std::string>(queue.order.begin(), queue.order.end()) == std::set<std::string>{"a", "b gave up", "c gave up", "b"});
  CHECK(queue.all->waiting() == 0);
  queue.order.clear();
  // A place that goes without a word, also after its turn has come.
  for (int i = 0; i < 2; ++i) queue.all->enter("d");
  queue.enter("e");
  queue.io.restart();
  queue.io.run();
  CHECK(queue.order == std::vector<std::string>{"e"});
}

}  // namespace handshakes_test
