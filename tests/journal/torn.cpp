// SPDX-License-Identifier: Apache-2.0
// Files that lost a part: at rest, where what can be read goes on, and under a daemon that runs, which must not say that it wrote.
#include "daemon/journal/database.hpp"
#include "daemon/journal/reading.hpp"
#include "tests/journal/bench.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <sstream>

namespace torn_test {

using namespace drwatch;
using namespace drwatch::journal_tests;
using journal::Database;
namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t page = 4096;

std::string bytes_of(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

std::string kept_aside(const Folder& folder) {
  std::string found;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    const std::string name = entry.path().string();
    if (name.find(".damaged-") == std::string::npos || name.ends_with("-wal") || name.ends_with("-shm")) continue;
    CHECK(found.empty());
    found = name;
  }
  return found;
}

// Events that could be read one by one, past the checks of the chain.
std::uint64_t readable(const std::string& path) {
  std::uint64_t count = 0;
  try {
    read_journal(path, [&](const Event&) { ++count; });
  } catch (const std::runtime_error&) {
  }
  return count;
}

void fill(const std::string& path, std::uint64_t count) {
  boost::asio::io_context loop;
  auto opened = open(path, loop);
  for (std::uint64_t seq = 1; seq <= count; seq += 8) {
    JournalWrite write{events(seq, std::min(seq + 7, count)),
                       {{"alive_at", "2026-03-01T02:13:00Z"}, {"probe/" + std::to_string(seq), "{}"}}};
    REQUIRE(write_durably(*opened.journal, loop, std::move(write)));
  }
  opened.journal->snapshot(count, "{\"text\":\"" + std::string(9000, 's') + "\"}");
  opened.journal->close();
}

}  // namespace

TEST_CASE("a file that lost its last pages goes on with all that can be read, and is kept as it was found") {
  for (const std::uintmax_t lost : {page, page + 100, 2 * page, 3 * page, 4 * page, 12 * page}) {
    CAPTURE(lost);
    const Folder folder;
    const std::string path = folder / "journal.db";
    fill(path, 416);
    REQUIRE_FALSE(fs::exists(path + "-wal"));
    fs::resize_file(path, fs::file_size(path) - lost);
    const std::string torn = bytes_of(path);
    const std::uint64_t left = readable(path);
    CHECK(left >= (lost <= 4 * page ? 370 : 200));
    if (lost == page) CHECK(left == 416);

    const auto verdict = verify_journal(path);
    REQUIRE(verdict.broken);
    CHECK(verdict.broken->seq == left + 1);
    CHECK(verdict.last_seq == left);
    CHECK(verdict.events == left);
    CHECK_THROWS_WITH_AS(read_journal(path, [](const Event&) {}), doctest::Contains("journal verify"), std::runtime_error);

    boost::asio::io_context loop;
    auto opened = open(path, loop);
    CHECK(opened.contents.last_seq == left);
    CHECK(opened.contents.notice.find("of its ") != std::string::npos);
    CHECK(opened.contents.notice.find("events 1 to " + std::to_string(left) + " are good") != std::string::npos);
    if (left < 416)
      CHECK_MESSAGE(opened.contents.notice.find(std::to_string(left + 1) + " to 416 cannot be read") != std::string::npos,
                    opened.contents.notice);
    if (lost == page) CHECK(opened.contents.kept.at("alive_at") == "2026-03-01T02:13:00Z");
    const std::string aside = kept_aside(folder);
    CHECK(opened.contents.notice.find(aside) != std::string::npos);
    CHECK(bytes_of(aside) == torn);

    CHECK(write_durably(*opened.journal, loop, {events(left + 1, left + 3), {}}));
    opened.journal->close();
    const auto after = verify_journal(path);
    CHECK_FALSE(after.broken);
    CHECK(after.events == left + 3);
    CHECK(open(path, loop).contents.notice == "");
  }
}

TEST_CASE("what a journal says of itself, or a table beside it, may be lost; its events go on, and nobody is told that none are missing") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  make_journal(path, 40);
  std::string spoil, said;
  std::uint64_t left = 40;
  SUBCASE("all of it") {
    spoil = "DELETE FROM meta";
    said = "where the chain begins";
  }
  SUBCASE("the newest event's place, and the newest events") {
    spoil = "DELETE FROM meta WHERE key = 'head'; DELETE FROM events WHERE seq > 30";
    said = "which event was the newest";
    left = 30;
  }
  SUBCASE("the newest event's place is no place") {
    spoil = "UPDATE meta SET value = 'rubbish' WHERE key = 'head'";
    said = "which event was the newest";
  }
  SUBCASE("the table of snapshots") {
    spoil = "DROP TABLE snapshot";
    said = "no such table: snapshot";
  }
  SUBCASE("the table") {
    spoil = "DROP TABLE meta";
    said = "cannot be read";
  }
  Database(path, Database::Mode::write).run(spoil);
  const auto verdict = verify_journal(path);
  REQUIRE(verdict.broken);
  CHECK(verdict.broken->seq == left + 1);
  CHECK_MESSAGE(verdict.broken->message.find(said) != std::string::npos, verdict.broken->message);
  boost::asio::io_context loop;
  auto opened = open(path, loop);
  CHECK(opened.contents.last_seq == left);
  CHECK(opened.contents.kept.size() == 2);
  CHECK(opened.contents.notice.find(said) != std::string::npos);
  CHECK(write_durably(*opened.journal, loop, {events(left + 1, left + 1), {}}));
  opened.journal->close();
  CHECK_FALSE(verify_journal(path).broken);
}

TEST_CASE("a snapshot that was tampered with is found by verify, said at the start, and gone then") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  boost::asio::io_context loop;
  {
    auto opened = open(path, loop);
    opened.journal->write({events(1, 20), {}}, {});
    opened.journal->snapshot(10, R"({"state":"as of ten"})");
  }
  CHECK_FALSE(verify_journal(path).broken);
  std::string spoil;
  SUBCASE("its text") { spoil = "UPDATE snapshot SET text = '{\"state\":\"as of nine\"}'"; }
  SUBCASE("its event") { spoil = "UPDATE snapshot SET seq = 12"; }
  SUBCASE("an event that is not there") { spoil = "UPDATE snapshot SET seq = 21"; }
  Database(path, Database::Mode::write).run(spoil);
  const auto verdict = verify_journal(path);
  REQUIRE(verdict.broken);
  CHECK(verdict.broken->message.find("the snapshot is not the one that was written") != std::string::npos);
  CHECK(verdict.last_seq == 20);
  {
    const auto opened = open(path, loop);
    CHECK(opened.contents.events.size() == 20);
    CHECK(opened.contents.notice.find("the snapshot in the journal") != std::string::npos);
  }
  CHECK(kept_aside(folder) == "");
  CHECK_FALSE(verify_journal(path).broken);
}

TEST_CASE("a journal that is gone is missed by what it left behind") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  boost::asio::io_context loop;
  CHECK(open(path, loop).contents.notice == "");
  make_journal(path, 4);
  std::string kept;
  SUBCASE("only its lock is there") { fs::remove(path); }
  SUBCASE("its write-ahead log as well") {
    fs::remove(path);
    kept = "the log";
    std::ofstream(path + "-wal") << kept;
  }
  SUBCASE("its file is empty") { fs::resize_file(path, 0); }
  auto opened = open(path, loop);
  CHECK(opened.contents.events.empty());
  CHECK(opened.contents.notice.find(path) != std::string::npos);
  CHECK(opened.contents.notice.find("knows nothing of what was before") != std::string::npos);
  if (!kept.empty()) {
    const auto at = opened.contents.notice.find(path + ".damaged-");
    REQUIRE(at != std::string::npos);
    CHECK(bytes_of(opened.contents.notice.substr(at, opened.contents.notice.find(";", at) - at)) == kept);
  }
  CHECK(write_durably(*opened.journal, loop, {events(1, 2), {}}));
  opened.journal->close();
  CHECK(open(path, loop).contents.notice == "");
}

namespace {

// A daemon's journal, of which somebody takes a part while it is open.
struct Running {
  explicit Running(const Folder& folder) : path(folder / "journal.db"), opened(open(path, loop)) {
    opened.journal->on_health([this](const std::string& text) { said.push_back(text); });
    write(400);
    // What was written so far is in the file, what comes now is in the write-ahead log.
    Database(path, Database::Mode::write).checkpoint(false);
    write(10);
    REQUIRE(all_durable());
  }
  void write(int count) {
    for (int i = 0; i < count; ++i) {
      ++seq;
      opened.journal->write({{event(seq)}, {{"alive_at", std::to_string(seq)}}}, [this, here = seq] { durable = here; });
    }
    if (said.empty()) REQUIRE(all_durable());
  }
  bool all_durable() {
    return turn_until(loop, [this] { return durable == seq; });
  }
  std::string path;
  boost::asio::io_context loop;
  Opened opened;
  std::uint64_t seq = 0, durable = 0;
  std::vector<std::string> said;
};

}  // namespace

TEST_CASE("a file that is cut while drwatch runs is not said to hold anything any more") {
  const Folder folder;
  Running r(folder);
  SUBCASE("to nothing") { fs::resize_file(r.path, 0); }
  SUBCASE("to its first page") { fs::resize_file(r.path, page); }
  SUBCASE("in the middle") { fs::resize_file(r.path, fs::file_size(r.path) / 2); }
  r.said.emplace_back("");  // do not wait for the disk
  r.write(3);
  REQUIRE(turn_until(r.loop, [&] { return r.said.size() > 1; }));
  CHECK_MESSAGE(r.said[1].find("cut while drwatch runs") != std::string::npos, r.said[1]);
  turn_until(r.loop, [] { return false; }, seconds{1});
  CHECK(r.durable == 410);
  CHECK(r.said.size() == 2);
  r.opened.journal->close();
  CHECK(r.opened.journal->waiting() == 3);
  CHECK(fs::file_size(r.path + "-wal") > 0);
}

TEST_CASE("a file of which only that was cut which its write-ahead log has as well is whole again") {
  const Folder folder;
  Running r(folder);
  fs::resize_file(r.path, fs::file_size(r.path) - 1);  // of the newest page, on which the newest events lie
  r.said.emplace_back("");
  r.write(3);
  REQUIRE(r.all_durable());
  r.opened.journal->close();
  CHECK_FALSE(verify_journal(r.path).broken);
  CHECK(verify_journal(r.path).last_seq == 413);
}

TEST_CASE("a write-ahead log that is emptied or deleted while drwatch runs is written again") {
  const Folder folder;
  Running r(folder);
  SUBCASE("emptied") { fs::resize_file(r.path + "-wal", 0); }
  SUBCASE("cut") { fs::resize_file(r.path + "-wal", fs::file_size(r.path + "-wal") / 2); }
  SUBCASE("deleted") { fs::remove(r.path + "-wal"); }
  r.said.emplace_back("");
  r.write(3);
  REQUIRE(r.all_durable());
  CHECK(turn_until(r.loop, [&] { return r.said.size() == 3; }));  // that it failed, and that it is well
  CHECK(r.said.back() == "");
  // As after a power cut in this moment: what was said to be durable is there.
  const std::string copy = folder / "copy.db";
  fs::copy_file(r.path, copy);
  if (fs::exists(r.path + "-wal")) fs::copy_file(r.path + "-wal", copy + "-wal");
  boost::asio::io_context loop;
  const auto there = open(copy, loop);
  CHECK(there.contents.notice == "");
  CHECK(there.contents.last_seq == 413);
  CHECK(there.contents.kept.at("alive_at") == "413");
}

TEST_CASE("what another program does to the file with good right is no damage") {
  const Folder folder;
  Running r(folder);
  SUBCASE("a checkpoint that empties the log") { Database(r.path, Database::Mode::write).checkpoint(true); }
  SUBCASE("a file that is made smaller") {
    Database other(r.path, Database::Mode::write);
    other.run("CREATE TABLE scratch (a); INSERT INTO scratch SELECT zeroblob(4000) FROM events");
    other.checkpoint(true);
    r.write(1);
    other.run("DROP TABLE scratch");
    other.run("VACUUM");
    other.checkpoint(true);
  }
  r.write(3);
  CHECK(r.said.empty());
  r.opened.journal->close();
  CHECK(verify_journal(r.path).last_seq == r.seq);
}

TEST_CASE("a journal that is gone when drwatch ends: what was never written is known") {
  const Folder folder;
  Running r(folder);
  CHECK(r.opened.journal->waiting() == 0);
  fs::remove(r.path);
  r.said.emplace_back("");
  r.write(5);
  r.opened.journal->close();
  CHECK(r.opened.journal->waiting() == 5);
  CHECK(fs::exists(r.path + "-wal"));  // all that is left of it
}

}  // namespace torn_test
