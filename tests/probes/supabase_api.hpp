// SPDX-License-Identifier: Apache-2.0
// The API of a hosted platform, made up.
#pragma once

#include <doctest/doctest.h>
#include <random>
#include "probes/backup/supabase/backups.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"
#include "tests/world/servers.hpp"

namespace backup_supabase_test {

using namespace drwatch;
using namespace drwatch::testing;

inline const std::string token = "sbp_0123456789abcdef0123456789abcdef01234567";
inline const std::string settings =
    "reads = \"supabase\"\nproject = \"abcdefghijklmnopqrst\"\ntoken = { env = \"DRWATCH_TEST_SUPABASE\" }\n";
inline const std::string healthy = R"({"id":"abcdefghijklmnopqrst","region":"eu-central-1","status":"ACTIVE_HEALTHY"})";
// FakeClock stands at 2026-03-01T02:00:00Z, 1772330400.
inline const std::string daily =
    R"({"region":"eu-central-1","walg_enabled":true,"pitr_enabled":false,"backups":[
        {"id":123,"is_physical_backup":true,"status":"COMPLETED","inserted_at":"2026-02-28T02:00:09.000Z"},
        {"id":122,"is_physical_backup":true,"status":"COMPLETED","inserted_at":"2026-02-27T02:00:07.000Z"}],"physical_backup_data":{}})";
inline const std::string pitr =
    R"({"region":"eu-central-1","walg_enabled":true,"pitr_enabled":true,"backups":[],
        "physical_backup_data":{"earliest_physical_backup_date_unix":1771725600,"latest_physical_backup_date_unix":1772330280}})";

struct Api {
  Api() { ::setenv("DRWATCH_TEST_SUPABASE", token.c_str(), 1); }
  ~Api() { ::unsetenv("DRWATCH_TEST_SUPABASE"); }
  FakeWorld world;

  void answers(HttpResponse backups, HttpResponse project = response(200, healthy)) {
    world.http.answers.clear();
    world.http.answers.push_back(std::move(backups));
    world.http.answers.push_back(std::move(project));
  }
  Outcome run(Probe& probe, HttpResponse backups, HttpResponse project = response(200, healthy)) {
    answers(std::move(backups), std::move(project));
    return world.run(probe);
  }
  Outcome run(const std::string& backups, const std::string& more = "", const std::string& project = healthy) {
    return run(*probe_of("backup", settings + more), response(200, backups), response(200, project));
  }
};

inline bool says(const Outcome& outcome, const std::string& part) {
  if (outcome.message.find(part) != std::string::npos) return true;
  MESSAGE(outcome.message);
  return false;
}

inline bool shows_token(const Outcome& outcome) {
  bool shown = outcome.message.find(token.substr(0, 12)) != std::string::npos;
  for (const auto& [name, value] : outcome.facts) shown = shown || value.find(token.substr(0, 12)) != std::string::npos;
  return shown;
}

}  // namespace backup_supabase_test
