// SPDX-License-Identifier: Apache-2.0
// Whom alerts reach: what drwatch sends in stories is among what `check --alertmanager` judges. The routes themselves are compared with
// amtool in tests/alerting/routes.py.
#include "daemon/alerting/routing/judge.hpp"
#include "daemon/recovery/alerts/names.hpp"
#include "daemon/story/story.hpp"
#include "probes/probe.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace routing_test {

using namespace drwatch;
using routing::Labels;

namespace {

std::shared_ptr<const Settings> loaded(const std::string& file) {
  static const std::vector<config::KindSchema> kinds = kind_schemas();
  config::Problems problems;
  auto settings = config::load(file, kinds, {}, problems);
  REQUIRE(settings);
  return settings;
}

}  // namespace

TEST_CASE("every alert that a story fires is among those whose routes are judged") {
  std::set<std::string> seen;
  for (const char* name :
       {"alerts-clocks", "blind", "drill-calendar", "drill-led", "points-disagree", "points-emptied", "recovery-breaks-again"}) {
    CAPTURE(name);
    config::Problems problems;
    const auto story = read_story(drwatch::testing::source_dir() + "/tests/stories/" + name + ".toml", problems);
    REQUIRE(story);
    const auto settings = loaded(story->config);
    const std::vector<Labels> possible = routing::possible_alerts(*settings);
    for (const Event& event : run_story(*story, *settings).events) {
      if (event.kind != "alert.fired") continue;
      const auto labels = event.body.json().at("labels").get<Labels>();
      CAPTURE(event.message);
      CHECK(std::ranges::find(possible, labels) != possible.end());
      seen.insert(labels.at("alertname"));
    }
  }
  // Otherwise the stories would show little.
  CHECK(seen.size() >= 8);
}

TEST_CASE("every kind of alert is among those whose routes are judged") {
  const auto settings = loaded(drwatch::testing::source_dir() + "/config/drwatch.toml");
  std::set<std::string> possible;
  for (const Labels& alert : routing::possible_alerts(*settings)) possible.insert(alert.at("alertname"));
  for (const AlertKind& kind : alert_kinds) CHECK_MESSAGE(possible.count(std::string(kind.text)) == 1, kind.text);
}

TEST_CASE("what is no tree is refused with its place") {
  const auto refusal = [](const std::string& text) -> std::string {
    try {
      routing::parse_tree(text);
    } catch (const std::invalid_argument& problem) {
      return problem.what();
    }
    return "";
  };
  const std::string receivers = "receivers: [{name: a}]\n";
  CHECK(refusal("route: {receiver: b}\n" + receivers) == "1:8: there is no receiver 'b'; add it to 'receivers' or name another");
  CHECK(refusal("route: [\n").starts_with("2:1: "));
  CHECK(refusal("") == "there is no 'route'; is this a configuration of Alertmanager?");
  // An anchor that contains itself, and routes without end.
  CHECK_FALSE(refusal("route: &a {receiver: a, routes: [*a]}\n" + receivers).empty());
  std::string deep = "{receiver: a}";
  for (int i = 0; i < 200; ++i) deep = "{receiver: a, routes: [" + deep + "]}";
  CHECK(refusal("route: " + deep + "\n" + receivers).find("more than 100 deep") != std::string::npos);
}

}  // namespace routing_test
