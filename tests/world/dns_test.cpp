// SPDX-License-Identifier: Apache-2.0
// Whole questions over the network, to several servers at once.
#include "daemon/world/clock.hpp"
#include "daemon/world/dns/resolver.hpp"
#include "probes/seams/within.hpp"
#include "tests/world/dns_bytes.hpp"
#include "tests/world/loop.hpp"
#include "tests/world/servers.hpp"

namespace dns_test {

using namespace drwatch;
using namespace drwatch::testing::dns;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct Fixture {
  asio::io_context loop;
  RealClock clock{loop.get_executor()};
  RealResolver resolver{loop.get_executor()};

  std::vector<Result<DnsAnswer>> ask(std::vector<DnsQuestion> questions) {
    return testing::result_of(loop, resolver.ask(std::move(questions)));
  }
};

// The answer's sections behind the head of the question that came.
std::string reply(const std::string& question, const std::string& answer) {
  std::string bytes = answer;
  bytes.replace(0, 2, question.substr(0, 2));
  return bytes;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "dns: several servers asked at once, each with its own answer") {
  testing::UdpServer good([](const std::string& q) { return reply(q, message(0x8580, {record(1, "\xc6\x33\x64\x50")})); });
  testing::UdpServer denying([](const std::string& q) { return reply(q, message(0x8183, {})); });
  testing::UdpServer failing([](const std::string& q) { return reply(q, message(0x8182, {})); });
  testing::UdpServer noisy([](const std::string& q) { return q.substr(0, 2) + "\x81\x80" + q.substr(4, 8) + q.substr(12) + "\xff\xff"; });
  testing::UdpServer silent([](const std::string&) { return std::nullopt; });
  std::vector<DnsQuestion> questions;
  for (const auto* server : {&good, &denying, &failing, &noisy, &silent})
    questions.push_back({"Example.org", "A", server->address(), true});
  questions.push_back({"Example.org", "A", "127.0.0.1:" + std::to_string(testing::unused_port()), true});
  const auto begin = std::chrono::steady_clock::now();
  const auto answers = ask(questions);
  CHECK(testing::elapsed_since(begin) < 4s);
  REQUIRE(answers.size() == 6);
  REQUIRE(answers[0].has_value());
  CHECK(answers[0]->answers.at(0).text == "198.51.100.80");
  CHECK(answers[0]->authoritative);
  CHECK(answers[1]->rcode == "NXDOMAIN");
  CHECK(answers[2]->rcode == "SERVFAIL");
  CHECK(answers[4].error().code == "TIMEOUT");
  CHECK(answers[5].error().code == "ECONNREFUSED");
  CHECK(answers[5].error().reason == Reason::dns);
}

TEST_CASE_FIXTURE(Fixture, "dns: an answer that is cut short, and nobody takes a connection for the rest of it") {
  testing::UdpServer cut([](const std::string& q) { return reply(q, message(0x8780, {})); });  // TC
  const auto answer = ask({{"Example.org", "A", cut.address(), true}}).at(0);
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().reason == Reason::dns);
  CHECK(answer.error().code == "TRUNCATED");
  CHECK(answer.error().message.find("does not fit a datagram") != std::string::npos);
  CHECK(answer.error().message.find(cut.address()) != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "dns: recursion is wished for or not; a question given up leaves nothing behind") {
  std::atomic<int> wished{0};
  testing::UdpServer server([&](const std::string& q) {
    wished = q[2] & 1;
    return reply(q, message(0x8580, {}));
  });
  CHECK(ask({{"Example.org", "A", server.address(), true}}).at(0).value().rcode == "NOERROR");
  CHECK(wished == 1);
  CHECK(ask({{"Example.org", "A", server.address(), false}}).at(0).value().rcode == "NOERROR");
  CHECK(wished == 0);
  testing::UdpServer silent([](const std::string&) { return std::nullopt; });
  std::vector<DnsQuestion> questions(3, DnsQuestion{"Example.org", "A", silent.address(), true});
  const auto late = testing::result_of(loop, within(clock, 50ms, resolver.ask(questions)));
  CHECK_FALSE(late.has_value());
  CHECK(ask({{"bad..name", "A", silent.address(), true}}).at(0).error().code == "BADNAME");
}

}  // namespace dns_test
