// SPDX-License-Identifier: Apache-2.0
#include "tests/compared/runners.hpp"

#include "tests/probes/cluster.hpp"
#include "tests/probes/fake_world.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace drwatch::testing {
namespace {

std::string modules() {
  const std::string seconds_text = std::to_string(patience.count()) + "s";
  const auto module = [&](const std::string& name, const std::string& more) {
    return "  " + name + ":\n    prober: http\n    timeout: " + seconds_text + "\n    http:\n      preferred_ip_protocol: ip4\n" + more;
  };
  return "modules:\n" + module("http", "") + module("no_follow", "      follow_redirects: false\n") +
         module("body", "      fail_if_body_not_matches_regexp: [ok]\n") +
         module("header", "      fail_if_header_not_matches: [{header: X-Build, regexp: v7}]\n") +
         module("gzip", "      compression: gzip\n") + module("v11", "      valid_http_versions: [HTTP/1.1]\n") +
         module("bounded", "      body_size_limit: 100000B\n");
}

}  // namespace

Blackbox::Blackbox() : port_(free_port()) {
  std::vector<std::string> argv = {"prometheus-blackbox-exporter", "--config.file=" + folder_.file("modules.yml", modules()),
                                   "--web.listen-address=127.0.0.1:" + std::to_string(port_), "--log.level=error"};
  std::vector<char*> words;
  for (std::string& word : argv) words.push_back(word.data());
  words.push_back(nullptr);
  REQUIRE(posix_spawnp(&pid_, "prometheus-blackbox-exporter", nullptr, nullptr, words.data(), environ) == 0);
  Watch watch;
  const auto ready = probe_of("http", "target = \"http://127.0.0.1:" + std::to_string(port_) + "/-/healthy\"");
  await("blackbox_exporter", [&] { return watch.run(*ready).outcome == Health::up; });
}

Blackbox::~Blackbox() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Blackbox::succeeds(Watch& watch, const std::string& target, const std::string& module) const {
  const std::string url = "http://127.0.0.1:" + std::to_string(port_) + "/probe?module=" + module + "&target=" + target;
  const auto good = probe_of("http", "target = \"" + url + "\"\nbody_matches = \"(?m)^probe_success 1$\"");
  const auto answered = probe_of("http", "target = \"" + url + "\"\nbody_matches = \"(?m)^probe_success [01]$\"");
  if (watch.run(*good).outcome == Health::up) return true;
  CHECK(watch.run(*answered).outcome == Health::up);  // that it couldn't be asked is no verdict
  return false;
}

bool check_http(Watch& watch, const std::string& url) {
  const auto colon = url.rfind(':');
  const std::string port = url.substr(colon + 1, url.find('/', colon) - colon - 1);
  const auto plugin = probe_of("command", "run = [\"/usr/lib/nagios/plugins/check_http\", \"-I\", \"127.0.0.1\", \"-p\", \"" + port +
                                              "\", \"-f\", \"follow\", \"-t\", \"" + std::to_string(patience.count()) + "\"]");
  return watch.run(*plugin).outcome == Health::up;
}

}  // namespace drwatch::testing
