// SPDX-License-Identifier: Apache-2.0
// Scenarios are taken one by one: what one names and this platform does not have is left out where the scenario is whole without it.
#include "tests/config/loaded.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace drwatch::test::absent_test {
namespace {

constexpr const char* main_file = R"([component.database]
[probe.primary]
component = "database"
kind = "tcp"
target = "192.0.2.1:5432"
)";

Loaded with_scenario(const std::string& text, const std::string& shared = "") {
  const Folder folder;
  folder.write("drwatch.toml", main_file);
  folder.write("scenarios/outage.toml", text);
  if (!shared.empty()) folder.write("scenarios/shared/checks.toml", shared);
  return load(folder);
}

const Scenario& outage(const Loaded& loaded) {
  for (const auto& error : loaded.errors) FAIL_CHECK(error);
  REQUIRE(loaded.settings);
  return loaded.settings->scenarios.at("outage");
}

std::vector<std::string> ids(const Scenario& scenario) {
  std::vector<std::string> all;
  for (const auto& step : scenario.steps) all.push_back(step.id);
  return all;
}

TEST_CASE("a condition about what is not there opens nothing; the others do") {
  const auto loaded = with_scenario(R"(title = "Outage"
affects = ["database"]
[trigger]
any = ["database is down", "pooler is down"]
none = ["quarantine is raised"]
)");
  const Trigger& trigger = outage(loaded).trigger;
  REQUIRE(trigger.any.size() == 1);
  CHECK(trigger.any[0].text == "database is down");
  CHECK(trigger.none.empty());
  CHECK(contains(loaded.warnings,
                 "scenarios/outage.toml:4:28: warning: trigger.any: 'pooler is down' is left out: nothing is named 'pooler'"));
  CHECK(contains(loaded.warnings, "trigger.none: 'quarantine is raised' is left out"));
  CHECK(contains(loaded.warnings, "; take it out, or declare that"));
}

TEST_CASE("when none is left, or all are needed, it is an error") {
  CHECK(contains(with_scenario("title = \"Outage\"\naffects = [\"database\"]\n[trigger]\nany = [\"pooler is down\"]\n").errors,
                 "nothing is named 'pooler'"));
  CHECK(contains(
      with_scenario("title = \"Outage\"\naffects = [\"database\"]\n[trigger]\nall = [\"database is down\", \"pooler is down\"]\n").errors,
      "nothing is named 'pooler'"));
  CHECK(
      contains(with_scenario("title = \"Outage\"\naffects = [\"database\"]\n[exit]\nall = [\"database is up\", \"pooler is up\"]\n").errors,
               "nothing is named 'pooler'"));
  CHECK(contains(with_scenario("title = \"Outage\"\naffects = [\"pooler\"]\n").errors, "no component is named 'pooler'"));
}

TEST_CASE("a slip of the pen is an error all the same") {
  CHECK(contains(
      with_scenario("title = \"Outage\"\naffects = [\"database\"]\n[trigger]\nany = [\"database is down\", \"databse is down\"]\n").errors,
      "did you mean 'database'?"));
  CHECK(contains(with_scenario("title = \"Outage\"\naffects = [\"database\", \"databse\"]\n").errors, "did you mean 'database'?"));
  CHECK(contains(
      with_scenario("title = \"Outage\"\naffects = [\"database\"]\n[trigger]\nany = [\"database is down\"]\nsupersedes = [\"outages\"]\n")
          .errors,
      "did you mean 'outage'?"));
}

TEST_CASE("another name is no slip for being as long: 'database' is not meant by 'supabase', nor 'core' by 'cron'") {
  const Folder folder;
  folder.write("drwatch.toml", std::string(main_file) + "[component.core]\n[component.supabase]\n");
  folder.write("scenarios/outage.toml",
               "title = \"Outage\"\naffects = [\"database\", \"cron\"]\n[trigger]\nany = [\"database is down\", \"cron is down\", "
               "\"metabase is down\"]\n");
  CHECK(outage(load(folder)).trigger.any.size() == 1);
}

TEST_CASE("components and scenarios that are not there are left out") {
  const auto loaded = with_scenario(R"(title = "Outage"
affects = ["storage", "database"]
[trigger]
any = ["database is down"]
supersedes = ["hosting-failure"]
)");
  CHECK(outage(loaded).affects == std::vector<std::string>{"database"});
  CHECK(outage(loaded).trigger.supersedes.empty());
  CHECK(contains(loaded.warnings, "scenarios/outage.toml:2:12: warning: affects: 'storage' is left out: there is no such component"));
  CHECK(contains(loaded.warnings, "trigger.supersedes: 'hosting-failure' is left out: there is no such scenario"));
}

constexpr const char* shared_checks = R"([[step]]
id = "login"
title = "People can log in"
critical = true
verify = "auth is up"
[[step]]
id = "answers"
title = "It answers"
critical = true
verify = "database is up"
[[step]]
id = "told"
title = "Users are told"
after = ["login", "answers"]
)";

TEST_CASE("a shared step about what is not there is left out, and what waited for it waits for what it waited for") {
  const auto loaded = with_scenario(R"(title = "Outage"
affects = ["database"]
include = ["...", "checks"]
[trigger]
any = ["database is down"]
[[step]]
id = "scope"
title = "Scope"
)",
                                    shared_checks);
  const Scenario& scenario = outage(loaded);
  CHECK(ids(scenario) == std::vector<std::string>{"scope", "answers", "told"});
  CHECK(contains(loaded.warnings,
                 "scenarios/shared/checks.toml:5:10: warning: step.login.verify: the step is left out: nothing is named 'auth'"));
  CHECK(scenario.steps[1].after == std::vector<std::string>{"scope"});
  CHECK(scenario.steps[2].after == std::vector<std::string>{"scope", "answers"});
}

TEST_CASE("of a scenario's own steps only those that are not critical") {
  const std::string head =
      "title = \"Outage\"\naffects = [\"database\"]\n[trigger]\nany = [\"database is down\"]\n[[step]]\nid = \"files\"\ntitle = "
      "\"Files\"\n";
  CHECK(contains(with_scenario(head + "critical = true\nverify = \"storage is up\"\n").errors, "nothing is named 'storage'"));
  CHECK(outage(with_scenario(head + "verify = \"storage is up\"\n")).steps.empty());
}

TEST_CASE("a critical step that asks for an objective that nothing has is never ticked, and that is said") {
  const std::string head =
      "title = \"Outage\"\naffects = [\"database\"]\n[trigger]\nany = [\"database is down\"]\n[[step]]\nid = \"point\"\ntitle = "
      "\"Point\"\n";
  const auto loaded = with_scenario(head + "critical = true\nverify = \"database rpo host is met\"\n");
  CHECK(contains(loaded.warnings,
                 "step.point.verify: 'database rpo host is met' never holds: there is no such objective; give database a backup probe"));
  CHECK_FALSE(contains(with_scenario(head + "verify = \"database rpo host is met\"\n").warnings, "no such objective"));
}

TEST_CASE("what is left out is no part of the scenario's hash: to take it out by hand changes nothing") {
  const auto with = with_scenario(
      "title = \"Outage\"\naffects = [\"database\", \"storage\"]\n[trigger]\nany = [\"database is down\"]\nsupersedes = "
      "[\"hosting-failure\"]\n");
  const auto without = with_scenario("title = \"Outage\"\naffects = [\"database\"]\n[trigger]\nany = [\"database is down\"]\n");
  CHECK(outage(with).hash == outage(without).hash);
}

}  // namespace
}  // namespace drwatch::test::absent_test
