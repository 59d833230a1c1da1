// SPDX-License-Identifier: Apache-2.0
// The Management API as its clients know it: a fake, shaped from the published shapes, with everything missing, null, empty or hostile.
#include "tests/probes/supabase_api.hpp"

#include <doctest/doctest.h>

namespace backup_supabase_test {

TEST_CASE("backup supabase: what is asked") {
  Api api;
  const Outcome outcome = api.run(pitr, "api = \"https://api.example.org/\"\n");
  REQUIRE(api.world.http.requests.size() == 2);
  CHECK(api.world.http.requests[0].url == "https://api.example.org/v1/projects/abcdefghijklmnopqrst/database/backups");
  CHECK(api.world.http.requests[1].url == "https://api.example.org/v1/projects/abcdefghijklmnopqrst");
  for (const auto& request : api.world.http.requests) {
    CHECK(request.method == "GET");
    CHECK(request.headers[0] == std::pair<std::string, std::string>("Authorization", "Bearer " + token));
  }
  CHECK(outcome.outcome == Health::up);
}

TEST_CASE("backup supabase: point-in-time recovery") {
  Api api;
  const Outcome good = api.run(pitr, "pitr = true\npitr_window = \"7d\"\n");
  CHECK(good.outcome == Health::up);
  CHECK(says(good, "reaches up to 2026-03-01 01:58:00 UTC"));
  REQUIRE(good.recovery);
  CHECK(good.recovery->time == *parse_time("2026-03-01T01:58:00Z"));
  CHECK_FALSE(good.recovery->safe);
  CHECK(good.recovery->continuous);
  CHECK(good.recovery->oldest == *parse_time("2026-02-22T02:00:00Z"));
  CHECK_FALSE(good.recovery->failing);
  CHECK(good.facts.at("window_begins") == "2026-02-22T02:00:00Z");
  CHECK(good.facts.at("point_in_time_recovery") == "on");
  CHECK(good.facts.at("project_status") == "ACTIVE_HEALTHY");
  CHECK(good.facts.at("region") == "eu-central-1");

  // An idle project ships nothing: a window that stands still is no fault by itself.
  const Outcome idle =
      api.run(R"({"pitr_enabled":true,"backups":null,"physical_backup_data":{"latest_physical_backup_date_unix":"1772301600"}})",
              "pitr_window = \"7d\"\n");
  CHECK(idle.outcome == Health::up);
  CHECK(idle.recovery->time == *parse_time("2026-02-28T18:00:00Z"));

  const Outcome narrow = api.run(pitr, "pitr_window = \"14d\"\n");
  CHECK(narrow.outcome == Health::degraded);
  CHECK(says(narrow, "reaches back only 7 d, 14 d are wanted"));
  CHECK(narrow.recovery->time);

  const Outcome off = api.run(daily, "pitr = true\n");
  CHECK(off.outcome == Health::down);
  CHECK(off.reason == Reason::assertion);
  CHECK(says(off, "point-in-time recovery is off"));
  CHECK(off.recovery->failing);
  CHECK(off.recovery->time == *parse_time("2026-02-28T02:00:09Z"));

  for (const char* window : {"{}", "null", "[]", R"({"latest_physical_backup_date_unix":null})",
                             R"({"latest_physical_backup_date_unix":0})", R"({"latest_physical_backup_date_unix":"soon"})"}) {
    const Outcome fresh = api.run(std::string(R"({"pitr_enabled":true,"backups":[],"physical_backup_data":)") + window + "}");
    CHECK(fresh.outcome == Health::degraded);
    CHECK(fresh.reason == Reason::absent);
    CHECK_FALSE((fresh.recovery && fresh.recovery->time));
    // That there is none is an answer; what is not understood is not.
    const std::string shape = window;
    const bool plainly_none = shape == "{}" || shape == "null" || shape.find(":null") != shape.npos;
    CHECK((fresh.recovery && fresh.recovery->whole) == plainly_none);
  }
}

TEST_CASE("backup supabase: daily backups") {
  Api api;
  const Outcome good = api.run(daily);
  CHECK(good.outcome == Health::up);
  CHECK(good.recovery->time == *parse_time("2026-02-28T02:00:09Z"));
  CHECK_FALSE(good.recovery->continuous);
  CHECK(good.recovery->oldest == *parse_time("2026-02-27T02:00:07Z"));
  CHECK(good.facts.at("backups_completed") == "2");
  CHECK(good.facts.at("point_in_time_recovery") == "off");

  struct Row {
    const char* what;
    const char* backups;
    Health health;
    Reason reason;
    const char* says;
    const char* point;  // "": none
  };
  const Row rows[] = {
      {"none at all", R"([])", Health::down, Reason::absent, "no backup at all", ""},
      {"status in another case, id absent", R"([{"status":"completed","inserted_at":"2026-02-28T02:00:00Z"}])", Health::up, Reason::none,
       "", "2026-02-28T02:00:00Z"},
      {"unsorted",
       R"([{"status":"COMPLETED","inserted_at":"2026-02-27T02:00:00Z"},{"status":"COMPLETED","inserted_at":"2026-02-28T02:00:00Z"}])",
       Health::up, Reason::none, "", "2026-02-28T02:00:00Z"},
      {"the newest failed",
       R"([{"status":"FAILED","inserted_at":"2026-03-01T01:00:00Z"},{"status":"COMPLETED","inserted_at":"2026-02-28T02:00:00Z"}])",
       Health::down, Reason::assertion, "the newest backup failed", "2026-02-28T02:00:00Z"},
      {"a newer one runs",
       R"([{"status":"PENDING","inserted_at":"2026-03-01T01:59:00Z"},{"status":"COMPLETED","inserted_at":"2026-02-28T02:00:00Z"}])",
       Health::up, Reason::none, "", "2026-02-28T02:00:00Z"},
      {"only unfinished", R"([{"status":"PENDING","inserted_at":"2026-03-01T01:59:00Z"}])", Health::degraded, Reason::absent, "'pending'",
       ""},
      {"removed and archived do not count",
       R"([{"status":"REMOVED","inserted_at":"2026-03-01T01:00:00Z"},{"status":"ARCHIVED","inserted_at":"2026-03-01T01:10:00Z"}])",
       Health::degraded, Reason::absent, "no backup is completed", ""},
      {"yesterday's is missing", R"([{"status":"COMPLETED","inserted_at":"2026-02-27T02:00:00Z"}])", Health::degraded, Reason::stale,
       "2 d old", "2026-02-27T02:00:00Z"},
      {"no status", R"([{"inserted_at":"2026-02-28T02:00:00Z"}])", Health::unknown, Reason::protocol, "none of the backups", ""},
      {"another field for the time", R"([{"status":"COMPLETED","created_at":"2026-02-28T02:00:00Z"}])", Health::unknown, Reason::protocol,
       "none of the backups", ""},
      {"nulls within", R"([null, {"status":null,"inserted_at":null}, {"status":"COMPLETED","inserted_at":"2026-02-28T02:00:00Z"}])",
       Health::up, Reason::none, "", "2026-02-28T02:00:00Z"},
      {"from the future", R"([{"status":"COMPLETED","inserted_at":"2027-02-28T02:00:00Z"}])", Health::unknown, Reason::protocol, "future",
       ""},
      {"null", "null", Health::unknown, Reason::protocol, "neither a list", ""},
      {"not a list", R"("none")", Health::unknown, Reason::protocol, "neither a list", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Outcome outcome = api.run(std::string(R"({"pitr_enabled":false,"backups":)") + row.backups + "}");
    CHECK(outcome.outcome == row.health);
    CHECK(outcome.reason == row.reason);
    CHECK(says(outcome, row.says));
    const bool has_point = outcome.recovery && outcome.recovery->time;
    CHECK((has_point ? time_text(*outcome.recovery->time) : "") == row.point);
  }
}

TEST_CASE("backup supabase: what is the whole truth, and what may still turn out otherwise") {
  struct Row {
    const char* what;
    std::string backups;
    bool whole, point;
  };
  const std::string head = R"({"region":"eu-central-1","walg_enabled":true,"pitr_enabled":)";
  const Row rows[] = {
      {"daily", daily, true, true},
      {"none any more", head + R"(false,"backups":[],"physical_backup_data":{}})", true, false},
      {"all removed", head + R"(false,"backups":[{"status":"REMOVED","inserted_at":"2026-02-28T02:00:09Z"}],"physical_backup_data":{}})",
       true, false},
      {"one that is not understood", head + R"(false,"backups":[{"status":7}],"physical_backup_data":{}})", false, false},
      {"no list", head + R"(false,"physical_backup_data":{}})", false, false},
      {"window", pitr, true, true},
      {"the window is gone", head + R"(true,"backups":[],"physical_backup_data":{}})", true, false},
      {"the window is null", head + R"(true,"backups":[],"physical_backup_data":null})", true, false},
      {"no word on the window", head + R"(true,"backups":[]})", false, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Api api;
    const Outcome outcome = api.run(row.backups);
    CHECK((outcome.recovery && outcome.recovery->whole) == row.whole);
    CHECK((outcome.recovery && outcome.recovery->time) == row.point);
  }
  Api api;
  const Outcome deleted = api.run(*probe_of("backup", settings), response(404, "{}"), response(404, "{}"));
  CHECK(deleted.outcome == Health::down);
  REQUIRE(deleted.recovery);
  CHECK(deleted.recovery->whole);
  CHECK_FALSE(api.run(*probe_of("backup", settings), response(403, "{}"), response(200, healthy)).recovery);
}

TEST_CASE("backup supabase: the project's own status") {
  Api api;
  const auto of = [&](const std::string& status) { return api.run(pitr, "", R"({"status":")" + status + "\"}"); };
  CHECK(of("ACTIVE_HEALTHY").outcome == Health::up);
  CHECK(of("COMING_UP").outcome == Health::up);
  CHECK(of("something_new").outcome == Health::up);
  CHECK(of("something_new").facts.at("project_status") == "SOMETHING_NEW");
  CHECK(of("INACTIVE").outcome == Health::down);
  CHECK(of("inactive").recovery->time);  // what was backed up is still there
  CHECK(of("RESTORE_FAILED").outcome == Health::down);
  CHECK(of("RESTORING").outcome == Health::degraded);

  // Without it the backups are still read; a token for the backups alone is not held back.
  const auto probe = probe_of("backup", settings);
  const Outcome narrow = api.run(*probe, response(200, pitr), response(403, R"({"message":"Forbidden resource"})"));
  CHECK(narrow.outcome == Health::up);
  CHECK(narrow.facts.at("project_status") == "not said");
  CHECK(api.run(*probe, response(200, pitr), response(500)).outcome == Health::up);
  CHECK(api.run(*probe, response(200, pitr), response(200, "null")).outcome == Health::up);
}

TEST_CASE("backup supabase: configuration") {
  ::setenv("DRWATCH_TEST_SUPABASE", token.c_str(), 1);
  CHECK(problems_of("backup", settings).empty());
  const auto first = [](const std::string& toml) {
    const auto problems = problems_of("backup", toml);
    REQUIRE_FALSE(problems.empty());
    return problems.front();
  };
  CHECK(first("reads = \"supabase\"").find("needs 'project'") != std::string::npos);
  CHECK(first(settings + "dsn = \"host=db\"").find("not a key of reads = \"supabase\"") != std::string::npos);
  CHECK(first("reads = \"supabase\"\nproject = \"../../v1\"").find("not a project's reference") != std::string::npos);
  CHECK(first("reads = \"supabase\"\nproject = \"abc\"\ntoken = \"" + token + "\"").find("never stands in the file") != std::string::npos);
  CHECK(first("reads = \"supabse\"").find("did you mean 'supabase'?") != std::string::npos);
  ::setenv("DRWATCH_TEST_SUPABASE", "two\nlines", 1);
  FakeWorld world;
  const Outcome broken = world.run(*probe_of("backup", settings));
  CHECK(broken.outcome == Health::unknown);
  CHECK(broken.reason == Reason::internal);
  CHECK(world.http.requests.empty());
  ::unsetenv("DRWATCH_TEST_SUPABASE");
  CHECK(world.run(*probe_of("backup", settings)).outcome == Health::unknown);
}

}  // namespace backup_supabase_test
