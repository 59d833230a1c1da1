// SPDX-License-Identifier: Apache-2.0
// Real echoes, in a network of the test's own: there, and only there, the test may say who is allowed to send them.
#include "daemon/world/net/icmp.hpp"
#include "tests/skipped.hpp"
#include "tests/world/loop.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace icmp_test {

using namespace drwatch;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

Result<std::chrono::microseconds> echo(const std::string& address, std::size_t payload = 56) {
  asio::io_context loop;
  return testing::result_of(loop, send_echo(loop.get_executor(), address, payload, 300ms));
}

bool write(const char* file, const std::string& text) { return static_cast<bool>(std::ofstream(file) << text << std::flush); }

// In a new one nobody may; its range can name only groups that the test has there.
bool enter_own_network(bool may) {
  return testing::enter(testing::Own::network) == 0 && (!may || write("/proc/sys/net/ipv4/ping_group_range", "0 0"));
}

// What `judge` says in a process in such a network; 100: it has none.
int elsewhere(bool may, int (*judge)()) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(enter_own_network(may) ? judge() : 100);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 101;
}

int judge_allowed() {
  if (!echo("127.0.0.1") || !echo("127.0.0.1", 0) || !echo("127.0.0.1", 1400)) return 1;
  if (!echo("::1")) return 2;
  const auto nowhere = echo("192.0.2.1");
  if (nowhere || nowhere.error().reason != Reason::connect || nowhere.error().code != "ENETUNREACH") return 3;
  return 0;
}

int judge_forbidden() {
  const auto refused = echo("127.0.0.1");
  if (refused || refused.error().reason != Reason::own_fault || refused.error().code != "EACCES") return 1;
  return refused.error().message.find("net.ipv4.ping_group_range") == std::string::npos ? 2 : 0;
}

}  // namespace

TEST_CASE("icmp, real: echoes come back where the system allows to send them, and are refused in clear words where not") {
  if (!testing::can_enter(testing::Own::network)) return;
  CHECK(elsewhere(true, &judge_allowed) == 0);
  CHECK(elsewhere(false, &judge_forbidden) == 0);
}

TEST_CASE("icmp, real: not an address") { CHECK(echo("nowhere").error().reason == Reason::internal); }

}  // namespace icmp_test
