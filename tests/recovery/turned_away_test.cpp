// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "platform.hpp"

namespace turned_away_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

Outcome turned_away_at(Time at) {
  Outcome outcome = outcome_of(Health::unknown, Reason::own_fault, "429", "turned away");
  outcome.rate_limited = true;
  outcome.at = at;
  return outcome;
}

}  // namespace

TEST_CASE("who is turned away for an hour is a finding, and no outage") {
  Stage stage(platform());
  stage.ran("web", Health::up);
  const Time began = stage.now;
  const auto until = [&](Duration d) {
    while (stage.now < began + d) {
      stage.feed(Ran{"web", turned_away_at(stage.now)});
      stage.pass(minutes{5});
    }
  };
  const auto told = [&] { return stage.state.record.findings.contains("turned-away/api/web"); };
  until(minutes{55});
  CHECK(stage.probe("web") == Health::unknown);
  CHECK_FALSE(told());
  until(minutes{65});
  CHECK(told());
  CHECK(stage.open("api-outage") == nullptr);
  CHECK_FALSE(stage.fires("DrwatchIncident/api-outage"));

  SUBCASE("it is gone with the first run that is let in") {
    stage.ran("web", Health::up);
    CHECK_FALSE(told());
  }
  SUBCASE("also when that is down") {
    stage.ran("web", Health::down, Reason::assertion);
    CHECK_FALSE(told());
  }
  SUBCASE("it stays over a restart, until a run says otherwise") {
    stage.state.sight = {};
    stage.feed(DaemonStarted{"test"});
    stage.feed(ConfigurationLoaded{});
    CHECK(told());
    stage.feed(Ran{"web", turned_away_at(stage.now)});
    CHECK(told());
    stage.ran("web", Health::up);
    CHECK_FALSE(told());
  }
}

TEST_CASE("a single answer between lets the hour begin anew") {
  Stage stage(platform());
  stage.ran("web", Health::up);
  for (int i = 0; i < 30; ++i) {
    if (i == 9)
      stage.ran("web", Health::up);
    else
      stage.feed(Ran{"web", turned_away_at(stage.now)});
    stage.pass(minutes{5});
    CHECK(stage.state.record.findings.contains("turned-away/api/web") == (i >= 21));
  }
}

}  // namespace turned_away_test
