// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/real.hpp"
#include "probes/seams/within.hpp"
#include "tests/world/certificates.hpp"
#include "tests/world/loop.hpp"

#include <fstream>
#include <thread>

namespace tls_test {

using namespace drwatch;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct Fixture {
  asio::io_context loop;
  RealWorld real{loop.get_executor()};
  World world = real.world();
  testing::TempFolder folder;
  testing::Certificate ca = testing::make_certificate("test CA", "", -1, 30, nullptr, true);
  std::string ca_file = folder.file("ca.pem", ca.certificate);
  Phases phases;

  Result<HttpResponse> get(const testing::TcpServer& server, TlsSettings tls, const std::string& host = "127.0.0.1") {
    HttpRequest request;
    request.url = "https://" + host + ":" + std::to_string(server.port()) + "/";
    request.tls = std::move(tls);
    request.family = host == "127.0.0.1" ? Family::any : Family::v4;
    phases = {};
    return testing::result_of(loop, world.http.fetch(std::move(request), phases));
  }
  TlsSettings trusting() const {
    TlsSettings settings;
    settings.ca_file = ca_file;
    return settings;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "tls: a good certificate, for an address and for a name, and its facts") {
  auto leaf = testing::make_certificate("db", "DNS:localhost,IP:127.0.0.1", -1, 10, &ca);
  auto server = testing::tls_server(leaf);
  for (auto host : {"127.0.0.1", "localhost"}) {
    auto response = get(*server, trusting(), host);
    REQUIRE(response.has_value());
    CHECK(response->body == "secure");
    CHECK(response->facts["tls_version"] == "TLSv1.3");
    CHECK(response->facts["certificate_subject"] == "db");
    auto expires = parse_time(response->facts["certificate_expires"]);
    REQUIRE(expires);
    const auto left = *expires - world.clock.now();
    CHECK(left > hours(24 * 9));
    CHECK(left <= hours(24 * 10));
    CHECK(phases[Phase::tls]);
  }
}

TEST_CASE_FIXTURE(Fixture, "tls: certificates that must not be believed, each with its reason") {
  auto check = [&](const testing::Certificate& shown, const std::string& code, const std::string& words) {
    auto server = testing::tls_server(shown);
    auto response = get(*server, trusting());
    REQUIRE(!response.has_value());
    CHECK(response.error().reason == Reason::tls);
    CHECK(response.error().code == code);
    CHECK_MESSAGE(response.error().message.find(words) != std::string::npos, response.error().message);
    TlsSettings blind;
    blind.verify = false;
    auto unverified = get(*server, blind);
    REQUIRE(unverified.has_value());
    CHECK(unverified->facts.contains("certificate_expires"));
  };
  check(testing::make_certificate("db", "IP:127.0.0.1", -10, -1, &ca), "CERT_HAS_EXPIRED", "has expired; it ended 20");
  check(testing::make_certificate("db", "IP:127.0.0.1", 1, 10, &ca), "CERT_NOT_YET_VALID", "is not valid before 20");
  check(testing::make_certificate("other", "DNS:other.example.org", -1, 10, &ca), "IP_ADDRESS_MISMATCH",
        "is not for 127.0.0.1 but for other");
  check(testing::make_certificate("db", "IP:127.0.0.1", -1, 10, nullptr), "DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate");
  auto stranger = testing::make_certificate("another CA", "", -1, 30, nullptr, true);
  check(testing::make_certificate("db", "IP:127.0.0.1", -1, 10, &stranger), "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        "local issuer certificate");
}

TEST_CASE_FIXTURE(Fixture, "tls: a name that the certificate does not have") {
  auto server = testing::tls_server(testing::make_certificate("db", "DNS:db.example.org", -1, 10, &ca));
  auto failure = get(*server, trusting(), "localhost").error();
  CHECK(failure.code == "HOSTNAME_MISMATCH");
}

TEST_CASE_FIXTURE(Fixture, "tls: the system's trust store does not know our CA") {
  auto server = testing::tls_server(testing::make_certificate("db", "IP:127.0.0.1", -1, 10, &ca));
  CHECK(get(*server, TlsSettings{}).error().reason == Reason::tls);
}

TEST_CASE_FIXTURE(Fixture, "tls: client certificates") {
  auto server = testing::tls_server(testing::make_certificate("db", "IP:127.0.0.1", -1, 10, &ca), &ca);
  auto without = get(*server, trusting());
  CHECK(!without.has_value());
  auto client = testing::make_certificate("drwatch", "", -1, 10, &ca);
  auto settings = trusting();
  settings.certificate_file = folder.file("client.pem", client.certificate);
  settings.key_file = folder.file("client.key", client.key);
  CHECK(get(*server, settings).has_value());
}

TEST_CASE_FIXTURE(Fixture, "tls: files of ours that cannot be used are our own fault, and tried again") {
  auto server = testing::tls_server(testing::make_certificate("db", "IP:127.0.0.1", -1, 10, &ca));
  TlsSettings settings;
  settings.ca_file = folder.path() + "/later.pem";
  auto failure = get(*server, settings).error();
  CHECK(failure.reason == Reason::own_fault);
  CHECK(failure.message.find("later.pem") != std::string::npos);
  CHECK(server->accepted() == 0);
  folder.file("later.pem", ca.certificate);
  CHECK(get(*server, settings).has_value());
}

TEST_CASE_FIXTURE(Fixture, "tls: nobody is asked for the passphrase of a client key") {
  auto server = testing::tls_server(testing::make_certificate("db", "IP:127.0.0.1", -1, 10, &ca));
  auto client = testing::make_certificate("drwatch", "", -1, 10, &ca);
  auto settings = trusting();
  settings.certificate_file = folder.file("client.pem", client.certificate);
  settings.key_file = folder.file("client.key", testing::locked(client.key, "hunter2"));
  const auto failure = get(*server, settings).error();
  CHECK(failure.reason == Reason::own_fault);
  CHECK_MESSAGE(failure.message.find("is protected by a passphrase") != std::string::npos, failure.message);
}

TEST_CASE_FIXTURE(Fixture, "tls: a context is kept until forgotten") {
  auto server = testing::tls_server(testing::make_certificate("db", "IP:127.0.0.1", -1, 10, &ca));
  CHECK(get(*server, trusting()).has_value());
  auto stranger = testing::make_certificate("another CA", "", -1, 30, nullptr, true);
  folder.file("ca.pem", stranger.certificate);
  CHECK(get(*server, trusting()).has_value());
  real.forget_tls();
  CHECK(!get(*server, trusting()).has_value());
}

TEST_CASE_FIXTURE(Fixture, "tls: servers that do not speak it, close, or say nothing") {
  testing::TcpServer plain([](testing::Peer peer) {
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.wait_for_close();
  });
  auto failure = get(plain, trusting()).error();
  CHECK(failure.reason == Reason::tls);
  CHECK(failure.message.find("wrong version number") != std::string::npos);
  testing::TcpServer closing([](testing::Peer peer) { peer.wait(5ms); });
  CHECK(get(closing, trusting()).error().reason == Reason::tls);
  testing::TcpServer silent([](testing::Peer peer) { peer.wait_for_close(); });
  HttpRequest request;
  request.url = "https://127.0.0.1:" + std::to_string(silent.port()) + "/";
  request.tls = trusting();
  auto late = testing::result_of(loop, within(world.clock, 200ms, world.http.fetch(request, phases)));
  CHECK(!late);
  CHECK(phases[Phase::connect]);
}

TEST_CASE_FIXTURE(Fixture, "tls: building a context does not stall the loop, and is done once for all who wait") {
  auto server = testing::tls_server(testing::make_certificate("db", "IP:127.0.0.1", -1, 10, &ca));
  struct Wait {
    static Task<void> fetch(World world, std::string url, int& ended) {
      HttpRequest request;  // with the system's trust store: the slow one
      request.url = url;
      Phases phases;
      auto response = co_await world.http.fetch(std::move(request), phases);
      CHECK(response.error().reason == Reason::tls);
      ++ended;
    }
    static Task<void> give_up(World world, std::string url, int& given_up) {
      HttpRequest request;
      request.url = url;
      Phases phases;
      auto response = co_await within(world.clock, 0ms, world.http.fetch(std::move(request), phases));
      if (!response) ++given_up;
    }
    static Task<void> tick(World world, const int& ended, int& ticks) {
      while (ended < 8) {
        co_await world.clock.sleep_for(1ms);
        ++ticks;
      }
    }
  };
  int ended = 0, ticks = 0, given_up = 0;
  const auto url = "https://127.0.0.1:" + std::to_string(server->port()) + "/";
  // The first to ask goes away; the others still get the context that it began.
  asio::co_spawn(loop, Wait::give_up(world, url, given_up), [](std::exception_ptr) {});
  for (int i = 0; i < 8; ++i) asio::co_spawn(loop, Wait::fetch(world, url, ended), [](std::exception_ptr) {});
  testing::run(loop, Wait::tick(world, ended, ticks));
  CHECK(given_up == 1);
  CHECK(ended == 8);
  CHECK(ticks >= 3);
}

}  // namespace tls_test
