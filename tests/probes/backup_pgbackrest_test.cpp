// SPDX-License-Identifier: Apache-2.0
// pgBackRest's answers, as 2.45 gives them, and everything that can be wrong with them. The real thing is in real_pgbackrest_test.cpp.
#include "probes/backup/pgbackrest/info.hpp"
#include "probes/backup/pgbackrest/verdict.hpp"
#include "probes/parts/wal_position.hpp"
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

namespace backup_pgbackrest_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

constexpr std::uint64_t size = 16 << 20;
const std::string sha = "-36e9ff94054e8d0ab4895586cbf7c2c6dd0e5d83";
const std::string toml = "reads = \"pgbackrest\"\nstanza = \"main\"\n";
constexpr std::int64_t two_o_clock = 1772330400;  // FakeClock's time

std::string name(std::uint64_t number, std::uint32_t timeline = 1) { return segment_name({timeline, number}, size); }

struct Backup {
  std::uint64_t start, stop;
  std::string error = "false", label = "20260301-010000F", reference = "null";
  std::int64_t stopped = two_o_clock - 3600;
  std::uint32_t timeline = 1;
};

std::string text_of(const Backup& b) {
  return R"({"archive":{"start":")" + name(b.start, b.timeline) + R"(","stop":")" + name(b.stop, b.timeline) +
         R"("},"backrest":{"format":5,"version":"2.45"},"database":{"id":1,"repo-key":1},"error":)" + b.error +
         R"(,"info":{"delta":36910925,"repository":{"delta":8554785,"size":8554785},"size":36910925},"label":")" + b.label +
         R"(","lsn":{"start":")" + lsn_text(b.start * size + 0x28) + R"(","stop":")" + lsn_text(b.stop * size + 0x100) +
         R"("},"prior":null,"reference":)" + b.reference + R"(,"timestamp":{"start":)" + std::to_string(b.stopped - 3) + R"(,"stop":)" +
         std::to_string(b.stopped) + R"(},"type":"full"})";
}

std::string info_text(const std::vector<Backup>& backups, int code = 0, const std::string& message = "ok") {
  std::string list;
  for (const Backup& b : backups) list += (list.empty() ? "" : ",") + text_of(b);
  return R"([{"archive":[{"database":{"id":1,"repo-key":1},"id":"15-1","max":"00000001000000000000000F","min":"000000010000000000000001"}],"backup":[)" +
         list +
         R"(],"cipher":"none","db":[{"id":1,"repo-key":1,"system-id":7711082846122671425,"version":"15"}],"name":"main","repo":[{"cipher":"none","key":1,"status":{"code":)" +
         std::to_string(code) + R"(,"message":")" + message + R"("}}],"status":{"code":)" + std::to_string(code) +
         R"(,"lock":{"backup":{"held":false}},"message":")" + message + R"("}}])";
}

// A repository of folders of files, answering as the program does.
struct Repository {
  std::string info = info_text({{4, 4}});
  std::map<std::string, std::map<std::string, std::string>> folders;  // folder -> file -> its JSON
  std::map<std::string, std::string> contents;                        // of .history files
  std::set<std::string> removed;                                      // backups whose folders are not there
  int listed = 0;

  void add(const std::string& folder, const std::string& file, std::uint64_t bytes, std::int64_t time) {
    folders[folder][file] = R"({"type":"file","size":)" + std::to_string(bytes) + R"(,"time":)" + std::to_string(time) + "}";
  }
  void hold(std::uint64_t from, std::uint64_t to, std::uint32_t timeline = 1, std::int64_t time = two_o_clock - 300) {
    for (auto n = from; n <= to; ++n) add(name(n, timeline).substr(0, 16), name(n, timeline) + sha + ".gz", 11951, time);
  }
  void drop(std::uint64_t n, std::uint32_t timeline = 1) {
    folders[name(n, timeline).substr(0, 16)].erase(name(n, timeline) + sha + ".gz");
  }

  // The folders of all backups that `info` names, but those removed.
  std::string backups() const {
    std::string text = R"({".":{"type":"path"},"backup.info":{"type":"file","size":12,"time":1772300000})";
    for (std::size_t at = info.find("\"label\":\""); at != info.npos; at = info.find("\"label\":\"", at + 1)) {
      const std::string label = info.substr(at + 9, info.find('"', at + 9) - at - 9);
      if (!removed.count(label)) text += ",\"" + label + R"(":{"type":"path"})";
    }
    return text + "}\n";
  }

  Result<ExecResult> answer(const ExecRequest& request) {
    const auto has = [&](const std::string& word) { return std::find(request.argv.begin(), request.argv.end(), word); };
    ExecResult result;
    result.exit_code = 0;
    if (has("info") != request.argv.end()) {
      result.output = info;
    } else if (const auto get = has("repo-get"); get != request.argv.end()) {
      result.output = contents[get[1].substr(get[1].rfind('/') + 1)];
    } else {
      const std::string path = *(has("repo-ls") + 1);
      const std::string last = path.substr(path.rfind('/') + 1);
      if (path == "backup/main") {
        result.output = backups();
        return result;
      }
      ++listed;
      result.output = R"({".":{"type":"path"})";
      if (last == "15-1") {
        for (const auto& [folder, files] : folders) result.output += ",\"" + folder + R"(":{"type":"path"})";
        for (const auto& [file, content] : contents)
          result.output += ",\"" + file + R"(":{"type":"file","size":)" + std::to_string(content.size()) + R"(,"time":1772300000})";
      } else {
        for (const auto& [file, json] : folders[last]) result.output += ",\"" + file + "\":" + json;
      }
      result.output += "}\n";
    }
    return result;
  }
};

struct Seen {
  Repository repository;
  FakeWorld world;
  std::unique_ptr<Probe> probe = probe_of("backup", toml);
  Outcome run() {
    world.exec.answer = [this](const ExecRequest& request) { return repository.answer(request); };
    return world.run(*probe);
  }
};

bool says(const Outcome& outcome, const std::string& part) {
  if (outcome.message.find(part) != std::string::npos) return true;
  MESSAGE(outcome.message);
  return false;
}

std::uint64_t safe_number(const Outcome& outcome) {
  REQUIRE(outcome.recovery);
  REQUIRE(outcome.recovery->safe);
  return outcome.recovery->safe->lsn / size - 1;
}

}  // namespace

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

TEST_CASE("backup pgbackrest: a gap counts once what lies behind it has settled") {
  Seen seen;
  seen.repository.hold(4, 11);
  seen.repository.hold(17, 19, 1, two_o_clock - 20);
  // Several pushers may store a later segment first.
  CHECK(seen.run().outcome == Health::up);
  CHECK(safe_number(seen.run()) == 11);
  seen.world.clock.wall += minutes{2};
  const Outcome gap = seen.run();
  CHECK(gap.outcome == Health::down);
  CHECK(gap.reason == Reason::assertion);
  CHECK(says(gap, name(12) + " to " + name(16) + " (5 segments)"));
  CHECK(safe_number(gap) == 11);
  CHECK(gap.recovery->failing);
  // A newer base backup heals it; one with errors does not.
  Backup faulty{18, 18};
  faulty.label = "20260301-015500F", faulty.error = "true", faulty.stopped = two_o_clock - 300;
  seen.repository.info = info_text({{4, 4}, faulty});
  const Outcome refused = seen.run();
  CHECK(refused.outcome == Health::down);
  CHECK(says(refused, "has page checksum errors"));
  CHECK(says(refused, "the archive has a gap"));
  CHECK(safe_number(refused) == 11);
  CHECK(refused.facts.at("backups_faulty") == "1");
  faulty.error = "null";  // page checksums are not in use
  seen.repository.info = info_text({{4, 4}, faulty});
  const Outcome healed = seen.run();
  CHECK(healed.outcome == Health::up);
  CHECK(safe_number(healed) == 19);
}

TEST_CASE("backup pgbackrest: times in the future hide no gap and are no point") {
  Seen seen;
  seen.repository.hold(4, 11);
  seen.repository.hold(17, 19, 1, two_o_clock + 8'640'000);
  const Outcome gap = seen.run();
  CHECK(gap.outcome == Health::down);
  CHECK(says(gap, name(12) + " to " + name(16) + " (5 segments)"));
  CHECK(safe_number(gap) == 11);
  seen.repository.hold(12, 16);
  const Outcome future = seen.run();
  CHECK(future.outcome == Health::unknown);
  CHECK(says(future, name(19) + ", is from the future"));
  CHECK_FALSE(future.recovery);
  Seen backup;
  backup.repository.hold(4, 11);
  Backup late{4, 4};
  late.stopped = two_o_clock + 3600;
  backup.repository.info = info_text({late});
  const Outcome ahead = backup.run();
  CHECK(ahead.outcome == Health::unknown);
  CHECK(says(ahead, "newest good backup"));
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

TEST_CASE("backup pgbackrest: what the archiver claims") {
  Seen seen;
  seen.probe = probe_of("backup", toml + "dsn = \"host=db\"\n");
  seen.repository.hold(4, 15);
  const auto claim = [&](const std::string& last, const std::string& command, const std::string& identifier = "7711082846122671425") {
    seen.world.postgres.answers.clear();
    seen.world.postgres.answer("pg_ls_archive_statusdir", {"0"});
    seen.world.postgres.answer("pg_stat_archiver", {last,
                                                    "1772330390000",
                                                    {},
                                                    "0",
                                                    "f",
                                                    "1772300000000",
                                                    std::to_string(size),
                                                    "on",
                                                    command,
                                                    "",
                                                    "60",
                                                    "f",
                                                    "0/10000000",
                                                    "00000001",
                                                    identifier});
    return seen.run();
  };
  CHECK(claim(name(15), "pgbackrest archive-push %p").outcome == Health::up);
  const Outcome lying = claim(name(20), "/bin/true");
  CHECK(lying.outcome == Health::down);
  CHECK(says(lying, "stores nothing"));
  CHECK(says(lying, "archived " + name(20) + ", but in the archive it is not there"));
  CHECK(safe_number(lying) == 15);
  CHECK(says(claim(name(20), "curl -T %p https://backups"), "not there"));
  CHECK(says(claim(name(15), "x", "7711082846122671426"), "another database cluster"));  // equal as floating point numbers
  // A claimed gap needs no time to settle.
  seen.repository.drop(9);
  for (std::uint64_t n = 10; n <= 15; ++n) seen.repository.hold(n, n, 1, two_o_clock);
  CHECK(claim(name(15), "x").facts.at("gap") == name(9));
  // The repository is the source: without the database it is still read.
  seen.repository.hold(9, 9);
  seen.world.postgres.refuses = failure(Reason::connect, "ECONNREFUSED", "connection refused by 127.0.0.1:5432");
  const Outcome alone = seen.run();
  CHECK(alone.outcome == Health::up);
  CHECK(says(alone, "the archiver could not be asked"));
}

TEST_CASE("backup pgbackrest: across a change of timeline") {
  Seen seen;
  seen.repository.hold(4, 9);
  seen.repository.hold(9, 12, 2);
  const Outcome orphan = seen.run();
  CHECK(orphan.outcome == Health::down);
  CHECK(says(orphan, "timeline 2"));
  CHECK(safe_number(orphan) == 9);
  seen.repository.contents["00000002.history"] = "1\t" + lsn_text(9 * size + 0x500) + "\tno recovery target specified\n";
  const Outcome followed = seen.run();
  CHECK(followed.outcome == Health::up);
  CHECK(followed.recovery->safe == WalPosition{2, 13 * size});
}

TEST_CASE("backup pgbackrest: a large repository is walked over several runs, and not again in each") {
  Seen seen;
  constexpr std::uint64_t per_folder = 256, folders = 40;
  seen.repository.hold(4, per_folder * folders - 1);
  seen.world.exec.answer = [&](const ExecRequest& request) {
    seen.world.clock.boot += std::chrono::milliseconds(400);
    return seen.repository.answer(request);
  };
  int runs = 0;
  Outcome outcome;
  for (; runs < 10; ++runs) {
    outcome = seen.world.run(*seen.probe);
    if (outcome.outcome != Health::unknown) break;
    CHECK_FALSE(outcome.recovery);  // half a walk must not look like half an archive
    CHECK(says(outcome, "are not listed yet"));
  }
  CHECK(runs == 2);
  CHECK(outcome.outcome == Health::up);
  CHECK(safe_number(outcome) == per_folder * folders - 1);
  const int listed = seen.repository.listed;
  CHECK(seen.world.run(*seen.probe).outcome == Health::up);
  CHECK(seen.repository.listed == listed + 3);  // the top and the two newest
  // What lies behind the end is looked at again after an hour.
  seen.repository.drop(per_folder * 3 + 7);
  CHECK(seen.world.run(*seen.probe).outcome == Health::up);
  seen.world.clock.boot += hours{1};
  Outcome later;
  for (int i = 0; i < 4; ++i) later = seen.world.run(*seen.probe);
  CHECK(later.outcome == Health::down);
  CHECK(later.facts.at("gap") == name(per_folder * 3 + 7));
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

TEST_CASE("backup pgbackrest: the length of segments, from positions and names") {
  const auto size_of = [](const std::string& start_wal, const std::string& start, const std::string& stop_wal, const std::string& stop) {
    PgbackrestInfo info;
    PgbackrestBackup b;
    b.start_wal = start_wal, b.stop_wal = stop_wal, b.start_lsn = *parse_lsn(start), b.stop_lsn = *parse_lsn(stop);
    info.backups.push_back(b);
    return segment_size_of(info);
  };
  CHECK(size_of("000000010000000000000007", "0/700028", "000000010000000000000007", "0/700100") == 1 << 20);
  CHECK(size_of("000000010000000000000004", "0/4000028", "000000010000000000000004", "0/4000100") == 16 << 20);
  CHECK(size_of("000000010000000200000003", "2/C0000028", "000000010000000200000003", "2/C0000100") == 1 << 30);
  CHECK(size_of("000000010000000500000000", "5/28", "000000010000000500000000", "5/100") == 16 << 20);           // all would do
  CHECK(size_of("000000010000000000000004", "0/4000028", "000000010000000000000004", "0/5000000") == 16 << 20);  // stops at a boundary
  CHECK_FALSE(size_of("000000010000000000000004", "0/3000028", "000000010000000000000004", "0/3000100"));
  CHECK_FALSE(size_of("nonsense", "0/4000028", "000000010000000000000004", "0/4000100"));
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
