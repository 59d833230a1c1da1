// SPDX-License-Identifier: Apache-2.0
// Drills are begun by a form, on the page of the drills and on that of a scenario; and an incident's page says who decides.
#include "browser.hpp"
#include "daemon/recovery/input.hpp"

#include <doctest/doctest.h>

namespace drill_form_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void with_command(Settings& settings) {
  DrillPlan plan;
  plan.type = "restore";
  plan.run = {"/usr/lib/drwatch/restore-drill", "--dump", "<newest>"};
  settings.scenarios.at("security-breach").drill = plan;
}

// Nothing has happened, and the heart itself answers.
struct Calm {
  explicit Calm(const std::string& token = "oncall-secret", std::function<void(Settings&)> change = with_command)
      : server({}, std::move(change)), phone(server.port()) {
    server.on_loop([&] {
      auto& desk = server.desk();
      desk.state_ = State{};
      desk.decides_ = true;
      decide(desk.state_, *desk.settings_, DaemonStarted{"test"}, now_there);
      decide(desk.state_, *desk.settings_, ConfigurationLoaded{}, now_there);
    });
    phone.sign_in(token, "/drills");
    body = phone.get("/drills").body;
  }
  Reply begin(std::map<std::string, std::string> fields) {
    for (const char* hidden : {"form", "key", "confirm"}) fields.emplace(hidden, hidden_field(body, hidden));
    return phone.post("/drills", fields);
  }
  std::size_t asked() {
    std::size_t count = 0;
    server.on_loop([&] { count = server.desk().inputs_.size(); });
    return count;
  }
  Running server;
  Browser phone;
  std::string body;
};

}  // namespace

TEST_CASE("a drill is begun by a form, which leads to its page; sent twice it begins one") {
  Calm at;
  CHECK(holds(at.body, "<option value=\"database-outage\">Database outage</option>"));
  const Reply begun = at.begin({{"scenario", "database-outage"}, {"type", "tabletop"}, {"note", "the <quarter>"}});
  CHECK(begun.status == 303);
  const std::string to = begun.headers.at("location");
  CHECK(to.starts_with("/drills/drill-"));
  CHECK(to.ends_with("-database-outage#next"));
  at.server.on_loop([&] {
    const auto asked = std::get<StartDrill>(at.server.desk().inputs_.back());
    CHECK(asked.scenario == "database-outage");
    CHECK(asked.type == "tabletop");
    CHECK(asked.note == "the <quarter>");
    CHECK(asked.by == "oncall");
    CHECK(at.server.desk().keys_.back().starts_with("oncall/form-"));
  });
  CHECK(at.begin({{"scenario", "database-outage"}, {"type", "tabletop"}, {"note", "the <quarter>"}}).headers.at("location") == to);
  CHECK(holds(at.phone.get(to.substr(0, to.find('#'))).body, "DRILL"));
}

TEST_CASE("a scenario's page begins a drill of it, says what will be run, and links to one that runs") {
  Calm at;
  at.body = at.phone.get("/runbook/security-breach").body;
  CHECK(hidden_field(at.body, "scenario") == "security-breach");
  CHECK(holds(at.body, "<code>/usr/lib/drwatch/restore-drill --dump &lt;newest&gt;</code>"));
  CHECK(holds(at.body, "As planned: restore"));
  const Reply begun = at.begin({{"scenario", "security-breach"}, {"type", "tabletop"}});
  CHECK(begun.status == 303);
  const std::string page = at.phone.get("/runbook/security-breach").body;
  CHECK(!holds(page, "Begin the drill"));
  CHECK(holds(page, "A drill of it runs: <a href=\"/drills/drill-"));
}

TEST_CASE("what is refused is said on the page of the drills, with what was chosen and written") {
  Calm at;
  CHECK(at.begin({{"scenario", "database-outage"}}).status == 303);
  at.body = at.phone.get("/drills").body;
  const Reply again = at.begin({{"scenario", "database-outage"}, {"note", "a <second>"}});
  CHECK(again.status == 409);
  CHECK(holds(again.body, "<strong>Not done.</strong> A drill of database-outage is held already"));
  CHECK(holds(again.body, "You wrote: a &lt;second&gt;"));
  CHECK(holds(again.body, "<option value=\"database-outage\" selected>"));
  CHECK(at.begin({{"scenario", "databas-outage"}}).status == 404);
  CHECK(at.begin({{"scenario", "database-outage"}, {"type", "dress rehearsal"}}).status == 400);
  CHECK(at.begin({}).status == 400);
}

TEST_CASE("on hold, the page says by whom, and nothing begins") {
  Calm at;
  CHECK(ask(at.server.port(), "POST", "/api/v1/drills/hold", {as_boss, of_json}, R"({"note": "release week"})").status == 200);
  at.body = at.phone.get("/drills").body;
  CHECK(holds(at.body, "Drills are on hold.</strong> boss, since 2026-03-01 02:13:00 UTC: release week"));
  CHECK(at.begin({{"scenario", "database-outage"}}).status == 409);
}

TEST_CASE("another site's form, a command that is another one by now, and who may only read begin nothing") {
  Calm at;
  const std::size_t before = at.asked();
  CHECK(at.phone.post("/drills", {{"scenario", "database-outage"}, {"confirm", hidden_field(at.body, "confirm")}}).status == 403);
  CHECK(at.begin({{"scenario", "database-outage"}, {"form", "0123456789abcdef0123456789abcdef"}}).status == 403);
  const Reply other = at.begin({{"scenario", "security-breach"}, {"confirm", "0123456789abcdef"}});
  CHECK(other.status == 409);
  CHECK(holds(other.body, "commands have changed"));
  Calm reader("viewer-secret");
  CHECK(!holds(reader.body, "Begin a drill"));
  CHECK(!holds(reader.phone.get("/runbook/database-outage").body, "Begin a drill"));
  CHECK(reader.begin({{"scenario", "database-outage"}, {"form", hidden_field(reader.body, "form")}}).status == 403);
  CHECK(at.asked() == before);
  // A bearer token is sent by no browser by itself: it needs no form's token.
  const std::string form = "Content-Type: application/x-www-form-urlencoded";
  CHECK(ask(at.server.port(), "POST", "/drills", {as_oncall, form}, "scenario=database-outage&type=tabletop").status == 303);
  CHECK(ask(at.server.port(), "POST", "/drills", {as_oncall, of_json}, "{}").status == 415);
}

TEST_CASE("an incident's page says who decides and who may work on it") {
  Running server;
  server.on_loop([&] {
    Incident& incident = *server.desk().state_.record.incidents.edit(incident_id);
    incident.steps[2].plan.option = "restore";  // after "scope", which is the database lead's
  });
  const std::string body = ask(server.port(), "GET", "/incidents/" + incident_id).body;
  CHECK(holds(body, "Decides: <strong>database lead</strong>. May work on it: oncall (responder), boss (admin)."));
  CHECK(body.find("class=\"deciders\"") < body.find("id=\"next\""));
  const Json said = ask(server.port(), "GET", "/api/v1/incidents/" + incident_id).json()["deciders"];
  CHECK(said["roles"] == Json::parse(R"(["database lead"])"));
  CHECK(said["people"] == Json::parse(R"([{"name": "oncall", "role": "responder"}, {"name": "boss", "role": "admin"}])"));
  Running nobody({}, [](Settings& settings) { settings.server.tokens.clear(); });
  CHECK(holds(ask(nobody.port(), "GET", "/incidents/" + incident_id).body, "May work on it: nobody: no token has the role responder."));
}

}  // namespace drill_form_test
