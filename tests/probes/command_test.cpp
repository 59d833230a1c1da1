// SPDX-License-Identifier: Apache-2.0
// The command kind: real programs, real monitoring plugins, and output that no plugin should print.
#include "probes/command/plugin_output.hpp"
#include "tests/probes/cluster.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"
#include "tests/world/servers.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>

namespace command_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

const std::string plugins = "/usr/lib/nagios/plugins/";

// Where check_disk finds one: "/" is no mount point in every root.
std::string a_mounted_disk() {
  std::set<std::string> mounted;
  std::ifstream mounts("/proc/self/mounts");
  for (std::string device, place, rest; mounts >> device >> place && std::getline(mounts, rest);) mounted.insert(place);
  for (const char* place : {"/", "/run", "/dev/shm", "/dev"})
    if (mounted.contains(place)) return place;
  return "";
}

std::string shell(const std::string& script, const std::string& more = "") {
  return "run = [\"/bin/sh\", \"-c\", '''" + script + "''']\n" + more;
}

Outcome run(const std::string& toml) {
  Watch watch;
  return watch.run(*probe_of("command", toml));
}

bool alive(const std::string& pid_file) {
  std::ifstream file(pid_file);
  std::string pid, number, name, state;
  if (!(file >> pid)) return false;
  std::ifstream stat("/proc/" + pid + "/stat");
  stat >> number >> name >> state;
  return stat && state != "Z";
}

}  // namespace

TEST_CASE("command: exit codes, output, performance data") {
  struct Row {
    std::string script;
    Health health;
    Reason reason;
    std::string code, message;
  };
  const Row rows[] = {
      {"echo 'OK - fine | load=0.5;1;2;0; users=3'", Health::up, Reason::none, "0", "OK - fine"},
      {"echo WARNING; exit 1", Health::degraded, Reason::assertion, "1", "WARNING"},
      {"echo CRITICAL; exit 2", Health::down, Reason::assertion, "2", "CRITICAL"},
      {"echo UNKNOWN; exit 3", Health::unknown, Reason::own_fault, "3", "UNKNOWN"},
      {"exit 4", Health::unknown, Reason::own_fault, "4", "sh ended with 4, which is no plugin's exit code (0 to 3): sh said nothing"},
      {"/no/such/program", Health::unknown, Reason::own_fault, "127", "sh ended with 127"},
      {"kill -SEGV $$", Health::unknown, Reason::own_fault, "139", "sh was ended by a signal (Segmentation fault)"},
      {"echo broken >&2; exit 2", Health::down, Reason::assertion, "2", "broken"},
      {"exit 0", Health::up, Reason::none, "0", "sh said nothing"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.script);
    const Outcome outcome = run(shell(row.script));
    CHECK(health_name(outcome.outcome) == health_name(row.health));
    CHECK(reason_name(outcome.reason) == reason_name(row.reason));
    CHECK(outcome.code == row.code);
    CHECK(outcome.message.starts_with(row.message));
  }
  const Outcome fine = run(shell(rows[0].script));
  CHECK(fine.facts == std::map<std::string, std::string>{{"load", "0.5"}, {"users", "3"}});
  const Outcome missing = run("run = [\"/no/such/plugin\"]");
  CHECK(missing.outcome == Health::unknown);
  CHECK(missing.code == "ENOENT");
}

TEST_CASE("command: no shell, a bare environment, secrets that are not shown") {
  setenv("DRWATCH_TEST_SECRET", "s3cret-value", 1);
  CHECK(run("run = [\"/bin/echo\", \"$HOME; exit 2\"]").message == "$HOME; exit 2");
  const Outcome outcome = run(shell("echo \"$A $B ${DRWATCH_TEST_SECRET:-none} $(cat)\"",
                                    "environment = { A = \"plain\", B = { env = \"DRWATCH_TEST_SECRET\" } }\ninput = \"typed\""));
  CHECK(outcome.message == "plain *** none typed");
  CHECK(run(shell("echo 'x | s3cret-value=1'", "environment = { B = { env = \"DRWATCH_TEST_SECRET\" } }")).facts.count("***") == 1);
  CHECK(run(shell("echo all is lost", "output_matches = \"^OK\"")).outcome == Health::down);
  CHECK(run(shell("echo OK but ORA-600", "output_not_matches = \"ORA-\"")).outcome == Health::down);
}

TEST_CASE("command: bounded time, output and memory; nothing of it stays") {
  TempFolder folder;
  const std::string pid = folder.path() + "/pid";
  Watch watch;
  const auto stalls = probe_of("command", shell("trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > " + pid + "; sleep 60' & wait"));
  CHECK_FALSE(watch.try_run(*stalls, milliseconds{700}).has_value());
  await("its child is gone too", [&] { return !watch.try_run(*probe_of("command", shell("sleep 0.2")), seconds{5}) || !alive(pid); });
  const std::string left = folder.path() + "/left";
  CHECK(watch.run(*probe_of("command", shell("sleep 60 >/dev/null 2>&1 & echo $! > " + left + "; echo done"))).message == "done");
  await("what it left behind is gone", [&] { return !alive(left); });
  const auto flood = watch.run(*probe_of("command", shell("head -c 50000000 /dev/zero | tr '\\0' x; exit 1", "max_output = 1000")));
  CHECK(flood.outcome == Health::degraded);
  CHECK(flood.message.size() < 500);
  const auto cut = watch.run(*probe_of(
      "command", shell("head -c 5000 /dev/zero | tr '\\0' x; echo FAILED", "max_output = 1000\noutput_not_matches = \"FAILED\"")));
  CHECK(cut.outcome == Health::unknown);  // what was dropped is what is looked for
  const Outcome big = watch.run(*probe_of("command", "run = [\"python3\", \"-c\", \"x = bytearray(200 << 20)\"]\nmax_memory = 67108864"));
  CHECK(big.outcome == Health::degraded);  // Python's own exit code: it says WARNING
  CHECK(big.message.find("Traceback") != std::string::npos);
  CHECK(watch.run(*probe_of("command", "run = [\"python3\", \"-c\", \"x = bytearray(200 << 20)\"]")).outcome == Health::up);
}

TEST_CASE("command: real monitoring plugins") {
  REQUIRE(std::filesystem::exists(plugins + "check_tcp"));
  TcpServer server([](Peer peer) {
    peer.receive_until("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  const std::string port = std::to_string(server.port());
  const Outcome http = run("run = [\"" + plugins + "check_http\", \"-H\", \"127.0.0.1\", \"-p\", \"" + port + "\"]");
  CHECK(http.outcome == Health::up);
  CHECK(http.message.starts_with("HTTP OK"));
  CHECK(http.facts.count("time") == 1);
  CHECK(http.facts.at("size").ends_with(" B"));
  const Outcome tcp = run("run = [\"" + plugins + "check_tcp\", \"-H\", \"127.0.0.1\", \"-p\", \"" + std::to_string(unused_port()) + "\"]");
  CHECK(tcp.outcome == Health::down);
  for (const auto& [state, health] : {std::pair{"0", Health::up}, {"1", Health::degraded}, {"2", Health::down}, {"3", Health::unknown}})
    CHECK(run("run = [\"" + plugins + "check_dummy\", \"" + state + "\", \"said so\"]").outcome == health);
  const Outcome load = run("run = [\"" + plugins + "check_load\", \"-w\", \"9999,9999,9999\", \"-c\", \"9999,9999,9999\"]");
  CHECK(load.outcome == Health::up);
  for (const char* fact : {"load1", "load5", "load15"}) CHECK(load.facts.count(fact) == 1);
  const std::string disk = a_mounted_disk();
  REQUIRE_FALSE(disk.empty());
  const Outcome space = run("run = [\"" + plugins + "check_disk\", \"-w\", \"0%\", \"-c\", \"0%\", \"-p\", \"" + disk + "\"]");
  CAPTURE(space.message);
  CHECK(space.facts.count(disk) == 1);
  CHECK(run("run = [\"" + plugins + "check_http\"]").outcome == Health::unknown);
}

TEST_CASE("plugin output: performance data as plugins really write it") {
  const auto read = [](const std::string& text) {
    std::string all;
    for (const PluginValue& m : read_plugin_output(text).measured)
      all += m.label + "=" + (m.value ? std::to_string(static_cast<int>(*m.value * 100)) : "U") + m.unit + " ";
    return all;
  };
  CHECK(read("OK|a=1") == "a=100 ");
  CHECK(read("OK | 'a b'=1.5s;;;0 'it''s'=2%;80;90 c=U") == "a b=150s it's=200% c=U ");
  CHECK(read("DISK OK | /=2643MB;5948;5958;0;5968\nlong text\n/boot 68 | /boot=68MB;88;93;0;98\n/home=69357MB;253404") ==
        "/=264300MB /boot=6800MB /home=6935700MB ");
  CHECK(read("OK") == "");
  for (const char* odd : {"|", "|=", "|a", "|a=", "|a=x", "|'a", "|'a'", "|a=1'x", "|a=1e999", "|a=nan", "|a=1.2.3", "||| a"})
    CHECK(read(odd) == "");
  CHECK(read_plugin_output("  HTTP OK: \t| a=1\nmore").text == "HTTP OK:");
  std::string many = "x|";
  for (int i = 0; i < 1000; ++i) many += " a" + std::to_string(i) + "=1";
  CHECK(read_plugin_output(many).measured.size() == 50);
}

TEST_CASE("plugin output: no bytes upset the reader") {
  std::mt19937 dice(11);
  const std::string alphabet = "|'= ;\n\tab1.-eU%\\\"\0\xff";
  for (int round = 0; round < 20000; ++round) {
    std::string text(dice() % 80, ' ');
    for (char& c : text) c = alphabet[dice() % alphabet.size()];
    const PluginOutput read = read_plugin_output(text);
    CHECK(read.measured.size() <= 50);
    CHECK(read.text.size() <= text.size());
  }
}

TEST_CASE("command: what the configuration must not say") {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "run"},
      {"run = []", "is empty"},
      {"run = [\"\"]", "is empty"},
      {"run = [\"/bin/sh -c true\"]", "no shell"},
      {"run = [\"x\"]\nenvironment = { \"A=B\" = \"x\" }", "not a variable's name"},
      {"run = [\"x\"]\nenvironment = { A = \"password=x\" }", "password"},
      {"run = [\"x\"]\nmax_memory = 5", "max_memory"},
      {"run = [\"x\"]\noutput_matches = \"(\"", "regular expression"},
  };
  for (const auto& [toml, says] : wrong) {
    CAPTURE(toml);
    const auto problems = problems_of("command", toml);
    REQUIRE(problems.size() >= 1);
    CAPTURE(problems[0]);
    CHECK(problems[0].find(says) != std::string::npos);
  }
}

}  // namespace command_test
