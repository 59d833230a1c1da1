// SPDX-License-Identifier: Apache-2.0
// Runs that fail in turn, never enough of them in a row.
#include <doctest/doctest.h>

#include "daemon/recovery/seen/failed_share.hpp"
#include "daemon/recovery/seen/reasons.hpp"
#include "platform.hpp"

#include <nlohmann/json.hpp>

namespace failed_share_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

using H = Health;

// Runs of `web`, thirty seconds apart; "u", "d", "g" (degraded), "?" (unknown).
void runs(Stage& stage, const std::string& text) {
  for (const char c : text) {
    const Health h = c == 'u' ? H::up : c == 'd' ? H::down : c == 'g' ? H::degraded : H::unknown;
    stage.ran("primary", H::up);  // what the api depends on
    stage.ran("web", h, h == H::up ? Reason::none : Reason::connect);
    stage.pass(seconds{30});
  }
}

std::string times(int n, const std::string& text) {
  std::string made;
  while (n-- > 0) made += text;
  return made;
}

}  // namespace

TEST_CASE("half of the runs fail in turn: degraded, with the share") {
  Stage stage(platform());
  runs(stage, "u");
  runs(stage, times(9, "du"));
  CHECK(stage.probe("web") == H::up);  // 19 runs: fewer than `window` judge nothing
  runs(stage, "d");
  CHECK(stage.probe("web") == H::degraded);
  CHECK(stage.health("api") == H::degraded);
  const ProbeRecord& record = stage.state.record.probes.at("web");
  CHECK(record.by_share);
  CHECK(record.message == "10 of the last 20 runs were down (50 %); the last of them: connect");
  CHECK(stage.state.record.components.at("api").message.find("10 of the last 20") != std::string::npos);
  CHECK(why_of(stage.state, "web").now.starts_with("10 of the last 20 runs were down (50 %)"));
  // As long as it goes on, and by the figures of now.
  runs(stage, times(20, "uud"));
  CHECK(stage.probe("web") == H::degraded);
  CHECK(why_of(stage.state, "web").now == "7 of the last 20 runs were down (35 %)");
  CHECK(stage.open("api-outage") == nullptr);
  // Between the share and half of it nothing changes; under half of it `rise` decides as always.
  runs(stage, times(13, "u"));
  CHECK(stage.probe("web") == H::degraded);
  runs(stage, "u");
  CHECK(stage.probe("web") == H::up);
}

TEST_CASE("a share under the limit is nobody's news") {
  Stage stage(platform());
  runs(stage, "u" + times(20, "duuu"));
  CHECK(stage.probe("web") == H::up);
}

TEST_CASE("unknown runs are left out of the share") {
  Stage stage(platform());
  runs(stage, "u" + times(9, "d?u"));
  CHECK(stage.probe("web") == H::up);
  runs(stage, "?d");
  CHECK(stage.probe("web") == H::degraded);
}

TEST_CASE("what was before a confirmed recovery keeps nothing from being up") {
  Stage stage(platform());
  runs(stage, "u" + times(12, "d"));
  CHECK(stage.probe("web") == H::down);
  CHECK(stage.open("api-outage"));
  runs(stage, "uu");
  CHECK(stage.probe("web") == H::up);
  runs(stage, times(12, "u") + "d");
  CHECK(stage.probe("web") == H::up);
}

TEST_CASE("from degraded by its share it goes down and comes back as always") {
  Stage stage(platform());
  runs(stage, "u" + times(10, "du"));
  REQUIRE(stage.probe("web") == H::degraded);
  runs(stage, "ddd");
  CHECK(stage.probe("web") == H::down);
  runs(stage, "uu");
  CHECK(stage.probe("web") == H::up);
  CHECK_FALSE(stage.state.record.probes.at("web").by_share);
}

TEST_CASE("good runs of a shaky probe confirm nothing, so it is not asked more often for them") {
  Stage stage(platform());
  runs(stage, "u" + times(10, "du"));
  REQUIRE(stage.probe("web") == H::degraded);
  CHECK_FALSE(confirming(stage.state, "web"));
  runs(stage, "d");
  CHECK(confirming(stage.state, "web"));
}

TEST_CASE("its clock starts with the first of the failed runs") {
  Settings s = platform();
  s.scenarios["shaky"] = scenario(s, "shaky", {"api is degraded"}, {"api"});
  Stage stage(s);
  runs(stage, "uuu");
  const Time good = stage.now - seconds{30};
  runs(stage, times(9, "du"));
  runs(stage, "d");
  stage.pass(minutes{2});
  const Incident* incident = stage.open("shaky");
  REQUIRE(incident);
  CHECK(incident->started_at >= good);
  CHECK(incident->started_at < stage.now - minutes{2});
}

TEST_CASE("a restart keeps it as it was until it is known anew") {
  Stage stage(platform());
  runs(stage, "u" + times(10, "du"));
  REQUIRE(stage.probe("web") == H::degraded);
  stage.state.record = record_from_json(to_json(stage.state.record));
  stage.state.sight = {};
  stage.feed(DaemonStarted{"test"});
  stage.feed(ConfigurationLoaded{});
  runs(stage, "uuu");
  CHECK(stage.probe("web") == H::degraded);
  runs(stage, times(17, "u"));
  CHECK(stage.probe("web") == H::up);
}

TEST_CASE("window and failed_share are the probe's own") {
  Settings s = platform();
  s.probes["web"].window = 4;
  s.probes["web"].failed_share = 0.5;
  Stage stage(s);
  runs(stage, "uudu");
  CHECK(stage.probe("web") == H::up);
  runs(stage, "d");
  CHECK(stage.probe("web") == H::degraded);
  runs(stage, "uuu");
  CHECK(stage.probe("web") == H::degraded);  // 1 of 4: half of the share is not under it
  runs(stage, "u");
  CHECK(stage.probe("web") == H::up);
}

}  // namespace failed_share_test
