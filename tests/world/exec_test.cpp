// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/real.hpp"
#include "probes/seams/within.hpp"
#include "tests/world/loop.hpp"
#include "tests/world/servers.hpp"

#include <cerrno>
#include <csignal>
#include <fstream>

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
  auto answer = testing::result_of(loop, within(world.clock, 400ms, world.exec.run(request)));
  CHECK(!answer);
  CHECK(testing::elapsed_since(begin) < 1500ms);  // not the two seconds that the deaf one has
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

}  // namespace exec_test
