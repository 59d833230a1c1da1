// SPDX-License-Identifier: Apache-2.0
// Drills by the API: begun, worked and ended; their report; and the calendar that a team subscribes to, read as strictly as RFC 5545 is
// written.
#include "browser.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

namespace drills_web_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {

bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

void plan(Settings& settings) {
  Scenario& scenario = settings.scenarios.at("database-outage");
  DrillPlan plan;
  std::string error;
  plan.schedule = Cron::parse("0 10 1 1,4,7,10 *", "UTC", &error);
  plan.type = "restore";
  scenario.drill = plan;
  scenario.title =
      "Database outage; with a title that is long enough to be folded, with a comma, a back\\slash and \xC3\xA9\xC3\xA8\xC3\xAA in it";
}

// A desk whose heart answers, and on which nothing has happened yet.
struct Answering : Running {
  Answering() : Running({}, plan) {
    on_loop([&] {
      desk().state_ = State{};
      desk().decides_ = true;
      decide(desk().state_, *desk().settings_, DaemonStarted{"test"}, now_there);
      decide(desk().state_, *desk().settings_, ConfigurationLoaded{}, now_there);
    });
  }
  Reply post(const std::string& path, const std::string& body = "{}") {
    return ask(port(), "POST", "/api/v1/drills" + path, {as_oncall, of_json}, body);
  }
  Json get(const std::string& path) {
    const Reply reply = ask(port(), "GET", path);
    CHECK(reply.status == 200);
    return reply.json();
  }
};

const std::string evidence = R"({"drwatch_drill": 1, "kind": "restore", "verdict": "passed", "began_at": "2026-02-28T02:00:00Z",
  "ended_at": "2026-02-28T02:10:00Z", "copy": {"reads": "dump", "label": "nightly <b>", "taken_at": "2026-02-28T01:00:00Z", "chosen": "newest"},
  "disaster_at": "2026-02-28T02:00:00Z", "claim": {"recovery_point": "2026-02-28T01:00:00Z", "source": "wal-archive"},
  "restored_to": "2026-02-28T00:59:58Z", "measured": {"took_seconds": 600, "lost_seconds": 3602, "phases": [{"name": "load", "seconds": 500, "bytes": 12}]},
  "checks": [{"name": "beat", "verdict": "passed", "mandatory": true, "detail": "as claimed"}], "machine": {"cpus": 2},
  "postgresql": {"version": "15.20", "system_identifier": "7", "collation": "C.UTF-8"}, "classes": ["host", "region"]})";

// One content line: NAME *(;PARAM=VALUE) : value.
struct Line {
  std::string name, value;
};

// Reads as a strict reader does: CR LF, lines of at most 75 octets, no control characters, whole UTF-8 in each line.
std::vector<Line> content_lines(const std::string& text) {
  std::vector<std::string> unfolded;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = text.find("\r\n", at);
    REQUIRE(end != std::string::npos);
    const std::string line = text.substr(at, end - at);
    CHECK(line.size() <= 75);
    CHECK(line.find_first_of("\r\n") == std::string::npos);
    for (const char c : line) CHECK((static_cast<unsigned char>(c) >= 0x20 || c == '\t'));
    if (!line.empty()) CHECK((static_cast<unsigned char>(line[line[0] == ' ' && line.size() > 1 ? 1 : 0]) & 0xC0) != 0x80);
    if (!line.empty() && line[0] == ' ') {
      REQUIRE_FALSE(unfolded.empty());
      unfolded.back() += line.substr(1);
    } else {
      unfolded.push_back(line);
    }
    at = end + 2;
  }
  std::vector<Line> lines;
  for (const std::string& line : unfolded) {
    const auto colon = line.find(':');
    REQUIRE(colon != std::string::npos);
    lines.push_back({line.substr(0, colon), line.substr(colon + 1)});
    CHECK(lines.back().name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == std::string::npos);
  }
  return lines;
}

// A TEXT value with its escapes undone; what is escaped wrongly is a failure.
std::string unescaped(const std::string& value) {
  std::string out;
  for (std::size_t n = 0; n < value.size(); ++n) {
    CHECK(value[n] != ',');
    CHECK(value[n] != ';');
    if (value[n] != '\\') {
      out += value[n];
      continue;
    }
    REQUIRE(n + 1 < value.size());
    const char c = value[++n];
    CHECK((c == '\\' || c == ',' || c == ';' || c == 'n' || c == 'N'));
    out += c == 'n' || c == 'N' ? '\n' : c;
  }
  return out;
}

bool is_utc(const std::string& value) {
  return value.size() == 16 && value[8] == 'T' && value[15] == 'Z' && value.find_first_not_of("0123456789TZ") == std::string::npos;
}

std::vector<std::map<std::string, std::string>> events_in(const std::string& text) {
  const auto lines = content_lines(text);
  REQUIRE(lines.size() > 4);
  CHECK(lines.front().name == "BEGIN");
  CHECK(lines.front().value == "VCALENDAR");
  CHECK(lines.back().value == "VCALENDAR");
  std::set<std::string> of_calendar;
  std::vector<std::map<std::string, std::string>> events;
  bool inside = false;
  for (std::size_t n = 1; n + 1 < lines.size(); ++n) {
    const auto& [name, value] = lines[n];
    if (name == "BEGIN" || name == "END") {
      CHECK(value == "VEVENT");
      CHECK(inside == (name == "END"));
      inside = name == "BEGIN";
      if (inside) events.emplace_back();
    } else if (inside) {
      CHECK(events.back().emplace(name, value).second);  // each at most once
    } else {
      CHECK(of_calendar.insert(name).second);
    }
  }
  CHECK_FALSE(inside);
  CHECK(of_calendar.contains("VERSION"));
  CHECK(of_calendar.contains("PRODID"));
  for (const auto& event : events) {
    for (const char* must : {"UID", "DTSTAMP", "DTSTART"}) CHECK(event.contains(must));
    CHECK(is_utc(event.at("DTSTAMP")));
    CHECK(is_utc(event.at("DTSTART")));
  }
  return events;
}

}  // namespace

TEST_CASE("a drill is begun, worked, finished and read; two at once and a real incident beside it are refused") {
  Answering server;
  const Reply begun = server.post("", R"({"scenario": "database-outage", "note": "room 4"})");
  REQUIRE(begun.status == 201);
  const std::string id = begun.json()["id"];
  CHECK(id == "drill-20260301-0213-database-outage");
  CHECK(begun.headers.at("location") == "/api/v1/drills/" + id);
  CHECK(begun.json()["drill"] == true);
  CHECK(begun.json()["state"] == "open");
  CHECK(begun.json()["url"] == "http://here/drills/" + id);
  CHECK(server.post("", R"({"scenario": "database-outage"})").status == 409);
  CHECK(server.post("", R"({"scenario": "databse-outage"})").json()["list"][0] == "database-outage");
  CHECK(server.post("", R"({"scenario": "database-outage", "type": "pub"})").status == 400);
  CHECK(ask(server.port(), "POST", "/api/v1/drills", {as_viewer, of_json}, R"({"scenario": "database-outage"})").status == 403);

  CHECK(server.get("/api/v1/incidents")["incidents"].empty());
  CHECK(server.get("/api/v1/status")["incidents"].empty());
  CHECK(server.get("/api/v1/incidents/" + id)["drill"] == true);
  const Json listed = server.get("/api/v1/drills")["drills"];
  REQUIRE(listed.size() == 2);
  CHECK(listed[0]["id"] == id);
  CHECK(listed[0]["state"] == "open");
  CHECK(listed[1]["id"].is_null());
  CHECK(listed[1]["state"] == "planned");
  CHECK(server.get("/api/v1/drills?state=due")["drills"].empty());
  CHECK(ask(server.port(), "GET", "/api/v1/drills?state=over").status == 400);
  const std::string metrics = ask(server.port(), "GET", "/metrics").body;
  CHECK(says(metrics, "drwatch_incident_open{scenario=\"database-outage\"} 0"));
  CHECK(says(metrics, "drwatch_drill_running{scenario=\"database-outage\"} 1"));
  CHECK(says(ask(server.port(), "GET", "/drills/" + id).body, "DRILL"));

  CHECK(server.post("/" + id + "/finish").status == 409);
  CHECK(server.post("/" + id + "/steps/restore", R"({"action": "run"})").status == 409);
  for (const char* step : {"scope", "connectivity"})
    CHECK(server.post("/" + id + "/steps/" + step, R"({"action": "done", "note": "seen on the copy"})").status == 200);
  CHECK(server.post("/" + id + "/notes", R"({"text": "the guide is wrong in line 3"})").status == 200);
  CHECK(server.post("/" + id + "/messages/customers-investigating", R"({"action": "approve"})").status == 409);
  CHECK(server.post("/none/finish").status == 404);
  CHECK(ask(server.port(), "POST", "/api/v1/incidents/" + id + "/resolve", {as_oncall, of_json}, "{}").status == 409);
  const Reply finished = server.post("/" + id + "/finish", R"({"lost": "20s"})");
  CHECK(finished.status == 200);
  CHECK(finished.json()["state"] == "passed");
  CHECK(finished.json()["data_loss_seconds"] == 20);
  CHECK(server.post("/" + id + "/abort").status == 409);

  const std::string report = ask(server.port(), "GET", "/api/v1/drills/" + id + "/report").body;
  for (const char* part : {"# DRILL: ", "**passed**", "| RTO | 4 h |", "Planned for", "Led by: oncall", "the guide is wrong in line 3",
                           "Signed off by", "seen on the copy", "customers-investigating to customers: draft"})
    CHECK_MESSAGE(says(report, part), part);
}

TEST_CASE("a drill is worked and ended on its page, which offers nothing that is refused in a drill") {
  Answering server;
  const std::string id = server.post("", R"({"scenario": "database-outage"})").json()["id"], path = "/drills/" + id;
  CHECK(ask(server.port(), "POST", path, {for_people, "Content-Type: application/x-www-form-urlencoded"}, "do=ack").headers["location"] ==
        "/login?next=%2Fdrills%2F" + id + "&ended=1");
  Browser phone(server.port());
  phone.sign_in("oncall-secret", path);
  std::string body = phone.get(path).body;
  for (const char* not_here :
       {"value=\"resolve\"", "value=\"false-alarm\"", "value=\"run\"", "value=\"bad-change\"", "value=\"approve\"", "value=\"sent\"",
        "value=\"refile\"", "ticks it off", "Ticks itself", "Why it is open", "name=\"force\"", "resolve"})
    CHECK_MESSAGE(!says(body, not_here), not_here);
  CHECK(says(body, "href=\"/drills/" + id + "/report\""));
  const auto press = [&](std::map<std::string, std::string> fields) {
    fields.emplace("form", hidden_field(body, "form"));
    fields.emplace("key", hidden_field(body, "key"));
    const Reply reply = phone.post(path, fields, {for_people});
    body = phone.get(path).body;
    return reply;
  };
  CHECK(phone.post(path, {{"do", "abort"}}).status == 403);
  CHECK(phone.post("/drills/none", {{"do", "abort"}, {"form", hidden_field(body, "form")}}).status == 404);
  const Reply taken = press({{"do", "ack"}});
  CHECK(taken.status == 303);
  CHECK(taken.headers.at("location") == path + "#next");
  CHECK(press({{"do", "start"}, {"step", "scope"}}).status == 303);
  CHECK(press({{"do", "note"}, {"note", "the guide is wrong"}}).status == 303);
  const Reply early = press({{"do", "finish"}});
  CHECK(early.status == 409);
  CHECK(says(early.body, "<strong>Not done.</strong> Critical steps are open"));
  while (says(body, "value=\"done\"")) {  // whichever step stands on top
    const std::string step = hidden_field(body.substr(body.find("id=\"next\"")), "step");
    REQUIRE(press({{"do", "done"}, {"step", step}, {"note", "on the copy"}}).status == 303);
  }
  CHECK(says(body, "Nothing is left to do: finish the drill"));
  CHECK(press({{"do", "finish"}, {"lost", "a bit"}}).status == 400);
  CHECK(press({{"do", "finish"}, {"lost", "20s"}}).status == 303);
  CHECK(server.get("/api/v1/drills/" + id)["state"] == "passed");
  CHECK(server.get("/api/v1/drills/" + id)["data_loss_seconds"] == 20);
  CHECK(says(body, ">passed</span>"));
  for (const char* over : {"value=\"finish\"", "value=\"abort\""}) CHECK(!says(body, over));

  for (const auto& [deed, verdict] : {std::pair{"finish-failed", "failed"}, std::pair{"abort", "aborted"}}) {
    const std::string other = server.post("", R"({"scenario": "database-outage"})").json()["id"];
    CHECK(phone.post("/drills/" + other, {{"do", deed}, {"form", hidden_field(body, "form")}, {"note", "enough"}}).status == 303);
    CHECK(server.get("/api/v1/drills/" + other)["state"] == verdict);
  }
}

TEST_CASE("the page of all drills counts one recovery as one, and names each column also on a phone") {
  Answering server;
  server.on_loop([&] {
    Measured& measured = server.desk().state_.record.measured;
    measured.scored = measured.within_p90 = 1;
    measured.scores.resize(1);
  });
  const std::string body = ask(server.port(), "GET", "/drills").body;
  CHECK(says(body, "Of 1 recovery 1 was over within what nine in ten should be, 0 within what half should be."));
  CHECK(says(body, "data-label=\"Result\""));
  CHECK(!says(body, "<td>"));
  server.on_loop([&] { server.desk().state_.record.measured.scored = 3; });
  CHECK(says(ask(server.port(), "GET", "/drills").body, "Of 3 recoveries 1 was over"));
}

TEST_CASE("rows of the list have the same keys, whether a drill is to come, is held or was") {
  Answering server;
  server.post("/record", R"({"scenario": "database-outage", "took": "1h"})");
  server.post("", R"({"scenario": "database-outage"})");
  server.on_loop([&] { server.desk().state_.record.drills["security-breach"] = {}; });  // as an older release left it
  const Json rows = server.get("/api/v1/drills")["drills"];
  std::set<std::string> states;
  for (const auto& row : rows) {
    CAPTURE(row["state"].get<std::string>());
    states.insert(row["state"]);
    for (const auto& [key, value] : rows[0].items()) CHECK_MESSAGE(row.contains(key), key);
    CHECK(row.size() == rows[0].size());
  }
  CHECK(states == std::set<std::string>{"open", "passed", "planned"});
  for (const auto& row : rows)
    if (row["state"] == "planned") CHECK((row["title"].is_string() && row["rto_seconds"] == 14400 && row["affects"].size() == 1));
}

TEST_CASE("the page of all drills lists those that run, then those that were, with verdict and time") {
  Answering server;
  CHECK(says(ask(server.port(), "GET", "/drills").body, "None yet."));
  const std::string was =
      server.post("/record", R"({"scenario": "database-outage", "took": "1h", "lost": "20s"})").json()["recorded"]["id"];
  const std::string runs = server.post("", R"({"scenario": "database-outage"})").json()["id"];
  const std::string body = ask(server.port(), "GET", "/drills").body;
  const auto running = body.find("/drills/" + runs + "\""), past = body.find("/drills/" + was + "\"");
  REQUIRE(running != std::string::npos);
  REQUIRE(past != std::string::npos);
  CHECK(running < past);
  CHECK(says(body.substr(running, past - running), ">running<"));
  CHECK(says(body.substr(past), ">passed<"));
  CHECK(says(body.substr(past), ">1 h<"));
  CHECK(says(body.substr(past), ">20 s<"));
}

TEST_CASE("a drill is reported as facts as well, and its events are taken away as those of an incident") {
  Answering server;
  const std::string id = server.post("", R"({"scenario": "database-outage"})").json()["id"];
  for (const std::string of : {"/api/v1/drills/", "/api/v1/incidents/"}) {
    const Json facts = server.get(of + id + "/report?format=json");
    CHECK(facts["id"] == id);
    CHECK(facts["participants"] == Json::parse(R"(["oncall"])"));
    CHECK(facts["findings"].is_null());
    CHECK(ask(server.port(), "GET", of + id + "/report?format=pdf").status == 400);
    CHECK(says(ask(server.port(), "GET", of + id + "/report").body, "# DRILL: "));
  }
  const Reply file = ask(server.port(), "GET", "/api/v1/incidents/" + id + "/export", {as_oncall});
  CHECK(file.status == 200);
  CHECK(file.body == "SQLite format 3");
}

TEST_CASE("evidence is taken, and shown as what it proves; what is no evidence is refused with its reason") {
  Answering server;
  const std::string body = R"({"scenario": "database-outage", "evidence": )" + evidence + "}";
  const Reply taken = server.post("/record", body);
  REQUIRE(taken.status == 201);
  CHECK(taken.json()["standing"] == "met");
  const std::string id = taken.json()["recorded"]["id"];
  CHECK(taken.json()["recorded"]["proves"] == Json::parse(R"(["host from wal-archive", "region from wal-archive"])"));
  const Json proven = taken.json()["proven"];
  int met = 0;
  for (const auto& each : proven) met += each["standing"] == "met";
  CHECK(met == 2);
  const Reply again = server.post("/record", body);
  CHECK(again.status == 200);  // it is there already
  CHECK(again.json()["recorded"]["id"] == id);
  const std::string report = ask(server.port(), "GET", "/api/v1/drills/" + id + "/report").body;
  for (const char* part : {"| load | ", "| beat | yes | passed | as claimed |", "recovery after a disaster of class host from wal-archive",
                           "nightly \\<b\\>", "C.UTF-8"})
    CHECK_MESSAGE(says(report, part), part);
  const Reply wrong =
      server.post("/record", R"({"scenario": "database-outage", "evidence": {"drwatch_drill": 1, "kind": "restore", "verdict": "fine"}})");
  CHECK(wrong.status == 422);
  CHECK(says(wrong.json()["detail"], "'verdict' is none of"));
  CHECK(server.post("/record", R"({"scenario": "database-outage", "evidence": "all well"})").status == 400);
  CHECK(server.post("/record", R"({"scenario": "database-outage", "took": "1h", "evidence": {}})").status == 400);
}

TEST_CASE("a drill that is begun with the same key again is answered as it was at first") {
  Answering server;
  const auto begin = [&] {
    return ask(server.port(), "POST", "/api/v1/drills", {as_oncall, of_json, "Idempotency-Key: drill-one"},
               R"({"scenario": "database-outage"})");
  };
  const Reply first = begin(), again = begin();
  CHECK(first.status == 201);
  CHECK(again.status == 201);
  CHECK(again.json()["id"] == first.json()["id"]);
  CHECK(again.headers.at("location") == first.headers.at("location"));
}

TEST_CASE("all drills are stopped at once, and none begins until they are released") {
  Answering server;
  const std::string id = server.post("", R"({"scenario": "database-outage"})").json()["id"];
  const Reply held = server.post("/hold", R"({"note": "release day"})");
  CHECK(held.status == 200);
  CHECK(held.json()["held"] == true);
  CHECK(server.get("/api/v1/drills/" + id)["state"] == "aborted");
  const Reply refused = server.post("", R"({"scenario": "database-outage"})");
  CHECK(refused.status == 409);
  CHECK(says(refused.json()["detail"], "release day"));
  CHECK(server.post("/release").json()["held"] == false);
  CHECK(server.post("", R"({"scenario": "database-outage"})").status == 201);
}

TEST_CASE("the calendar of drills is iCalendar to the letter, and the same whenever it is asked for") {
  Answering server;
  const Reply first = ask(server.port(), "GET", "/drills.ics");
  CHECK(first.status == 200);
  CHECK(first.headers.at("content-type") == "text/calendar; charset=utf-8");
  const auto events = events_in(first.body);
  REQUIRE(events.size() > 1);
  std::set<std::string> ids;
  for (const auto& event : events) {
    CHECK(ids.insert(event.at("UID")).second);
    CHECK(unescaped(event.at("SUMMARY")) ==
          "Drill: Database outage; with a title that is long enough to be folded, with a comma, a back\\slash and \xC3\xA9\xC3\xA8\xC3\xAA "
          "in it");
    CHECK(says(unescaped(event.at("DESCRIPTION")), "drwatch drill start database-outage"));
  }
  CHECK(ask(server.port(), "GET", "/drills.ics").body == first.body);
  CHECK(events[1].at("DTSTART").ends_with("01T100000Z"));
}

TEST_CASE("the calendar of drills has one date for one drill, also where the first lies between two dates of the plan") {
  Answering server;
  server.on_loop([&] { server.desk().state_.record.first_seen["scenario/database-outage"] = *parse_time("2026-03-01T02:13:00Z"); });
  std::vector<std::string> dates;
  for (const auto& event : events_in(ask(server.port(), "GET", "/drills.ics").body)) dates.push_back(event.at("DTSTART"));
  REQUIRE(dates.size() > 2);
  CHECK(dates[0] == "20260531T021300Z");  // one period after it was first seen; held then, the 1st of July is left out
  CHECK(dates[1] == "20261001T100000Z");
  CHECK(dates[2] == "20270101T100000Z");
}

}  // namespace drills_web_test
