// SPDX-License-Identifier: Apache-2.0
// The log between whoever writes a line and whoever takes it, who may stand still.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <thread>
#include "daemon/log/log.hpp"
#include "daemon/log/queued.hpp"
#include "daemon/log/sinks.hpp"
#include "tests/alerting/real_parts.hpp"

namespace queued_log_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

// Stands still until it is let go, as a journald that was stopped.
struct Stuck : LogSink {
  struct Taken {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false, refuses = false;
    std::vector<std::string> lines;
  };
  explicit Stuck(std::shared_ptr<Taken> t) : taken(std::move(t)) {}
  bool write(const LogEntry& entry) override {
    std::unique_lock lock(taken->mutex);
    taken->changed.wait(lock, [&] { return taken->open; });
    if (taken->refuses) return false;
    taken->lines.push_back(entry.message);
    taken->changed.notify_all();
    return true;
  }
  std::shared_ptr<Taken> taken;
};

bool until(Stuck::Taken& taken, const std::function<bool()>& holds) {
  std::unique_lock lock(taken.mutex);
  return taken.changed.wait_for(lock, std::chrono::seconds(20), holds);
}

void let_go(Stuck::Taken& taken) {
  const std::lock_guard lock(taken.mutex);
  taken.open = true;
  taken.changed.notify_all();
}

std::string lost_words(int lines) {
  return std::to_string(lines) + (lines == 1 ? " line of the log was" : " lines of the log were") +
         " lost here: nobody took them; the journal has every event (drwatch journal show FILE)";
}

}  // namespace

TEST_CASE("a log whose sink stands still keeps nobody waiting, loses the newest lines, and says so where they are missing") {
  const auto taken = std::make_shared<Stuck::Taken>();
  QueuedLog log(std::make_unique<Stuck>(taken), {.entries = 10, .bytes = 1 << 20, .at_end = std::chrono::milliseconds(100)});
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) log.line(Importance::info, "line " + std::to_string(i), {});
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  // Ten wait, and one may be in the writer's hands.
  CHECK(log.lost() >= 989);
  CHECK(log.lost() <= 990);
  const int lost = static_cast<int>(log.lost());
  let_go(*taken);
  const auto written = static_cast<std::size_t>(1000 - lost);
  REQUIRE(until(*taken, [&] { return taken->lines.size() == written + 1; }));
  log.line(Importance::info, "after", {});
  REQUIRE(until(*taken, [&] { return taken->lines.size() == written + 2; }));
  const std::lock_guard lock(taken->mutex);
  for (std::size_t i = 0; i < written; ++i) CHECK(taken->lines[i] == "line " + std::to_string(i));
  CHECK(taken->lines[written] == lost_words(lost));
  CHECK(taken->lines[written + 1] == "after");
  CHECK(log.lost() == static_cast<std::uint64_t>(lost));
}

TEST_CASE("lines that a sink refuses are counted, and told before the next one that it takes") {
  const auto taken = std::make_shared<Stuck::Taken>();
  taken->open = taken->refuses = true;
  QueuedLog log(std::make_unique<Stuck>(taken), {});
  for (int i = 0; i < 3; ++i) log.line(Importance::info, "gone", {});
  for (int i = 0; i < 1000 && log.lost() < 3; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK(log.lost() == 3);
  {
    const std::lock_guard lock(taken->mutex);
    taken->refuses = false;
  }
  log.line(Importance::info, "here", {});
  REQUIRE(until(*taken, [&] { return taken->lines.size() == 2; }));
  const std::lock_guard lock(taken->mutex);
  CHECK(taken->lines == std::vector<std::string>{lost_words(3), "here"});
}

TEST_CASE("the end of a log writes what is left, and waits no longer than it was told to") {
  const auto taken = std::make_shared<Stuck::Taken>();
  {
    QueuedLog log(std::make_unique<Stuck>(taken), {});
    for (int i = 0; i < 100; ++i) log.line(Importance::info, "line", {});
    let_go(*taken);
  }
  CHECK(taken->lines.size() == 100);
  const auto stuck = std::make_shared<Stuck::Taken>();
  const auto begin = std::chrono::steady_clock::now();
  {
    QueuedLog log(std::make_unique<Stuck>(stuck), {.entries = 10, .bytes = 1 << 20, .at_end = std::chrono::milliseconds(200)});
    log.line(Importance::info, "never", {});
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  let_go(*stuck);  // the thread that was left behind ends
}

TEST_CASE("standard error is a pipe that nobody reads: the program goes on, and ends") {
  const auto begin = std::chrono::steady_clock::now();
  const int status = ended_in_child([] {
    int ends[2];
    if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0) _exit(3);
    unsetenv("JOURNAL_STREAM");
    const auto log = make_log();
    for (int i = 0; i < 5000; ++i) log->line(Importance::info, std::string(100, 'x'));  // a pipe holds 64 KiB
  });
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}

TEST_CASE("a crash still writes the last lines") {
  for (const int signal : {SIGABRT, SIGSEGV}) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const int status = ended_in_child([&] {
      if (dup2(ends[1], STDERR_FILENO) < 0) _exit(3);
      // Without what a sanitizer would write about it.
      std::signal(signal, SIG_DFL);
      unsetenv("JOURNAL_STREAM");
      const auto log = make_log();
      for (int i = 0; i < 200; ++i) log->line(Importance::error, "the last words, " + std::to_string(i));
      raise(signal);
    });
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == signal);
    close(ends[1]);
    std::string text;
    char part[4096];
    for (ssize_t got = 0; (got = read(ends[0], part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(got));
    close(ends[0]);
    CHECK(text.find("the last words, 199") != std::string::npos);
  }
}

}  // namespace queued_log_test
