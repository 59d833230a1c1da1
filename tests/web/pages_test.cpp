// SPDX-License-Identifier: Apache-2.0
// The pages hold what somebody needs who has nothing else, and nothing of what a target said runs in them.
#include "daemon/web/pages/rendering.hpp"

#include "fixture.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

namespace pages_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {

void holds(const std::string& text, const std::vector<std::string>& parts) {
  for (const auto& part : parts) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("the overview") {
  Running server;
  const Reply reply = ask(server.port(), "GET", "/");
  CHECK(reply.headers.at("content-type") == "text/html; charset=utf-8");
  holds(reply.body,
        {"<html lang=\"en\">", "<main id=\"main\">", "http-equiv=\"refresh\"", "Database down", "/incidents/" + incident_id, "42 s",
         "nothing survives this", "not seen since the start", "Explained by database", "/probes/wal-archive", "at-risk"});
  CHECK(reply.body.find("Everything is up") == std::string::npos);
  CHECK(reply.body.find("{{") == std::string::npos);
}

TEST_CASE("nothing is green because nobody looked") {
  Running server;
  server.on_loop([&] { server.desk().state_ = State{}; });
  const std::string body = ask(server.port(), "GET", "/").body;
  holds(body, {"Not known: ", "hero unknown", "nothing is known yet"});
  CHECK(body.find("class=\"pill up\"") == std::string::npos);
}

TEST_CASE("the incident page has the checklist with its guides, as HTML without what could run") {
  Running server;
  const std::string body = ask(server.port(), "GET", "/incidents/" + incident_id).body;
  holds(body, {"Find out what is lost", "<strong>log</strong>", "journalctl -u postgresql", "database is up", "3 min 30 s",
               "Nobody has acknowledged it yet", "last good outcome of primary", "We are looking into it",
               "/api/v1/incidents/" + incident_id + "/report", "/usr/lib/drwatch/pitr"});
  CHECK(body.find("<script") == std::string::npos);
  CHECK(web::markdown_html("[x](javascript:alert(1))").find("javascript:") == std::string::npos);
}

TEST_CASE("what a target says is text, whatever it says") {
  Running server;
  server.on_loop([&] { server.desk().state_.record.components["database"].message = "<img src=x onerror=alert(1)> {{now}} \xff"; });
  const std::string body = ask(server.port(), "GET", "/").body;
  holds(body, {"&lt;img src=x onerror=alert(1)&gt; {{now}}"});
  CHECK(ask(server.port(), "GET", "/api/v1/status").status == 200);
}

TEST_CASE("the runbook, a scenario and a probe") {
  Running server;
  holds(ask(server.port(), "GET", "/runbook").body, {"/runbook/security-breach", "Database outage"});
  holds(ask(server.port(), "GET", "/runbook/database-outage").body,
        {"database is down", "for 1 min without a break", "When it is recovered", "Verify database connectivity"});
  holds(ask(server.port(), "GET", "/runbook/security-breach").body, {"Only people open it."});
  holds(ask(server.port(), "GET", "/probes/primary").body,
        {"connection refused by 127.0.0.1:5432", "every", "30 s", "what was asked, and what came back", "dsn of primary-dsn"});
}

// For looking at them: DRWATCH_PAGES=1 test_web -tc="serve*" prints the address and serves until a line comes.
TEST_CASE("serve the pages" * doctest::skip(std::getenv("DRWATCH_PAGES") == nullptr)) {
  Running server;
  std::cout << "http://127.0.0.1:" << server.port() << "/" << std::endl;
  std::string line;
  std::getline(std::cin, line);
}

}  // namespace pages_test
