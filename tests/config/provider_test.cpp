// SPDX-License-Identifier: Apache-2.0
#include "tests/config/loaded.hpp"

#include <doctest/doctest.h>

namespace provider_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {

// The warnings that speak of status pages, for a scenario with this trigger.
int warned(const std::string& trigger, const std::string& page_component = "providers") {
  Folder folder;
  folder.write("drwatch.toml", R"(
[component.database]
[component.providers]
[probe.primary]
component = "database"
kind      = "tcp"
target    = "127.0.0.1:5432"
[probe.other]
component = "providers"
kind      = "statuspage"
target    = "https://status.example.net"
[probe.page]
component = ")" + page_component + R"("
kind      = "statuspage"
target    = "https://status.example.org"
[scenarios]
path = "scenarios"
)");
  folder.write("scenarios/outage.toml", "title = \"Outage\"\naffects = [\"database\"]\n[trigger]\n" + trigger + "\n");
  const Loaded loaded = load(folder);
  REQUIRE(loaded.settings);
  int count = 0;
  for (const std::string& warning : loaded.warnings) count += warning.find("a provider's status page") != std::string::npos;
  return count;
}

}  // namespace

TEST_CASE("a status page attributes: what it would open alone, or make ill, is warned of") {
  CHECK(warned("any = [\"page is down\"]") == 1);
  CHECK(warned("any = [\"database is down\", \"page is down\"]") == 1);
  CHECK(warned("all = [\"page is down\"]") == 1);
  CHECK(warned("any = [\"providers is degraded\"]") == 1);
  CHECK(warned("all = [\"providers is down\", \"page is down\"]") == 1);
  CHECK(warned("any = [\"page is down\"]\nall = [\"database is down\"]") == 0);
  CHECK(warned("all = [\"database is down\", \"page is down\"]") == 0);
  CHECK(warned("any = [\"database is down\"]") == 0);
  CHECK(warned("any = [\"database is down\"]", "database") == 1);
}

}  // namespace provider_test
