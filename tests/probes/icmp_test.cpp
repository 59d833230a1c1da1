// SPDX-License-Identifier: Apache-2.0
// icmp and tcp's scripts: what is made of what comes back.
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

namespace icmp_test {

using namespace drwatch;
using namespace drwatch::testing;
using std::chrono::microseconds;

namespace {

bool judged(const Outcome& outcome, Health health, Reason reason, const std::string& code) {
  if (outcome.outcome == health && outcome.reason == reason && outcome.code == code) return true;
  MESSAGE(health_name(outcome.outcome), " ", reason_name(outcome.reason), " ", outcome.code, ": ", outcome.message);
  return false;
}

Resolved at(const std::string& address) {
  Resolved made;
  made.addresses = {address};
  return made;
}

}  // namespace

TEST_CASE("icmp: echoes that come back, some of them, none, and a system that sends none") {
  FakeWorld world;
  world.resolver.names.emplace("gateway", at("192.0.2.1"));
  const auto run = [&](const std::string& more = "") { return world.run(*probe_of("icmp", "target = \"gateway\"\n" + more)); };
  const auto lost = failure(Reason::timeout, "", "no answer");
  world.net.echoes = {microseconds{2000}, microseconds{4500}, microseconds{1000}};
  const Outcome good = run();
  CHECK(judged(good, Health::up, Reason::none, ""));
  CHECK(world.net.host == "192.0.2.1");
  CHECK(good.facts.at("loss_percent") == "0");
  CHECK(good.facts.at("rtt_min_ms") == "1.0");
  CHECK(good.facts.at("rtt_max_ms") == "4.5");
  CHECK(good.phases[Phase::response] == microseconds{2500});

  world.net.echoes = {microseconds{30000}};
  CHECK(judged(run("degraded_above = \"29ms\""), Health::degraded, Reason::timeout, "slow"));
  world.net.echoes = {lost, microseconds{1000}};
  CHECK(judged(run(), Health::up, Reason::none, ""));
  world.net.echoes = {lost, microseconds{1000}};
  CHECK(judged(run("degraded_loss = 0"), Health::degraded, Reason::timeout, ""));
  world.net.echoes = {lost, lost, microseconds{1000}};
  const Outcome most = run();
  CHECK(judged(most, Health::degraded, Reason::timeout, ""));
  CHECK(most.message.find("only 1 of 3") != std::string::npos);
  world.net.echoes = {lost};
  CHECK(judged(run(), Health::down, Reason::timeout, ""));
  world.net.echoes = {failure(Reason::connect, "EHOSTUNREACH", "no route to host")};
  CHECK(judged(run(), Health::down, Reason::connect, "EHOSTUNREACH"));
  world.net.echoes = {failure(Reason::own_fault, "EACCES", "not allowed")};
  const Outcome forbidden = run();
  CHECK(judged(forbidden, Health::unknown, Reason::own_fault, "EACCES"));
  CHECK_FALSE(forbidden.facts.contains("loss_percent"));
  CHECK(judged(world.run(*probe_of("icmp", "target = \"gone\"")), Health::down, Reason::dns, "NXDOMAIN"));
  CHECK_FALSE(problems_of("icmp", "target = \"x\"\ncount = 0").empty());
}

TEST_CASE("tcp: a script passes over lines, uses what it found, and names the step that failed") {
  FakeWorld world;
  const auto probe = probe_of("tcp",
                              "target = \"192.0.2.1:6667\"\nscript = [{ expect = '^PING (\\S+)', fail = '^ERROR' }, "
                              "{ send = \"PONG \\\\1\\r\\n\", expect = \"001\" }]");
  world.net.says = {"NOTICE hello\r\nPI", "NG abc\r\n", ":x 001 welcome"};
  const Outcome good = world.run(*probe);
  CHECK(judged(good, Health::up, Reason::none, ""));
  CHECK(world.net.heard == "PONG abc\r\n");
  world.net.says = {"ERROR banned\r\n"};
  const Outcome banned = world.run(*probe);
  CHECK(judged(banned, Health::down, Reason::assertion, ""));
  CHECK(banned.facts.at("step") == "1");
  world.net.says = {"PING abc\r\n", "002 x\r\n"};
  const Outcome ended = world.run(*probe);
  CHECK(judged(ended, Health::down, Reason::assertion, ""));
  CHECK(ended.message.starts_with("step 2: "));
  for (const std::string& flood : {std::string(200000, 'x'), std::string(200000, '\n')}) {
    world.net.says = {flood};
    const Outcome outcome = world.run(*probe);
    CHECK(judged(outcome, Health::down, Reason::protocol, ""));
    CHECK(outcome.message.size() < 500);
  }
  world.net.says.clear();
  world.net.then_fails = failure(Reason::connect, "ECONNRESET", "reset");
  CHECK(judged(world.run(*probe), Health::down, Reason::connect, "ECONNRESET"));
}

TEST_CASE("tcp: TLS in the middle of a script") {
  FakeWorld world;
  const auto probe = probe_of("tcp",
                              "target = \"mail.example.org:25\"\ntls = { ca = \"ca.pem\" }\nscript = [{ expect = '^220 ' }, "
                              "{ send = \"STARTTLS\\r\\n\", expect = '^220 ' }, { starttls = true }, "
                              "{ send = \"QUIT\\r\\n\", expect = '^221 ' }]");
  world.net.says = {"220 hello\r\n", "220 go\r\n", "221 bye\r\n"};
  CHECK(judged(world.run(*probe), Health::up, Reason::none, ""));
  CHECK(world.net.secured);
  CHECK(world.net.name == "mail.example.org");
  CHECK(world.net.tls->ca_file == "/etc/drwatch/ca.pem");
  world.net.says = {"220 hello\r\n", "454 no\r\n"};
  world.net.secured = false;
  CHECK(judged(world.run(*probe), Health::down, Reason::assertion, ""));
  CHECK_FALSE(world.net.secured);
  world.net.says = {"220 hello\r\n", "220 go\r\n"};
  world.net.distrusted = failure(Reason::tls, "CERT_HAS_EXPIRED", "expired");
  const Outcome expired = world.run(*probe);
  CHECK(judged(expired, Health::down, Reason::tls, "CERT_HAS_EXPIRED"));
  CHECK(expired.facts.at("step") == "3");
}

TEST_CASE("tcp: scripts that the configuration must not have") {
  const std::string target = "target = \"x:25\"\n";
  for (const char* bad : {"script = []", "script = \"x\"", "script = [\"x\"]", "script = [{}]", "script = [{ fail = \"x\", send = \"y\" }]",
                          "script = [{ expect = \"(\" }]", "script = [{ starttls = true, send = \"x\" }]",
                          "script = [{ starttls = true }, { starttls = true }]", "send = \"x\"\nscript = [{ send = \"x\" }]"}) {
    CAPTURE(bad);
    CHECK(problems_of("tcp", target + bad).size() == 1);
  }
}

}  // namespace icmp_test
