// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include <doctest/doctest.h>

namespace ping_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {
const std::string key = "/ping/11111111-2222-3333-4444-555555555555";
}

TEST_CASE("a ping says what the word after its key says, by any of three methods and with no token") {
  Running server;
  struct Case {
    std::string method, path;
    Pinged::What what;
    int exit_code;
  };
  const std::vector<Case> cases{{"GET", key, Pinged::What::success, 0},           {"HEAD", key, Pinged::What::success, 0},
                                {"POST", key + "/start", Pinged::What::start, 0}, {"GET", key + "/fail", Pinged::What::fail, 0},
                                {"GET", key + "/log", Pinged::What::log, 0},      {"GET", key + "/0", Pinged::What::success, 0},
                                {"GET", key + "/3", Pinged::What::fail, 3},       {"GET", key + "/255", Pinged::What::fail, 255}};
  for (const auto& each : cases) {
    CAPTURE(each.path);
    const Reply reply = ask(server.port(), each.method, each.path + "?rid=abc", {"Host: jobs.example.com"});
    CHECK(reply.status == 200);
    CHECK(reply.headers.at("content-length") == "2");
    if (each.method != "HEAD") CHECK(reply.body == "OK");
    server.on_loop([&] {
      REQUIRE(server.desk().inputs_.size() == 1);
      const auto& ping = std::get<Pinged>(server.desk().inputs_.back());
      CHECK(ping.probe == "nightly-billing");
      CHECK(ping.what == each.what);
      CHECK(ping.exit_code == each.exit_code);
      CHECK(ping.rid == "abc");
      server.desk().inputs_.clear();
    });
  }
}

TEST_CASE("unknown keys and words are 404 and reach nobody") {
  Running server;
  for (const std::string path : {"/ping/nobody", "/ping/11111111-2222-3333-4444-55555555555", "/ping/nobody/start"})
    CHECK(ask(server.port(), "GET", path).status == 404);
  for (const std::string word : {"/stop", "/256", "/-1", "/1x", "/start/now"}) CHECK(ask(server.port(), "GET", key + word).status == 404);
  CHECK(ask(server.port(), "PUT", key).status == 405);
  server.on_loop([&] { CHECK(server.desk().inputs_.empty()); });
}

TEST_CASE("of what a job says the last 10 kB are kept, without half a character") {
  Running server;
  std::string body;
  for (int i = 0; i < 100; ++i) body += "é";
  body += std::string(9999, 'x');
  CHECK(ask(server.port(), "POST", key + "/fail", {}, body).status == 200);
  server.on_loop([&] { CHECK(std::get<Pinged>(server.desk().inputs_.back()).message == std::string(9999, 'x')); });
}

TEST_CASE("a job that calls without pause is asked to wait") {
  Running server;
  Client client(server.port());
  const std::string ping = "GET " + key + " HTTP/1.1\r\nHost: a\r\n\r\n";
  int taken = 0;
  Reply reply;
  for (int i = 0; i < 2000; ++i) {
    client.send(ping);
    reply = client.reply();
    if (reply.status != 200) break;
    ++taken;
  }
  CHECK(taken >= 100);
  CHECK(reply.status == 429);
  CHECK(std::stoi(reply.headers.at("retry-after")) >= 1);
}

}  // namespace ping_test
