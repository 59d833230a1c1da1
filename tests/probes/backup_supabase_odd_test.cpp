// SPDX-License-Identifier: Apache-2.0
// The API that a platform answers with, when it does not answer well.
#include "tests/probes/supabase_api.hpp"

#include <doctest/doctest.h>

namespace backup_supabase_test {

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
