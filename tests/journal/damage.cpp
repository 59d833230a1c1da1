// SPDX-License-Identifier: Apache-2.0
// Tampered and torn files: the place is named, the damaged file is kept, the good part goes on.
#include "daemon/journal/database.hpp"
#include "tests/journal/bench.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <random>

namespace damage_test {

using namespace drwatch;
using namespace drwatch::journal_tests;
using journal::Database;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> kept_aside(const Folder& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    const std::string name = entry.path().string();
    if (name.find(".damaged-") != std::string::npos && !name.ends_with("-wal") && !name.ends_with("-shm")) files.push_back(name);
  }
  return files;
}

}  // namespace

TEST_CASE("tampering is found, with the event") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  make_journal(path, 40);
  std::string spoil;
  std::uint64_t place = 17;
  SUBCASE("one byte of an event's text") { spoil = "UPDATE events SET json = replace(json, 'refused', 'rebused') WHERE seq = 17"; }
  SUBCASE("a hash") { spoil = "UPDATE events SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE seq = 17"; }
  SUBCASE("an event removed") { spoil = "DELETE FROM events WHERE seq = 17"; }
  SUBCASE("several removed") { spoil = "DELETE FROM events WHERE seq BETWEEN 17 AND 20"; }
  SUBCASE("a column that disagrees") { spoil = "UPDATE events SET kind = 'incident.opened' WHERE seq = 17"; }
  SUBCASE("the beginning removed") {
    spoil = "DELETE FROM events WHERE seq < 5";
    place = 1;
  }
  SUBCASE("the end cut off") {
    spoil = "DELETE FROM events WHERE seq > 30";
    place = 31;
  }
  SUBCASE("the newest event written anew") {
    spoil = "UPDATE events SET hash = 'a' WHERE seq = 40";
    place = 40;
  }
  SUBCASE("an event added in between") {
    place = 18;
    spoil =
        "UPDATE events SET seq = seq + 100 WHERE seq > 16; UPDATE events SET seq = seq - 99 WHERE seq > 100;"
        "INSERT INTO events SELECT 17, at, kind, version, json, hash FROM events WHERE seq = 18";
  }
  Database(path, Database::Mode::write).run(spoil);

  const auto verdict = verify_journal(path);
  REQUIRE(verdict.broken);
  CHECK(verdict.broken->seq == place);
  CHECK(verdict.last_seq == place - 1);

  boost::asio::io_context loop;
  auto opened = open(path, loop);
  CHECK(opened.contents.last_seq == place - 1);
  CHECK(opened.contents.events.size() == place - 1);
  CHECK(opened.contents.kept.at("alive_at") == "2026-03-01T02:13:00Z");
  CHECK(opened.contents.notice.find("was damaged (") != std::string::npos);
  const auto aside = kept_aside(folder);
  REQUIRE(aside.size() == 1);
  CHECK(opened.contents.notice.find(aside[0]) != std::string::npos);
  CHECK(verify_journal(aside[0]).broken->seq == place);  // kept as it was

  CHECK(write_durably(*opened.journal, loop, {events(place, place + 2), {}}));  // and on it goes
  opened.journal->close();
  const auto after = verify_journal(path);
  CHECK_FALSE(after.broken);
  CHECK(after.last_seq == place + 2);
  CHECK(open(path, loop).contents.notice == "");
}

TEST_CASE("a break before the snapshot takes the snapshot with it") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  boost::asio::io_context loop;
  {
    auto opened = open(path, loop);
    opened.journal->write({events(1, 20), {}}, {});
    opened.journal->snapshot(10, "{}");
  }
  SUBCASE("before") {
    Database(path, Database::Mode::write).run("UPDATE events SET json = '{}' WHERE seq = 6");
    const auto contents = open(path, loop).contents;
    CHECK_FALSE(contents.snapshot);
    CHECK(contents.events.size() == 5);
  }
  SUBCASE("after") {
    Database(path, Database::Mode::write).run("UPDATE events SET json = '{}' WHERE seq = 16");
    const auto contents = open(path, loop).contents;
    REQUIRE(contents.snapshot);
    CHECK(contents.events.size() == 5);
    CHECK(open(path, loop).contents.snapshot);  // it went over into the new file
  }
}

TEST_CASE("a file torn anywhere never takes the daemon with it") {
  std::mt19937_64 random(20260301);
  int kept = 0, whole = 0;
  for (int round = 0; round < 42; ++round) {
    CAPTURE(round);
    const Folder folder;
    const std::string path = folder / "journal.db";
    const Folder live;
    {  // copied while it is open: with a write-ahead log, as after a power cut
      boost::asio::io_context loop;
      auto opened = open(live / "journal.db", loop);
      REQUIRE(write_durably(*opened.journal, loop, {events(1, 200), {{"a", "b"}}}));
      fs::copy_file(live / "journal.db-wal", path + "-wal-first");
      Database(live / "journal.db", Database::Mode::write).checkpoint(false);
      REQUIRE(write_durably(*opened.journal, loop, {events(201, 260), {{"a", "c"}}}));
      fs::copy_file(live / "journal.db", path);
      fs::copy_file(live / "journal.db-wal", path + "-wal");
    }
    fs::remove(path + "-wal-first");
    const std::string victim = round % 2 == 0 ? path : path + "-wal";
    const auto size = fs::file_size(victim);
    if (round % 3 == 0) {
      fs::resize_file(victim, random() % (size + 1));
    } else if (round % 3 == 1) {  // a stretch of zeros
      std::fstream file(victim, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(random() % size));
      const std::string zeros(1 + random() % 4096, '\0');
      file.write(zeros.data(), static_cast<std::streamsize>(zeros.size()));
    } else {  // a few wrong bytes
      std::fstream file(victim, std::ios::in | std::ios::out | std::ios::binary);
      for (int i = 0; i < 3; ++i) {
        file.seekp(static_cast<std::streamoff>(random() % size));
        file.put(static_cast<char>(random()));
      }
    }
    boost::asio::io_context loop;
    auto opened = open(path, loop);
    const auto& contents = opened.contents;
    CHECK(contents.events.size() == contents.last_seq);
    for (const auto& e : contents.events) CHECK(to_json(e) == to_json(event(e.seq)));
    if (contents.notice.empty()) {
      ++whole;
    } else {
      ++kept;
      CHECK(kept_aside(folder).size() == 1);
    }
    CHECK(write_durably(*opened.journal, loop, {{event(contents.last_seq + 1)}, {}}));
    opened.journal->close();
    const auto verdict = verify_journal(path);
    CHECK_FALSE(verdict.broken);
    CHECK(verdict.last_seq == contents.last_seq + 1);
  }
  CHECK(kept > 5);   // the damage was real ...
  CHECK(whole > 5);  // ... and a write-ahead log that ends early is no damage
}

TEST_CASE("what is no database at all is kept aside") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  std::ofstream(path) << "rubbish that is longer than a page header\n" << std::string(5000, 'x');
  boost::asio::io_context loop;
  auto opened = open(path, loop);
  CHECK(opened.contents.events.empty());
  CHECK(opened.contents.notice.find("nothing of it could be read") != std::string::npos);
  REQUIRE(kept_aside(folder).size() == 1);
  CHECK(fs::file_size(kept_aside(folder)[0]) == 5042);
  CHECK(write_durably(*opened.journal, loop, {events(1, 2), {}}));
}

TEST_CASE("a crash in the middle of putting a damaged journal aside is made up for") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  boost::asio::io_context loop;
  SUBCASE("between the renames") {
    make_journal(path + ".salvaged", 12);
    fs::remove(path + ".salvaged.lock");
    std::ofstream(path + "-wal") << "the write-ahead log of the damaged file";
    auto opened = open(path, loop);
    CHECK(opened.contents.last_seq == 12);
    CHECK(opened.contents.notice == "");
    CHECK_FALSE(fs::exists(path + ".salvaged"));
  }
  SUBCASE("between them, with the damaged file put aside and its log not yet") {
    make_journal(path + ".salvaged", 12);
    fs::remove(path + ".salvaged.lock");
    const std::string aside = path + ".damaged-20260301T021000Z";
    std::ofstream(path + ".damaged-20260201T000000Z") << "an older one";
    std::ofstream(aside) << "the damaged file";
    std::ofstream(path + "-wal") << "the write-ahead log of the damaged file";
    CHECK(open(path, loop).contents.last_seq == 12);
    CHECK(fs::exists(aside + "-wal"));  // the evidence stays together
    CHECK_FALSE(fs::exists(path + ".damaged-20260201T000000Z-wal"));
  }
  SUBCASE("before them") {
    make_journal(path, 5);
    make_journal(path + ".salvaged", 3);
    std::ofstream(path + ".salvaging") << "half";
    auto opened = open(path, loop);
    CHECK(opened.contents.last_seq == 5);
    CHECK_FALSE(fs::exists(path + ".salvaged"));
  }
}

TEST_CASE("a torn file is a broken one to verify, and read_journal says what to do") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  make_journal(path, 400);
  fs::resize_file(path, fs::file_size(path) / 2);
  const auto verdict = verify_journal(path);
  REQUIRE(verdict.broken);
  CHECK(verdict.broken->seq == verdict.last_seq + 1);
  CHECK_THROWS_WITH_AS(read_journal(path, [](const Event&) {}), doctest::Contains("journal verify"), std::runtime_error);
}

}  // namespace damage_test
