// SPDX-License-Identifier: Apache-2.0
// What ran when drwatch ended, and the time in which nobody watched.
#include <doctest/doctest.h>

#include "platform.hpp"

namespace restart_test {

using namespace drwatch;
using namespace drwatch::testing;
using H = Health;

namespace {
void runs(Stage& stage, H health, int count) {
  for (int i = 0; i < count; ++i) {
    stage.ran("primary", health, health == H::up ? Reason::none : Reason::timeout);
    stage.pass(seconds{10});
  }
}
void ends_and_starts_after(Stage& stage, Duration away) {
  stage.state.kept.alive_at = stage.now;
  stage.now += away;
  stage.feed(DaemonStarted{"test"});
  stage.feed(ConfigurationLoaded{});
}
}  // namespace

TEST_CASE("a `for` that ran when drwatch ended goes on from there, not over the time in which nobody watched") {
  Stage stage(platform());
  stage.ran("primary", H::up);
  runs(stage, H::down, 3);  // down at the third: 10 s of the minute are over at the end
  REQUIRE(stage.state.record.pending.count("database-outage") == 1);
  ends_and_starts_after(stage, hours{1});
  runs(stage, H::down, 1);
  CHECK(stage.open("database-outage") == nullptr);
  stage.pass(seconds{39});
  CHECK(stage.open("database-outage") == nullptr);
  stage.pass(seconds{1});
  CHECK(stage.open("database-outage") != nullptr);
}

TEST_CASE("an exit's `for` does not count the time in which nobody watched; the recovery is the first good outcome all the same") {
  Stage stage(platform());
  stage.ran("primary", H::up);
  runs(stage, H::down, 3);
  stage.pass(minutes{2});
  REQUIRE(stage.open("database-outage") != nullptr);
  std::string id = stage.open("database-outage")->id;
  Time good = stage.now;
  runs(stage, H::up, 2);  // 20 s of the minute
  ends_and_starts_after(stage, hours{1});
  runs(stage, H::up, 1);
  CHECK(stage.open("database-outage") != nullptr);
  stage.pass(seconds{30});
  CHECK(stage.open("database-outage") == nullptr);
  REQUIRE(stage.state.record.incidents.at(id).recovered_at);
  CHECK(time_text(*stage.state.record.incidents.at(id).recovered_at) == time_text(good));
}

}  // namespace restart_test
