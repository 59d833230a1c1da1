// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include <doctest/doctest.h>

namespace events_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {

std::string follow(const std::string& more = "") {
  return "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n" + more + "\r\n";
}

std::size_t followers(Running& server) {
  std::size_t n = 0;
  server.on_loop([&] { n = server.desk().followers_.size(); });
  return n;
}

void until(const std::function<bool()>& holds) {
  for (int i = 0; i < 500 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(holds());
}

}  // namespace

TEST_CASE("events come as they happen, and a reader that comes back misses none") {
  Running server;
  server.on_loop([&] {
    server.desk().emit("probe.suspected", "one");
    server.desk().emit("component.changed", "two\nlines");
  });
  Client fresh(server.port());
  fresh.send(follow());
  const std::string head = fresh.read_until("\r\n\r\n");
  CHECK(head.find("Content-Type: text/event-stream") != std::string::npos);
  CHECK(head.find("Content-Length") == std::string::npos);
  Client back(server.port());
  back.send(follow("Last-Event-ID: 1\r\n"));
  const std::string missed = back.read_until("\"body\":{}}\n\n");
  CHECK(missed.find("id: 2\nevent: component.changed\ndata: {") != std::string::npos);
  CHECK(missed.find("two\\nlines") != std::string::npos);
  CHECK(missed.find("id: 1\n") == std::string::npos);
  until([&] { return followers(server) == 2; });
  server.on_loop([&] { server.desk().emit("incident.opened", "three"); });
  CHECK(fresh.read_until("\"body\":{}}\n\n").find("id: 3\nevent: incident.opened") != std::string::npos);
  CHECK(back.read_until("\"body\":{}}\n\n").find("id: 3\n") != std::string::npos);
}

TEST_CASE("a reader that is gone or too slow is let go") {
  Running server;
  {
    Client gone(server.port());
    gone.send(follow());
    gone.read_until("\r\n\r\n");
    until([&] { return followers(server) == 1; });
  }
  Client slow(server.port(), 2048);
  slow.send(follow());
  until([&] { return followers(server) >= 1; });
  const std::string long_message(2000, 'x');
  for (int i = 0; i < 40 && followers(server) > 0; ++i)
    server.on_loop([&] {
      for (int n = 0; n < 500; ++n) server.desk().emit("probe.suspected", long_message);
    });
  server.on_loop([&] { server.desk().emit("probe.suspected", "last"); });
  // Both are found out while being written to; the slow one by its backlog once it takes bytes again or its write is late.
  while (!slow.read_until("\n\n").empty()) {
  }
  until([&] { return followers(server) == 0; });
}

TEST_CASE("the list of events: the newest, or a page after a given one") {
  Running server;
  server.on_loop([&] {
    for (int i = 0; i < 5; ++i) server.desk().emit("probe.suspected", std::to_string(i));
  });
  const Json newest = ask(server.port(), "GET", "/api/v1/events?limit=2").json();
  CHECK(newest["events"][0]["seq"] == 4);
  CHECK(newest["next"].is_null());
  const Json page = ask(server.port(), "GET", "/api/v1/events?after=1&limit=2").json();
  CHECK(page["events"][0]["seq"] == 2);
  CHECK(page["next"] == 3);
  CHECK(ask(server.port(), "GET", "/api/v1/events?after=x").status == 400);
  CHECK(ask(server.port(), "GET", "/api/v1/events", {"Last-Event-ID: x", "Accept: text/event-stream"}).status == 400);
}

}  // namespace events_test
