// SPDX-License-Identifier: Apache-2.0
// dns: records of all kinds, servers told apart, authorities that disagree, pins.
#include "probes/dns/verdict.hpp"
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

namespace dns_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

DnsAnswer answer(std::vector<DnsRecord> records, const std::string& rcode = "NOERROR", bool authoritative = false) {
  DnsAnswer made;
  made.rcode = rcode;
  made.authoritative = authoritative;
  made.answers = std::move(records);
  return made;
}

DnsAnswer a(const std::string& address, bool authoritative = false) {
  return answer({{"www.example.org", "A", 300, address}}, "NOERROR", authoritative);
}

DnsAnswer soa(const std::string& serial) {
  return answer({{"example.org", "SOA", 60, "ns1.example.org hostmaster.example.org " + serial + " 7200 3600 1209600 60"}}, "NOERROR",
                true);
}

bool judged(const Outcome& outcome, Health health, Reason reason, const std::string& code) {
  if (outcome.outcome == health && outcome.reason == reason && outcome.code == code) return true;
  MESSAGE(health_name(outcome.outcome), " ", reason_name(outcome.reason), " ", outcome.code, ": ", outcome.message);
  return false;
}

Outcome run(FakeWorld& world, const std::string& keys) { return world.run(*probe_of("dns", keys)); }

const std::string both = "name = \"www.example.org\"\nservers = [\"192.0.2.1:53\", \"192.0.2.2:53\"]\n";

// A zone with two name servers at three addresses.
void serve_zone(FakeWorld& world) {
  auto& says = world.resolver.says;
  DnsAnswer denied = answer({});
  denied.authority = soa("7").answers;
  says.insert_or_assign("www.example.org SOA", denied);
  says.insert_or_assign("example.org NS",
                        answer({{"example.org", "NS", 60, "ns2.example.net"}, {"example.org", "NS", 60, "ns1.example.org"}}));
  says.insert_or_assign("ns1.example.org A", answer({{"ns1.example.org", "A", 60, "192.0.2.11"}}));
  says.insert_or_assign("ns1.example.org AAAA", answer({{"ns1.example.org", "AAAA", 60, "2001:db8::11"}}));
  says.insert_or_assign("ns2.example.net A", answer({{"ns2.example.net", "A", 60, "192.0.2.12"}}));
  says.insert_or_assign("ns2.example.net AAAA", answer({}));
  for (const std::string server : {" 192.0.2.11:53", " [2001:db8::11]:53", " 192.0.2.12:53"}) {
    says.insert_or_assign("www.example.org A" + server, a("192.0.2.80", true));
    says.insert_or_assign("example.org SOA" + server, soa("7"));
  }
}

const std::string zone = "name = \"www.Example.org.\"\nauthoritative = true\n";

}  // namespace

TEST_CASE("dns: every server is asked and told apart") {
  FakeWorld world;
  world.resolver.says.emplace("www.example.org A", a("192.0.2.80"));
  const Outcome good = run(world, both);
  CHECK(judged(good, Health::up, Reason::none, ""));
  CHECK(good.facts.at("server 192.0.2.1:53") == "192.0.2.80");
  CHECK(good.facts.at("ttl_seconds") == "300");
  CHECK(world.resolver.asked.size() == 2);

  world.resolver.says.emplace("www.example.org A 192.0.2.2:53", failure(Reason::dns, "TIMEOUT", "no answer"));
  const Outcome one = run(world, both);
  CHECK(judged(one, Health::degraded, Reason::dns, "TIMEOUT"));
  CHECK(one.message.find("192.0.2.2:53") != std::string::npos);
  CHECK(one.facts.at("server 192.0.2.2:53") == "TIMEOUT");
  CHECK(one.facts.at("server 192.0.2.1:53") == "192.0.2.80");

  world.resolver.says.insert_or_assign("www.example.org A", answer({}, "SERVFAIL"));
  CHECK(judged(run(world, both), Health::down, Reason::dns, "SERVFAIL"));
  world.resolver.system = {"127.0.0.53:53", "192.0.2.2:53"};
  run(world, "name = \"www.example.org\"\nservers = [\"system\", \"192.0.2.9\"]");
  CHECK(world.resolver.asked.back() == "www.example.org A 192.0.2.9");
  CHECK(world.resolver.asked[world.resolver.asked.size() - 3] == "www.example.org A 127.0.0.53:53");
  world.resolver.system.clear();
  CHECK(judged(run(world, "name = \"x.org\"\ntype = \"MX\""), Health::unknown, Reason::own_fault, ""));
}

TEST_CASE("dns: a pinned answer, an answer that must not be, answers that differ") {
  FakeWorld world;
  auto& says = world.resolver.says;
  says.emplace("www.example.org A 192.0.2.1:53", a("192.0.2.80"));
  says.emplace("www.example.org A 192.0.2.2:53", a("198.51.100.66"));
  CHECK(judged(run(world, both), Health::up, Reason::none, ""));  // content networks do that
  CHECK(judged(run(world, both + "agree = true"), Health::degraded, Reason::assertion, "disagree"));
  const Outcome pinned = run(world, both + "expect = [\"192.0.2.80\"]");
  CHECK(judged(pinned, Health::down, Reason::assertion, "pin"));
  CHECK(pinned.message.find("192.0.2.2:53: expected 192.0.2.80, got 198.51.100.66") != std::string::npos);

  CHECK(judged(run(world, both + "rcode = \"NXDOMAIN\""), Health::down, Reason::assertion, "NOERROR"));
  says.insert_or_assign("www.example.org A 192.0.2.1:53", answer({}, "NXDOMAIN"));
  says.insert_or_assign("www.example.org A 192.0.2.2:53", answer({}, "NXDOMAIN"));
  CHECK(judged(run(world, both + "rcode = \"NXDOMAIN\""), Health::up, Reason::none, ""));
  CHECK(judged(run(world, both), Health::down, Reason::dns, "NXDOMAIN"));
}

TEST_CASE("dns: behind a content network any of several addresses may come, and no other") {
  FakeWorld world;
  auto& says = world.resolver.says;
  says.emplace("www.example.org A", a("203.0.113.77"));
  const auto among = [&](const std::string& list) { return run(world, both + "among = [" + list + "]"); };
  CHECK(judged(among("\"203.0.113.0/24\""), Health::up, Reason::none, ""));
  CHECK(judged(among("\"198.51.100.7\", \"203.0.113.77\""), Health::up, Reason::none, ""));
  CHECK(judged(among("\"198.51.100.7\", \"203.0.112.0/23\""), Health::up, Reason::none, ""));
  const Outcome elsewhere = among("\"198.51.100.7\", \"203.0.114.0/24\"");
  CHECK(judged(elsewhere, Health::down, Reason::assertion, "pin"));
  CHECK(elsewhere.message.find("expected none but 198.51.100.7, 203.0.114.0/24, got 203.0.113.77") != std::string::npos);
  CHECK(judged(among("\"203.0.113.77\", \"203.0.113.78\""), Health::up, Reason::none, ""));  // not all of them need to come
  CHECK(judged(run(world, both + "among = [\"203.0.113.0/24\"]\ncontains = [\"203.0.113.78\"]"), Health::down, Reason::assertion, "pin"));
  const std::string name = "name = \"www.example.org\"\n";
  CHECK(problems_of("dns", name + "among = [\"203.0.113.0/33\"]").size() == 1);
  CHECK(problems_of("dns", name + "among = [\"2001:db8::/32\"]").size() == 1);
  CHECK(problems_of("dns", name + "type = \"AAAA\"\namong = [\"2001:db8::/32\", \"2001:db8::1\"]").empty());
  CHECK(problems_of("dns", name + "among = [\"203.0.113.0/24\"]\nexpect = [\"203.0.113.1\"]").size() == 1);
  CHECK(problems_of("dns", name + "rcode = \"NXDOMAIN\"\namong = [\"203.0.113.0/24\"]").size() == 1);
}

TEST_CASE("dns: a pinned record that nobody told was not seen") {
  FakeWorld world;
  for (const char* silence : {"TIMEOUT", "ECONNREFUSED"}) {
    CAPTURE(silence);
    world.resolver.says.insert_or_assign("www.example.org A", failure(Reason::dns, silence, "nothing"));
    CHECK(judged(run(world, both), Health::down, Reason::dns, silence));
    CHECK(judged(run(world, both + "expect = [\"192.0.2.80\"]"), Health::unknown, Reason::dns, silence));
    CHECK(judged(run(world, both + "among = [\"192.0.2.0/24\"]"), Health::unknown, Reason::dns, silence));
  }
  for (const char* said : {"SERVFAIL", "NXDOMAIN"}) {
    world.resolver.says.insert_or_assign("www.example.org A", answer({}, said));
    CHECK(judged(run(world, both + "expect = [\"192.0.2.80\"]"), Health::down, Reason::dns, said));
  }
  // As programs on this machine look it up.
  world.resolver.names.insert_or_assign("www.example.org", failure(Reason::dns, "TIMEOUT", "nothing"));
  CHECK(judged(run(world, "name = \"www.example.org\"\nexpect = [\"192.0.2.80\"]"), Health::unknown, Reason::dns, "TIMEOUT"));
}

TEST_CASE("dns: records of each kind, as people write them; only those that belong to the name") {
  FakeWorld world;
  const auto check = [&](const std::string& type, const std::vector<DnsRecord>& records, const std::string& more) {
    world.resolver.says.insert_or_assign("example.org " + type, answer(records));
    return run(world, "name = \"example.org\"\ntype = \"" + type + "\"\n" + more);
  };
  const std::vector<DnsRecord> mx = {{"example.org", "MX", 60, "10 mail.example.org"}, {"example.org", "MX", 60, "20 mx.example.net"}};
  CHECK(judged(check("MX", mx, "expect = [\"20 mx.example.net.\", \"10 Mail.Example.org\"]"), Health::up, Reason::none, ""));
  CHECK(judged(check("MX", mx, "expect = [\"10 mail.example.org\"]"), Health::down, Reason::assertion, "pin"));
  CHECK(judged(check("MX", mx, "contains = [\"10 mail.example.org\"]"), Health::up, Reason::none, ""));
  CHECK(judged(check("TXT", {{"example.org", "TXT", 60, "v=spf1 -all"}}, "contains = [\"v=spf1 ~all\"]"), Health::down, Reason::assertion,
               "pin"));
  CHECK(judged(check("CAA", {{"example.org", "CAA", 60, "0 issue \"letsencrypt.org\""}}, "expect = ['0 issue \"letsencrypt.org\"']"),
               Health::up, Reason::none, ""));
  CHECK(
      judged(check("NS", {{"example.org", "NS", 60, "ns1.example.org"}}, "expect = [\"ns1.example.org\"]"), Health::up, Reason::none, ""));
  CHECK(check("SOA", soa("7").answers, "").facts.at("records").find(" 7 7200") != std::string::npos);

  // Over aliases, and not what is merely sent along.
  CHECK(judged(check("A",
                     {{"example.org", "CNAME", 60, "a.example.net"},
                      {"a.example.net", "CNAME", 60, "b.example.net"},
                      {"b.example.net", "A", 60, "192.0.2.5"},
                      {"evil.example.net", "A", 60, "198.51.100.66"}},
                     "servers = [\"192.0.2.53\"]\nexpect = [\"192.0.2.5\"]"),
               Health::up, Reason::none, ""));
  const std::vector<DnsRecord> circle = {{"example.org", "CNAME", 60, "a.example.net"}, {"a.example.net", "CNAME", 60, "example.org"}};
  CHECK(judged(check("A", circle, "servers = [\"192.0.2.53\"]"), Health::down, Reason::dns, "NODATA"));
}

TEST_CASE("dns: the zone's own name servers, each at every address") {
  FakeWorld world;
  serve_zone(world);
  const Outcome good = run(world, zone + "expect = [\"192.0.2.80\"]");
  CHECK(judged(good, Health::up, Reason::none, ""));
  CHECK(good.facts.at("zone") == "example.org");
  CHECK(good.facts.at("name_servers") == "ns1.example.org, ns2.example.net");
  CHECK(good.facts.at("serial") == "7");
  CHECK(good.facts.at("server ns1.example.org (2001:db8::11)") == "192.0.2.80");
  CHECK(world.resolver.asked.back() == "example.org SOA 192.0.2.12:53 itself");

  auto& says = world.resolver.says;
  says.insert_or_assign("example.org SOA 192.0.2.12:53", soa("6"));
  CHECK(judged(run(world, zone), Health::degraded, Reason::stale, "serial"));
  says.insert_or_assign("www.example.org A 192.0.2.12:53", a("192.0.2.81", true));
  CHECK(judged(run(world, zone), Health::degraded, Reason::assertion, "disagree"));
  says.insert_or_assign("www.example.org A 192.0.2.12:53", a("192.0.2.80", false));
  const Outcome lame = run(world, zone);
  CHECK(judged(lame, Health::degraded, Reason::dns, "LAME"));
  CHECK(lame.message.find("ns2.example.net") != std::string::npos);
  says.erase("www.example.org A 192.0.2.12:53");
  CHECK(judged(run(world, zone), Health::degraded, Reason::dns, "TIMEOUT"));
  says.insert_or_assign("ns2.example.net A", answer({}));
  CHECK(judged(run(world, zone), Health::degraded, Reason::dns, "NXDOMAIN"));
}

TEST_CASE("dns: without IPv6 here, servers there are left out; one that fails is not") {
  FakeWorld world;
  serve_zone(world);
  const auto fail = [&](const std::string& code) {
    for (const char* what : {"www.example.org A", "example.org SOA"})
      world.resolver.says.insert_or_assign(what + std::string(" [2001:db8::11]:53"), failure(Reason::dns, code, "no"));
  };
  fail("ECONNREFUSED");
  const Outcome outcome = run(world, zone);
  CHECK(judged(outcome, Health::up, Reason::none, ""));
  CHECK_FALSE(outcome.facts.contains("server ns1.example.org (2001:db8::11)"));
  fail("TIMEOUT");
  CHECK(judged(run(world, zone), Health::degraded, Reason::dns, "TIMEOUT"));
}

TEST_CASE("dns: pinned name servers; a zone that cannot be found") {
  FakeWorld world;
  serve_zone(world);
  world.resolver.says.emplace("www.example.org A", a("192.0.2.80"));
  const std::string name = "name = \"www.example.org\"\nname_servers = [";
  CHECK(judged(run(world, name + "\"NS2.example.net.\", \"ns1.example.org\"]"), Health::up, Reason::none, ""));
  const Outcome taken = run(world, name + "\"ns1.example.org\"]");
  CHECK(judged(taken, Health::down, Reason::assertion, "name-servers"));
  CHECK(taken.facts.at("name_servers") == "ns1.example.org, ns2.example.net");
  world.resolver.says.insert_or_assign("example.org NS", answer({}, "SERVFAIL"));
  CHECK(judged(run(world, zone), Health::down, Reason::dns, "SERVFAIL"));
  world.resolver.says.clear();
  CHECK(judged(run(world, zone), Health::down, Reason::dns, "TIMEOUT"));
}

}  // namespace dns_test
