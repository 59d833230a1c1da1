// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/real.hpp"
#include "daemon/world/workers.hpp"
#include "probes/seams/within.hpp"
#include "tests/world/loop.hpp"
#include "tests/world/servers.hpp"
#include "tests/world/stuck.hpp"

#include <sys/stat.h>
#include <condition_variable>
#include <filesystem>
#include <mutex>
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

TEST_CASE_FIXTURE(Fixture, "workers: what is short is looked at here, what is long beside the loop") {
  Workers workers(loop.get_executor(), 1);
  std::thread::id where;
  const std::function<void()> work = [&] { where = std::this_thread::get_id(); };
  testing::run(loop, workers.run_for(Workers::few_bytes, work));
  CHECK(where == std::this_thread::get_id());
  testing::run(loop, workers.run_for(Workers::few_bytes + 1, work));
  CHECK(where != std::this_thread::get_id());
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

namespace {

int threads_of_this_process() {
  int threads = 0;
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/task")) threads += each.path().empty() ? 0 : 1;
  return threads;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "files: a folder that hangs is asked once, and the others go on") {
  const testing::HungFolder hung(folder.path() + "/hung");
  if (!hung.made()) return;
  const std::string healthy = folder.path() + "/healthy";
  std::filesystem::create_directory(healthy);
  CHECK(!testing::result_of(loop, within(world.clock, 300ms, world.files.list(hung.path()))));
  const int threads = threads_of_this_process();
  for (int i = 0; i < 10; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const auto failure = list(hung.path()).error();
    CHECK(testing::elapsed_since(begin) < 1s);
    CHECK(failure.reason == Reason::own_fault);
    CHECK(failure.code == "ETIMEDOUT");
    CHECK(failure.message.find(hung.path() + " has not answered for ") == 0);
    CHECK(list(healthy).has_value());
  }
  CHECK(threads_of_this_process() <= threads + 1);
}

TEST_CASE_FIXTURE(Fixture, "files: what hung is asked again once it has answered") {
  testing::HungFolder hung(folder.path() + "/hung");
  if (!hung.made()) return;
  CHECK(!testing::result_of(loop, within(world.clock, 200ms, world.files.read(hung.path() + "/file", 100))));
  CHECK(read(hung.path() + "/file", 100).error().code == "ETIMEDOUT");
  hung.release();
  std::string code = "ETIMEDOUT";
  for (int i = 0; i < 500 && code == "ETIMEDOUT"; ++i) {
    testing::run(loop, world.clock.sleep_for(10ms));
    code = read(hung.path() + "/file", 100).error().code;
  }
  CHECK(code == "ENOENT");
}

TEST_CASE_FIXTURE(Fixture, "files: however many paths hang, the threads are bounded") {
  const testing::HungFolder hung(folder.path() + "/hung");
  if (!hung.made()) return;
  const int before = threads_of_this_process();
  int asked = 0;
  for (int i = 0; i < 40; ++i)
    asked += testing::result_of(loop, within(world.clock, 20ms, world.files.list(hung.path() + "/" + std::to_string(i)))) ? 0 : 1;
  CHECK(asked == 32);
  CHECK(threads_of_this_process() <= before + 48);
  const auto failure = list(hung.path() + "/another").error();
  CHECK(failure.reason == Reason::own_fault);
  CHECK(failure.message.find("was not asked: 32 other paths do not answer, among them " + hung.path() + "/0") != std::string::npos);
}

TEST_CASE("files: the end does not wait for what hangs") {
  testing::TempFolder folder;
  const testing::HungFolder hung(folder.path() + "/hung");
  if (!hung.made()) return;
  std::chrono::steady_clock::time_point begin;
  {
    Fixture f;
    CHECK(!testing::result_of(f.loop, within(f.world.clock, 100ms, f.world.files.list(hung.path()))));
    begin = std::chrono::steady_clock::now();
  }
  CHECK(testing::elapsed_since(begin) < 5s);
}

TEST_CASE_FIXTURE(Fixture, "files: a certificate and a connection string's file that hang take no worker") {
  const testing::HungFolder hung(folder.path() + "/hung");
  if (!hung.made()) return;
  testing::TcpServer server([](testing::Peer peer) { peer.wait_for_close(); });
  for (int i = 0; i < 3; ++i) {
    std::optional<TlsSettings> tls = TlsSettings{.ca_file = hung.path() + "/ca.pem"};
    Phases phases;
    const auto begin = std::chrono::steady_clock::now();
    const auto connected =
        testing::result_of(loop, within(world.clock, 20s, world.net.connect("127.0.0.1", server.port(), Family::any, tls, phases)));
    REQUIRE(connected);
    CHECK(connected->error().reason == Reason::own_fault);
    CHECK(connected->error().message.find(hung.path() + "/ca.pem has not answered for ") != std::string::npos);
    CHECK(testing::elapsed_since(begin) < (i == 0 ? 15s : 1s));
  }
  Phases phases;
  const Secret dsn(Secret::From::plain, "", "host=127.0.0.1 port=1 sslmode=require sslrootcert=" + hung.path() + "/root.pem");
  const auto connected = testing::result_of(loop, within(world.clock, 20s, world.postgres.connect(dsn, phases)));
  REQUIRE(connected);
  CHECK(connected->error().reason == Reason::own_fault);
  CHECK(connected->error().message.find(hung.path() + "/root.pem has not answered for ") == 0);
  testing::run(loop, real.on_worker([] {}));  // the workers are free
}

TEST_CASE("workers: work that somebody waits for without a loop") {
  CHECK(done_within(10s, [] {}));
  const auto gate = std::make_shared<std::mutex>();
  const std::lock_guard closed(*gate);
  CHECK_FALSE(done_within(50ms, [gate] { const std::lock_guard open(*gate); }));
}

}  // namespace files_test
