// SPDX-License-Identifier: Apache-2.0
// tcp and dns.
#include "probes/seams/excerpt.hpp"
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

namespace net_test {

using namespace drwatch;
using namespace drwatch::testing;

TEST_CASE("tcp: connect, send, expect") {
  FakeWorld world;
  const auto probe = probe_of("tcp", "target = \"[2001:db8::1]:25\"\nsend = \"EHLO x\\r\\n\"\nexpect = \"^220 .*ready\"\ntls = {}");
  world.net.says = {"220 ma", "il rea", "dy\r\n"};
  const Outcome good = world.run(*probe);
  CHECK(good.outcome == Health::up);
  CHECK(world.net.heard == "EHLO x\r\n");
  CHECK(world.net.host == "2001:db8::1");
  CHECK(world.net.port == 25);
  CHECK(world.net.tls.has_value());
  CHECK(good.phases[Phase::connect].has_value());

  world.net.says = {"554 go away"};
  const Outcome wrong = world.run(*probe);
  CHECK(wrong.outcome == Health::down);
  CHECK(wrong.reason == Reason::assertion);
  CHECK(wrong.message.find("554 go away") != std::string::npos);

  world.net.then_fails = failure(Reason::connect, "ECONNRESET", "reset");
  CHECK(world.run(*probe).code == "ECONNRESET");

  world.net.says = {std::string(100000, 'x')};  // never the right thing, more than is read
  const Outcome flood = world.run(*probe);
  CHECK(flood.outcome == Health::down);
  CHECK(flood.message.size() < 400);
}

TEST_CASE("tcp: connecting alone is enough without expect; a refusal is down") {
  FakeWorld world;
  const auto probe = probe_of("tcp", "target = \"192.0.2.1:443\"");
  CHECK(world.run(*probe).outcome == Health::up);
  CHECK_FALSE(world.net.tls.has_value());
  world.net.refuses = failure(Reason::connect, "ECONNREFUSED", "refused");
  const Outcome refused = world.run(*probe);
  CHECK(refused.outcome == Health::down);
  CHECK(refused.reason == Reason::connect);
  CHECK(refused.phases[Phase::connect].has_value());
  CHECK_FALSE(refused.takes_no_writes);
  CHECK_FALSE(problems_of("tcp", "target = \"nowhere\"").empty());
}

TEST_CASE("dns: answers, wrong answers, none") {
  FakeWorld world;
  Resolved two;
  two.addresses = {"192.0.2.2", "192.0.2.1"};
  world.resolver.names.emplace("example.org", two);
  const auto plain = probe_of("dns", "name = \"example.org\"");
  const Outcome good = world.run(*plain);
  CHECK(good.outcome == Health::up);
  CHECK(good.facts.at("addresses") == "192.0.2.1, 192.0.2.2");
  CHECK(world.resolver.asked[0] == "example.org v4");
  CHECK(good.phases[Phase::resolve].has_value());

  CHECK(world.run(*probe_of("dns", "name = \"example.org\"\nexpect = [\"192.0.2.1\", \"192.0.2.2\"]")).outcome == Health::up);
  const Outcome other = world.run(*probe_of("dns", "name = \"example.org\"\nexpect = [\"192.0.2.1\"]"));
  CHECK(other.outcome == Health::down);
  CHECK(other.reason == Reason::assertion);

  const Outcome none = world.run(*probe_of("dns", "name = \"gone.example.org\"\ntype = \"AAAA\""));
  CHECK(none.outcome == Health::down);
  CHECK(none.reason == Reason::dns);
  CHECK(none.code == "NXDOMAIN");
  CHECK(world.resolver.asked.back() == "gone.example.org v6");

  Resolved six;
  six.addresses = {"2001:DB8:0::1"};
  world.resolver.names.emplace("six.example.org", six);
  CHECK(world.run(*probe_of("dns", "name = \"six.example.org\"\ntype = \"AAAA\"\nexpect = [\"2001:db8::1\"]")).outcome == Health::up);
}

TEST_CASE("dns: what the configuration must not say") {
  for (const char* toml :
       {"name = \"192.0.2.1\"", "name = \"x\"\nservers = [\"ns.example.org:53\"]", "name = \"x\"\nexpect = [\"2001:db8::1\"]",
        "name = \"x\"\ntype = \"HTTPS\"", "name = \"x\"\nrcode = \"NXDOMAIN\"\nexpect = [\"192.0.2.1\"]", "type = \"A\""}) {
    CAPTURE(toml);
    CHECK(problems_of("dns", toml).size() == 1);
  }
  for (const char* toml : {"name = \"x\"\nservers = [\"192.0.2.53\", \"[2001:db8::1]:53\", \"2001:db8::1\", \"127.0.0.1:5353\"]"}) {
    const auto problems = problems_of("dns", toml);
    CHECK(problems.empty());
    for (const auto& problem : problems) MESSAGE(problem);
  }
}

TEST_CASE("names of outcomes are read back") {
  for (Health h : {Health::up, Health::degraded, Health::down, Health::unknown}) CHECK(parse_health(health_name(h)) == h);
  for (Reason r : all_reasons) CHECK(parse_reason(reason_name(r)) == r);
  CHECK_FALSE(parse_reason("").has_value());
  CHECK_FALSE(parse_health("UP").has_value());
  CHECK(phase_name(Phase::total) == "total");
}

TEST_CASE("excerpts are cut between characters and cleaned") {
  CHECK(excerpt("  a\r\n\tb\x01 c ") == "a b c");
  CHECK(excerpt("0123456789", 5) == "01234...");
  CHECK(excerpt("abcd\xc3\xa9x", 5) == "abcd...");
  CHECK(without_tokens(R"({"access_token":"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.Et9HFtf9R3","n":1})") ==
        R"({"access_token":"***","n":1})");
  CHECK(without_tokens("id 123e4567-e89b-12d3-a456-426614174000 ----------------------------------------") ==
        "id 123e4567-e89b-12d3-a456-426614174000 ----------------------------------------");
}

}  // namespace net_test
