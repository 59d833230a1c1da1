// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/dns/resolver.hpp"

#include "daemon/world/clock.hpp"
#include "probes/seams/within.hpp"
#include "tests/world/loop.hpp"
#include "tests/world/servers.hpp"

#include <fstream>

namespace resolver_test {

using namespace drwatch;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct Fixture {
  asio::io_context loop;
  RealClock clock{loop.get_executor()};
  RealResolver resolver{loop.get_executor()};

  Result<Resolved> ask(const std::string& name, Family family = Family::any, std::vector<std::string> servers = {}) {
    return testing::result_of(loop, resolver.resolve(name, family, std::move(servers)));
  }
};

testing::UdpServer server_with(int rcode, std::optional<std::array<std::uint8_t, 4>> address, std::uint32_t ttl = 60) {
  return testing::UdpServer([=](const std::string& question) { return testing::dns_answer(question, rcode, address, ttl); });
}

std::size_t open_files() {
  std::size_t n = 0;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("FDSize:")) n = std::stoul(line.substr(7));
  }
  return n;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "resolver: numeric names come back as they are") {
  CHECK(ask("127.0.0.1")->addresses == std::vector<std::string>{"127.0.0.1"});
  CHECK(ask("::1")->addresses == std::vector<std::string>{"::1"});
  CHECK(ask("[::1]")->addresses == std::vector<std::string>{"::1"});
  CHECK(ask("127.0.0.1", Family::v6).error().code == "NODATA");
}

TEST_CASE_FIXTURE(Fixture, "resolver: localhost without any name server") {
  auto v4 = ask("localhost", Family::v4);
  REQUIRE(v4.has_value());
  CHECK(v4->addresses == std::vector<std::string>{"127.0.0.1"});
}

TEST_CASE_FIXTURE(Fixture, "resolver: an address and its time to live from the server that was named") {
  auto server = server_with(0, std::array<std::uint8_t, 4>{192, 0, 2, 7}, 1234);
  auto answer = ask("db.example.org", Family::v4, {server.address()});
  REQUIRE(answer.has_value());
  CHECK(answer->addresses == std::vector<std::string>{"192.0.2.7"});
  CHECK(answer->ttl == 1234s);
  auto both = ask("db.example.org", Family::any, {server.address()});
  REQUIRE(both.has_value());
  CHECK(both->addresses == std::vector<std::string>{"192.0.2.7"});
  // A named server is asked even for what /etc/hosts knows, and asked anew each time.
  const int before = server.asked();
  ask("db.example.org", Family::v4, {server.address()});
  CHECK(server.asked() == before + 1);
}

TEST_CASE_FIXTURE(Fixture, "resolver: what name servers say when they have no address") {
  auto nx = server_with(3, std::nullopt), servfail = server_with(2, std::nullopt), refused = server_with(5, std::nullopt),
       empty = server_with(0, std::nullopt);
  auto failure = ask("gone.example.org", Family::v4, {nx.address()}).error();
  CHECK(failure.reason == Reason::dns);
  CHECK(failure.code == "NXDOMAIN");
  CHECK(failure.message == "cannot resolve gone.example.org at " + nx.address() + ": the name does not exist");
  CHECK(ask("a.example.org", Family::v4, {servfail.address()}).error().code == "SERVFAIL");
  CHECK(ask("a.example.org", Family::v4, {refused.address()}).error().code == "REFUSED");
  CHECK(ask("a.example.org", Family::v4, {empty.address()}).error().code == "NODATA");
}

TEST_CASE_FIXTURE(Fixture, "resolver: a failing server is passed over for the next, and its word kept when all fail") {
  auto bad = server_with(2, std::nullopt), good = server_with(0, std::array<std::uint8_t, 4>{192, 0, 2, 9});
  auto answer = ask("a.example.org", Family::v4, {bad.address(), good.address()});
  REQUIRE(answer.has_value());
  CHECK(answer->addresses == std::vector<std::string>{"192.0.2.9"});
  auto worse = server_with(2, std::nullopt);
  CHECK(ask("a.example.org", Family::v4, {bad.address(), worse.address()}).error().code == "SERVFAIL");
}

TEST_CASE_FIXTURE(Fixture, "resolver: an answer that makes no sense, and a name that cannot be") {
  testing::UdpServer babble([](const std::string& question) { return question.substr(0, 2) + "\x81\x80 and then nothing"; });
  auto failure = ask("a.example.org", Family::v4, {babble.address()}).error();
  CHECK(failure.reason == Reason::dns);
  CHECK(!failure.code.empty());
  auto name = ask(std::string(300, 'x') + ".example.org", Family::v4, {babble.address()}).error();
  CHECK(name.code == "BADNAME");
}

TEST_CASE_FIXTURE(Fixture, "resolver: a dead name server is reported, though not at once") {
  testing::UdpServer dead([](const std::string&) { return std::nullopt; });
  auto failure = ask("a.example.org", Family::v4, {dead.address()}).error();
  CHECK(failure.reason == Reason::dns);
  CHECK(failure.code == "TIMEOUT");
  CHECK(dead.asked() == 2);
}

TEST_CASE_FIXTURE(Fixture, "resolver: a dead name server costs no more than the deadline, and neighbours nothing") {
  testing::UdpServer dead([](const std::string&) { return std::nullopt; });
  auto good = server_with(0, std::array<std::uint8_t, 4>{192, 0, 2, 7});
  struct Ask {
    static Task<void> dead(Fixture& f, std::vector<std::string> servers, int& nothing) {
      auto answer = co_await within(f.clock, 300ms, f.resolver.resolve("a.example.org", Family::v4, std::move(servers)));
      if (!answer) ++nothing;
    }
    static Task<void> good(Fixture& f, std::vector<std::string> servers, const int& stop, int& answers) {
      while (stop < 20) {
        auto answer = co_await f.resolver.resolve("b.example.org", Family::v4, servers);
        if (answer.has_value()) ++answers;
      }
    }
  };
  int nothing = 0, answers = 0;
  for (int i = 0; i < 20; ++i) asio::co_spawn(loop, Ask::dead(*this, {dead.address()}, nothing), [](std::exception_ptr) {});
  const auto begin = std::chrono::steady_clock::now();
  testing::run(loop, Ask::good(*this, {good.address()}, nothing, answers));
  const auto took = testing::elapsed_since(begin);
  CHECK(nothing == 20);
  CHECK(took >= 300ms);
  CHECK(took < 700ms);  // before c-ares' own first time-out of 800 ms: it was the cancellation
  CHECK(answers >= 20);
  MESSAGE("neighbours' look-ups beside 20 dead ones: " << answers << " in " << took.count() << " ms");
}

TEST_CASE_FIXTURE(Fixture, "resolver: cancelled look-ups leave no descriptors behind") {
  testing::UdpServer dead([](const std::string&) { return std::nullopt; });
  struct Ask {
    static Task<void> many(Fixture& f, std::vector<std::string> servers) {
      for (int i = 0; i < 300; ++i) {
        auto answer = co_await within(f.clock, 1ms, f.resolver.resolve("a.example.org", Family::any, servers));
        CHECK(!answer);
      }
    }
  };
  testing::run(loop, Ask::many(*this, {dead.address()}));
  CHECK(open_files() <= 256);
}

}  // namespace resolver_test
