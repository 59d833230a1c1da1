// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/real.hpp"
#include "probes/seams/within.hpp"
#include "tests/world/loop.hpp"
#include "tests/world/servers.hpp"

namespace http_test {

using namespace drwatch;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct Fixture {
  asio::io_context loop;
  RealWorld real{loop.get_executor()};
  World world = real.world();
  Phases phases;

  Result<HttpResponse> fetch(HttpRequest request) {
    phases = {};
    return testing::result_of(loop, world.http.fetch(std::move(request), phases));
  }
  Result<HttpResponse> get(const std::string& url) {
    HttpRequest request;
    request.url = url;
    return fetch(std::move(request));
  }
};

// Answers each request with `text` and closes; keeps what was asked.
struct Echo {
  std::string text;
  std::mutex mutex;
  std::string asked;
  testing::TcpServer server{[this](testing::Peer peer) {
    auto request = peer.receive_until("\r\n\r\n");
    {
      std::lock_guard lock(mutex);
      asked = request;
    }
    peer.send(text);
  }};
  explicit Echo(std::string t) : text(std::move(t)) {}
};

const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: test\r\n\r\nok";

}  // namespace

TEST_CASE_FIXTURE(Fixture, "http: an exchange, its request as written, its phases") {
  Echo echo(good);
  HttpRequest request;
  request.method = "POST";
  request.url = echo.server.url("/a/b?c=d%20e");
  request.headers = {{"X-Token", "t"}, {"user-agent", "mine"}};
  request.body = "body";
  auto response = fetch(request);
  REQUIRE(response.has_value());
  CHECK(response->status == 200);
  CHECK(response->body == "ok");
  CHECK(response->address == "127.0.0.1:" + std::to_string(echo.server.port()));
  CHECK(echo.asked == "POST /a/b?c=d%20e HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(echo.server.port()) +
                          "\r\nAccept: */*\r\nConnection: close\r\nX-Token: t\r\nuser-agent: mine\r\nContent-Length: 4\r\n\r\nbody");
  for (auto phase : {Phase::resolve, Phase::connect, Phase::request, Phase::response}) CHECK(phases[phase]);
  CHECK(!phases[Phase::tls]);
}

TEST_CASE_FIXTURE(Fixture, "http: a name goes through the resolver, a redirect is only reported, HEAD has no body") {
  Echo redirect("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  auto response = get("http://localhost:" + std::to_string(redirect.server.port()));
  // The server listens on IPv4 only: whatever comes first, one of the addresses works.
  REQUIRE(response.has_value());
  CHECK(response->status == 302);
  CHECK(redirect.server.accepted() == 1);
  Echo head("HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n");
  HttpRequest request;
  request.method = "HEAD";
  request.url = head.server.url();
  CHECK(fetch(request).has_value());
}

TEST_CASE_FIXTURE(Fixture, "http: nobody listens") {
  const auto port = testing::unused_port();
  auto failure = get("http://127.0.0.1:" + std::to_string(port) + "/").error();
  CHECK(failure.reason == Reason::connect);
  CHECK(failure.code == "ECONNREFUSED");
  CHECK(failure.message == "connection refused by 127.0.0.1:" + std::to_string(port));
  CHECK(phases[Phase::connect]);
  CHECK(!phases[Phase::response]);
}

TEST_CASE_FIXTURE(Fixture, "http: URLs and headers that cannot be") {
  for (auto url : {"", "ftp://127.0.0.1/", "http://", "/path", "http://127.0.0.1:99999/", "http://127.0.0.1:0/", "http://a b/"}) {
    auto failure = get(url).error();
    CHECK(failure.reason == Reason::own_fault);
  }
  HttpRequest smuggle;
  smuggle.url = "http://127.0.0.1:1/";
  smuggle.headers = {{"X-A", "secret\r\nX-B: b"}};
  auto failure = fetch(smuggle).error();
  CHECK(failure.reason == Reason::own_fault);
  CHECK(failure.message.find("secret") == std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "http: servers that break off") {
  testing::TcpServer mute([](testing::Peer peer) { peer.receive_until("\r\n\r\n"); });
  CHECK(get(mute.url()).error().reason == Reason::protocol);
  testing::TcpServer early([](testing::Peer peer) {
    peer.receive_until("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  });
  auto failure = get(early.url()).error();
  CHECK(failure.reason == Reason::protocol);
  CHECK(failure.message.find("in the middle of its answer") != std::string::npos);
  testing::TcpServer longer([](testing::Peer peer) {
    peer.receive_until("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and what nobody asked for");
  });
  auto cut = get(longer.url());
  REQUIRE(cut.has_value());
  CHECK(cut->body == "ok");
}

TEST_CASE_FIXTURE(Fixture, "http: an answer that comes before the request is read counts") {
  testing::TcpServer hasty([](testing::Peer peer) {
    peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    peer.wait_for_close();
  });
  HttpRequest request;
  request.method = "POST";
  request.url = hasty.url();
  request.body = std::string(1000, 'x');
  auto response = fetch(request);
  REQUIRE(response.has_value());
  CHECK(response->status == 413);
}

namespace {

// Every unkindness that an HTTP server can do to a client, none of which ever ends by itself.
struct Unkind {
  testing::TcpServer silent{[](testing::Peer peer) { peer.wait_for_close(); }};
  testing::TcpServer slow{[](testing::Peer peer) {
    for (char c : std::string("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n") + std::string(1000, 'x')) {
      if (!peer.send({c}) || !peer.wait(50ms)) return;
    }
  }};
  testing::TcpServer endless{[](testing::Peer peer) {
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.send("more ") && peer.wait(1ms)) {
    }
  }};
  testing::TcpServer chunks{[](testing::Peer peer) {
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer.send("1\r\nx\r\n") && peer.wait(1ms)) {
    }
  }};
  testing::TcpServer headers{[](testing::Peer peer) {
    peer.send("HTTP/1.1 200 OK\r\n");
    while (peer.send("X-Flood: yes\r\n") && peer.wait(5ms)) {
    }
  }};
  std::vector<testing::TcpServer*> all() { return {&silent, &slow, &endless, &chunks, &headers}; }
};

struct Race {
  int ended = 0, late = 0;
  std::chrono::milliseconds worst{0};
  int good = 0, bad = 0;
};

Task<void> meet_unkind(World world, std::string url, Race& race) {
  const auto begin = std::chrono::steady_clock::now();
  HttpRequest request;
  request.url = url;
  Phases phases;
  auto response = co_await within(world.clock, 500ms, world.http.fetch(std::move(request), phases));
  race.worst = std::max(race.worst, testing::elapsed_since(begin) - 500ms);
  if (!response) ++race.late;
  ++race.ended;
}

Task<void> meet_kind(World world, std::string url, const Race& other, Race& race, int unkind) {
  while (other.ended < unkind) {
    HttpRequest request;
    request.url = url;
    Phases phases;
    auto response = co_await within(world.clock, 400ms, world.http.fetch(std::move(request), phases));
    ++(response && response->has_value() ? race.good : race.bad);
  }
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "http: unkind servers end at the deadline and delay no neighbour") {
  Unkind unkind;
  Echo echo(good);
  Race unkindly, kindly;
  int meeting = 0;
  for (auto* server : unkind.all()) {
    for (int i = 0; i < 4; ++i, ++meeting) {
      asio::co_spawn(loop, meet_unkind(world, server->url(), unkindly), [](std::exception_ptr e) { REQUIRE(!e); });
    }
  }
  for (int i = 0; i < 3; ++i) {
    asio::co_spawn(loop, meet_kind(world, echo.server.url(), unkindly, kindly, meeting), [](std::exception_ptr e) { REQUIRE(!e); });
  }
  testing::run(loop, meet_kind(world, echo.server.url(), unkindly, kindly, meeting));
  CHECK(unkindly.late == meeting);
  CHECK(unkindly.worst >= 0ms);
  CHECK(unkindly.worst < 500ms);
  CHECK(kindly.bad == 0);
  CHECK(kindly.good >= 20);
  MESSAGE("latest after the deadline: " << unkindly.worst.count() << " ms; neighbours' exchanges meanwhile: " << kindly.good);
}

TEST_CASE_FIXTURE(Fixture, "http: a flood that does not pause is bounded by size, before any deadline") {
  testing::TcpServer body([](testing::Peer peer) {
    peer.receive_until("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.send(std::string(65536, 'x'))) {
    }
  });
  auto failure = get(body.url()).error();
  CHECK(failure.reason == Reason::protocol);
  CHECK(failure.message.find("larger than 1048576 bytes") != std::string::npos);
  testing::TcpServer header([](testing::Peer peer) {
    peer.receive_until("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\n");
    while (peer.send("X-Flood: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  CHECK(get(header.url()).error().message.find("header") != std::string::npos);
}

}  // namespace http_test
