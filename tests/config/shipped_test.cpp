// SPDX-License-Identifier: Apache-2.0
// The files that ship, as an operator gets them: with the secrets given nothing is wrong with them, and no page of the runbook leaves a
// tired engineer without a word.
#include "tests/config/loaded.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <regex>
#include <set>

namespace drwatch::test::shipped_test {
namespace {

using Texts = std::vector<std::string>;
const std::string source = drwatch::testing::source_dir();
const std::string shipped = file_text(source + "/config/drwatch.toml");

// A folder of systemd's credentials with everything that the text asks for.
struct Credentials {
  Folder folder;
  explicit Credentials(const std::string& text) {
    const std::regex asked("credential = \"([^\"]+)\"");
    for (std::sregex_iterator it(text.begin(), text.end(), asked), end; it != end; ++it) {
      const std::string name = (*it)[1];
      folder.write(name, name.ends_with("-dsn")   ? "host=192.0.2.10 user=drwatch dbname=postgres"
                         : name.ends_with("-url") ? "https://example.org/" + name
                                                  : "value-of-" + name);
    }
    setenv("CREDENTIALS_DIRECTORY", folder.path("").c_str(), 1);
  }
  ~Credentials() { unsetenv("CREDENTIALS_DIRECTORY"); }
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
};

// The main file, perhaps changed, beside the scenarios that ship; loaded as `serve` does.
Loaded load_shipped(const std::string& text) {
  const Credentials credentials(text);
  const Folder folder;
  folder.write("drwatch.toml", std::regex_replace(text, std::regex("path = \"scenarios\""), "path = \"" + source + "/config/scenarios\""));
  Loaded loaded = load(folder, {.secrets_must_exist = true});
  for (const auto& error : loaded.errors) FAIL_CHECK(error);
  for (const auto& warning : loaded.warnings) FAIL_CHECK(warning);
  REQUIRE(loaded.settings);
  return loaded;
}

TEST_CASE("the configuration that ships starts, without a warning, when its secrets are given") {
  const auto loaded = load_shipped(shipped);
  std::set<std::string> kinds;
  for (const auto& [name, probe] : loaded.settings->probes) kinds.insert(probe.kind);
  const std::set<std::string> real = {"auth",     "backup",     "dns",        "heartbeat", "http", "pg_cron",
                                      "postgres", "prometheus", "statuspage", "tcp",       "tls"};
  CHECK(kinds == real);
}

TEST_CASE("what it has commented out fits as well") {
  const std::regex optional("(^|\n)# (?:  (?=\\[|[a-z_]+ += )|(?=(?:standby|effect) +=))");
  const auto loaded = load_shipped(std::regex_replace(shipped, optional, "$1"));
  for (const char* name : {"replica", "archiver", "repository", "database-disk"})
    CHECK_MESSAGE(loaded.settings->probes.contains(name), name);
  CHECK(loaded.settings->maintenance.size() == 1);
}

TEST_CASE("each step says who, how long and how; each scenario tells those who are concerned, and is proven by drills") {
  const auto loaded = load_shipped(shipped);
  CHECK(loaded.settings->scenarios.size() >= 15);
  for (const auto& [id, scenario] : loaded.settings->scenarios) {
    CAPTURE(id);
    CHECK_FALSE(scenario.summary.empty());
    CHECK(scenario.drill);
    std::set<std::string> audiences;
    for (const auto& message : scenario.messages) audiences.insert(message.audience);
    CHECK(audiences.contains("on-call"));
    CHECK(audiences.contains("internal"));
    for (const auto& step : scenario.steps) {
      CAPTURE(step.id);
      CHECK_FALSE(step.guide.empty());
      if (step.kind() != Step::Kind::person) continue;
      CHECK(step.owner);
      CHECK(step.expect);
    }
  }
}

const Step* find_step(const Scenario& scenario, const std::string& id) {
  const auto at = std::find_if(scenario.steps.begin(), scenario.steps.end(), [&](const Step& step) { return step.id == id; });
  return at == scenario.steps.end() ? nullptr : &*at;
}

// Twelve steps that no outage goes without, the same in all scenarios that users notice. Critical: all but the restore and the jobs.
TEST_CASE("the common checklist is in every scenario that users notice") {
  const auto loaded = load_shipped(shipped);
  const Texts all = {"notify", "scope", "timer", "database-provider", "hosting-provider"};
  const Texts noticed = {"connectivity", "endpoints", "auth", "cron", "status-page", "customers"};
  const std::set<std::string> unnoticed = {"backup-failure", "cron-failure"};
  for (const auto& [id, scenario] : loaded.settings->scenarios) {
    CAPTURE(id);
    Texts asked = all;
    if (!unnoticed.contains(id)) asked.insert(asked.end(), noticed.begin(), noticed.end());
    for (const auto& name : asked) {
      CAPTURE(name);
      const Step* step = find_step(scenario, name);
      REQUIRE(step);
      CHECK(step->critical == (name != "cron"));
    }
    if (const Step* restore = find_step(scenario, "restore")) CHECK_FALSE(restore->critical);
  }
  CHECK(find_step(loaded.settings->scenarios.at("complete-outage"), "restore"));
}

}  // namespace
}  // namespace drwatch::test::shipped_test
