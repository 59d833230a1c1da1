// SPDX-License-Identifier: Apache-2.0
// Raw bytes on real sockets: what a well-meaning, a clumsy and a hostile client may send.
#include "fixture.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace server_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {

const std::string get_status = "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n";

// What one malformed request is answered with, and whether the connection ends then.
int refused_with(int port, const std::string& bytes) {
  Client client(port);
  client.send(bytes);
  const Reply reply = client.reply();
  CHECK(reply.headers.at("content-type") == "application/problem+json");
  CHECK(reply.json().at("status") == reply.status);
  CHECK_FALSE(reply.json().at("detail").get<std::string>().empty());
  CHECK(client.ended());
  return reply.status;
}

}  // namespace

TEST_CASE("what is not HTTP is answered 400 and closed") {
  Running server;
  for (const std::string bytes :
       {"nonsense\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "\x16\x03\x01\x02\x01\x01\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: five\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    CAPTURE(bytes);
    CHECK(refused_with(server.port(), bytes) == 400);
  }
  for (const std::string target : {"/%zz", "/a%00b", "nowhere", "*", "/?x=%1"}) {
    CAPTURE(target);
    CHECK(ask(server.port(), "GET", target).status == 400);
  }
}

TEST_CASE("a header and a body over their bounds are refused, however they arrive") {
  Running server;
  CHECK(refused_with(server.port(), "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20000, 'x') + "\r\n\r\n") == 431);
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 2000; ++i) many += "X-" + std::to_string(i) + ": yyyyyyyy\r\n";
  CHECK(refused_with(server.port(), many + "\r\n") == 431);
  CHECK(refused_with(server.port(), "POST /ping/x HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n") == 413);
  CHECK(refused_with(server.port(), "POST /ping/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" +
                                        std::string(70000, 'x') + "\r\n0\r\n\r\n") == 413);
  CHECK(ask(server.port(), "POST", "/ping/x", {}, std::string(65536, 'x')).status == 404);  // just within
}

TEST_CASE("what the server itself refuses is a page for who reads pages") {
  Running server;
  const auto type_of = [&](const std::string& bytes) {
    Client client(server.port());
    client.send(bytes);
    const Reply reply = client.reply();
    CHECK(reply.status >= 400);
    return reply.headers.at("content-type");
  };
  const std::string accept = "Accept: text/html,*/*;q=0.8\r\n", host = " HTTP/1.1\r\nHost: localhost\r\n";
  const std::string page = "text/html; charset=utf-8", plain = "application/problem+json";
  CHECK(type_of("GET /incidents/%0a" + host + accept + "\r\n") == page);
  CHECK(type_of("GET /incidents/%0a" + host + "\r\n") == plain);
  CHECK(type_of("POST /login" + host + accept + "Content-Length: 99999\r\n\r\n") == page);
  CHECK(type_of("POST /login" + host + "Content-Length: 99999\r\n\r\n") == plain);
  CHECK(type_of("GET /" + host + accept + "X: " + std::string(20000, 'x') + "\r\n\r\n") == page);
  CHECK(type_of("GET /" + host + "X: " + std::string(20000, 'x') + "\r\n\r\n") == plain);
}

TEST_CASE("one connection serves many requests, also when they come at once or byte by byte") {
  Running server;
  Client client(server.port());
  client.send(get_status + "HEAD /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n" + "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  const Reply first = client.reply();
  CHECK(first.status == 200);
  CHECK(first.headers.at("connection") == "keep-alive");
  const Reply head = client.reply(true);
  CHECK(head.status == 200);
  CHECK(head.headers.at("content-length") == first.headers.at("content-length"));
  CHECK(client.reply().body == "ok\n");
  for (const char byte : std::string("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")) client.send(std::string(1, byte));
  CHECK(client.reply().body == "ok\n");
  client.send(
      "POST /ping/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: "
      "x\r\nConnection: close\r\n\r\n");
  CHECK(client.reply().status == 404);
  CHECK(client.reply().headers.at("connection") == "close");
  CHECK(client.ended());
}

TEST_CASE("HTTP/1.0 ends after its answer; Expect: 100-continue is answered before the body") {
  Running server;
  Client old(server.port());
  old.send("GET /healthz HTTP/1.0\r\n\r\n");
  CHECK(old.reply().body == "ok\n");
  CHECK(old.ended());
  Client waiting(server.port());
  waiting.send("POST /ping/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(waiting.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  waiting.send("ab");
  CHECK(waiting.reply().status == 404);
}

TEST_CASE("every answer forbids scripts, frames, guessing and keeping") {
  Running server;
  for (const std::string target : {"/", "/api/v1/status", "/nowhere"}) {
    const Reply reply = ask(server.port(), "GET", target);
    CHECK(reply.headers.at("content-security-policy").starts_with("default-src 'none'"));
    CHECK(reply.headers.at("x-content-type-options") == "nosniff");
    CHECK(reply.headers.at("cache-control") == "no-store");
    CHECK(reply.headers.contains("date"));
  }
}

TEST_CASE("slow senders hear that they are slow; idle ones are let go") {
  web::Limits limits;
  limits.header_within = milliseconds{150};
  limits.body_within = milliseconds{150};
  limits.idle = milliseconds{300};
  limits.look_every = milliseconds{20};
  Running server(limits);
  Client in_header(server.port()), in_body(server.port()), idle(server.port());
  in_header.send("GET / HTTP/1.1\r\nHost:");
  in_body.send("POST /ping/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  CHECK(in_header.reply().status == 408);
  CHECK(in_body.reply().status == 408);
  CHECK(in_header.ended());
  CHECK(idle.ended());
}

TEST_CASE("a client that does not read its answer is let go") {
  web::Limits limits;
  limits.write_within = milliseconds{200};
  limits.look_every = milliseconds{20};
  Running server(limits);
  Client deaf(server.port(), 2048);
  std::string flood;
  for (int i = 0; i < 2000; ++i) flood += get_status;
  deaf.send(flood);  // as far as it goes
  for (int i = 0; i < 250 && server.connections() == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  for (int i = 0; i < 3000 && server.connections() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(server.connections() == 0);
}

TEST_CASE("a thousand idle connections lock nobody out") {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const rlimit raised{files.rlim_max, files.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &raised) == 0);
  REQUIRE(files.rlim_max > 3000);
  {
    Running server;
    std::vector<Client> idle;
    for (int i = 0; i < 1100; ++i) idle.emplace_back(server.port());
    for (int i = 0; i < 250 && server.connections() < 1024; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(ask(server.port(), "GET", "/healthz").status == 200);
    CHECK(server.connections() <= 1024);
    CHECK(idle.front().ended());  // the oldest made room
    idle.back().send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(idle.back().reply().status == 200);  // the newest did not
  }
  setrlimit(RLIMIT_NOFILE, &files);
}

TEST_CASE("bodies that drip lock nobody out: the slowest makes room") {
  web::Limits limits;
  limits.connections = 40;
  Running server(limits);
  std::vector<Client> drips;
  for (int i = 0; i < 60; ++i) {
    drips.emplace_back(server.port());
    drips.back().send("POST /ping/x HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\nb");
  }
  for (int i = 0; i < 250 && server.connections() < 40; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  for (int i = 0; i < 20; ++i) CHECK(ask(server.port(), "POST", "/ping/x", {}, "hello").status == 404);
  CHECK(server.connections() <= 40);
  CHECK(drips.front().ended());
  // Who has come last and gets on is not the one that goes.
  drips.back().send(std::string(59'999, 'b'));
  CHECK(drips.back().reply().status == 404);
}

TEST_CASE("readers that do not read lose their connection when all that is unsent is too much") {
  web::Limits limits;
  limits.unsent_bytes = 8'000'000;
  Running server(limits, [](Settings& settings) { settings.scenarios.at("database-outage").summary = std::string(6'000'000, 's'); });
  std::vector<Client> deaf;
  for (int i = 0; i < 4; ++i) {
    deaf.emplace_back(server.port(), 2048);
    deaf.back().send("GET /api/v1/scenarios/database-outage HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  for (int i = 0; i < 250 && server.connections() < 4; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  for (int i = 0; i < 2500 && server.connections() > 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(server.connections() <= 2);
  CHECK(server.connections() >= 1);
  Client reads(server.port());
  reads.send("GET /api/v1/scenarios/database-outage HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(reads.reply().body.size() > 6'000'000);
}

TEST_CASE("behind a proxy on this machine each client has its bound") {
  Running server;
  server.reads_of_a_client(0);
  CHECK(ask(server.port(), "GET", "/api/v1/status", {"X-Forwarded-For: 198.51.100.7"}).status == 429);
  CHECK(ask(server.port(), "GET", "/api/v1/status").status == 200);
  // What must get through has no bound.
  const std::string behind = "X-Forwarded-For: 198.51.100.7";
  CHECK(ask(server.port(), "GET", "/healthz", {behind}).status == 200);
  CHECK(ask(server.port(), "GET", "/ping/nobody", {behind}).status == 404);
  CHECK(ask(server.port(), "POST", "/api/v1/probes/primary/run", {behind, as_oncall, of_json}, "{}").status == 200);
  // Another proxy on the way is no client, until it is not trusted any more: as a reload would say.
  const std::string by_two = "X-Forwarded-For: 198.51.100.7, 10.1.2.3", by_one = "X-Forwarded-For: 10.1.2.3";
  server.on_loop([&] { server.trust({"10.0.0.0/8"}); });
  CHECK(ask(server.port(), "GET", "/api/v1/status", {by_two}).status == 429);
  CHECK(ask(server.port(), "GET", "/api/v1/status", {by_one}).status == 200);
  server.on_loop([&] { server.trust({}); });
  CHECK(ask(server.port(), "GET", "/api/v1/status", {by_one}).status == 429);
}

TEST_CASE("whom a proxy forwards for") {
  const web::Proxies proxies({"10.0.0.0/8", "2001:db8:1::/48", "192.0.2.7", "no network"});
  for (const char* trusted :
       {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.255.0.1", "::ffff:10.0.0.1", "2001:db8:1::5", "192.0.2.7"}) {
    CAPTURE(trusted);
    CHECK(proxies.trusts(trusted));
  }
  for (const char* other : {"", "local", "11.0.0.1", "192.0.2.8", "2001:db8:2::5", "fe80::1%eth0", "10.0.0.1.example.org", "10.0.0.0/8"}) {
    CAPTURE(other);
    CHECK_FALSE(proxies.trusts(other));
  }
  using Headers = std::vector<std::string>;
  const auto forwarded_for = [&](const Headers& headers) {
    web::Request request;
    for (const auto& value : headers) request.headers.emplace_back("x-forwarded-for", value);
    request.headers.emplace_back("x-real-ip", "203.0.113.1");
    return proxies.forwarded_for(request);
  };
  CHECK(forwarded_for({}) == "");
  CHECK(forwarded_for({"198.51.100.7"}) == "198.51.100.7");
  // What a client made up stands on the left.
  CHECK(forwarded_for({"203.0.113.9, 198.51.100.7, 10.0.0.1 ,192.0.2.7"}) == "198.51.100.7");
  CHECK(forwarded_for({"203.0.113.9", "198.51.100.7, 10.0.0.1", "10.0.0.2"}) == "198.51.100.7");
  CHECK(forwarded_for({"198.51.100.7:4711, [2001:db8:1::5]:80"}) == "198.51.100.7");
  CHECK(forwarded_for({"[2001:DB8:2::0:5]:80"}) == "2001:db8:2::5");
  CHECK(forwarded_for({"::ffff:198.51.100.7"}) == "198.51.100.7");
  CHECK(forwarded_for({"10.0.0.3, 10.0.0.1"}) == "");
  // Left of what is no address nothing is believed.
  for (const char* bad : {"unknown", "", "198.51.100", "198.51.100.7 198.51.100.8", "[", "]:1", "[]", ":"}) {
    CAPTURE(bad);
    CHECK(forwarded_for({bad}) == "");
    CHECK(forwarded_for({"198.51.100.7, " + std::string(bad) + ", 10.0.0.1"}) == "");
  }
}

TEST_CASE("an address has its bound of connections, a trusted proxy has not, and an untrusted one's word counts for nothing") {
  web::Limits limits;
  limits.of_a_peer = 3;
  Running server(limits);
  server.reads_of_a_client(0);
  // As though loopback were any network, since tests come from nowhere else.
  const std::string own = "127.0.0.5";
  server.on_loop([&] { server.trust({}, false); });
  const auto connect_many = [&] {
    std::vector<Client> many;
    for (int i = 0; i < 10; ++i) many.emplace_back(server.port(), 0, own);
    for (int i = 0; i < 250 && server.connections() < 10; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return server.connections();
  };
  CHECK(connect_many() == 3);
  const auto status_behind = [&] {
    Client client(server.port(), 0, own);
    client.send("GET /api/v1/status HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.7\r\n" + as_viewer + "\r\n\r\n");
    return client.reply().status;
  };
  CHECK(status_behind() == 200);
  server.on_loop([&] { server.trust({own}, false); });
  CHECK(connect_many() == 10);
  CHECK(status_behind() == 429);
}

TEST_CASE("the daemon's own socket needs no token from root and from who drwatch runs as") {
  char folder[] = "/tmp/drwatch-socket-XXXXXX";
  REQUIRE(mkdtemp(folder));
  const std::string path = std::string(folder) + "/control.sock";
  {
    Running server({}, [](Settings& settings) { settings.server.public_url = "https://drwatch.example.org"; }, path);
    struct stat facts{};
    REQUIRE(stat(path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0600);
    const auto ask_locally = [&](const std::string& request) {
      const int own = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      path.copy(address.sun_path, sizeof address.sun_path - 1);
      REQUIRE(connect(own, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
      REQUIRE(write(own, request.data(), request.size()) == static_cast<ssize_t>(request.size()));
      std::string answer(64 * 1024, ' ');
      std::size_t got = 0;
      for (ssize_t n = 0; (n = read(own, answer.data() + got, answer.size() - got)) > 0;) got += static_cast<std::size_t>(n);
      close(own);
      return answer.substr(0, got);
    };
    const std::string tail = " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    CHECK(ask_locally("GET /api/v1/status" + tail + "\r\n").starts_with("HTTP/1.1 200"));
    CHECK(ask_locally("POST /api/v1/reload" + tail + "\r\n").starts_with("HTTP/1.1 200"));
    // A wrong token is wrong here too.
    CHECK(ask_locally("POST /api/v1/reload" + tail + "Authorization: Bearer wrong\r\n\r\n").starts_with("HTTP/1.1 401"));
    CHECK(ask(server.port(), "POST", "/api/v1/reload").status == 401);
  }
  CHECK(access(path.c_str(), F_OK) != 0);
  rmdir(folder);
}

TEST_CASE("on the daemon's own socket its own user, as whom plugins and commands run too, may read and reload, and nothing else") {
  using web::Needs;
  const web::Auth auth(test::small_platform().server);
  web::Request request;
  const auto may = [&](Needs needs) { return std::holds_alternative<web::Caller>(auth.admit(request, needs, test::now_there)); };
  request.local_user = "root";
  CHECK((may(Needs::reading) && may(Needs::reloading) && may(Needs::responder) && may(Needs::admin)));
  request.local_user = "drwatch";
  CHECK((may(Needs::reading) && may(Needs::reloading)));
  CHECK_FALSE((may(Needs::responder) || may(Needs::admin)));
  request.local_user.clear();
  CHECK_FALSE((may(Needs::reloading) || may(Needs::responder)));
}

TEST_CASE("what somebody reads after a command that made no event is not from before it") {
  Running server;
  server.keep_moments(std::chrono::hours(1));
  const auto message = [&] {
    const Json last = ask(server.port(), "GET", "/api/v1/probes/primary", {as_viewer}).json()["last"];
    return last.is_object() && last["message"].is_string() ? last["message"].get<std::string>() : "";
  };
  REQUIRE(message() != "primary refused");
  CHECK(ask(server.port(), "POST", "/api/v1/probes/primary/run", {as_oncall, of_json}, "{}").status == 200);
  CHECK(message() == "primary refused");
}

TEST_CASE("a server that is stopped gives the answers under way, and nothing more") {
  Running server;
  Client idle(server.port()), waits(server.port());
  idle.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(idle.reply().status == 200);
  server.hold_commands(true);
  waits.send("POST /api/v1/probes/primary/run HTTP/1.1\r\nHost: x\r\n" + as_oncall + "\r\n" + of_json + "\r\nContent-Length: 2\r\n\r\n{}");
  for (int i = 0; i < 2500 && server.answering() == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  REQUIRE(server.answering() == 1);
  server.stop();
  CHECK(idle.ended());
  server.hold_commands(false);
  const Reply reply = waits.reply();
  CHECK(reply.status == 200);
  CHECK(reply.headers.at("connection") == "close");
  CHECK(waits.ended());
}

TEST_CASE("the answer to a wrong token is held, counted and told; a right one is not held") {
  Running server;
  const auto began = std::chrono::steady_clock::now();
  std::vector<Client> guessing;
  for (int i = 0; i < 20; ++i) {
    guessing.emplace_back(server.port());
    guessing.back().send("GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer guess-" + std::to_string(i) + "\r\n\r\n");
  }
  CHECK(ask(server.port(), "GET", "/api/v1/status", {as_viewer}).status == 200);
  CHECK(guessing.front().reply().status == 401);
  CHECK(std::chrono::steady_clock::now() - began >= web::Auth::wrong_token_held);
  for (std::size_t i = 1; i < guessing.size(); ++i) CHECK(guessing[i].reply().status == 401);
  CHECK(ask(server.port(), "GET", "/metrics").body.find("\ndrwatch_http_wrong_tokens_total 20\n") != std::string::npos);
  const std::string told = server.log_lines();
  CHECK(told.find("a request with a wrong token from 127.0.0.1 for GET /api/v1/status") != std::string::npos);
  CHECK(told.find("guess-") == std::string::npos);
  CHECK(told.find("wrong token", told.find("wrong token") + 1) == std::string::npos);  // one line a minute
}

TEST_CASE("an address that is taken or is none is refused with a sentence") {
  boost::asio::io_context io;
  RealWorld world(io.get_executor());
  TaskGroup tasks(io.get_executor(), {});
  Quiet log;
  FakeDesk desk(small_platform());
  Running server;
  ServerSettings settings;
  settings.listen = "127.0.0.1:" + std::to_string(server.port());
  CHECK_THROWS_WITH_AS(Web(world.world(), desk, log, tasks, settings), doctest::Contains("Address already in use"), std::runtime_error);
  settings.listen = "example.org:80";
  CHECK_THROWS_WITH_AS(Web(world.world(), desk, log, tasks, settings), doctest::Contains("is not ADDRESS:PORT"), std::runtime_error);
  settings.listen = "127.0.0.1:0";
  settings.tls_certificate = settings.tls_key = "/nowhere.pem";
  CHECK_THROWS_WITH_AS(Web(world.world(), desk, log, tasks, settings), doctest::Contains("/nowhere.pem"), std::runtime_error);
}

}  // namespace server_test
