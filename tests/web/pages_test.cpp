// SPDX-License-Identifier: Apache-2.0
// The pages hold what somebody needs who has nothing else, and nothing of what a target said runs in them.
#include "daemon/web/pages/rendering.hpp"

#include "fixture.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
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
  holds(reply.body, {"<html lang=\"en\">", "<main id=\"main\">", "data-live=\"/\"", "Database is down; it explains 1 other",
                     "/incidents/" + incident_id, "42 s", "nothing survives this", "not seen since the start", "Explained by database",
                     "/probes/wal-archive", "at-risk"});
  CHECK(reply.body.find("Everything is up") == std::string::npos);
  CHECK(reply.body.find("{{") == std::string::npos);
}

TEST_CASE("what is open stands before what has recovered") {
  Running server;
  server.on_loop([&] {
    Incident back = server.desk().state_.record.incidents.at(incident_id);
    back.id = "20260301-0100-recovered";
    back.state = IncidentState::recovered;
    back.recovered_at = now_there - minutes{1};
    server.desk().state_.record.incidents.put(std::move(back));
  });
  const std::string page = ask(server.port(), "GET", "/").body;
  CHECK(page.find("/incidents/" + incident_id) < page.find("/incidents/20260301-0100-recovered"));
}

TEST_CASE("nothing is green because nobody looked") {
  Running server;
  server.on_loop([&] { server.desk().state_ = State{}; });
  const std::string body = ask(server.port(), "GET", "/").body;
  holds(body, {"Not known: ", "hero unknown", "nothing is known yet"});
  CHECK(body.find("class=\"pill up\"") == std::string::npos);
}

TEST_CASE("the headline is made of objectives, alerts and drwatch's own sight as well") {
  const auto headline = [](const std::function<void(FakeDesk&)>& change) {
    Running server;
    server.on_loop([&] {
      State& state = server.desk().state_;
      state.record.incidents = {};
      state.record.objectives.clear();
      for (const char* name : {"database", "api", "cron"}) state.record.components[name] = {Health::up, now_there, "", {}};
      change(server.desk());
    });
    const std::string body = ask(server.port(), "GET", "/").body;
    const auto at = body.find("<section class=\"hero");
    return body.substr(at, body.find("</section>", at) - at);
  };
  holds(headline([](FakeDesk&) {}), {"hero up", "Everything is up"});
  const auto not_green = [&](const std::string& said, const std::function<void(FakeDesk&)>& change) {
    const std::string hero = headline(change);
    CAPTURE(hero);
    CHECK(hero.find(said) != std::string::npos);
    CHECK(hero.find("hero up") == std::string::npos);
    CHECK(hero.find("Everything is up") == std::string::npos);
  };
  const auto objective = [](Standing standing, bool structural) {
    return [=](FakeDesk& desk) {
      desk.state_.record.objectives[objective_key("database", DisasterClass::host)] = {.standing = standing, .structural = structural};
    };
  };
  not_green("1 recovery point objective is breached", objective(Standing::breached, false));
  not_green("1 recovery point objective is at risk", objective(Standing::at_risk, false));
  not_green("can be met by no source", objective(Standing::breached, true));
  not_green("4 alerts are confirmed by nobody", [](FakeDesk& desk) { desk.figures_.alerts_undelivered = 4; });
  not_green("drwatch is blind", [](FakeDesk& desk) { desk.state_.record.blind_since = now_there; });
  not_green("the journal does not keep up", [](FakeDesk& desk) { desk.figures_.durable = false; });
  not_green("the last reload was refused", [](FakeDesk& desk) { desk.figures_.last_reload_successful = false; });
  not_green("\u2068a\u202eb\u2069 is down", [](FakeDesk& desk) {
    const auto settings = std::make_shared<Settings>(*desk.settings_);
    settings->components["cron"].title = "a\u202eb";
    desk.settings_ = settings;
    desk.state_.record.components["cron"].health = Health::down;
  });
  not_green("Public API and Database are down", [](FakeDesk& desk) {
    const auto settings = std::make_shared<Settings>(*desk.settings_);
    settings->components["api"].depends_on.clear();
    desk.settings_ = settings;
    for (const char* name : {"database", "api"}) desk.state_.record.components[name].health = Health::down;
  });
}

TEST_CASE("of many components those that are wrong stand first, what they explain behind them, and the rest is folded") {
  Running server;
  server.on_loop([&] {
    const auto settings = std::make_shared<Settings>(*server.desk().settings_);
    for (int n = 0; n < 90; ++n) {
      const std::string name = "part-" + std::to_string(100 + n);
      settings->components[name] = {.name = name, .title = "Part " + std::to_string(100 + n)};
      server.desk().state_.record.components[name] = {n == 42 ? Health::down : Health::up, now_there, "it fails", {}};
    }
    server.desk().settings_ = settings;
  });
  const std::string body = ask(server.port(), "GET", "/").body;
  const auto at = [&body](const std::string& part) { return body.find("\">" + part + "</a>"); };
  CHECK(at("Database") < at("Part 142"));
  CHECK(at("Part 142") < at("Public API"));  // explained by the database
  CHECK(at("Public API") < at("Part 100"));  // up
  holds(body, {"<details id=\"well\"><summary>89 components up</summary>", "89 of 93 components up"});
}

TEST_CASE("the incident page has the checklist with its guides, as HTML without what could run") {
  Running server;
  const std::string body = ask(server.port(), "GET", "/incidents/" + incident_id).body;
  holds(body, {"Find out what is lost", "<strong>log</strong>", "journalctl -u postgresql", "database is up", "3 min 30 s",
               "Nobody has taken it yet", "last good outcome of primary", "We are looking into it",
               "\"/incidents/" + incident_id + "/report", "/usr/lib/drwatch/pitr"});
  CHECK(body.find("<script>") == std::string::npos);
  CHECK(web::markdown_html("[x](javascript:alert(1))").find("javascript:") == std::string::npos);
}

TEST_CASE("a table in a guide is a list; a bar in code parts nothing") {
  const std::string table = "Then:\n| code | what | do |\n| --- | :-: | --- |\n| `a|b` | x \\| y | |\n| c | | go |\nand on\n";
  CHECK(web::tables_as_lists(table) == "Then:\n\n- **`a|b`**: x | y\n- **c**: go\n\nand on\n");
  const std::string code = "```\n| a | b |\n| --- | --- |\n| c | d |\n```\n| no | table |\n";
  CHECK(web::tables_as_lists(code) == code);
  CHECK(web::markdown_html(table).find("<li><strong><code>a|b</code></strong>: x | y</li>") != std::string::npos);
}

TEST_CASE("the commands in a guide have the incident's id") {
  Running server;
  server.on_loop([&] {
    server.desk().state_.record.incidents.edit(incident_id)->steps[0].plan.guide =
        "`drwatch incident note ID \"x\"`, `drwatch incident list`, `drwatch incident step ID_OF x`";
  });
  holds(ask(server.port(), "GET", "/incidents/" + incident_id).body,
        {"drwatch incident note " + incident_id + " &quot;x&quot;", "drwatch incident list<", "drwatch incident step ID_OF x"});
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

TEST_CASE("every incident by month, with how long it took and how that stands to its objective") {
  Running server;
  server.on_loop([&] {
    auto& incidents = server.desk().state_.record.incidents;
    Incident old = incidents.at(incident_id);
    old.id = "20251224-1800-database-outage";
    old.opened_at = old.started_at = *parse_time("2025-12-24T18:00:00Z");
    old.state = IncidentState::resolved;
    old.recovered_at = old.resolved_at = old.started_at + hours{5};
    incidents.put(old);
    old.id = "20251224-2300-database-outage";
    old.false_alarm = true;
    incidents.put(old);
  });
  const std::string body = ask(server.port(), "GET", "/incidents").body;
  holds(body, {"March 2026", "December 2025", "/incidents/" + incident_id, "5 h, to be back within 4 h", "too late", "false alarm",
               "\"/incidents/20251224-1800-database-outage/report\"", "on track"});
  CHECK(body.find("March 2026") < body.find("December 2025"));
  const std::string older = ask(server.port(), "GET", "/incidents?before=20251224-2300-database-outage").body;
  CHECK(older.find("March 2026") == std::string::npos);
  CHECK(older.find("20251224-1800-database-outage") != std::string::npos);
  CHECK(ask(server.port(), "GET", "/incidents?before=0").body.find("None") != std::string::npos);
}

TEST_CASE("the report is a page to print, in which nothing that people wrote is active") {
  Running server;
  server.on_loop([&] {
    Incident& incident = *server.desk().state_.record.incidents.edit(incident_id);
    incident.steps[0].note = "<script>alert(1)</script> [x](javascript:alert(1)) **no**";
    HeldDrill drill;
    drill.work = incident;
    drill.work.id = "drill-20260201-0900-database-outage";
    drill.work.drill = true;
    drill.type = "tabletop";
    server.desk().state_.record.drilling.held[drill.work.id] = drill;
  });
  const std::string body = ask(server.port(), "GET", "/incidents/" + incident_id + "/report").body;
  holds(body, {"<h2>Clocks</h2>", "<h2>Timeline (UTC)</h2>", "&lt;script&gt;alert(1)",
               "href=\"/api/v1/incidents/" + incident_id + "/report\"", "To be written by people"});
  for (const char* active : {"<script", "href=\"javascript", "<strong>no</strong>"}) CHECK(body.find(active) == std::string::npos);
  holds(ask(server.port(), "GET", "/drills/drill-20260201-0900-database-outage/report").body,
        {"drill-20260201-0900-database-outage", "<h2>"});
  CHECK(ask(server.port(), "GET", "/incidents/20260301-0211-databas/report").status == 404);
  holds(ask(server.port(), "GET", "/incidents/" + incident_id).body, {"href=\"/incidents/" + incident_id + "/report\""});
}

TEST_CASE("the address narrows the components") {
  Running server({}, [](Settings& settings) {
    for (int n = 0; n < 14; ++n) {
      const std::string name = "shard-" + std::string(1, static_cast<char>('a' + n));
      settings.components[name] = {.name = name, .title = "Shard " + std::to_string(n)};
    }
    settings.components.at("api").lies_in = {"eu-central"};
  });
  server.on_loop([&] {
    for (int n = 0; n < 14; ++n)
      server.desk().state_.record.components["shard-" + std::string(1, static_cast<char>('a' + n))].health = Health::up;
  });
  const auto get = [&](const std::string& query) { return ask(server.port(), "GET", "/" + query).body; };
  const std::string all = get("");
  CHECK(all.find("/components/database") < all.find("/components/shard-a"));  // what is wrong first
  holds(all, {"id=\"filter\""});
  CHECK(all.find("id=\"narrowed\"") == std::string::npos);
  const std::string found = get("?find=SHARD%201");
  holds(found, {"Shown: 5 of 17 components", "value=\"SHARD 1\"", "/components/shard-b", "data-live=\"/?find=SHARD%201\""});
  CHECK(found.find("/components/api") == std::string::npos);
  holds(found, {"Database is down"});  // the headline is of all of them
  holds(get("?find=eu-central"), {"Shown: 1 of 17 components", "/components/api"});
  const std::string wrong = get("?health=not-up");
  CHECK(wrong.find("/components/shard-a") == std::string::npos);
  holds(wrong, {"<option value=\"not-up\" selected>", "/components/database", "/components/api"});
  holds(get("?find=%3Cscript%3E"), {"Shown: 0 of 17 components", "value=\"&lt;script&gt;\""});
}

TEST_CASE("the record shows the newest events, filtered by kind, incident and component") {
  Running server;
  server.on_loop([&] {
    server.desk().emit("signal.raised", "breach-suspected was raised");
    server.desk().emit("step.done", "<b>scope</b> was done");
    Event noted;
    noted.seq = 3;
    noted.at = now_there;
    noted.kind = "incident.noted";
    noted.incident = incident_id;
    noted.component = "database";
    noted.message = "oncall: a note";
    noted.by = "oncall";
    server.desk().events_.push_back(std::make_shared<const Event>(noted));
  });
  const std::string all = ask(server.port(), "GET", "/events").body;
  holds(all, {"breach-suspected was raised", "&lt;b&gt;scope&lt;/b&gt; was done", "oncall: a note"});
  CHECK(all.find("oncall: a note") < all.find("breach-suspected was raised"));  // newest first
  const auto only_note = [&](const std::string& query) {
    const std::string body = ask(server.port(), "GET", "/events?" + query).body;
    CAPTURE(query);
    CHECK(body.find("oncall: a note") != std::string::npos);
    CHECK(body.find("breach-suspected was raised") == std::string::npos);
  };
  only_note("kind=incident");
  only_note("kind=incident.noted");
  only_note("incident=" + incident_id);
  only_note("component=database");
  holds(ask(server.port(), "GET", "/events?kind=nothing").body, {"Nothing of that is among the newest 3 events."});
}

TEST_CASE("a component's page: what looks at it, what would be lost, what happened to it") {
  Running server;
  holds(ask(server.port(), "GET", "/components/database").body,
        {"connection refused", "/probes/primary", "/probes/wal-archive", "at most 1 h lost, if the host is", "nothing survives this",
         "/components/api", "/incidents/" + incident_id, "/events?component=database"});
  CHECK(ask(server.port(), "GET", "/components/databas").json()["list"][0] == "database");
}

TEST_CASE("a badge says the health, and unknown when nobody has looked for long") {
  Running server;
  const Reply badge = ask(server.port(), "GET", "/badges/database.svg");
  CHECK(badge.headers.at("content-type") == "image/svg+xml");
  holds(badge.body, {"aria-label=\"Database: down\""});
  server.on_loop([&] { server.desk().state_.sight.probes["primary"].last_run_at = now_there - hours{1}; });
  holds(ask(server.port(), "GET", "/badges/database.svg").body, {"aria-label=\"Database: unknown\""});
  server.on_loop([&] {
    server.desk().state_.sight.probes["primary"].last_run_at = now_there;
    server.desk().state_.record.blind_since = now_there;
  });
  holds(ask(server.port(), "GET", "/badges/database.svg").body, {"aria-label=\"Database: unknown\""});
  CHECK(ask(server.port(), "GET", "/badges/database").status == 404);
  CHECK(ask(server.port(), "GET", "/badges/databas.svg").json()["list"][0] == "database.svg");
}

// For looking at them: DRWATCH_PAGES=1 test_web -tc="serve*" prints the address and serves until a line comes.
TEST_CASE("serve the pages" * doctest::skip(std::getenv("DRWATCH_PAGES") == nullptr)) {
  Running server;
  std::cout << "http://127.0.0.1:" << server.port() << "/" << std::endl;
  std::string line;
  std::getline(std::cin, line);
}

}  // namespace pages_test
