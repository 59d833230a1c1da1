// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/database.hpp"
#include "tests/journal/bench.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>

#include <sys/wait.h>
#include <unistd.h>

namespace round_trip_test {

using namespace drwatch;
using namespace drwatch::journal_tests;
using journal::Database;

TEST_CASE("what was written is read again, in order and whole") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  Event odd = event(3, "a quote ' a nul \x01 and umlauts äöü");
  odd.by = "oncall";
  odd.incident = "20260301-0211-database-outage";
  odd.version = 2;
  odd.body = Body::of(Json{{"list", {1, 2.5, nullptr, true}}, {"deep", {{"er", Json::object()}}}});
  {
    boost::asio::io_context loop;
    auto opened = open(path, loop);
    CHECK(opened.contents.events.empty());
    CHECK(opened.contents.last_seq == 0);
    CHECK(opened.contents.notice == "");
    CHECK(write_durably(*opened.journal, loop, {events(1, 2), {{"a", "1"}, {"b", "2"}}}));
    CHECK(write_durably(*opened.journal, loop, {{odd}, {{"a", ""}, {"b", "3"}, {"c", "4"}}}));
    CHECK(opened.journal->waiting() == 0);
    opened.journal->close();
  }
  boost::asio::io_context loop;
  auto opened = open(path, loop);
  REQUIRE(opened.contents.events.size() == 3);
  CHECK(opened.contents.last_seq == 3);
  CHECK(to_json(opened.contents.events[0]) == to_json(event(1)));
  CHECK(to_json(opened.contents.events[2]) == to_json(odd));
  CHECK(opened.contents.kept == std::map<std::string, std::string>{{"b", "3"}, {"c", "4"}});
  const auto verdict = verify_journal(path);
  CHECK(verdict.events == 3);
  CHECK(verdict.first_seq == 1);
  CHECK(verdict.last_seq == 3);
  CHECK(verdict.last_hash.size() == 64);
  CHECK_FALSE(verdict.broken);
}

TEST_CASE("text that is not UTF-8 is kept as far as it can be") {
  const Folder folder;
  boost::asio::io_context loop;
  auto opened = open(folder / "journal.db", loop);
  CHECK(write_durably(*opened.journal, loop, {{event(1, "bad \xff\xfe bytes")}, {}}));
  std::string message;
  read_journal(folder / "journal.db", [&](const Event& e) { message = e.message; });
  CHECK(message == "bad \xef\xbf\xbd\xef\xbf\xbd bytes");
  CHECK_FALSE(verify_journal(folder / "journal.db").broken);
}

TEST_CASE("many writes share a commit, and each hears of it in order") {
  const Folder folder;
  boost::asio::io_context loop;
  auto opened = open(folder / "journal.db", loop);
  std::size_t commits = 0, committed = 0;
  opened.journal->on_commit([&](Duration took, std::size_t count) {
    ++commits;
    committed += count;
    CHECK(took >= Duration{0});
  });
  std::vector<std::uint64_t> heard;
  for (std::uint64_t seq = 1; seq <= 3000; ++seq) opened.journal->write({{event(seq)}, {}}, [&heard, seq] { heard.push_back(seq); });
  CHECK(turn_until(loop, [&] { return heard.size() == 3000; }));
  CHECK(std::is_sorted(heard.begin(), heard.end()));
  CHECK(committed == 3000);
  CHECK(commits < 1500);
  CHECK(opened.journal->waiting() == 0);
}

TEST_CASE("a long backlog is committed in parts, its kept values last") {
  const Folder folder;
  boost::asio::io_context loop;
  auto opened = open(folder / "journal.db", loop);
  std::size_t commits = 0;
  opened.journal->on_commit([&](Duration, std::size_t) { ++commits; });
  CHECK(write_durably(*opened.journal, loop, {events(1, 25'000), {{"alive_at", "now"}}}));
  CHECK(commits == 3);
  opened.journal->close();
  CHECK(verify_journal(folder / "journal.db").events == 25'000);
}

TEST_CASE("a snapshot saves replaying; one that does not fit is not used") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  {
    boost::asio::io_context loop;
    auto opened = open(path, loop);
    opened.journal->write({events(1, 10), {}}, {});
    opened.journal->snapshot(7, R"({"state":"as of seven"})");
    CHECK(write_durably(*opened.journal, loop, {events(11, 12), {}}));
  }
  const auto reopened = [&] {
    boost::asio::io_context loop;
    return open(path, loop).contents;
  };
  const auto good = reopened();
  REQUIRE(good.snapshot);
  CHECK(good.snapshot->first == 7);
  CHECK(good.snapshot->second == R"({"state":"as of seven"})");
  CHECK(good.events.size() == 5);
  CHECK(good.events.front().seq == 8);
  // What readers may ask for goes on over a start, though nothing of it has to be replayed.
  REQUIRE(good.earlier.size() == 7);
  CHECK(to_json(good.earlier.front()) == to_json(event(1)));
  CHECK(good.earlier.back().seq == 7);
  CHECK(good.last_seq == 12);

  std::string spoil;
  SUBCASE("beyond the last event") { spoil = "UPDATE snapshot SET seq = 99"; }
  SUBCASE("of another event") { spoil = "UPDATE snapshot SET seq = 6"; }
  SUBCASE("text changed") { spoil = "UPDATE snapshot SET text = '{\"state\":\"as of nine\"}'"; }
  SUBCASE("not JSON") { spoil = "UPDATE snapshot SET text = 'torn'"; }
  SUBCASE("of another chain") { spoil = "UPDATE snapshot SET chain = digest"; }
  Database(path, Database::Mode::write).run(spoil);
  const auto without = reopened();
  CHECK_FALSE(without.snapshot);
  CHECK(without.earlier.empty());
  CHECK(without.events.size() == 12);
  CHECK(without.notice.find("the snapshot in the journal") != std::string::npos);
}

TEST_CASE("of what a snapshot holds only the newest are read, as many as readers are given") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  boost::asio::io_context loop;
  {
    auto opened = open(path, loop);
    REQUIRE(write_durably(*opened.journal, loop, {events(1, recent_events + 30), {}}));
    opened.journal->snapshot(recent_events + 20, "{}");
    REQUIRE(write_durably(*opened.journal, loop, {{}, {{"alive_at", "now"}}}));
  }
  const auto contents = open(path, loop).contents;
  REQUIRE(contents.snapshot);
  REQUIRE(contents.events.size() == 10);
  REQUIRE(contents.earlier.size() == recent_events - 10);
  CHECK(contents.earlier.front().seq == 31);
  CHECK(contents.earlier.back().seq + 1 == contents.events.front().seq);
}

TEST_CASE("of what a snapshot holds only the newest are read, as many as readers are given") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  boost::asio::io_context loop;
  {
    auto opened = open(path, loop);
    opened.journal->write({events(1, recent_events + 30), {}}, {});
    opened.journal->snapshot(recent_events + 20, "{}");
  }
  const auto contents = open(path, loop).contents;
  REQUIRE(contents.snapshot);
  REQUIRE(contents.events.size() == 10);
  REQUIRE(contents.earlier.size() == recent_events - 10);
  CHECK(contents.earlier.front().seq == 31);
  CHECK(contents.earlier.back().seq + 1 == contents.events.front().seq);
}

TEST_CASE("a snapshot of what is not written yet is not kept") {
  const Folder folder;
  boost::asio::io_context loop;
  {
    auto opened = open(folder / "journal.db", loop);
    opened.journal->write({events(1, 3), {}}, {});
    opened.journal->snapshot(4, "{}");
  }
  CHECK_FALSE(open(folder / "journal.db", loop).contents.snapshot);
}

TEST_CASE("a second drwatch on the same journal is refused, until the first is gone") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  boost::asio::io_context loop;
  auto first = open(path, loop);
  try {
    open(path, loop);
    FAIL("opened twice");
  } catch (const std::runtime_error& error) {
    const std::string what = error.what();
    CHECK(what.find("in use by another drwatch (process " + std::to_string(::getpid()) + ")") != std::string::npos);
  }
  CHECK(write_durably(*first.journal, loop, {events(1, 1), {}}));
  first.journal.reset();
  CHECK(open(path, loop).contents.last_seq == 1);
}

namespace {
// What another process is told that opens the journal there: within one process, closing a file drops SQLite's locks on it.
std::string told_elsewhere(const std::string& path) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::string told = "opened";
    try {
      boost::asio::io_context loop;
      open(path, loop);
    } catch (const std::exception& error) {
      told = error.what();
    }
    std::_Exit(::write(ends[1], told.data(), told.size()) < 0);
  }
  REQUIRE(pid > 0);
  ::close(ends[1]);
  std::string told(4096, '\0');
  const ssize_t length = ::read(ends[0], told.data(), told.size());
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  told.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  return told;
}
}  // namespace

TEST_CASE("a second drwatch is refused by whatever name it calls the journal, and without the lock file") {
  const Folder folder;
  std::filesystem::create_directory(folder / "real");
  const std::string path = folder / "real/journal.db";
  std::string name = path;
  bool without_lock = false;
  SUBCASE("a link to the file") { std::filesystem::create_symlink("real/journal.db", name = folder / "linked.db"); }
  SUBCASE("a link to its folder") {
    std::filesystem::create_directory_symlink(folder / "real", folder / "linked");
    name = folder / "linked/journal.db";
  }
  SUBCASE("a second name of the same file") {
    make_journal(path, 1);
    std::filesystem::create_hard_link(path, name = folder / "second.db");
  }
  SUBCASE("its lock file is deleted") { without_lock = true; }
  SUBCASE("its damaged file was put aside for a new one, and its lock file is deleted") {
    make_journal(path, 9);
    Database(path, Database::Mode::write).run("DELETE FROM events WHERE seq = 5");
    without_lock = true;
  }
  boost::asio::io_context loop;
  auto first = open(path, loop);
  const std::uint64_t seq = first.contents.last_seq + 1;
  REQUIRE(write_durably(*first.journal, loop, {{event(seq)}, {}}));
  if (without_lock) std::filesystem::remove(path + ".lock");
  CHECK(told_elsewhere(name).find("is in use by another drwatch") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder / "linked.db-wal"));
  // Reading needs no lock.
  CHECK_FALSE(verify_journal(path).broken);
  CHECK(write_durably(*first.journal, loop, {{event(seq + 1)}, {}}));
  first.journal->close();
  CHECK(told_elsewhere(name) == "opened");
}

TEST_CASE("a journal behind a link that leads nowhere yet is made where it leads") {
  const Folder folder;
  std::filesystem::create_directory(folder / "real");
  std::filesystem::create_symlink("real/journal.db", folder / "linked.db");
  make_journal(folder / "linked.db", 3);
  CHECK(std::filesystem::is_symlink(folder / "linked.db"));
  CHECK(verify_journal(folder / "real/journal.db").events == 3);
}

TEST_CASE("reading and verifying work beside the daemon that writes") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  boost::asio::io_context loop;
  auto opened = open(path, loop);
  std::uint64_t seq = 0, durable = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 50; ++i) {
      ++seq;
      opened.journal->write({{event(seq)}, {}}, [&durable, seq] { durable = seq; });
    }
    loop.restart();
    loop.poll();
    const auto before = durable;
    const auto verdict = verify_journal(path);
    CHECK_FALSE(verdict.broken);
    CHECK(verdict.last_seq >= before);
  }
  CHECK(turn_until(loop, [&] { return durable == seq; }));
  std::uint64_t count = 0;
  read_journal(path, [&](const Event& e) { CHECK(e.seq == ++count); });
  CHECK(count == seq);
}

TEST_CASE("close waits for what is queued, and can be called twice") {
  const Folder folder;
  boost::asio::io_context loop;
  auto opened = open(folder / "journal.db", loop);
  opened.journal->write({events(1, 5000), {}}, {});
  opened.journal->close();
  opened.journal->close();
  CHECK(verify_journal(folder / "journal.db").last_seq == 5000);
}

namespace {
std::string refusal(const std::string& path) {
  boost::asio::io_context loop;
  try {
    open(path, loop);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "opened";
}
std::string reading_refusal(const std::string& path) {
  try {
    verify_journal(path);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "read";
}
}  // namespace

TEST_CASE("what cannot be opened is refused with what to do") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  SUBCASE("written by a newer release") {
    make_journal(path, 3);
    Database(path, Database::Mode::write).run("UPDATE meta SET value = '2' WHERE key = 'schema'");
    CHECK(refusal(path) ==
          "journal " + path +
              " was written by a newer drwatch (schema 2, this one knows 1); run that release, or give another [journal] path");
    CHECK(reading_refusal(path).find("newer drwatch") != std::string::npos);
    CHECK(std::filesystem::exists(path));
  }
  SUBCASE("no such folder") {
    CHECK(refusal(folder / "no/journal.db").find("make the folder " + folder.path() + "/no") != std::string::npos);
  }
  SUBCASE("another program's database") {
    Database(path, Database::Mode::create).run("CREATE TABLE customers (name TEXT)");
    CHECK(refusal(path).find("another program's database") != std::string::npos);
    CHECK(reading_refusal(path).find("is not a drwatch journal") != std::string::npos);
  }
  SUBCASE("a folder") {
    std::filesystem::create_directory(path);
    CHECK(refusal(path).find("cannot open the journal") != std::string::npos);
    CHECK(reading_refusal(path).find("there is no journal at") != std::string::npos);
  }
  SUBCASE("nothing there, for reading") {
    CHECK(reading_refusal(path).find("there is no journal at " + path) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(path));
  }
  SUBCASE("a text file, for reading") {
    std::ofstream(path) << "[server]\n";
    CHECK(reading_refusal(path).find("is not a drwatch journal") != std::string::npos);
  }
}

}  // namespace round_trip_test
