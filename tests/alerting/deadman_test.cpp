// SPDX-License-Identifier: Apache-2.0
#include "daemon/alerting/deadman.hpp"
#include "tests/alerting/fake_world.hpp"

#include <doctest/doctest.h>

namespace deadman_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

struct Bench {
  Bench() { world.servers = {{"http://deadman.example/", &receiver}}; }
  ~Bench() {
    deadman.stop();
    world.clock.settle();
    CHECK(world.tasks.running() == 0);
    CHECK(world.bugs.empty());
  }
  void load(Duration interval) {
    deadman.load(DeadmanSettings{Secret(Secret::From::plain, "", "http://deadman.example/s3cret"), interval});
  }

  FakeWorld world;
  FakeReceiver receiver;
  bool on_schedule = true;
  Deadman deadman{world.world(), world.log, world.tasks, [this] { return on_schedule; }};
};

}  // namespace

TEST_CASE_FIXTURE(Bench, "the deadman calls at once and every interval, as long as the probes meet their schedule") {
  load(minutes(1));
  world.clock.run_for(minutes(5));
  const auto calls = receiver.requests.size();
  CHECK(calls == 5);
  on_schedule = false;
  world.clock.run_for(minutes(30));
  CHECK(receiver.requests.size() <= calls + 1);
  CHECK(world.log.count("the deadman is not called") == 1);
  on_schedule = true;
  world.clock.run_for(minutes(5));
  CHECK(receiver.requests.size() >= calls + 4);
}

TEST_CASE_FIXTURE(Bench, "a lost call is repeated before the interval is over, told once, without the secret") {
  load(minutes(1));
  world.clock.run_for(seconds(30));
  receiver.mood = FakeServer::Mood::silent;
  world.clock.run_for(minutes(3));
  CHECK(deadman.failing());
  CHECK(receiver.requests.size() > 8);
  CHECK(world.log.count("can't be called: no answer within 5 s") == 1);
  CHECK(world.log.count("s3cret") == 0);
  receiver.mood = FakeServer::Mood::well;
  world.clock.run_for(seconds(20));
  CHECK_FALSE(deadman.failing());
  CHECK(world.log.count("can be called again") == 1);
}

TEST_CASE_FIXTURE(Bench, "a reload changes the interval or ends the calls") {
  load(minutes(1));
  world.clock.run_for(seconds(1));
  load(minutes(1));  // nothing changed: no extra call
  world.clock.run_for(seconds(1));
  CHECK(receiver.requests.size() == 1);
  load(seconds(10));
  world.clock.run_for(seconds(35));
  CHECK(receiver.requests.size() == 5);
  deadman.load(std::nullopt);
  world.clock.run_for(minutes(5));
  CHECK(receiver.requests.size() == 5);
}

}  // namespace deadman_test
