// SPDX-License-Identifier: Apache-2.0
// Every kind of the catalog has something unkind to go through, and every reader of backups: a new one can't forget it.
#include "tests/probes/unkind.hpp"
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

#include <set>

namespace unkind_test {

using namespace drwatch;
using namespace drwatch::testing;

TEST_CASE("unkind: no kind of the catalog is left out") {
  std::set<std::string> tried, read;
  for (const auto& rows : {unkind_http(), unkind_postgres(), unkind_dns(), unkind_streams(), unkind_programs()})
    for (const Unkind& row : rows) {
      tried.insert(row.kind);
      const std::string key = "reads = \"";
      if (const auto at = row.toml.find(key); row.kind == "backup" && at != row.toml.npos)
        read.insert(row.toml.substr(at + key.size(), row.toml.find('"', at + key.size()) - at - key.size()));
    }
  for (const Kind& kind : catalog()) {
    CAPTURE(kind.schema.name);
    CHECK((tried.contains(std::string(kind.schema.name)) || !kind.make));  // who only waits for calls asks nobody
  }
  CHECK(read == std::set<std::string>{"file", "pg_stat_archiver", "pgbackrest", "standby", "supabase"});
}

TEST_CASE("unkind: the readers of backups are these") {
  const auto problems = problems_of("backup", "reads = \"nothing\"\n");
  REQUIRE_FALSE(problems.empty());
  for (const char* reader : {"file", "pg_stat_archiver", "pgbackrest", "standby", "supabase"})
    CHECK(problems.front().find(reader) != std::string::npos);
}

}  // namespace unkind_test
