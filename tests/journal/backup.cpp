// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/backup.hpp"
#include "daemon/journal/database.hpp"
#include "tests/journal/bench.hpp"
#include "tests/journal/faulty_disk.hpp"

#include <doctest/doctest.h>

#include <fstream>

namespace backup_test {

using namespace drwatch;
using namespace drwatch::journal_tests;
namespace fs = std::filesystem;

TEST_CASE("a copy that is made while the daemon writes is one moment of the journal, in one file, and goes on as a journal") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  boost::asio::io_context loop;
  auto opened = open(path, loop);
  std::uint64_t seq = 0, durable = 0;
  for (int round = 1; round <= 8; ++round) {
    for (int i = 0; i < 40; ++i) {
      ++seq;
      opened.journal->write({{event(seq)}, {{"alive_at", std::to_string(seq)}}}, [&durable, seq] { durable = seq; });
    }
    loop.restart();
    loop.poll();
    const auto before = durable;
    const std::string copy = folder / ("copy-" + std::to_string(round) + ".db");
    const auto verdict = backup_journal(path, copy);
    CHECK_FALSE(verdict.broken);
    CHECK(verdict.last_seq >= before);
    CHECK_FALSE(fs::exists(copy + "-wal"));
    CHECK_FALSE(fs::exists(copy + ".part"));
    CHECK((fs::status(copy).permissions() & fs::perms::others_all) == fs::perms::none);
    boost::asio::io_context other;
    const auto goes_on = open(copy, other);
    CHECK(goes_on.contents.notice == "");
    CHECK(goes_on.contents.last_seq == verdict.last_seq);
    // Events and the kept values of the same commits.
    if (verdict.last_seq > 0) CHECK(goes_on.contents.kept.at("alive_at") == std::to_string(verdict.last_seq));
    CHECK(write_durably(*goes_on.journal, other, {{event(verdict.last_seq + 1)}, {}}));
  }
  CHECK(turn_until(loop, [&] { return durable == seq; }));
  CHECK_FALSE(verify_journal(path).broken);
}

TEST_CASE("a copy is refused where it would take the place of something, or copy what is damaged") {
  const Folder folder;
  const std::string path = folder / "journal.db", copy = folder / "copy.db";
  make_journal(path, 400);
  SUBCASE("the file is there") {
    std::ofstream(copy) << "mine";
    CHECK_THROWS_WITH_AS(backup_journal(path, copy), doctest::Contains("is there already"), std::runtime_error);
    CHECK(fs::file_size(copy) == 4);
  }
  SUBCASE("there is no such folder") {
    CHECK_THROWS_WITH_AS(backup_journal(path, folder / "no/copy.db"), doctest::Contains("cannot write"), std::runtime_error);
  }
  SUBCASE("there is no journal") {
    CHECK_THROWS_WITH_AS(backup_journal(folder / "no.db", copy), doctest::Contains("there is no journal"), std::runtime_error);
  }
  SUBCASE("the journal is torn") {
    fs::resize_file(path, fs::file_size(path) - 4096);
    CHECK_THROWS_WITH_AS(backup_journal(path, copy), doctest::Contains("is damaged"), std::runtime_error);
    CHECK_FALSE(fs::exists(copy));
  }
  CHECK_FALSE(fs::exists(copy + ".part"));
}

TEST_CASE("a copy that another backup is at is let be") {
  const Folder folder;
  const std::string path = folder / "journal.db", copy = folder / "copy.db";
  make_journal(path, 4);
  std::ofstream(copy + ".part") << "half";
  CHECK_THROWS_WITH_AS(backup_journal(path, copy), doctest::Contains("another backup is at it"), std::runtime_error);
  CHECK(fs::file_size(copy + ".part") == 4);
  CHECK_FALSE(fs::exists(copy));
}

TEST_CASE("a journal whose chain does not hold is not copied") {
  const Folder folder;
  const std::string path = folder / "journal.db", copy = folder / "copy.db";
  make_journal(path, 4);
  journal::Database(path, journal::Database::Mode::write).run("UPDATE events SET json = replace(json, 'refused', 'rebused') WHERE seq = 3");
  CHECK_THROWS_WITH_AS(backup_journal(path, copy), doctest::Contains("broken at event 3"), std::runtime_error);
  CHECK_FALSE(fs::exists(copy));
  CHECK_FALSE(fs::exists(copy + ".part"));
}

TEST_CASE("a daemon that begins to write while the copy is made: it is made again") {
  const Folder folder;
  const std::string path = folder / "journal.db", copy = folder / "copy.db";
  make_journal(path, 400);
  FaultyDisk disk;
  boost::asio::io_context loop;
  Opened daemon;
  disk.before_next_write([&] {
    daemon = open(path, loop);
    write_durably(*daemon.journal, loop, {{event(401)}, {}});
  });
  const auto verdict = backup_journal(path, copy);
  REQUIRE(daemon.journal);
  CHECK_FALSE(verdict.broken);
  CHECK(verdict.last_seq == 401);
  CHECK(verify_journal(copy).last_seq == 401);
}

}  // namespace backup_test
