// SPDX-License-Identifier: Apache-2.0
// The unit, what the daemon tells systemd, and the shipped Prometheus and Alertmanager files, each judged by the program that reads it.
#include "daemon/world/notify.hpp"
#include "tests/alerting/real_parts.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace systemd_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

const std::string source = drwatch::testing::source_dir();

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  CHECK_MESSAGE(text.find(from) != std::string::npos, from);
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
  return text;
}

}  // namespace

TEST_CASE("the unit is clean and well confined") {
  const TempFolder folder;
  // The program need not be installed where the tests run.
  write_file(folder / "drwatch.service", replaced(read_file(source + "/systemd/drwatch.service"), "/usr/bin/drwatch", "/bin/true"));
  const auto verdict = run_to_end({"systemd-analyze", "verify", "--man=no", folder / "drwatch.service"});
  CHECK(verdict.first == 0);
  CHECK_MESSAGE(verdict.second.empty(), verdict.second);  // an unknown key is only a message
  const auto exposure = run_to_end({"systemd-analyze", "security", "--offline=true", "--threshold=15", folder / "drwatch.service"});
  CHECK_MESSAGE(exposure.first == 0, exposure.second);
}

TEST_CASE("the user and the folders are as systemd understands them") {
  const TempFolder folder;
  const auto users = run_to_end({"systemd-sysusers", "--root=" + (folder / ""), "--dry-run", source + "/systemd/drwatch.sysusers"});
  CHECK_MESSAGE(users.first == 0, users.second);
  CHECK(users.second.find("drwatch") != std::string::npos);
  const std::string rules = replaced(read_file(source + "/systemd/drwatch.tmpfiles"), "drwatch -", "root -");
  write_file(folder / "drwatch.conf", rules);
  const auto made = run_to_end({"systemd-tmpfiles", "--create", "--root=" + (folder / ""), folder / "drwatch.conf"});
  CHECK_MESSAGE(made.first == 0, made.second);
  CHECK(access((folder / "etc/drwatch/scenarios").c_str(), F_OK) == 0);
}

TEST_CASE("systemd hears that the daemon is ready, alive, reloading and stopping") {
  const TempFolder folder;
  const int systemd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, (folder / "notify").c_str(), sizeof at.sun_path - 1);
  REQUIRE(bind(systemd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  const auto heard = [systemd] {
    char text[512] = {};
    const ssize_t size = recv(systemd, text, sizeof text, MSG_DONTWAIT);
    return std::string(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  };
  unsetenv("NOTIFY_SOCKET");
  notify::ready("nobody listens");
  CHECK(heard().empty());
  setenv("NOTIFY_SOCKET", (folder / "notify").c_str(), 1);
  notify::ready("watching 12 probes\nMAINPID=1");
  CHECK(heard() == "READY=1\nSTATUS=watching 12 probes MAINPID=1");
  notify::alive();
  CHECK(heard() == "WATCHDOG=1");
  notify::reloading();
  CHECK(heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  notify::status("1 incident open");
  CHECK(heard() == "STATUS=1 incident open");
  notify::stopping("told to");
  CHECK(heard() == "STOPPING=1\nSTATUS=told to");
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_PID");
  setenv("WATCHDOG_USEC", "30000000", 1);
  CHECK(notify::watchdog_patience() == Duration(30'000));
  unsetenv("WATCHDOG_USEC");
  CHECK_FALSE(notify::watchdog_patience());
  close(systemd);
}

TEST_CASE("Prometheus takes the rules, and they fire when they should") {
  const auto check = run_to_end({"promtool", "check", "rules", source + "/config/prometheus/drwatch.rules.yml"});
  CHECK_MESSAGE(check.first == 0, check.second);
  const auto test = run_to_end({"promtool", "test", "rules", source + "/tests/alerting/drwatch.rules.test.yml"});
  CHECK_MESSAGE(test.first == 0, test.second);
}

TEST_CASE("Alertmanager takes the sample file, and routes by it") {
  const std::string file = source + "/config/alertmanager/alertmanager.yml";
  const auto check = run_to_end({"amtool", "check-config", file});
  CHECK_MESSAGE(check.first == 0, check.second);
  const auto receiver_of = [&](std::vector<std::string> labels) {
    labels.insert(labels.begin(), {"amtool", "config", "routes", "test", "--config.file=" + file});
    std::string said = run_to_end(labels).second;  // a warning may stand before the answer
    said.resize(said.find_last_not_of('\n') + 1);
    return said.substr(said.rfind('\n') + 1);
  };
  CHECK(receiver_of({"alertname=DrwatchIncident", "severity=critical", "scenario=x"}) == "pager,chat,mail");
  CHECK(receiver_of({"alertname=DrwatchRpoAtRisk", "severity=warning"}) == "chat,mail");
  CHECK(receiver_of({"alertname=DrwatchIncident", "severity=info", "drill=true"}) == "drills");
  CHECK(receiver_of({"alertname=DrwatchTest", "severity=info"}) == "pager,chat,mail");
  CHECK(receiver_of({"alertname=Watchdog", "severity=none"}) == "deadman");
}

}  // namespace systemd_test
