// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <set>

#include "platform.hpp"

namespace health_test {

using namespace drwatch;
using namespace drwatch::testing;
using H = Health;

TEST_CASE("health follows fall and rise") {
  struct Case {
    const char* name;
    std::vector<H> runs;
    H then;
  };
  const H u = H::up, g = H::degraded, d = H::down, q = H::unknown;
  const Case cases[] = {
      {"a new probe is up after one good run", {u}, u},
      {"a new bad one needs fall", {d, d}, q},
      {"three bad ones make it down", {d, d, d}, d},
      {"the mildest of the last three counts", {u, g, d, d}, g},
      {"and a fourth makes it down", {u, g, d, d, d}, d},
      {"two bad runs are not enough", {u, d, d, u}, u},
      {"unknown neither counts nor resets", {u, d, q, d, q, d}, d},
      {"three unknown in a row make it unknown", {u, q, q, q}, q},
      {"up again after two good runs", {u, d, d, d, u}, d},
      {"and not before", {u, d, d, d, u, u}, u},
      {"it improves to the worst of the last two", {u, d, d, d, g, u}, g},
      {"one good run out of unknown", {u, q, q, q, u}, u},
  };
  for (const Case& c : cases) {
    SUBCASE(c.name) {
      Stage stage(platform());
      for (H h : c.runs) {
        stage.ran("web", h, h == u ? Reason::none : Reason::connect);
        stage.now += seconds{10};
      }
      CHECK(health_name(stage.probe("web")) == health_name(c.then));
    }
  }
}

TEST_CASE("a component is what its probes are") {
  Settings s = platform();
  s.probes["web2"] = s.probes["web"];
  s.probes["web2"].name = "web2";
  s.components["api"].probes = {"web", "web2"};
  auto after = [](Settings settings, DownWhen rule, H one, H two) {
    settings.components["api"].down_when = rule;
    Stage stage(settings);
    for (int i = 0; i < 3; ++i) {
      stage.ran("web", one, one == H::up ? Reason::none : Reason::connect);
      stage.ran("web2", two, two == H::up ? Reason::none : Reason::connect);
    }
    return health_name(stage.health("api"));
  };
  DownWhen any{DownWhen::Rule::any, 1}, all{DownWhen::Rule::all, 1};
  CHECK(after(s, any, H::up, H::down) == "down");
  CHECK(after(s, all, H::up, H::down) == "degraded");
  CHECK(after(s, all, H::down, H::unknown) == "unknown");
  CHECK(after(s, any, H::up, H::unknown) == "unknown");
  CHECK(after(s, all, H::up, H::unknown) == "degraded");
  CHECK(after(s, all, H::down, H::down) == "down");
}

TEST_CASE("the clock starts at the last good outcome, not at the confirmation") {
  Stage stage(platform());
  stage.ran("primary", H::up);
  Time good = stage.now;
  for (int i = 0; i < 3; ++i) {
    stage.now += seconds{i == 0 ? 30 : 10};
    stage.ran("primary", H::down, Reason::connect);
  }
  CHECK(stage.open("database-outage") == nullptr);
  Time confirmed = stage.now;
  stage.pass(minutes{1});
  const Incident* incident = stage.open("database-outage");
  REQUIRE(incident);
  CHECK(incident->started_at == good);
  CHECK(incident->detected_at == confirmed);
  CHECK(incident->opened_at == confirmed + minutes{1});
  CHECK(stage.fires("DrwatchIncident/database-outage"));
}

TEST_CASE("blind: nothing is called down while the witnesses fail") {
  Settings s = platform();
  s.probes["witness"] = s.probes["web"];
  s.probes["witness"].name = "witness";
  s.probes["witness"].component = "";
  s.probes["witness"].witness = true;
  s.witness.probes = {"witness"};
  s.witness.hold_for = minutes{1};
  Stage stage(s);
  stage.ran("witness", H::up);
  stage.ran("web", H::up);
  SUBCASE("the fault is drwatch's own") {
    for (int i = 0; i < 3; ++i) {
      stage.now += seconds{10};
      stage.ran("witness", H::down, Reason::connect);
      Decision d = stage.ran("web", H::down, Reason::connect);
    }
    CHECK(stage.probe("web") == H::up);
    stage.pass(minutes{1});
    CHECK(stage.state.record.blind_since);
    CHECK(stage.probe("web") == H::unknown);
    CHECK(stage.fires("DrwatchBlind"));
    stage.pass(minutes{5});
    CHECK(stage.open("api-outage") == nullptr);
    stage.ran("witness", H::up);
    CHECK(!stage.state.record.blind_since);
    CHECK(!stage.fires("DrwatchBlind"));
    stage.ran("web", H::up);
    CHECK(stage.probe("web") == H::up);
  }
  SUBCASE("the fault was drwatch's own, and is over before it was blind: a good word afterwards confirms nothing from before") {
    for (int i = 0; i < 3; ++i) {
      stage.now += seconds{10};
      stage.ran("witness", H::down, Reason::connect);
      stage.ran("web", H::down, Reason::connect);
    }
    stage.now += seconds{4};
    stage.ran("witness", H::up);
    CHECK(stage.probe("web") == H::up);
    stage.now += seconds{6};
    SUBCASE("it answers") {
      stage.ran("web", H::up);
      CHECK(stage.probe("web") == H::up);
    }
    SUBCASE("it does not") {
      stage.ran("web", H::down, Reason::connect);
      CHECK(stage.probe("web") == H::down);
    }
  }
  SUBCASE("the witness is asked at once, and confirms") {
    Decision d;
    for (int i = 0; i < 3; ++i) {
      stage.now += seconds{10};
      d = stage.ran("web", H::down, Reason::connect);
    }
    CHECK(stage.probe("web") == H::up);
    CHECK(d.run_now == std::vector<std::string>{"witness"});
    stage.ran("witness", H::up);
    CHECK(stage.probe("web") == H::down);
  }
}

TEST_CASE("a child is explained by its parent") {
  Stage stage(platform());
  for (const char* name : {"primary", "web"}) stage.ran(name, H::up);
  for (int i = 0; i < 3; ++i) {
    stage.now += seconds{10};
    stage.ran("web", H::down, Reason::connect);
    stage.ran("primary", H::down, Reason::connect);
  }
  stage.pass(minutes{2});
  const Incident* incident = stage.open("database-outage");
  REQUIRE(incident);
  CHECK(stage.open("api-outage") == nullptr);
  CHECK(incident->explains == std::vector<std::string>{"api"});
  // The parent comes back, the child does not: now its own `for` runs.
  stage.ran("primary", H::up);
  stage.ran("primary", H::up);
  CHECK(stage.state.record.pending.count("api-outage") == 1);
  stage.pass(seconds{30});
  stage.ran("web", H::down, Reason::connect);
  stage.pass(seconds{30});
  CHECK(stage.open("api-outage"));
}

TEST_CASE("what a parent's parent explains is listed by the incident that there is") {
  Settings s = platform();
  s.components["shop"].name = s.components["shop"].title = "shop";
  s.components["shop"].depends_on = {"api"};
  s.components["shop"].probes = {"till"};
  s.probes["till"] = s.probes["web"];
  s.probes["till"].name = "till";
  s.probes["till"].component = "shop";
  s.scenarios["shop-outage"] = scenario(s, "shop-outage", {"shop is down"}, {"shop"});
  Stage stage(s);
  for (const char* name : {"primary", "web", "till"}) stage.ran(name, H::up);
  for (int i = 0; i < 3; ++i) {
    stage.now += seconds{10};
    for (const char* name : {"till", "web", "primary"}) stage.ran(name, H::down, Reason::connect);
  }
  stage.pass(minutes{2});
  const Incident* incident = stage.open("database-outage");
  REQUIRE(incident);
  CHECK(stage.state.record.incidents.size() == 1);
  CHECK(std::set<std::string>(incident->explains.begin(), incident->explains.end()) == std::set<std::string>{"api", "shop"});
}

TEST_CASE("rows that were returned and are wrong are not explained by a database that takes no writes") {
  auto opens = [](bool answers_queries, Reason child) {
    Settings s = platform();
    s.probes["web"].traits.answers_queries = answers_queries;
    Stage stage(s);
    for (const char* name : {"primary", "web"}) stage.ran(name, H::up);
    for (int i = 0; i < 3; ++i) {
      stage.now += seconds{10};
      stage.ran("primary", H::down, Reason::assertion);
      stage.ran("web", H::down, child);
    }
    stage.pass(minutes{2});
    CHECK(stage.open("database-outage"));
    return stage.open("api-outage") != nullptr;
  };
  CHECK(opens(true, Reason::assertion));
  CHECK(!opens(true, Reason::timeout));
  CHECK(!opens(false, Reason::assertion));  // a page that answers 500 may do so because the database is away
}

TEST_CASE("what was seen during the parent's outage opens nothing behind it until it was seen again") {
  auto opens = [](Health again) {
    Settings s = platform();
    s.probes["web"].interval = minutes{5};
    Stage stage(s);
    for (const char* name : {"primary", "web"}) stage.ran(name, H::up);
    for (int i = 0; i < 3; ++i) {
      stage.now += seconds{10};
      stage.ran("primary", H::down, Reason::connect);
      stage.ran("web", H::down, Reason::connect);
    }
    stage.pass(minutes{2});
    stage.ran("primary", H::up);
    stage.ran("primary", H::up);
    stage.pass(minutes{4});
    CHECK(stage.health("api") == H::down);
    CHECK(stage.open("api-outage") == nullptr);
    stage.ran("web", again, again == H::up ? Reason::none : Reason::connect);
    return stage.open("api-outage") != nullptr;
  };
  CHECK(opens(H::down));
  CHECK(!opens(H::up));
}

}  // namespace health_test
