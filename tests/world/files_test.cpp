// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/real.hpp"
#include "probes/seams/within.hpp"
#include "tests/world/loop.hpp"
#include "tests/world/servers.hpp"

#include <sys/stat.h>
#include <condition_variable>
#include <filesystem>
#include <stdexcept>

namespace files_test {

using namespace drwatch;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct Fixture {
  asio::io_context loop;
  RealWorld real{loop.get_executor()};
  World world = real.world();
  testing::TempFolder folder;

  Result<std::vector<FileEntry>> list(const std::string& path) { return testing::result_of(loop, world.files.list(path)); }
  Result<std::string> read(const std::string& path, std::size_t most) { return testing::result_of(loop, world.files.read(path, most)); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "files: a folder's entries, by name") {
  folder.file("b", "12345");
  folder.file("a", "");
  std::filesystem::create_directory(folder.path() + "/c");
  std::filesystem::create_symlink("/nonexistent", folder.path() + "/d");
  auto entries = list(folder.path());
  REQUIRE(entries.has_value());
  REQUIRE(entries->size() == 3);
  CHECK(entries->at(0).name == "a");
  CHECK(entries->at(1).name == "b");
  CHECK(entries->at(1).size == 5);
  CHECK(entries->at(1).modified > world.clock.now() - hours(1));
  CHECK(entries->at(2).name == "c");
  auto missing = list(folder.path() + "/missing").error();
  CHECK(missing.reason == Reason::absent);
  CHECK(missing.code == "ENOENT");
  CHECK(list(folder.path() + "/a").error().code == "ENOTDIR");
}

TEST_CASE_FIXTURE(Fixture, "files: reading, bounded, and only what is a file") {
  CHECK(*read(folder.file("a", "hello"), 5) == "hello");
  CHECK(read(folder.path() + "/a", 4).error().code == "EFBIG");
  CHECK(read(folder.path() + "/missing", 4).error().code == "ENOENT");
  CHECK(read(folder.path(), 4).error().reason == Reason::protocol);
  ::mkfifo((folder.path() + "/pipe").c_str(), 0600);
  CHECK(read(folder.path() + "/pipe", 4).error().reason == Reason::protocol);
  CHECK(read("/dev/zero", 4).error().reason == Reason::protocol);
}

TEST_CASE_FIXTURE(Fixture, "workers: work beside the loop, its exceptions, and giving it up") {
  std::thread::id where;
  testing::run(loop, real.on_worker([&] { where = std::this_thread::get_id(); }));
  CHECK(where != std::this_thread::get_id());
  CHECK_THROWS_AS(testing::run(loop, real.on_worker([] { throw std::out_of_range("x"); })), std::out_of_range);

  struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false, passed = false;
  };
  auto gate = std::make_shared<Gate>();
  struct Wait {
    static Task<int> behind(RealWorld& world, std::shared_ptr<Gate> g) {
      std::function<void()> work = [g] {
        std::unique_lock lock(g->mutex);
        g->changed.wait(lock, [&] { return g->open; });
        g->passed = true;
      };
      co_await world.on_worker(std::move(work));
      co_return 1;
    }
  };
  const auto begin = std::chrono::steady_clock::now();
  CHECK(!testing::result_of(loop, within(world.clock, 100ms, Wait::behind(real, gate))));
  CHECK(testing::elapsed_since(begin) < 2s);
  {
    std::lock_guard lock(gate->mutex);
    CHECK(!gate->passed);
    gate->open = true;
  }
  gate->changed.notify_all();
  testing::run(loop, real.on_worker([] {}));
}

TEST_CASE_FIXTURE(Fixture, "clock and dice") {
  const auto wall = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  CHECK(world.clock.now() >= wall);
  const auto before = world.clock.boottime();
  testing::run(loop, world.clock.sleep_for(20ms));
  CHECK(world.clock.boottime() - before >= 20ms);
  testing::run(loop, world.clock.sleep_for(-1s));
  CHECK(world.dice.roll() != world.dice.roll());
}

}  // namespace files_test
