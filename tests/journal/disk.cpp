// SPDX-License-Identifier: Apache-2.0
// A disk that is full or fails: what waits is kept, said once, and written when the disk is well again.
#include "tests/journal/bench.hpp"
#include "tests/journal/faulty_disk.hpp"
#include "tests/skipped.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <future>
#include <thread>

#include <sys/mount.h>

namespace disk_test {

using namespace drwatch;
using namespace drwatch::journal_tests;
namespace fs = std::filesystem;

namespace {

// Writes one event after the other and remembers what was acknowledged and said.
struct Load {
  explicit Load(const std::string& path) : opened(open(path, loop)), seq(opened.contents.last_seq), durable(seq) {
    opened.journal->on_health([this](const std::string& text) { said.push_back(text); });
  }
  void write(int count, const std::string& text = "x") {
    for (int i = 0; i < count; ++i) {
      ++seq;
      opened.journal->write({{event(seq, text)}, {{"alive_at", std::to_string(seq)}}}, [this, here = seq] { durable = here; });
    }
  }
  bool all_durable() {
    return turn_until(loop, [this] { return durable == seq; });
  }
  boost::asio::io_context loop;
  Opened opened;
  std::uint64_t seq, durable;
  std::vector<std::string> said;
};

class SmallDisk {
 public:
  explicit SmallDisk(const std::string& path) : path_(path) {
    fs::create_directory(path);
    mounted_ = ::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=256k") == 0;
    if (mounted_) return;
    const int error = errno;
    REQUIRE_MESSAGE(testing::refused_here(error), "a small disk: " << std::strerror(error));
    testing::skip_here(std::string("no disk can be mounted here: ") + strerrorname_np(error));
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool grow() { return ::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT, "size=8m") == 0; }
  explicit operator bool() const { return mounted_; }

 private:
  std::string path_;
  bool mounted_ = false;
};

void fill(const std::string& path) {
  std::ofstream ballast(path, std::ios::binary);
  while (ballast.put('x')) ballast.flush();
}

}  // namespace

TEST_CASE("a full disk loses nothing: said once, written when there is room") {
  const Folder folder;
  SmallDisk disk(folder / "disk");
  if (!disk) return;
  const std::string path = folder / "disk/journal.db";
  {
    Load load(path);
    load.write(10);
    REQUIRE(load.all_durable());
    fill(folder / "disk/ballast");
    load.write(50, std::string(500, 'y'));
    REQUIRE(turn_until(load.loop, [&] { return !load.said.empty(); }));
    CHECK(load.said[0].find("database or disk is full") != std::string::npos);
    CHECK(load.said[0].find("free space") != std::string::npos);
    load.write(10);
    const auto before = load.durable;
    turn_until(load.loop, [] { return false; }, seconds{1});  // several tries go by
    CHECK(load.said.size() == 1);
    CHECK(load.durable == before);
    const auto verdict = verify_journal(path);
    CHECK_FALSE(verdict.broken);
    CHECK(load.opened.journal->waiting() == load.seq - verdict.last_seq);
    CHECK(load.opened.journal->waiting_bytes() > load.opened.journal->waiting() * sizeof(Event));
    fs::remove(folder / "disk/ballast");
    CHECK(load.all_durable());
    CHECK(turn_until(load.loop, [&] { return load.said.size() == 2; }));
    CHECK(load.opened.journal->waiting_bytes() == 0);
    CHECK(load.said.back().empty());
  }
  const auto verdict = verify_journal(path);
  CHECK_FALSE(verdict.broken);
  CHECK(verdict.last_seq == 70);
}

TEST_CASE("on a disk with little room a backlog is written in small parts, as far as it goes") {
  const Folder folder;
  SmallDisk disk(folder / "disk");
  if (!disk) return;
  const std::string path = folder / "disk/journal.db";
  Load load(path);
  load.write(400, std::string(500, 'y'));  // more than the disk can hold
  REQUIRE(turn_until(load.loop, [&] { return !load.said.empty(); }));
  turn_until(load.loop, [] { return false; }, seconds{2});
  CHECK(load.opened.journal->waiting() < 400);
  CHECK(load.opened.journal->waiting() > 0);
  const auto verdict = verify_journal(path);
  CHECK_FALSE(verdict.broken);
  CHECK(verdict.last_seq == 400 - load.opened.journal->waiting());
  CHECK(load.said.size() == 1);
  REQUIRE(disk.grow());
  CHECK(load.all_durable());
  CHECK(turn_until(load.loop, [&] { return load.said.size() == 2; }));
}

TEST_CASE("a daemon that starts on a full disk still reads its journal, and writes once there is room") {
  const Folder folder;
  SmallDisk disk(folder / "disk");
  if (!disk) return;
  const std::string path = folder / "disk/journal.db";
  make_journal(path, 20);
  fill(folder / "disk/ballast");
  Load load(path);
  CHECK(load.opened.contents.events.size() == 20);
  load.write(5);
  CHECK(turn_until(load.loop, [&] { return load.said.size() == 1; }));
  fs::remove(folder / "disk/ballast");
  CHECK(load.all_durable());
  CHECK(turn_until(load.loop, [&] { return load.said.size() == 2; }));
  load.opened.journal->close();
  CHECK(verify_journal(path).last_seq == 25);
}

TEST_CASE("syncs that fail: not acknowledged, said once, and mended") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  FaultyDisk disk;
  Load load(path);
  load.write(5);
  REQUIRE(load.all_durable());
  disk.failing_syncs = -1;
  load.write(20);
  REQUIRE(turn_until(load.loop, [&] { return disk.failed > 3; }));
  CHECK(load.durable == 5);
  REQUIRE(load.said.size() == 1);
  CHECK(load.said[0].find("disk I/O error") != std::string::npos);
  CHECK(load.opened.journal->waiting() == 20);
  disk.failing_syncs = 0;
  CHECK(load.all_durable());
  CHECK(turn_until(load.loop, [&] { return load.said.size() == 2; }));
  CHECK(load.said[1].empty());
  CHECK(load.opened.journal->waiting() == 0);
  disk.failing_syncs = 3;  // and again
  load.write(1);
  CHECK(load.all_durable());
  CHECK(turn_until(load.loop, [&] { return load.said.size() == 4; }));
  load.opened.journal->close();
  const auto verdict = verify_journal(path);
  CHECK_FALSE(verdict.broken);
  CHECK(verdict.last_seq == 26);
}

TEST_CASE("an error at any write or sync of the load never loses or doubles an event") {
  for (int at = 0; at < 24; ++at) {
    CAPTURE(at);
    const Folder folder;
    const std::string path = folder / "journal.db";
    FaultyDisk disk;
    {
      Load load(path);
      for (int round = 0; round < 24; ++round) {
        if (round == at) (at % 2 == 0 ? disk.failing_syncs : disk.failing_writes) = 1 + at % 5;
        load.write(3, std::string(2000, 'z'));
        load.loop.restart();
        load.loop.poll();
      }
      CHECK(load.all_durable());
      CHECK(disk.failed > 0);
    }
    const auto verdict = verify_journal(path);
    CHECK_FALSE(verdict.broken);
    CHECK(verdict.last_seq == 72);
  }
}

TEST_CASE("a journal that is moved away while drwatch runs is not written into nothing") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  Load load(path);
  load.write(2);
  REQUIRE(load.all_durable());
  fs::rename(path, path + ".elsewhere");
  load.write(2);
  REQUIRE(turn_until(load.loop, [&] { return load.said.size() == 1; }));
  CHECK(load.said[0].find("moved or deleted") != std::string::npos);
  CHECK(load.durable == 2);
  fs::rename(path + ".elsewhere", path);
  CHECK(load.all_durable());
  load.opened.journal->close();
  CHECK(verify_journal(path).last_seq == 4);
}

TEST_CASE("closing on a disk that fails ends in bounded time") {
  const Folder folder;
  FaultyDisk disk;
  Load load(folder / "journal.db");
  load.write(1);
  REQUIRE(load.all_durable());
  disk.failing_syncs = -1;
  load.write(1);
  const auto began = std::chrono::steady_clock::now();
  load.opened.journal->close();
  CHECK(std::chrono::steady_clock::now() - began < seconds{8});
  CHECK(load.durable == 1);
}

TEST_CASE("a writer that was left behind says nothing any more: the loop may have gone") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  FaultyDisk disk;
  Load load(path);
  load.write(1);
  REQUIRE(load.all_durable());
  std::promise<void> hangs;
  disk.before_next_write([answer = hangs.get_future().share()] { answer.wait(); });
  load.write(1);
  load.opened.journal->close();
  load.opened.journal.reset();
  hangs.set_value();
  // Its lock goes with it.
  Opened next;
  boost::asio::io_context other;
  const auto until = std::chrono::steady_clock::now() + minutes{1};
  while (!next.journal && std::chrono::steady_clock::now() < until) {
    try {
      next = open(path, other);
    } catch (const std::runtime_error&) {
      std::this_thread::sleep_for(milliseconds{20});
    }
  }
  REQUIRE(next.journal);
  CHECK(next.contents.last_seq == 2);
  load.loop.restart();
  CHECK(load.loop.poll() == 0);
  CHECK(load.durable == 1);
}

}  // namespace disk_test
