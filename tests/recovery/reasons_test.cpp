// SPDX-License-Identifier: Apache-2.0
// What is down says why it is so now, and what it said first.
#include "daemon/recovery/seen/reasons.hpp"

#include <doctest/doctest.h>

#include "daemon/recovery/alerts/wanted.hpp"
#include "daemon/recovery/scenarios/conditions.hpp"
#include "platform.hpp"

namespace reasons_test {

using namespace drwatch;
using namespace drwatch::testing;
using H = Health;

namespace {
void runs(Stage& stage, H health, const std::string& message, int count = 1) {
  for (int i = 0; i < count; ++i) {
    Outcome o = outcome_of(health, health == H::up ? Reason::none : Reason::assertion, "", message);
    o.at = stage.now;
    stage.feed(Ran{"primary", o});
    stage.pass(seconds{10});
  }
}
Why of_database(Stage& stage) { return why_of(stage.state, stage.settings.components.at("database")); }
std::string description(Stage& stage) {
  for (const Alert& alert : standing_alerts(stage.state, stage.settings, stage.now))
    if (alert.labels.at("alertname") == "DrwatchIncident") return alert.annotations.at("description");
  return "";
}
}  // namespace

TEST_CASE("the reason is the newest run's, and the first one stands beside it") {
  Stage stage(platform());
  runs(stage, H::up, "");
  runs(stage, H::down, "connection refused", 3);
  stage.pass(minutes{2});
  REQUIRE(stage.open("database-outage"));
  CHECK(of_database(stage).now == "primary: connection refused");
  CHECK(of_database(stage).first.empty());
  runs(stage, H::down, "503 Service Unavailable", 2);
  CHECK(of_database(stage).now == "primary: 503 Service Unavailable");
  CHECK(of_database(stage).first == "primary: connection refused");
  CHECK(with_first(why_of(stage.state, "primary")) == "503 Service Unavailable (at first: connection refused)");

  const Incident& incident = *stage.open("database-outage");
  CHECK(incident.because[0].evidence == "primary: connection refused, 3 runs");  // what opened it, for good
  const auto now = because_now(stage.state, stage.settings, incident, stage.now);
  CHECK(now[0].evidence == "primary: 503 Service Unavailable, 5 runs (at first: connection refused)");
  CHECK(description(stage).find("503 Service Unavailable") != std::string::npos);
  CHECK(description(stage).find("at first: connection refused") != std::string::npos);
}

TEST_CASE("a summary without a full stop is a sentence of its own in an alert all the same, and one with it gets no second") {
  for (const std::string summary : {"The database answers nobody", "The database answers nobody.", "The database answers nobody. "}) {
    Settings settings = platform();
    settings.scenarios.at("database-outage").summary = summary;
    Stage stage(settings);
    runs(stage, H::up, "");
    runs(stage, H::down, "connection refused", 3);
    stage.pass(minutes{2});
    CHECK_MESSAGE(description(stage).starts_with("The database answers nobody. Since 2026-"), description(stage));
  }
}

TEST_CASE("figures alone are no other reason, and the first good run of a recovery is none") {
  Stage stage(platform());
  runs(stage, H::up, "");
  runs(stage, H::down, "no answer within 3.01 s", 3);
  runs(stage, H::down, "no answer within 3.02 s");
  CHECK(why_of(stage.state, "primary").now == "no answer within 3.02 s");
  CHECK(why_of(stage.state, "primary").first.empty());
  runs(stage, H::up, "");
  CHECK(stage.probe("primary") == H::down);
  CHECK(why_of(stage.state, "primary").now == "no answer within 3.02 s");
  runs(stage, H::up, "");
  CHECK(of_database(stage).now.empty());
}

TEST_CASE("after a restart it is what was recorded, until the probe has run again") {
  Stage stage(platform());
  runs(stage, H::up, "");
  runs(stage, H::down, "archive_command fails", 3);
  runs(stage, H::down, "there is a gap");
  stage.feed(DaemonStarted{"test"});
  CHECK(why_of(stage.state, "primary").now == "archive_command fails");
  runs(stage, H::down, "there is a gap");
  CHECK(why_of(stage.state, "primary").now == "there is a gap");
}

}  // namespace reasons_test
