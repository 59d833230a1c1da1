// SPDX-License-Identifier: Apache-2.0
// Answers of name servers from their bytes, good and bad.
#include "daemon/world/dns/message.hpp"
#include "tests/world/dns_bytes.hpp"

#include <doctest/doctest.h>

#include <random>

namespace dns_message_test {

using namespace drwatch;
using namespace drwatch::testing::dns;

namespace {

std::vector<std::string> all_kinds() {
  const std::string soa = name("ns1.example.org") + name("hostmaster.example.org") +
                          std::string("\0\0\0\x07\0\0\x1c\x20\0\0\x0e\x10\0\x12\x75\0\0\0\0\x3c", 20);
  return {record(1, "\xc6\x33\x64\x50"),
          record(28, std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16)),
          record(5, "\x03www\xc0\x0c"),
          record(15, u16(10) + name("Mail.Example.org")),
          record(2, "\x03ns1\xc0\x0c"),
          record(16, "\x06v=spf1\x05 -all"),
          record(6, soa),
          record(257, std::string("\x00\x05issueletsencrypt.org", 22)),
          record(43, u16(60485) + "\x05\x01\xab\xcd"),
          record(12, name("host.example.org")),
          record(33, u16(1) + u16(2) + u16(443) + name("srv.example.org")),
          record(65, "\x01\x02")};
}

}  // namespace

TEST_CASE("dns answer: each kind of record, in the words of a zone file") {
  const auto answer = read_dns_answer(message(0x8580, all_kinds(), {record(2, "\x03ns2\xc0\x0c")}));
  REQUIRE(answer);
  CHECK(answer->rcode == "NOERROR");
  CHECK(answer->authoritative);
  const std::vector<std::string> expected = {"198.51.100.80",
                                             "2001:db8::1",
                                             "www.example.org",
                                             "10 mail.example.org",
                                             "ns1.example.org",
                                             "v=spf1 -all",
                                             "ns1.example.org hostmaster.example.org 7 7200 3600 1209600 60",
                                             "0 issue \"letsencrypt.org\"",
                                             "60485 5 1 abcd",
                                             "host.example.org",
                                             "1 2 443 srv.example.org",
                                             "\\# 2 0102"};
  REQUIRE(answer->answers.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(answer->answers[i].text == expected[i]);
    CHECK(answer->answers[i].name == "example.org");
    CHECK(answer->answers[i].ttl == 300);
  }
  CHECK(answer->answers.back().type == "TYPE65");
  CHECK(answer->authority.at(0).text == "ns2.example.org");
  CHECK(read_dns_answer(message(0x8183, {}))->rcode == "NXDOMAIN");
  CHECK(read_dns_answer(message(0x818b, {}))->rcode == "RCODE11");
}

TEST_CASE("dns answer: bytes that make no sense are refused") {
  const std::string itself("\xc0\x1d", 2);  // where the first record's owner stands
  for (const std::string& bad : {std::string(), std::string(12, '\0'), message(0x0100, {}), message(0x8180, {}).substr(0, 20),
                                 message(0x8180, {record(1, "\x01\x02\x03")}), message(0x8180, {record(28, "\x01")}),
                                 message(0x8180, {record(16, "\x09short")}), message(0x8180, {record(15, "\x01")}),
                                 message(0x8180, {record(2, "\x3fns")}), message(0x8180, {record(1, "\x01\x02\x03\x04", itself)}),
                                 message(0x8180, {record(2, "\xc0\xff")}), message(0x8180, {record(2, name("a") + "junk")}),
                                 message(0x8180, {record(2, "\x80")}), message(0x8180, {record(257, std::string("\0\x20issue", 7))})})
    CHECK_FALSE(read_dns_answer(bad));
  auto cut = message(0x8180, all_kinds());
  cut.pop_back();
  CHECK_FALSE(read_dns_answer(cut));
}

TEST_CASE("dns answer: bounded, whatever is claimed") {
  std::vector<std::string> many(5000, record(1, "\x01\x02\x03\x04"));
  CHECK(read_dns_answer(message(0x8180, many))->answers.size() == 256);
  std::string text;
  for (int i = 0; i < 200; ++i) text += "\xff" + std::string(255, 'x');
  CHECK(read_dns_answer(message(0x8180, {record(16, text)}))->answers.at(0).text.size() == 4099);
  std::string longest;
  for (int i = 0; i < 5; ++i) longest += "\x3f" + std::string(63, 'x');
  CHECK_FALSE(read_dns_answer(message(0x8180, {record(2, longest + '\0')})));
}

TEST_CASE("dns answer: a name's bytes can neither end it nor disturb a log") {
  const auto answer = read_dns_answer(message(0x8180, {record(2, std::string("\x04"
                                                                             "a.b\n\x00",
                                                                             6))}));
  REQUIRE(answer);
  CHECK(answer->answers.at(0).text == "a\\.b\\010");
}

// Bounded and seeded: what was found once is found again.
TEST_CASE("dns answer: random damage never harms") {
  std::mt19937 random(20261123);
  const std::string whole = message(0x8580, all_kinds(), {record(2, "\x03ns2\xc0\x0c")});
  int good = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = whole;
    for (unsigned i = 0, n = 1 + random() % 6; i < n; ++i) {
      const auto at = random() % bytes.size();
      switch (random() % 4) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.resize(at + 1);
          break;
        case 2:
          bytes.insert(at, bytes, random() % bytes.size(), random() % 40);
          break;
        default:
          bytes[at] = static_cast<char>(0xc0 | (random() & 3));
          break;
      }
    }
    if (const auto answer = read_dns_answer(bytes)) {
      ++good;
      for (const auto& one : answer->answers) CHECK_MESSAGE(one.text.size() <= 4099, round);
    }
  }
  CHECK(good > 100);
  CHECK(good < 20000);
  for (int round = 0; round < 5000; ++round) {
    std::string noise(random() % 600, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    if (noise.size() > 2) noise[2] = static_cast<char>(noise[2] | '\x80');
    read_dns_answer(noise);
  }
}

}  // namespace dns_message_test
