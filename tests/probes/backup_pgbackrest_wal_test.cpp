// SPDX-License-Identifier: Apache-2.0
// Repositories of pgBackRest: the write-ahead log in them.
#include "tests/probes/pgbackrest_repository.hpp"

#include <doctest/doctest.h>

namespace backup_pgbackrest_test {

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

}  // namespace backup_pgbackrest_test
