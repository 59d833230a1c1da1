// SPDX-License-Identifier: Apache-2.0
// The Management API as its clients know it: a fake, shaped from the published shapes, with everything missing, null, empty or hostile.
#include "probes/backup/supabase/backups.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"
#include "tests/world/servers.hpp"

#include <doctest/doctest.h>

#include <random>

namespace backup_supabase_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

const std::string token = "sbp_0123456789abcdef0123456789abcdef01234567";
const std::string settings = "reads = \"supabase\"\nproject = \"abcdefghijklmnopqrst\"\ntoken = { env = \"DRWATCH_TEST_SUPABASE\" }\n";
const std::string healthy = R"({"id":"abcdefghijklmnopqrst","region":"eu-central-1","status":"ACTIVE_HEALTHY"})";
// FakeClock stands at 2026-03-01T02:00:00Z, 1772330400.
const std::string daily =
    R"({"region":"eu-central-1","walg_enabled":true,"pitr_enabled":false,"backups":[
        {"id":123,"is_physical_backup":true,"status":"COMPLETED","inserted_at":"2026-02-28T02:00:09.000Z"},
        {"id":122,"is_physical_backup":true,"status":"COMPLETED","inserted_at":"2026-02-27T02:00:07.000Z"}],"physical_backup_data":{}})";
const std::string pitr =
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

bool says(const Outcome& outcome, const std::string& part) {
  if (outcome.message.find(part) != std::string::npos) return true;
  MESSAGE(outcome.message);
  return false;
}

bool shows_token(const Outcome& outcome) {
  bool shown = outcome.message.find(token.substr(0, 12)) != std::string::npos;
  for (const auto& [name, value] : outcome.facts) shown = shown || value.find(token.substr(0, 12)) != std::string::npos;
  return shown;
}

}  // namespace

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

TEST_CASE("backup supabase: could not be read is unknown, never down") {
  Api api;
  const auto probe = probe_of("backup", settings);
  for (const char* body : {"", "null", "[]", "{", "<html>busy</html>", "\"text\"", "{}", R"({"pitr_enabled":"yes"})"}) {
    const Outcome outcome = api.run(*probe, response(200, body));
    CHECK(outcome.outcome == Health::unknown);
    CHECK(outcome.reason == Reason::protocol);
    CHECK_FALSE(outcome.recovery);
  }
  const Outcome failed = api.run(*probe, response(503, "{\"message\":\"sorry, " + token + "\"}"));
  CHECK(failed.outcome == Health::unknown);
  CHECK(failed.code == "503");
  CHECK(says(failed, "sorry"));
  CHECK_FALSE(shows_token(failed));
  CHECK(api.run(*probe, response(404), response(503)).outcome == Health::unknown);

  api.world.http.answers.clear();
  api.world.http.answers.push_back(failure(Reason::timeout, "", "no answer"));
  const Outcome silent = api.world.run(*probe);
  CHECK(silent.outcome == Health::unknown);
  CHECK(silent.reason == Reason::timeout);

  const Outcome gone = api.run(*probe, response(404, R"({"message":"Project not found"})"), response(404));
  CHECK(gone.outcome == Health::down);
  CHECK(gone.reason == Reason::absent);
}

TEST_CASE("backup supabase: a refusal or a limit is not answered with more requests") {
  Api api;
  const auto probe = probe_of("backup", settings);
  const auto asked = [&] { return api.world.http.requests.size(); };
  const Outcome refused = api.run(*probe, response(401, "{\"message\":\"" + token + " is not valid\"}"));
  CHECK(refused.outcome == Health::unknown);
  CHECK(refused.reason == Reason::auth);
  CHECK(refused.code == "401");
  CHECK_FALSE(shows_token(refused));
  CHECK(asked() == 1);
  const Outcome waits = api.run(*probe, response(200, pitr));
  CHECK(waits.outcome == Health::unknown);
  CHECK(waits.reason == Reason::auth);
  CHECK(says(waits, "asked again in 20 s"));
  CHECK(asked() == 1);
  api.world.clock.boot += seconds{20};
  api.run(*probe, response(403));
  CHECK(asked() == 2);
  api.world.clock.boot += seconds{39};
  api.run(*probe, response(403));
  CHECK(asked() == 2);  // 40 s this time
  api.world.clock.boot += seconds{1};
  CHECK(api.run(*probe, response(200, pitr)).outcome == Health::up);

  const Outcome limited = api.run(*probe, response(429, "", {{"retry-after", "90"}}));
  CHECK(limited.outcome == Health::unknown);
  CHECK(limited.code == "429");
  api.world.clock.boot += seconds{89};
  CHECK(api.run(*probe, response(200, pitr)).outcome == Health::unknown);
  api.world.clock.boot += seconds{1};
  CHECK(api.run(*probe, response(200, pitr)).outcome == Health::up);
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

TEST_CASE("backup supabase: an API that stalls, floods, drips, resets or talks nonsense") {
  ::setenv("DRWATCH_TEST_SUPABASE", token.c_str(), 1);
  struct Row {
    const char* what;
    std::function<void(Peer)> behave;
    bool ends;  // by itself, before the deadline
  };
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
  const Row rows[] = {
      {"stalls after accepting", [](Peer peer) { peer.wait_for_close(); }, false},
      {"stalls within the body",
       [head](Peer peer) {
         peer.receive_until("\r\n\r\n");
         peer.send(head + "Content-Length: 100\r\n\r\n{\"pitr");
         peer.wait_for_close();
       },
       false},
      {"floods",
       [head](Peer peer) {
         peer.receive_until("\r\n\r\n");
         peer.send(head + "\r\n");
         while (peer.send(std::string(64 * 1024, 'x'))) {
         }
       },
       true},
      {"drips",
       [head](Peer peer) {
         peer.receive_until("\r\n\r\n");
         peer.send(head + "\r\n");
         while (peer.send(" ") && peer.wait(std::chrono::milliseconds(10))) {
         }
       },
       false},
      {"lies about the length",
       [head](Peer peer) {
         peer.receive_until("\r\n\r\n");
         peer.send(head + "Content-Length: 5000\r\n\r\n{}");
       },
       true},
      {"nests deep",
       [head](Peer peer) {
         peer.receive_until("\r\n\r\n");
         peer.send(head + "Content-Length: 400000\r\n\r\n" + std::string(400'000, '['));
       },
       true},
      {"sends random bytes",
       [](Peer peer) {
         std::mt19937 dice(7);
         std::string bytes(20'000, '\0');
         for (char& c : bytes) c = static_cast<char>(dice());
         peer.receive_until("\r\n\r\n");
         peer.send(bytes);
       },
       true},
      {"closes at once", [](Peer) {}, true},
  };
  Watch watch;
  for (const Row& row : rows) {
    CAPTURE(row.what);
    TcpServer server(row.behave);
    const auto probe = probe_of("backup", settings + "api = \"http://127.0.0.1:" + std::to_string(server.port()) + "\"\n");
    const auto began = std::chrono::steady_clock::now();
    const auto outcome = watch.try_run(*probe, row.ends ? milliseconds{5000} : milliseconds{200});
    CHECK(outcome.has_value() == row.ends);
    if (outcome) CHECK(outcome->outcome == Health::unknown);
    if (outcome) CHECK_FALSE(outcome->recovery);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(4));
  }
  ::unsetenv("DRWATCH_TEST_SUPABASE");
}

TEST_CASE("backup supabase: whatever is sent, nothing is invented") {
  const Time now = *parse_time("2026-03-01T02:00:00Z");
  std::mt19937 dice(20260301);
  const auto roll = [&](std::size_t n) { return static_cast<std::size_t>(dice() % n); };
  const std::string pieces[] = {"null",          "[]",       "{}",     "-1", "1e308", "\"\"", "true", "18446744073709551615",
                                "\"COMPLETED\"", "\xff\xfe", "\\u0000"};
  for (int round = 0; round < 4000; ++round) {
    std::string body = round % 2 ? daily : pitr;
    for (std::size_t changes = 1 + roll(4); changes > 0 && !body.empty(); --changes) {
      const std::size_t at = roll(body.size());
      switch (roll(4)) {
        case 0:
          body[at] = static_cast<char>(dice());
          break;
        case 1:
          body.erase(at, 1 + roll(20));
          break;
        case 2:
          body.insert(at, pieces[roll(std::size(pieces))]);
          break;
        default:
          body.resize(at);
          break;
      }
    }
    CAPTURE(body);
    const auto backups = parse_supabase_backups(body);
    parse_supabase_status(body);
    if (!backups) continue;
    const Outcome outcome = judge_supabase(*backups, "ACTIVE_HEALTHY", {}, now);
    if (outcome.recovery && outcome.recovery->time) CHECK(*outcome.recovery->time <= now);
    if (outcome.outcome == Health::up) CHECK(outcome.recovery->time.has_value());
    if (outcome.outcome == Health::unknown) CHECK_FALSE(outcome.recovery);
  }
}

}  // namespace backup_supabase_test
