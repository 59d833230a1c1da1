// SPDX-License-Identifier: Apache-2.0
// Name servers that mean it no good, over UDP and over TCP.
#include "tests/probes/unkind.hpp"
#include "tests/world/dns_bytes.hpp"

#include <doctest/doctest.h>

namespace unkind_dns_test {

using namespace drwatch::testing;

namespace {

using std::chrono::milliseconds;
using Behaviour = std::function<void(Peer)>;
using Answer = std::function<std::optional<std::string>(const std::string&)>;

// The question's own id and name; `counts`: of answers and authorities.
std::string head(const std::string& question, unsigned flags, unsigned answers, unsigned authorities = 0) {
  const auto end = question.find('\0', 12) + 5;
  return question.substr(0, 2) + dns::u16(flags) + dns::u16(1) + dns::u16(answers) + dns::u16(authorities) + dns::u16(0) +
         question.substr(12, end - 12);
}

Answer with(std::string records, unsigned count = 1, unsigned flags = 0x8580) {
  return [=](const std::string& question) { return head(question, flags, count) + records; };
}

std::string records(int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += dns::record(16, std::string("\xff", 1) + std::string(255, 'x'));
  return all;
}

struct Manner {
  const char* what;
  Answer answer;
  Behaviour over_tcp;
};

std::vector<Manner> manners() {
  const std::string address("\xc0\x00\x02\x07", 4);  // none that is expected
  const Answer truncated = with("", 0, 0x8780);
  return {
      {"says nothing", [](const std::string&) { return std::nullopt; }, nullptr},
      {"answers with nothing", [](const std::string&) { return std::string(); }, nullptr},
      {"answers with the question", [](const std::string& question) { return question; }, nullptr},
      {"answers under another id", [](const std::string& q) { return noise(2, 5) + head(q, 0x8580, 0).substr(2); }, nullptr},
      {"answers another question",
       [](const std::string& q) {
         return q.substr(0, 2) + dns::message(0x8580, {dns::record(1, std::string("\xc0\x00\x02\x50", 4))}).substr(2);
       },
       nullptr},
      {"makes noise", [](const std::string&) { return noise(500); }, nullptr},
      {"makes noise under the right id", [](const std::string& q) { return q.substr(0, 2) + noise(500); }, nullptr},
      {"makes noise behind the question", with(noise(400), 40)},
      {"points in a circle", with(dns::record(5, std::string("\xc0\x29", 2)))},
      {"points at itself", with(std::string("\xc0\x1d", 2) + std::string(20, '\0'))},
      {"points forward", with(dns::record(5, std::string("\xff\xff", 2)))},
      {"names without an end", with(std::string(400, '\x3f'))},
      {"is its own alias", with(dns::record(5, std::string("\xc0\x0c", 2)))},
      {"promises more than there is", with(dns::record(1, address), 65535)},
      {"lies about the length of a record",
       with("\xc0\x0c" + dns::u16(1) + dns::u16(1) + std::string(4, '\0') + dns::u16(65535) + address)},
      {"sends many records", with(records(4), 4)},
      {"asks to come over TCP and does not listen there", truncated},
      {"asks to come over TCP and stalls", truncated, [](Peer peer) { peer.wait_for_close(); }},
      {"asks to come over TCP and resets", truncated, [](Peer peer) { reset(peer); }},
      {"asks to come over TCP and makes noise", truncated, [](Peer peer) { peer.send(noise(100'000)); }},
      {"asks to come over TCP and drips", truncated,
       [](Peer peer) {
         peer.send(dns::u16(65535));
         send_on_and_on(peer, "x", milliseconds{5});
       }},
      {"asks to come over TCP and floods", truncated, [](Peer peer) { send_on_and_on(peer, dns::u16(1000) + noise(1000)); }},
      {"asks to come over TCP and answers with nothing, again and again", truncated,
       [](Peer peer) {
         std::string nothing;
         for (int i = 0; i < 1000; ++i) nothing += dns::u16(0);
         send_on_and_on(peer, nothing);
       }},
  };
}

}  // namespace

std::vector<Unkind> all() {
  std::vector<Unkind> rows;
  for (const char* more :
       {"expect = [\"192.0.2.80\"]", "type = \"TXT\"\ncontains = [\"v=spf1 -all\"]", "authoritative = true\nexpect = [\"192.0.2.80\"]"})
    for (const Manner& manner : manners())
      rows.push_back({"dns", manner.what, "name = \"www.example.org\"\nservers = [\"127.0.0.1:{port}\"]\n" + std::string(more),
                      manner.over_tcp, manner.answer});
  return rows;
}

TEST_CASE("unkind: name servers") { survive(unkind_dns()); }

}  // namespace unkind_dns_test

std::vector<drwatch::testing::Unkind> drwatch::testing::unkind_dns() { return unkind_dns_test::all(); }
