// SPDX-License-Identifier: Apache-2.0
// A daemon killed at any moment finds everything again that it had acknowledged.
#include "tests/journal/bench.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kill_test {

using namespace drwatch;
using namespace drwatch::journal_tests;

namespace {

// The child: writes as fast as it can and says through the pipe what is durable. Never returns.
[[noreturn]] void write_until_killed(const std::string& path, int pipe) {
  boost::asio::io_context loop;
  auto opened = open(path, loop);
  std::uint64_t seq = opened.contents.last_seq, durable = seq;
  const auto say = [pipe](std::uint64_t value) {
    if (::write(pipe, &value, sizeof value) != sizeof value) std::_Exit(3);
  };
  say(seq);
  for (;;) {
    while (seq < durable + 64) {
      ++seq;
      JournalWrite write{{event(seq)}, {{"alive_at", std::to_string(seq)}, {"probe/" + std::to_string(seq % 50), std::string(200, 'k')}}};
      opened.journal->write(std::move(write), [&durable, &say, here = seq] {
        durable = here;
        say(here);
      });
      if (seq % 25 == 0) opened.journal->snapshot(seq - 10, R"({"seq":)" + std::to_string(seq - 10) + "}");
    }
    loop.restart();
    loop.run_for(milliseconds{1});
  }
}

struct Child {
  pid_t pid = -1;
  int pipe = -1;
};

Child start(const std::string& path) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    try {
      write_until_killed(path, ends[1]);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "the child: %s\n", error.what());
      std::_Exit(4);
    }
  }
  REQUIRE(pid > 0);
  ::close(ends[1]);
  return {pid, ends[0]};
}

// All that the child said, to the end of the pipe.
std::vector<std::uint64_t> listen(int pipe) {
  std::vector<std::uint64_t> said;
  std::uint64_t value = 0;
  while (::read(pipe, &value, sizeof value) == sizeof value) said.push_back(value);
  ::close(pipe);
  return said;
}

}  // namespace

TEST_CASE("killed at hundreds of random moments under load: everything acknowledged is there, and the chain holds") {
  std::mt19937_64 random(4711);
  std::uint64_t acknowledged_in_all = 0;
  int killed_while_writing = 0, with_snapshot = 0;
  for (int file = 0; file < 8; ++file) {
    const Folder folder;
    const std::string path = folder / "journal.db";
    std::uint64_t acknowledged = 0;
    for (int round = 0; round < 26; ++round) {
      CAPTURE(file);
      CAPTURE(round);
      const Child child = start(path);
      const bool writing = round % 4 != 0;  // the others are killed while they open the file
      // Where it stands, and often one event more: on a slow disk, too, many are killed with something acknowledged.
      std::vector<std::uint64_t> said(writing ? 1 + random() % 2 : 0);
      for (auto& value : said) REQUIRE(::read(child.pipe, &value, sizeof value) == sizeof value);
      std::this_thread::sleep_for(std::chrono::microseconds{random() % (writing ? 80'000 : 15'000)});
      ::kill(child.pid, SIGKILL);
      for (const auto value : listen(child.pipe)) said.push_back(value);
      int status = 0;
      REQUIRE(::waitpid(child.pid, &status, 0) == child.pid);
      REQUIRE(WIFSIGNALED(status));
      if (!said.empty()) {
        REQUIRE(said.front() >= acknowledged);  // it found what its predecessor had acknowledged
        killed_while_writing += said.size() > 1;
        acknowledged_in_all += said.back() - said.front();
        acknowledged = said.back();
      }
      if (round % 5 != 0) continue;
      if (std::filesystem::exists(path) && acknowledged > 0) {
        const auto verdict = verify_journal(path);
        REQUIRE_FALSE(verdict.broken);
        REQUIRE(verdict.last_seq >= acknowledged);
      }
    }
    boost::asio::io_context loop;
    const auto opened = open(path, loop);
    CHECK(opened.contents.notice == "");
    CHECK(opened.contents.last_seq >= acknowledged);
    CHECK(std::stoull(opened.contents.kept.at("alive_at")) >= acknowledged);
    CHECK(std::stoull(opened.contents.kept.at("alive_at")) <= opened.contents.last_seq);
    for (const auto& e : opened.contents.events) REQUIRE(to_json(e) == to_json(event(e.seq)));
    with_snapshot += opened.contents.snapshot.has_value();
  }
  MESSAGE("acknowledged: ", acknowledged_in_all, " events; killed while writing: ", killed_while_writing, " of 208");
  CHECK(killed_while_writing > 30);
  CHECK(with_snapshot > 0);
}

}  // namespace kill_test
