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
  for (int i = 0; i < 6000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
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

TEST_CASE("an id of events that were never written, or of another journal: all of this life is told, and that something is missing") {
  Running server;
  server.on_loop([&] {
    server.desk().emit("daemon.started", "the life before");
    server.desk().emit("probe.suspected", "written");
    server.desk().emit("daemon.started", "this life");
    server.desk().emit("incident.opened", "four");
  });
  Client back(server.port());
  back.send(follow("Last-Event-ID: 5000\r\n"));
  const std::string told = back.read_until("id: 4\n");
  CHECK(told.find("\n: gap: event 5000 is not in this journal") != std::string::npos);
  CHECK(told.find("\nid: 3\nevent: daemon.started\n") != std::string::npos);
  CHECK(told.find("\nid: 2\n") == std::string::npos);
}

TEST_CASE("what is not in memory any more is said to be missing") {
  Running server;
  server.on_loop([&] {
    for (int i = 0; i < 6; ++i) server.desk().emit("probe.suspected", "one of six");
    server.desk().events_.erase(server.desk().events_.begin(), server.desk().events_.begin() + 3);
  });
  Client back(server.port());
  back.send(follow("Last-Event-ID: 1\r\n"));
  const std::string told = back.read_until("id: 6\n");
  CHECK(told.find("\n: gap: events 2 to 3 are not in memory any more") != std::string::npos);
  CHECK(told.find(": gap") < told.find("\nid: 4\n"));
  Client whole(server.port());
  whole.send(follow("Last-Event-ID: 3\r\n"));
  CHECK(whole.read_until("id: 6\n").find(": gap") == std::string::npos);
}

TEST_CASE("what is decided while the header is on its way comes too") {
  struct Taken : web::Tap {
    std::string text;
    Task<bool> write(std::shared_ptr<const std::string> bytes) override {
      text += *bytes;
      co_return text.find("id: 3\n") == std::string::npos;
    }
  };
  boost::asio::io_context loop;
  RealWorld world(loop.get_executor(), 1);
  FakeDesk desk(small_platform());
  Quiet log;
  web::Room room(world.world(), desk, log, desk.settings()->server);
  std::string bug;
  TaskGroup tasks(loop.get_executor(), [&](const std::string& name, std::exception_ptr) { bug = name; });
  Taken tap;
  desk.emit("probe.suspected", "one");
  web::Call call;
  call.request.headers = {{"accept", "text/event-stream"}};
  tasks.spawn("reader", [](web::Room& in, FakeDesk& decides, web::Call asked, Taken& to) -> Task<void> {
    const auto response = co_await web::read_events(in, std::move(asked));
    decides.emit("probe.suspected", "two");
    decides.emit("probe.suspected", "three");
    co_await response->stream(to);
  }(room, desk, std::move(call), tap));
  for (int i = 0; i < 500 && tasks.running() > 0; ++i) loop.run_for(std::chrono::milliseconds(10));
  CHECK(tap.text.find("id: 1\n") == std::string::npos);
  CHECK(tap.text.find("id: 2\n") != std::string::npos);
  CHECK(tap.text.find("id: 3\n") != std::string::npos);
  CHECK(bug.empty());
  tasks.cancel_all();
  for (int i = 0; i < 500 && tasks.running() > 0; ++i) loop.run_for(std::chrono::milliseconds(10));
}

TEST_CASE("a reader that is gone or too slow is let go") {
  Running server;
  {
    Client gone(server.port());
    gone.send(follow());
    gone.read_until("\r\n\r\n");
    until([&] { return followers(server) == 1; });
  }
  until([&] { return followers(server) == 0; });
  Client slow(server.port(), 2048);
  slow.send(follow());
  until([&] { return followers(server) == 1; });  // from here on it is told, and no history is read to it
  const std::string long_message(2000, 'x');
  for (int i = 0; i < 40 && followers(server) > 0; ++i)
    server.on_loop([&] {
      for (int n = 0; n < 500; ++n) server.desk().emit("probe.suspected", long_message);
    });
  server.on_loop([&] { server.desk().emit("probe.suspected", "last"); });
  // It is found out by its backlog, once it takes bytes again or its write is late.
  while (!slow.read_until("\n\n").empty()) {
  }
  until([&] { return followers(server) == 0; });
}

TEST_CASE("streams that no token was shown for leave half of the places to others") {
  web::Limits limits;
  limits.streams = 4;
  Running server(limits);
  std::vector<Client> open;
  const auto status = [&](const std::string& more) {
    open.emplace_back(server.port());
    open.back().send(follow(more));
    const std::string head = open.back().read_until("\r\n\r\n");
    return head.empty() ? 0 : std::stoi(head.substr(9, 3));
  };
  CHECK(status("") == 200);
  CHECK(status("") == 200);
  CHECK(status("") == 503);
  CHECK(status(as_oncall + "\r\n") == 200);
  CHECK(status(as_viewer + "\r\n") == 200);
  CHECK(status(as_boss + "\r\n") == 503);
}

TEST_CASE("a stream ends with the token that it was begun with; others go on") {
  Running server;
  Client gone(server.port()), stays(server.port()), nameless(server.port());
  gone.send(follow(as_oncall + "\r\n"));
  stays.send(follow(as_viewer + "\r\n"));
  nameless.send(follow());
  until([&] { return followers(server) == 3; });
  server.on_loop([&] {
    auto settings = server.room().server;
    settings.tokens.erase("oncall");
    server.room().auth = web::Auth(settings);
    server.desk().emit("daemon.reloaded", "and what comes behind it");
  });
  CHECK(stays.read_until("and what comes behind it").size() > 0);
  CHECK(nameless.read_until("and what comes behind it").size() > 0);
  CHECK(gone.read_until("and what comes behind it").empty());
  until([&] { return followers(server) == 2; });
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
