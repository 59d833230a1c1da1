// SPDX-License-Identifier: Apache-2.0
// pgBackRest's answers, as 2.45 gives them, and everything that can be wrong with them. The real thing is in real_pgbackrest_test.cpp.
#include "tests/probes/pgbackrest_repository.hpp"

#include <doctest/doctest.h>

namespace backup_pgbackrest_test {

TEST_CASE("backup pgbackrest: what is asked, and a repository that is whole") {
  Seen seen;
  seen.probe = probe_of(
      "backup",
      toml + "config = \"/etc/pgbackrest/pgbackrest.conf\"\nrepo = 1\ncommand = [\"sudo\", \"-u\", \"postgres\", \"pgbackrest\"]\n");
  seen.repository.hold(4, 15);
  seen.repository.add(name(4).substr(0, 16), name(4) + ".00000028.backup", 368, two_o_clock - 3600);
  const Outcome good = seen.run();
  CHECK(good.outcome == Health::up);
  CHECK(says(good, "can be restored up to " + name(15) + " from 20260301-010000F"));
  CHECK(safe_number(good) == 15);
  CHECK(good.recovery->time == Time{seconds{two_o_clock - 300}});
  CHECK(good.facts.at("system_identifier") == "7711082846122671425");  // beyond 2^53
  CHECK(good.facts.at("wal_segment_size") == "16777216");
  CHECK(good.recovery->continuous);
  CHECK(good.recovery->oldest == *parse_time("2026-03-01T01:00:00Z"));
  CHECK(good.facts.at("newest_backup_at") == "2026-03-01T01:00:00Z");
  const std::vector<std::string> argv = {"sudo",
                                         "-u",
                                         "postgres",
                                         "pgbackrest",
                                         "--log-level-console=off",
                                         "--log-level-file=off",
                                         "--log-level-stderr=error",
                                         "--stanza=main",
                                         "--config=/etc/pgbackrest/pgbackrest.conf",
                                         "--repo=1",
                                         "info",
                                         "--output=json"};
  CHECK(seen.world.exec.requests.front().argv == argv);
}

TEST_CASE("backup pgbackrest: every complaint") {
  struct Row {
    const char* what;
    std::function<void(Repository&)> change;
    Health health;
    Reason reason;
    const char* says;
    std::int64_t safe;  // -1: no point
  };
  const auto info = [](std::vector<Backup> backups, int code = 0, const char* message = "ok") {
    return [=](Repository& r) { r.info = info_text(backups, code, message); };
  };
  const Backup old_one{2, 2, "false", "20260228-010000F", "null", two_o_clock - 90000};
  const Row rows[] = {
      {"missing stanza path", info({}, 1, "missing stanza path"), Health::down, Reason::absent, "the stanza is not in the repository", -1},
      {"no valid backups", info({}, 2, "no valid backups"), Health::down, Reason::absent, "no valid backups", -1},
      {"missing stanza data", info({}, 3, "missing stanza data"), Health::down, Reason::absent, "missing stanza data", -1},
      {"database mismatch", info({{4, 4}}, 5, "database mismatch across repos"), Health::down, Reason::assertion, "different databases",
       15},
      {"other", info({}, 99, "other"), Health::unknown, Reason::protocol, "could not read the repository", -1},
      {"a code that is not known", info({{4, 4}}, 42, "new"), Health::unknown, Reason::protocol, "'new'", -1},
      {"code 0 and no backups", info({}), Health::down, Reason::absent, "there is no good backup", -1},
      {"only a faulty one", info({{4, 4, "true"}}), Health::down, Reason::assertion, "page checksum errors", -1},
      {"error in another shape", info({{4, 4, "1"}}), Health::down, Reason::assertion, "page checksum errors", -1},
      {"an older faulty one", info({{2, 2, "true", "20260228-010000F", "null", two_o_clock - 90000}, {4, 4}}), Health::up, Reason::none, "",
       15},
      {"rests on a faulty one",
       info({{2, 2, "true", "20260228-010000F", "null", two_o_clock - 90000},
             {4, 4, "false", "20260228-010000F_I", "[\"20260228-010000F\"]"}}),
       Health::down, Reason::assertion, "rests on one that has or is gone", -1},
      {"rests on one that is gone", info({old_one, {4, 4, "false", "20260301-010000I", "[\"20260227-010000F\"]"}}), Health::down,
       Reason::assertion, "is gone", 15},
      {"its own segments are not whole", [](Repository& r) { r.drop(4); }, Health::down, Reason::assertion, "no backup can be restored",
       -1},
      {"but an older one's are", [=](Repository& r) { r.drop(5), r.info = info_text({old_one, {5, 5}}); }, Health::down, Reason::assertion,
       "the archive has a gap: 000000010000000000000005", 4},
      {"no segments", [](Repository& r) { r.folders.clear(); }, Health::down, Reason::assertion, "no backup can be restored", -1},
      {"an empty segment", [](Repository& r) { r.add(name(9).substr(0, 16), name(9) + sha + ".gz", 0, two_o_clock - 300); }, Health::down,
       Reason::assertion, "000000010000000000000009", 8},
      {"two of one segment",
       [](Repository& r) {
         r.add(name(9).substr(0, 16), name(9) + "-f6d974e0dbe7db04f260d1a47aaac8d8585e550c.gz", 4775, two_o_clock - 300);
       },
       Health::down, Reason::assertion, "000000010000000000000009", 8},
      {"a plain one of the wrong length",
       [](Repository& r) { r.drop(9), r.add(name(9).substr(0, 16), name(9) + sha, 4096, two_o_clock - 300); }, Health::down,
       Reason::assertion, "000000010000000000000009", 8},
      {"a plain one", [](Repository& r) { r.drop(9), r.add(name(9).substr(0, 16), name(9) + sha, size, two_o_clock - 300); }, Health::up,
       Reason::none, "", 15},
      {"a partial one at the end",
       [](Repository& r) { r.add(name(16).substr(0, 16), name(16) + ".partial" + sha + ".gz", 9, two_o_clock); }, Health::up, Reason::none,
       "", 15},
      {"positions that fit no length",
       [](Repository& r) {
         const auto at = r.info.find("0/4000028");
         r.info.replace(at, 9, "0/9000028");
       },
       Health::unknown, Reason::protocol, "how long its segments are", -1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Seen seen;
    seen.repository.hold(2, 15);
    row.change(seen.repository);
    const Outcome outcome = seen.run();
    CHECK(outcome.outcome == row.health);
    CHECK(outcome.reason == row.reason);
    CHECK(says(outcome, row.says));
    const bool has_point = outcome.recovery && outcome.recovery->safe;
    CHECK((has_point ? static_cast<std::int64_t>(safe_number(outcome)) : -1) == row.safe);
  }
}

TEST_CASE("backup pgbackrest: what is the whole truth; backups that only the catalogue has") {
  const Backup old_one{2, 3, "false", "20260228-010000F", "null", two_o_clock - 90'000};
  struct Row {
    const char* what;
    std::function<void(Repository&)> change;
    bool whole;
    std::int64_t safe;
    const char* says;
  };
  const Row rows[] = {
      {"whole", [](Repository&) {}, true, 15, ""},
      {"no backups any more", [](Repository& r) { r.info = info_text({}, 2, "no valid backups"); }, true, -1, "holds no backup"},
      {"no stanza any more", [](Repository& r) { r.info = info_text({}, 1, "missing stanza path"); }, true, -1, "stanza is not in"},
      {"unreadable", [](Repository& r) { r.info = info_text({}, 99, "other"); }, false, -1, "could not read"},
      {"the archive is gone", [](Repository& r) { r.folders.clear(); }, true, -1, "no backup can be restored"},
      {"the folder of the only backup is gone", [](Repository& r) { r.removed = {"20260301-010000F"}; }, true, -1,
       "are not in the repository"},
      {"the newest one's folder",
       [=](Repository& r) {
         r.info = info_text({old_one, {4, 4}});
         r.removed = {"20260301-010000F"};
         r.drop(9);
       },
       true, 8, "the newest '20260301-010000F'"},
      {"one that another rests on",
       [=](Repository& r) {
         r.info = info_text({old_one, {4, 4, "false", "20260228-010000F_20260301-010000I", "[\"20260228-010000F\"]"}});
         r.removed = {"20260228-010000F"};
       },
       true, -1, "rests on one"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Seen seen;
    seen.repository.hold(2, 15);
    row.change(seen.repository);
    const Outcome outcome = seen.run();
    CHECK(says(outcome, row.says));
    CHECK((outcome.recovery && outcome.recovery->whole) == row.whole);
    const bool has_point = outcome.recovery && outcome.recovery->safe;
    CHECK((has_point ? static_cast<std::int64_t>(safe_number(outcome)) : -1) == row.safe);
  }
  // It expired between the two questions: no lie.
  Seen seen;
  seen.repository.hold(2, 15);
  seen.repository.info = info_text({old_one, {4, 4}});
  seen.repository.removed = {"20260228-010000F"};
  int asked = 0;
  seen.world.exec.answer = [&](const ExecRequest& request) {
    if (request.argv[request.argv.size() - 2] == "info" && ++asked == 2) seen.repository.info = info_text({{4, 4}});
    return seen.repository.answer(request);
  };
  CHECK(seen.world.run(*seen.probe).outcome == Health::up);
  CHECK(asked == 2);
}

TEST_CASE("backup pgbackrest: could not be read is unknown, whatever the exit code") {
  Seen seen;
  seen.repository.hold(4, 15);
  for (const char* output : {"", "[]", "{}", "null", "[{}]", "[{\"name\":\"other\"}]", "ERROR: [055]: unable to load info file", "[1,2"}) {
    seen.repository.info = output;
    const Outcome outcome = seen.run();
    CHECK(outcome.outcome == Health::unknown);
    CHECK_FALSE(outcome.recovery);
  }
  // An exit code that complains of an answer that is fine is not believed either.
  seen.repository.info = info_text({{4, 4}});
  seen.world.exec.answer = [&](const ExecRequest& request) {
    auto result = seen.repository.answer(request);
    result->exit_code = 37;
    return result;
  };
  CHECK(seen.world.run(*seen.probe).outcome == Health::up);
  // A listing that fails or is cut short.
  seen.world.exec.answer = [&](const ExecRequest& request) {
    auto result = seen.repository.answer(request);
    if (request.argv.back() != "--output=json" || request.argv[request.argv.size() - 2] != "info")
      result->output.resize(result->output.size() / 2);
    result->errors = "ERROR: [041]: unable to open file with key AKIA0123456789abcdef0123456789abcdef0123456789";
    return result;
  };
  const Outcome cut = seen.world.run(*seen.probe);
  CHECK(cut.outcome == Health::unknown);
  CHECK(says(cut, "[041]"));
  CHECK(cut.message.find("AKIA") == std::string::npos);
  seen.world.exec.answer = nullptr;
  CHECK(seen.world.run(*seen.probe).outcome == Health::unknown);
}

TEST_CASE("backup pgbackrest: configuration, and the age of the newest backup") {
  Seen seen;
  seen.probe = probe_of("backup", toml + "max_backup_age = \"30m\"\n");
  seen.repository.hold(4, 15);
  const Outcome old = seen.run();
  CHECK(old.outcome == Health::degraded);
  CHECK(says(old, "the newest good backup is 1 h old"));
  CHECK(safe_number(old) == 15);
  const auto first = [](const std::string& text) {
    const auto problems = problems_of("backup", text);
    return problems.empty() ? "" : problems.front();
  };
  CHECK(first(toml).empty());
  CHECK(first("reads = \"pgbackrest\"").find("needs 'stanza'") != std::string::npos);
  CHECK(first("reads = \"pgbackrest\"\nstanza = \"../other\"").find("is not a stanza's name") != std::string::npos);
  CHECK(first(toml + "command = []").find("must name a program") != std::string::npos);
  CHECK(first(toml + "repo = 0").find("out of bounds") != std::string::npos);
}

TEST_CASE("backup pgbackrest: whatever is said, nothing is invented") {
  std::mt19937 dice(20260301);
  const auto roll = [&](std::size_t n) { return static_cast<std::size_t>(dice() % n); };
  const std::string pieces[] = {
      "null", "[]", "{}", "-1", "1e308", "\"\"", "true", "18446744073709551615", "\"FFFFFFFFFFFFFFFFFFFFFFFF\"", "\xff\xfe", "[[["};
  const auto mutated = [&](std::string text) {
    for (std::size_t changes = roll(4); changes > 0 && !text.empty(); --changes) {
      const std::size_t at = roll(text.size());
      switch (roll(4)) {
        case 0:
          text[at] = static_cast<char>(dice());
          break;
        case 1:
          text.erase(at, 1 + roll(20));
          break;
        case 2:
          text.insert(at, pieces[roll(std::size(pieces))]);
          break;
        default:
          text.resize(at);
          break;
      }
    }
    return text;
  };
  FakeWorld world;
  Repository whole;
  whole.hold(2, 9);
  whole.hold(9, 12, 2);
  whole.contents["00000002.history"] = "1\t" + lsn_text(9 * size + 0x500) + "\tno recovery target specified\n";
  whole.info = info_text({{2, 2, "false", "20260228-010000F", "null", two_o_clock - 90000}, {4, 4}});
  int read = 0;
  world.exec.answer = [&](const ExecRequest& request) {
    auto result = whole.answer(request);
    if (roll(3) == 0) result->output = mutated(result->output);
    return result;
  };
  for (int round = 0; round < 1500; ++round) {
    const Outcome outcome = world.run(*probe_of("backup", toml));
    if (outcome.outcome == Health::up) CHECK(outcome.recovery->safe.has_value());
    if (outcome.outcome == Health::unknown) CHECK_FALSE(outcome.recovery);
    // Mutations lose and break segments, but a point beyond the last one that is held would be invented.
    if (outcome.recovery && outcome.recovery->safe && outcome.recovery->safe->timeline <= 2 && ++read)
      CHECK_MESSAGE(outcome.recovery->safe->lsn <= 64 * size, outcome.message);
  }
  CHECK(read > 100);
}

}  // namespace backup_pgbackrest_test
