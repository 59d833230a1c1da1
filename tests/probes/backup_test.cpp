// SPDX-License-Identifier: Apache-2.0
#include "probes/backup/archiver/account.hpp"
#include "probes/backup/wal/archive.hpp"
#include "probes/parts/wal_position.hpp"
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

namespace backup_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

constexpr std::uint64_t size = 16 << 20;
const std::string listed = "reads = \"pg_stat_archiver\"\ndsn = \"host=db\"\narchive = \"/srv/wal\"\n";
const std::string unlisted = "reads = \"pg_stat_archiver\"\ndsn = \"host=db\"\n";

std::string name(std::uint64_t number, std::uint32_t timeline = 1) { return segment_name({timeline, number}, size); }

// A primary on timeline 1 at 0/8000000 that archived segment 7 a moment ago.
struct Source {
  std::optional<std::string> last = name(7), last_failed;
  std::string failed_count = "0", failing = "f", segment_size = std::to_string(size), mode = "on", command = "/usr/local/bin/push %p %f",
              library, timeout = "60", standby = "f";
  std::optional<std::string> backlog = "0";
};

void serve(FakeWorld& world, const Source& s) {
  const bool primary = s.standby == "f";
  world.postgres.answers.clear();
  if (s.backlog)
    world.postgres.answer("pg_ls_archive_statusdir", {*s.backlog});
  else
    world.postgres.fail("pg_ls_archive_statusdir", "42501", "permission denied for function pg_ls_archive_statusdir");
  world.postgres.answer("pg_stat_archiver",
                        {s.last, "1772330390000", s.last_failed, s.failed_count, s.failing, "1772300000000", s.segment_size, s.mode,
                         s.command, s.library, s.timeout, s.standby, primary ? std::optional<std::string>("0/8000000") : std::nullopt,
                         primary ? std::optional<std::string>("00000001") : std::nullopt, "7711082846122671425"});
}

std::string backup_text(std::uint64_t start, std::uint64_t stop) {
  return "START WAL LOCATION: " + lsn_text(start * size + 0x28) + " (file " + name(start) +
         ")\nSTOP WAL LOCATION: " + lsn_text(stop * size + 0x100) + " (file " + name(stop) + ")\n";
}

void hold(FakeWorld& world, std::initializer_list<std::uint64_t> numbers) {
  for (const auto number : numbers) world.files.add(name(number), size);
}

void base(FakeWorld& world, std::uint64_t number) { world.files.add_text(name(number) + ".00000028.backup", backup_text(number, number)); }

std::uint64_t safe(const Outcome& outcome) {
  REQUIRE(outcome.recovery);
  REQUIRE(outcome.recovery->safe);
  return outcome.recovery->safe->lsn;
}

bool says(const Outcome& outcome, const std::string& part) {
  if (outcome.message.find(part) != std::string::npos) return true;
  MESSAGE(outcome.message);
  return false;
}

}  // namespace

TEST_CASE("backup: all is well") {
  FakeWorld world;
  serve(world, {});
  hold(world, {2, 3, 4, 5, 6, 7});
  base(world, 3);
  const auto probe = probe_of("backup", listed);
  const Outcome outcome = world.run(*probe);
  CHECK(outcome.outcome == Health::up);
  CHECK(says(outcome, "archived up to " + name(7)));
  CHECK(safe(outcome) == 8 * size);
  CHECK(outcome.recovery->safe->timeline == 1);
  CHECK(outcome.recovery->time == *parse_time("2026-03-01T01:59:00Z"));  // of the file, not of the statistics
  CHECK(outcome.recovery->continuous);
  CHECK_FALSE(outcome.recovery->failing);
  CHECK(outcome.facts.at("base_backup") == name(3) + ".00000028.backup");
  CHECK(outcome.facts.at("oldest_segment") == name(2));
  CHECK(outcome.facts.at("last_archived_wal") == name(7));
  CHECK(outcome.facts.at("archive_command") == "push");
  CHECK(outcome.facts.at("system_identifier") == "7711082846122671425");
  CHECK(outcome.facts.at("backlog") == "0");
  CHECK_FALSE(outcome.facts.contains("gap"));
  // A .backup file never changes: it is read once.
  world.run(*probe);
  CHECK(world.files.reads == 1);
}

TEST_CASE("backup: every complaint") {
  struct Row {
    const char* what;
    std::function<void(Source&)> source;
    std::function<void(FakeWorld&)> archive;
    Health health;
    Reason reason;
    const char* says;
    bool failing;
    std::uint64_t safe_number;  // the segment up to whose end it is safe
  };
  const auto whole = [](FakeWorld& w) { hold(w, {2, 3, 4, 5, 6, 7}), base(w, 3); };
  const auto nothing = [](Source&) {};
  const Row rows[] = {
      {"fails", [](Source& s) { s.failing = "t", s.failed_count = "3", s.last_failed = name(8); }, whole, Health::down, Reason::assertion,
       "archiving fails at 000000010000000000000008 (3 failures)", true, 7},
      {"off", [](Source& s) { s.mode = "off", s.command = "(disabled)"; }, whole, Health::down, Reason::assertion, "archive_mode is off",
       true, 7},
      {"empty", [](Source& s) { s.command = ""; }, whole, Health::down, Reason::assertion, "archive_command is empty", true, 7},
      {"no-op", [](Source& s) { s.command = "/bin/true", s.last = name(12); }, whole, Health::down, Reason::assertion, "stores nothing",
       true, 7},
      {"library instead of a command", [](Source& s) { s.command = "", s.library = "basic_archive"; }, whole, Health::up, Reason::none, "",
       false, 7},
      {"lies", [](Source& s) { s.last = name(12); }, whole, Health::down, Reason::assertion,
       "says that it archived 00000001000000000000000C, but in the archive it is not there", false, 7},
      {"touches", [](Source& s) { s.last = name(8); }, [&](FakeWorld& w) { whole(w), w.files.add(name(8), 0); }, Health::down,
       Reason::assertion, "empty or of the wrong size", false, 7},
      {"cut short", nothing, [](FakeWorld& w) { hold(w, {3, 4, 5, 6}), base(w, 3), w.files.add(name(7), size / 2); }, Health::down,
       Reason::assertion, "empty or of the wrong size", false, 6},
      {"still being copied, not claimed", nothing, [&](FakeWorld& w) { whole(w), w.files.add(name(8), 4096); }, Health::up, Reason::none,
       "", false, 7},
      {"archived since the question", nothing, [&](FakeWorld& w) { whole(w), hold(w, {8, 9}); }, Health::up, Reason::none, "", false, 9},
      {"gap", nothing, [](FakeWorld& w) { hold(w, {2, 3, 4, 6, 7}), base(w, 3); }, Health::down, Reason::assertion,
       "gap: 000000010000000000000005 missing; nothing behind it can be restored, a new base backup is needed", false, 4},
      {"gap of empty files", nothing,
       [](FakeWorld& w) { hold(w, {3, 4, 7}), base(w, 3), w.files.add(name(5), 0), w.files.add(name(6), 0); }, Health::down,
       Reason::assertion, "000000010000000000000005 to 000000010000000000000006 (2 segments)", false, 4},
      {"gap healed by a base backup", nothing, [](FakeWorld& w) { hold(w, {2, 3, 4, 6, 7}), base(w, 3), base(w, 6); }, Health::up,
       Reason::none, "", false, 7},
      {"stored out of order beyond the claim", [](Source& s) { s.last = name(5); }, [](FakeWorld& w) { hold(w, {3, 4, 5, 7}), base(w, 3); },
       Health::up, Reason::none, "", false, 5},
      {"gap after a crash that took the statistics", [](Source& s) { s.last = std::nullopt; },
       [](FakeWorld& w) { hold(w, {3, 5}), base(w, 3); }, Health::down, Reason::assertion, "gap", false, 3},
      {"no base backup", nothing, [](FakeWorld& w) { hold(w, {2, 3, 4, 5, 6, 7}); }, Health::degraded, Reason::absent, "no base backup",
       false, 7},
      {"backlog", [](Source& s) { s.backlog = "4"; }, whole, Health::degraded, Reason::stale, "4 segments wait", false, 7},
      {"normal backlog", [](Source& s) { s.backlog = "3"; }, whole, Health::up, Reason::none, "", false, 7},
      {"backlog not permitted", [](Source& s) { s.backlog = std::nullopt; }, whole, Health::up, Reason::none, "", false, 7},
      {"no archive_timeout", [](Source& s) { s.timeout = "0"; }, whole, Health::degraded, Reason::assertion, "archive_timeout is 0", false,
       7},
      {"claims a .backup file", [](Source& s) { s.last = name(3) + ".00000028.backup"; }, whole, Health::up, Reason::none, "", false, 7},
      {"claims a .backup file that is not there", [](Source& s) { s.last = name(7) + ".00000028.backup"; }, whole, Health::down,
       Reason::assertion, "not there", false, 7},
      {"claims a .history file, kept compressed", [](Source& s) { s.last = "00000002.history"; },
       [&](FakeWorld& w) { whole(w), w.files.add("00000002.history.gz", 9); }, Health::up, Reason::none, "", false, 7},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    FakeWorld world;
    Source source;
    row.source(source);
    serve(world, source);
    row.archive(world);
    const Outcome outcome = world.run(*probe_of("backup", listed));
    CHECK(health_name(outcome.outcome) == health_name(row.health));
    CHECK(reason_name(outcome.reason) == reason_name(row.reason));
    CHECK(says(outcome, row.says));
    CHECK(safe(outcome) == (row.safe_number + 1) * size);
    CHECK(outcome.recovery->failing == row.failing);
    CHECK_FALSE(outcome.takes_no_writes);
  }
}

TEST_CASE("backup: a point in the future is none") {
  FakeWorld world;
  serve(world, {});
  hold(world, {3, 4, 5, 6});
  base(world, 3);
  world.files.add(name(7), size, "2026-06-01T02:00:00Z");
  const Outcome future = world.run(*probe_of("backup", listed));
  CHECK(future.outcome == Health::unknown);
  CHECK(future.reason == Reason::protocol);
  CHECK(says(future, "newest segment, " + name(7) + ", is from the future (2026-06-01 02:00:00 UTC)"));
  CHECK_FALSE(future.recovery);
  Source failing;
  failing.failing = "t";
  serve(world, failing);
  const Outcome down = world.run(*probe_of("backup", listed));
  CHECK(down.outcome == Health::down);
  CHECK(says(down, "from the future"));
  CHECK_FALSE(down.recovery->time);
  CHECK(safe(down) == 8 * size);
  world.postgres.refuses = failure(Reason::connect, "ECONNREFUSED", "refused");
  CHECK_FALSE(world.run(*probe_of("backup", listed)).recovery->time);
  // The archiver's own claim.
  FakeWorld early;
  serve(early, {});
  early.clock.wall -= hours{1};
  const Outcome claim = early.run(*probe_of("backup", unlisted));
  CHECK(claim.outcome == Health::unknown);
  CHECK(says(claim, "archived in the future"));
  CHECK_FALSE(claim.recovery);
}

TEST_CASE("backup: several complaints are all told, the worst first") {
  FakeWorld world;
  Source source;
  source.timeout = "0";
  source.failing = "t";
  serve(world, source);
  hold(world, {3, 4, 5, 6, 7});
  const Outcome outcome = world.run(*probe_of("backup", listed));
  CHECK(outcome.outcome == Health::down);
  CHECK(outcome.message.find("archiving fails") < outcome.message.find("archive_timeout"));
  CHECK(says(outcome, "no base backup"));
}

TEST_CASE("backup: segment sizes other than 16 MB") {
  for (std::uint64_t segment_size : {std::uint64_t{1} << 20, std::uint64_t{1} << 30}) {
    CAPTURE(segment_size);
    FakeWorld world;
    Source source;
    source.segment_size = std::to_string(segment_size);
    source.last = segment_name({1, 6}, segment_size);
    serve(world, source);
    for (std::uint64_t number : {3, 4, 5, 6}) world.files.add(segment_name({1, number}, segment_size), segment_size);
    const Outcome outcome = world.run(*probe_of("backup", listed));
    CHECK(outcome.outcome == Health::degraded);  // only the base backup is wanting
    CHECK(safe(outcome) == 7 * segment_size);
  }
}

TEST_CASE("backup: an empty archive") {
  FakeWorld world;
  Source fresh;
  fresh.last = std::nullopt;
  serve(world, fresh);
  const Outcome outcome = world.run(*probe_of("backup", listed));
  CHECK(outcome.outcome == Health::degraded);
  CHECK(says(outcome, "no segment yet"));
  CHECK_FALSE(outcome.recovery->safe);
  serve(world, {});
  CHECK(world.run(*probe_of("backup", listed)).outcome == Health::down);  // what it claims is not there
}

TEST_CASE("backup: without an archive to list, claims are taken as claims") {
  FakeWorld world;
  serve(world, {});
  const Outcome outcome = world.run(*probe_of("backup", unlisted));
  CHECK(outcome.outcome == Health::up);
  CHECK(says(outcome, "as the archiver says"));
  CHECK(safe(outcome) == 8 * size);
  CHECK(outcome.recovery->time == *parse_time("2026-03-01T01:59:50Z"));
  CHECK(outcome.recovery->continuous);

  Source s;
  s.last = name(4) + ".00000028.backup";
  serve(world, s);
  CHECK(safe(world.run(*probe_of("backup", unlisted))) == 5 * size);
  s.last = name(5) + ".partial";
  serve(world, s);
  CHECK(safe(world.run(*probe_of("backup", unlisted))) == 5 * size);
  s.last = "00000002.history";
  serve(world, s);
  CHECK_FALSE(world.run(*probe_of("backup", unlisted)).recovery);
  s = {};
  s.command = ":";  // its claims prove nothing
  serve(world, s);
  const Outcome lying = world.run(*probe_of("backup", unlisted));
  CHECK(lying.outcome == Health::down);
  REQUIRE(lying.recovery);
  CHECK_FALSE(lying.recovery->safe);
  CHECK_FALSE(lying.recovery->time);
  CHECK(lying.recovery->failing);
}

TEST_CASE("backup: the database is away, the archive still tells what it holds") {
  FakeWorld world;
  world.postgres.refuses = failure(Reason::connect, "ECONNREFUSED", "connection refused by 127.0.0.1:5432");
  hold(world, {3, 4, 5, 6, 7});
  base(world, 3);
  const Outcome outcome = world.run(*probe_of("backup", listed));
  CHECK(outcome.outcome == Health::unknown);
  CHECK(outcome.reason == Reason::connect);
  CHECK(outcome.code == "ECONNREFUSED");
  CHECK(safe(outcome) == 8 * size);
  CHECK(says(outcome, "restored up to " + name(7)));

  const Outcome blind = world.run(*probe_of("backup", unlisted));
  CHECK(blind.outcome == Health::unknown);
  CHECK_FALSE(blind.recovery);

  FakeWorld compressed;  // nothing tells the size of a segment before the database was once asked
  const auto probe = probe_of("backup", listed);
  compressed.files.add(name(3) + ".gz", 100);
  compressed.postgres.refuses = world.postgres.refuses;
  CHECK_FALSE(compressed.run(*probe).recovery);
  compressed.postgres.refuses.reset();
  Source source;
  source.last = name(3);
  serve(compressed, source);
  compressed.run(*probe);
  compressed.postgres.refuses = world.postgres.refuses;
  CHECK(safe(compressed.run(*probe)) == 4 * size);
}

TEST_CASE("backup: the archive can't be listed") {
  FakeWorld world;
  serve(world, {});
  world.files.unlistable = failure(Reason::internal, "EACCES", "/srv/wal: permission denied");
  const auto probe = probe_of("backup", listed);
  const Outcome outcome = world.run(*probe);
  CHECK(outcome.outcome == Health::unknown);
  CHECK(outcome.code == "EACCES");
  CHECK_FALSE(outcome.recovery);
  Source source;
  source.failing = "t";
  serve(world, source);
  const Outcome failing = world.run(*probe);  // what the source says needs no listing
  CHECK(failing.outcome == Health::down);
  REQUIRE(failing.recovery);
  CHECK(failing.recovery->failing);
  CHECK_FALSE(failing.recovery->safe);
}

TEST_CASE("backup: an archive that was read to its end and holds nothing says so, with the database away and after a restart as well") {
  FakeWorld world;
  Source source;
  serve(world, source);
  hold(world, {3, 4, 5, 6, 7});
  base(world, 3);
  auto probe = probe_of("backup", listed);
  const Outcome before = world.run(*probe);
  CHECK(before.recovery->whole);
  CHECK(before.recovery->safe);
  const auto full = world.files.entries;
  const auto nothing_left = [](const Outcome& outcome) {
    REQUIRE(outcome.recovery);
    CHECK(outcome.recovery->whole);
    CHECK_FALSE(outcome.recovery->safe);
    CHECK_FALSE(outcome.recovery->time);
  };
  SUBCASE("emptied") {
    world.files.entries.clear();
    const Outcome outcome = world.run(*probe);
    CHECK(outcome.outcome == Health::down);  // claims what is not there
    nothing_left(outcome);
  }
  SUBCASE("the folder itself is gone") {
    world.files.unlistable = failure(Reason::absent, "ENOENT", "/srv/wal: no such file or directory");
    const Outcome outcome = world.run(*probe);
    CHECK(outcome.outcome == Health::down);
    CHECK(says(outcome, "the archive's folder is not there"));
    nothing_left(outcome);
  }
  SUBCASE("emptied, and new segments arrive that no base backup leads to") {
    world.files.entries.clear();
    hold(world, {7});
    SUBCASE("seen by the same probe") {}
    SUBCASE("drwatch was restarted meanwhile") {
      probe = probe_of("backup", listed);
      probe->recall(*before.memory);
    }
    const Outcome outcome = world.run(*probe);
    CHECK(outcome.outcome == Health::down);
    CHECK(says(outcome, "is gone from it: nothing can be restored"));
    nothing_left(outcome);
    CHECK(world.run(*probe_of("backup", listed)).recovery->safe);  // without a memory nobody knows that there ever was one
  }
  SUBCASE("the database is gone as well") {
    world.files.entries.clear();
    world.postgres.refuses = failure(Reason::connect, "ECONNREFUSED", "connection refused");
    SUBCASE("seen by the same probe") {}
    SUBCASE("drwatch was restarted meanwhile, without a memory") { probe = probe_of("backup", listed); }
    const Outcome outcome = world.run(*probe);
    CHECK(outcome.outcome == Health::unknown);
    nothing_left(outcome);
  }
  SUBCASE("what can't be read is not gone") {
    probe = probe_of("backup", listed);
    world.files.texts.clear();  // of the .backup file
    const Outcome outcome = world.run(*probe);
    CHECK_FALSE(outcome.recovery->whole);
  }
}

TEST_CASE("backup: a standby can't speak for the primary") {
  FakeWorld world;
  Source source;
  source.standby = "t";
  serve(world, source);
  hold(world, {3, 4});
  base(world, 3);
  const auto probe = probe_of("backup", listed);
  CHECK(world.run(*probe).outcome == Health::unknown);
  CHECK(safe(world.run(*probe)) == 5 * size);
  source.mode = "always";  // it archives by itself
  source.last = name(4);
  serve(world, source);
  CHECK(world.run(*probe).outcome == Health::up);
}

TEST_CASE("backup: the account can't be read") {
  FakeWorld world;
  world.postgres.fail("pg_stat_archiver", "57014", "canceling statement due to statement timeout");
  const Outcome outcome = world.run(*probe_of("backup", unlisted));
  CHECK(outcome.outcome == Health::unknown);
  CHECK(outcome.code == "57014");
  FakeWorld odd;
  CHECK(odd.run(*probe_of("backup", unlisted)).reason == Reason::protocol);
}

TEST_CASE("commands that archive nothing, and what of a command may be shown") {
  for (const char* command :
       {"true", "/bin/true", "/usr/bin/true", ":", "exit 0", " /bin/true ", "true %p", "/bin/true # off", "true;", ": ;"})
    CHECK_MESSAGE(is_no_op(command), command);
  for (const char* command :
       {"", "cp %p /a/%f", "true && cp %p /a/%f", "test ! -f /a/%f && cp %p /a/%f", "exit 1", "false", "truely", ": > x", "/opt/true"})
    CHECK_FALSE_MESSAGE(is_no_op(command), command);
  CHECK(command_name("/usr/bin/pgbackrest --stanza=main archive-push %p") == "pgbackrest");
  CHECK(command_name("AWS_SECRET=hunter2 wal-g wal-push %p") == "a command that sets variables");
  CHECK(command_name("'/my tools/x'").find("tools") == std::string::npos);
  CHECK(command_name("") == "");
}

TEST_CASE("backup: what the configuration must not say") {
  CHECK_FALSE(problems_of("backup", "reads = \"pgbackrest\"\ndsn = \"host=x\"").empty());
  CHECK_FALSE(problems_of("backup", "dsn = \"host=x\"").empty());
  CHECK_FALSE(problems_of("backup", "reads = \"pg_stat_archiver\"").empty());
  CHECK(problems_of("backup", listed).empty());
}

}  // namespace backup_test
