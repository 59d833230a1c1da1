// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/processes/guard.hpp"
#include "daemon/world/real.hpp"
#include "probes/seams/within.hpp"
#include "tests/world/loop.hpp"
#include "tests/world/servers.hpp"
#include "tests/world/stuck.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <thread>

namespace exec_test {

using namespace drwatch;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct Fixture {
  asio::io_context loop;
  RealWorld real{loop.get_executor()};
  World world = real.world();
  testing::TempFolder folder;

  Result<ExecResult> run(ExecRequest request) { return testing::result_of(loop, world.exec.run(std::move(request))); }
  Result<ExecResult> sh(const std::string& script, std::string input = "") {
    ExecRequest request;
    request.argv = {"sh", "-c", script};
    request.input = std::move(input);
    return run(std::move(request));
  }
};

bool alive(pid_t pid) {
  // A zombie has ended: its state is in the third field.
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string number, name, state;
  stat >> number >> name >> state;
  return stat && state != "Z";
}

pid_t pid_in(const std::string& path) {
  pid_t pid = 0;
  std::ifstream(path) >> pid;
  return pid;
}

Task<void> until(World world, std::function<bool()> holds) {
  for (int i = 0; i < 500 && !holds(); ++i) co_await world.clock.sleep_for(10ms);
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "exec: output, errors, input, exit codes") {
  auto result = sh("cat; echo wrong >&2; exit 3", "what came in");
  REQUIRE(result.has_value());
  CHECK(result->exit_code == 3);
  CHECK(result->output == "what came in");
  CHECK(result->errors == "wrong\n");
  CHECK(sh("true")->exit_code == 0);
  CHECK(sh("kill -KILL $$")->exit_code == 128 + SIGKILL);
  const std::string much(1 << 20, 'i');
  CHECK(sh("wc -c", much)->output == "1048576\n");
  CHECK(sh("exit 0", much)->exit_code == 0);  // does not read its input
}

TEST_CASE_FIXTURE(Fixture, "exec: what it prints is heard as it comes, within the same bound") {
  ExecRequest request;
  request.argv = {"sh", "-c", "echo one; echo two >&2; echo three"};
  request.max_output = 10;
  request.heard = std::make_shared<std::string>();
  const auto heard = request.heard;
  const auto result = run(std::move(request));
  REQUIRE(result.has_value());
  CHECK(heard->size() == 10);
  CHECK(heard->size() == result->output.size() + result->errors.size());
  CHECK(heard->find("one\n") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "exec: no shell between, and a small environment") {
  ::setenv("DRWATCH_TEST_LEAK", "leaked", 1);
  ExecRequest request;
  request.argv = {"printf", "%s|%s", "$HOME; *", "two"};
  CHECK(run(request)->output == "$HOME; *|two");
  request.argv = {"env"};
  request.environment = {{"GIVEN", "yes"}};
  auto environment = run(request)->output;
  CHECK(environment.find("GIVEN=yes\n") != std::string::npos);
  CHECK(environment.find("PATH=/usr") != std::string::npos);
  CHECK(environment.find("DRWATCH_TEST_LEAK") == std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "exec: commands that cannot be started") {
  for (const auto& program : {folder.path() + "/missing", std::string("no-such-command-anywhere")}) {
    ExecRequest request;
    request.argv = {program};
    auto failure = run(request).error();
    CHECK(failure.reason == Reason::internal);
    CHECK(failure.code == "ENOENT");
    CHECK(failure.message == "cannot start " + program + ": no such file or directory");
  }
  ExecRequest request;
  request.argv = {folder.file("plain", "no program")};
  CHECK(run(request).error().code == "EACCES");
  request.argv = {};
  CHECK(run(request).error().reason == Reason::internal);
}

TEST_CASE_FIXTURE(Fixture, "exec: output is bounded, and the process not held up by it") {
  ExecRequest request;
  request.argv = {"sh", "-c", "head -c 5000000 /dev/zero; echo end >&2"};
  request.max_output = 1000;
  auto result = run(request);
  REQUIRE(result.has_value());
  CHECK(result->exit_code == 0);
  CHECK(result->output.size() + result->errors.size() == 1000);
}

TEST_CASE_FIXTURE(Fixture, "exec: no descriptor of ours reaches the command") {
  testing::TcpServer server([](testing::Peer peer) { peer.wait_for_close(); });
  std::optional<TlsSettings> no_tls;
  Phases phases;
  auto connected = testing::result_of(loop, world.net.connect("127.0.0.1", server.port(), Family::any, no_tls, phases));
  REQUIRE(connected.has_value());
  auto listed = sh("ls /proc/self/fd | wc -l");
  CHECK(listed->output == "4\n");  // the three, and the folder that ls reads
}

TEST_CASE_FIXTURE(Fixture, "exec: a kernel that is short of memory kills a command before the daemon") {
  int ours = 0;
  std::ifstream("/proc/self/oom_score_adj") >> ours;
  const std::string higher = std::to_string(std::min(ours + 500, 1000));
  // It is said right after the start: the command waits for it.
  const auto result =
      sh("for i in $(seq 600); do read score </proc/$$/oom_score_adj; [ $score = " + higher + " ] && break; sleep 0.1; done; echo $score");
  REQUIRE(result.has_value());
  CHECK(result->output == higher + "\n");
}

TEST_CASE_FIXTURE(Fixture, "exec: what is left in the background is not waited for") {
  const auto begin = std::chrono::steady_clock::now();
  auto result = sh("sleep 30 & echo $! > " + folder.path() + "/pid; echo done");
  CHECK(result->output == "done\n");
  CHECK(testing::elapsed_since(begin) < 10s);
  const auto pid = pid_in(folder.path() + "/pid");
  REQUIRE(pid > 1);
  CHECK(alive(pid));
  ::kill(pid, SIGKILL);
}

TEST_CASE_FIXTURE(Fixture, "exec: cancelled, the whole group goes, also who does not listen to TERM") {
  ExecRequest request;
  request.argv = {"sh", "-c",
                  "sh -c 'trap \"\" TERM; echo $$ > " + folder.path() + "/deaf; while :; do sleep 0.05; done' & sleep 60 & echo $! > " +
                      folder.path() + "/sleeper; trap 'echo told > " + folder.path() + "/told; exit 1' TERM; echo $$ > " + folder.path() +
                      "/pid; while :; do sleep 0.02; done"};
  const auto begin = std::chrono::steady_clock::now();
  auto answer = testing::result_of(loop, within(world.clock, 2s, world.exec.run(request)));
  CHECK(!answer);
  CHECK(testing::elapsed_since(begin) < 3500ms);  // not the two seconds that the deaf one has
  std::vector<pid_t> pids;
  for (auto name : {"/pid", "/sleeper", "/deaf"}) {
    pids.push_back(pid_in(folder.path() + name));
    REQUIRE(pids.back() > 1);
  }
  auto all_gone = [&] { return !alive(pids[0]) && !alive(pids[1]) && !alive(pids[2]); };
  testing::run(loop, until(world, all_gone));
  CHECK(all_gone());
  CHECK(std::ifstream(folder.path() + "/told").good());
}

TEST_CASE("exec: a loop that ends takes its commands along") {
  testing::TempFolder folder;
  pid_t pid = 0;
  {
    Fixture f;
    ExecRequest request;
    request.argv = {"sh", "-c", "trap '' TERM; echo $$ > " + folder.path() + "/pid; while :; do sleep 0.05; done"};
    asio::co_spawn(f.loop, f.world.exec.run(request), [](std::exception_ptr, Result<ExecResult>) {});
    testing::run(f.loop, until(f.world, [&] { return pid_in(folder.path() + "/pid") > 1; }));
    pid = pid_in(folder.path() + "/pid");
    REQUIRE(pid > 1);
    CHECK(alive(pid));
  }
  CHECK(!alive(pid));
}

namespace {

// Runs `script` until it has written its process id, freezes what `whose` names, and lets the run's deadline end it.
struct Stuck : Fixture {
  std::vector<std::string> told;
  testing::FrozenGroup group;
  ExecRequest request;

  Stuck() {
    real.on_left_behind([this](const std::string& words) { told.push_back(words); });
  }
  bool stick(const std::string& script) {
    request.argv = {"sh", "-c", script};
    bool frozen = false;
    asio::co_spawn(loop, freeze_soon(&frozen), [](std::exception_ptr) {});
    const bool ended = testing::result_of(loop, within(world.clock, 1s, world.exec.run(request))).has_value();
    return frozen && !ended;
  }
  Task<void> freeze_soon(bool* frozen) {
    co_await until(world, [this] { return pid_in(folder.path() + "/pid") > 1; });
    group.freeze(pid_in(folder.path() + "/pid"));
    *frozen = true;
  }
  // The loop turns while it waits, and is never held up for long.
  Task<void> turn(std::chrono::milliseconds how_long, std::chrono::milliseconds* longest) {
    const auto end = std::chrono::steady_clock::now() + how_long;
    while (std::chrono::steady_clock::now() < end) {
      const auto begin = std::chrono::steady_clock::now();
      co_await world.clock.sleep_for(10ms);
      *longest = std::max(*longest, testing::elapsed_since(begin));
    }
  }
};

}  // namespace

TEST_CASE_FIXTURE(Stuck, "exec: a process that does not even end of SIGKILL is left behind, and not started again") {
  if (!group.made()) return;
  const std::string file = folder.path() + "/pid";
  REQUIRE(stick("test -e " + file + " && { echo again; exit; }; echo $$ > " + file + "; sleep 60; sleep 60"));
  const pid_t pid = pid_in(folder.path() + "/pid");
  // Through the two seconds between TERM and KILL, and beyond them.
  std::chrono::milliseconds longest{0};
  testing::run(loop, turn(4s, &longest));
  CHECK(longest < 1s);
  CHECK(alive(pid));
  REQUIRE(told.size() == 1);
  CHECK(told[0] == "an earlier sh (process " + std::to_string(pid) +
                       ") was killed and does not end: the kernel holds it (a disk or a network mount that hangs?); it is not started "
                       "again until that is gone");
  const auto begin = std::chrono::steady_clock::now();
  const auto refused = run(request);
  REQUIRE(refused.has_error());
  CHECK(refused.error().reason == Reason::own_fault);
  CHECK(refused.error().code == "EBUSY");
  CHECK(refused.error().message == told[0]);
  CHECK(testing::elapsed_since(begin) < 1s);
  CHECK(sh("echo another").value().output == "another\n");  // another command is
  group.thaw();
  testing::run(loop, until(world, [this] { return told.size() == 2; }));
  REQUIRE(told.size() == 2);
  CHECK(told[1] == "what was left of sh (process " + std::to_string(pid) + ") has ended; it is started again");
  CHECK(kill(pid, 0) == -1);  // reaped, too
  CHECK(run(request).value().output == "again\n");
}

TEST_CASE_FIXTURE(Stuck, "exec: so is what a command began, when that alone does not end") {
  if (!group.made()) return;
  request.ends_group = true;
  REQUIRE(stick("sleep 60 & echo $! > " + folder.path() + "/pid; wait"));
  testing::run(loop, until(world, [this] { return !told.empty(); }));
  REQUIRE(told.size() == 1);
  CHECK(told[0].find("has left a process behind that was killed and does not end") != std::string::npos);
  CHECK(run(request).error().code == "EBUSY");
  group.thaw();
  testing::run(loop, until(world, [this] { return told.size() == 2; }));
  CHECK(told.size() == 2);
}

TEST_CASE("exec: the end of a loop does not wait for a process that does not end") {
  testing::FrozenGroup group;
  if (!group.made()) return;
  testing::TempFolder folder;
  std::chrono::steady_clock::time_point begin;
  {
    Fixture f;
    ExecRequest request;
    request.argv = {"sh", "-c", "echo $$ > " + folder.path() + "/pid; sleep 60; sleep 60"};
    asio::co_spawn(f.loop, f.world.exec.run(request), [](std::exception_ptr, Result<ExecResult>) {});
    testing::run(f.loop, until(f.world, [&] { return pid_in(folder.path() + "/pid") > 1; }));
    group.freeze(pid_in(folder.path() + "/pid"));
    begin = std::chrono::steady_clock::now();
  }
  CHECK(testing::elapsed_since(begin) < 3s);
}

TEST_CASE("exec: who kills the daemon ends its commands, and what they began") {
  testing::TempFolder folder;
  const pid_t daemon = fork();
  if (daemon == 0) {
    const ProcessGuard guard;
    Fixture f;
    f.real.guarded_by(guard);
    ExecRequest quick, request;
    // A service that a command started before it ended is nobody's business any more.
    quick.argv = {"sh", "-c", "setsid sleep 60 < /dev/null > /dev/null 2>&1 & echo $! > " + folder.path() + "/service"};
    request.argv = {"sh", "-c",
                    "sh -c 'trap \"\" TERM; echo $$ > " + folder.path() + "/deaf; while :; do sleep 0.05; done' & sleep 60 & echo $! > " +
                        folder.path() + "/sleeper; setsid sh -c 'echo $$ > " + folder.path() +
                        "/session; sleep 60' & (setsid sh -c 'trap \"\" TERM; echo $$ > " + folder.path() +
                        "/orphan; while :; do sleep 0.05; done' < /dev/null > /dev/null 2>&1 &) ; echo $$ > " + folder.path() +
                        "/pid; wait"};
    f.run(quick);
    asio::co_spawn(f.loop, f.world.exec.run(request), [](std::exception_ptr, Result<ExecResult>) {});
    testing::run(f.loop, until(f.world, [&] {
                   for (auto name : {"/pid", "/deaf", "/session", "/orphan"})
                     if (pid_in(folder.path() + name) <= 1) return false;
                   return true;
                 }));
    raise(SIGKILL);
  }
  int status = 0;
  waitpid(daemon, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(WTERMSIG(status) == SIGKILL);
  std::vector<pid_t> pids;
  for (auto name : {"/pid", "/sleeper", "/deaf", "/session", "/orphan"}) {
    pids.push_back(pid_in(folder.path() + name));
    REQUIRE(pids.back() > 1);
  }
  const auto all_gone = [&] { return std::none_of(pids.begin(), pids.end(), alive); };
  for (int i = 0; i < 1000 && !all_gone(); ++i) std::this_thread::sleep_for(10ms);
  CHECK(all_gone());
  for (const pid_t each : pids)
    if (alive(each)) kill(each, SIGKILL);
  const pid_t service = pid_in(folder.path() + "/service");
  CHECK(alive(service));
  if (service > 1) kill(service, SIGKILL);
}

TEST_CASE("exec: a guard that has nothing to end goes with its process") {
  const auto begin = std::chrono::steady_clock::now();
  {
    const ProcessGuard guard;
  }
  CHECK(testing::elapsed_since(begin) < 2s);
}

TEST_CASE_FIXTURE(Fixture, "exec: a program whose file hangs") {
  testing::HungFolder hung(folder.path() + "/hung");
  if (!hung.made()) return;
  ExecRequest request;
  request.argv = {hung.path() + "/check_disk"};
  auto begin = std::chrono::steady_clock::now();
  auto failure = run(request).error();
  CHECK(testing::elapsed_since(begin) < 5s);
  CHECK(failure.reason == Reason::own_fault);
  CHECK(failure.code == "ETIMEDOUT");
  CHECK(failure.message.find("cannot start a program: " + hung.path() + "/check_disk has not answered for ") == 0);
  CHECK(failure.message.find("it may have run for a moment") != std::string::npos);
  begin = std::chrono::steady_clock::now();
  failure = run(request).error();
  CHECK(failure.code == "ETIMEDOUT");  // not asked again
  CHECK(failure.message.find("may have run") == std::string::npos);
  CHECK(testing::elapsed_since(begin) < 1s);
  CHECK(sh("echo another").value().output == "another\n");
}

}  // namespace exec_test
