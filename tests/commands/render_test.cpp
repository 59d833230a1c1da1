// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/render.hpp"

#include "tests/commands/documents.hpp"

#include <doctest/doctest.h>

namespace drwatch::commands::tests::render_test {

TEST_CASE("status says the worst first, and everything once") {
  const std::string text = status_text(status(), plain);
  CAPTURE(text);
  CHECK(has(text, "DOWN: Database\n"));
  CHECK(has(text, "Degraded: API\n"));
  CHECK(has(text, "Cannot be seen: Auth\n"));
  CHECK(text.find("DOWN: Database") < text.find("Incidents"));
  CHECK(text.find("Incidents") < text.find("Components"));
  CHECK(has(text, "20260301-0211-database-outage  open  Database outage  3 min 30 s of 4 h  RTO met  not acknowledged"));
  CHECK(has(text, "complete-outage  opens at 02:13:30  api is down"));
  CHECK(has(text, "Database  down      for 2 min 40 s  primary: connection refused"));
  CHECK(has(text, "checkout: HTTP 500; explained by database"));
  CHECK(has(text, "in maintenance until 03:00:00; not seen since drwatch started"));
  CHECK(has(text, "42 s"));
  CHECK(has(text, "to 02:09:18 by wal-archive, standing still since 02:10:00 (no writes)"));
  CHECK(has(text, "everything: no source survives it"));
  CHECK(has(text, "Could we recover: 2 unproven\n"));
  CHECK(has(
      text,
      "database-outage  within 4 h  unproven  database to 02:09:18 by wal-archive: 42 s lost  back in 1 h 30 min, nine in ten within 2 h "
      "30 min of 4 h (planned); no drill has shown it"));
  CHECK(has(text, "cron-failure     within 4 h  unproven  "));
  CHECK(has(text, "  no drill has shown it"));
  CHECK(has(text, "Of 12 projected recoveries 11 were over within what nine in ten should be."));
  CHECK(has(text, "database-outage  overdue  since 2026-02-01 10:00"));
  CHECK_FALSE(has(text, "cron-failure  overdue"));
  CHECK(has(text, "nothing restores the database when the region is lost"));
  CHECK(has(text, "m-1  auth  until 03:00:00  by oncall"));
  CHECK(has(text, "breach-suspected  raised 1 min ago  by siem  odd logins"));
  CHECK_FALSE(has(text, "fire"));
  CHECK(has(text, "Alerts: 2 active, 1 undelivered"));
  CHECK_FALSE(has(text, "\x1b"));
}

TEST_CASE("a quiet platform is a short page") {
  const Json quiet = Json::parse(
      R"({"now": "2026-03-01T02:13:00Z", "version": "0.1.0", "health": "up", "blind": false, "durable": true, "alerts": {"active": 0, "undelivered": 0},
    "components": [{"name": "database", "title": "Database", "health": "up", "since": "2026-03-01T01:13:00Z", "message": "well", "exposures": [{"class": "host", "exposure_seconds": null, "no_source": false}], "objectives": []}]})");
  const std::string text = status_text(quiet, plain);
  CHECK(has(text, "All components are up."));
  CHECK(has(text, "Database  up  for 1 h"));
  CHECK(has(text, "not known yet"));
  CHECK_FALSE(has(text, "Incidents"));
  CHECK_FALSE(has(text, "Alerts"));
  CHECK(status_exit_code(quiet) == 0);
}

TEST_CASE("blindness and a journal that does not keep up stand on top") {
  Json document = status();
  document["blind"] = true;
  document["durable"] = false;
  const std::string text = status_text(document, plain);
  CHECK(text.find("BLIND") < text.find("DOWN"));
  CHECK(has(text, "may be lost if drwatch stops"));
}

TEST_CASE("an incident says when it will be over, until when to decide, and what else it could be") {
  const std::string text = incident_text(incident(), *parse_time("2026-03-01T02:13:00Z"), plain);
  CAPTURE(text);
  CHECK(has(text, "likely over at 2026-03-01 03:39:30 UTC"));
  CHECK(has(text, "critical path restore, connectivity"));
  CHECK(has(text, "decide by     04:30:00"));
  CHECK(has(text, "fail-over   nine in ten within 2 h 30 min; decide by 04:30:00"));
  CHECK(has(text, "too late since 01:30:00"));
  CHECK(has(text,
            "Second best: complete-outage, because database is down\n    it would be that one if this held too: hosting is down\n"
            "    this speaks against it: sentinel is down\n"));
}

TEST_CASE("status exits with 1 on bad news and on nothing else") {
  Json quiet = status();
  quiet["incidents"] = Json::array();
  quiet["components"].erase(0);         // the one that is down
  CHECK(status_exit_code(quiet) == 0);  // degraded, unknown, unproven, overdue drills and undelivered alerts are not the table's bad news
  Json bad = quiet;
  SUBCASE("a component is down") { bad["components"][0]["health"] = "down"; }
  SUBCASE("blind") { bad["blind"] = true; }
  SUBCASE("an incident is open") { bad["incidents"].push_back(incident()); }
  SUBCASE("an objective is at risk") { bad["components"][0]["objectives"].push_back(Json{{"objective", "rpo"}, {"standing", "at-risk"}}); }
  SUBCASE("an objective is breached") {
    bad["components"][0]["objectives"].push_back(Json{{"objective", "rto"}, {"standing", "breached"}});
  }
  CHECK(status_exit_code(bad) == 1);
}

TEST_CASE("a recovered incident and an unproven objective are no bad news") {
  Json document = status();
  document["components"] =
      Json::array({Json{{"health", "up"}, {"objectives", Json::array({Json{{"objective", "rto"}, {"standing", "unproven"}}})}}});
  document["incidents"][0]["state"] = "recovered";
  CHECK(status_exit_code(document) == 0);
}

TEST_CASE("an incident: the clock, why, what next, the checklist with its evidence") {
  const std::string text = incident_text(incident(), *parse_time("2026-03-01T02:13:00Z"), plain);
  CAPTURE(text);
  CHECK(has(text, "Database outage  open  critical\n20260301-0211-database-outage\n"));
  CHECK(has(text, "started       02:09:30 (last good outcome of primary)"));
  CHECK(has(text, "acknowledged  not acknowledged"));
  CHECK(has(text, "clock         3 min 30 s of 4 h, met; deadline 06:09:30"));
  CHECK(has(text, "restores to   02:09:18 by wal-archive: 42 s would be lost"));
  CHECK(has(text, "database is down  since 02:10:20  primary: connection refused, 3 runs"));
  // next: what can be worked on, the critical first, not what waits or verifies itself
  const auto next = text.find("Next\n");
  const auto checklist = text.find("Checklist, 1 of 5 done");
  REQUIRE(next != std::string::npos);
  REQUIRE(checklist != std::string::npos);
  CHECK(next < checklist);
  const std::string todo = text.substr(next, checklist - next);
  CHECK(todo.find("Initiate point-in-time recovery  critical  database lead  about 20 min") < todo.find("Call the vendor"));
  CHECK(has(todo, "runs /usr/lib/drwatch/pitr, --target, 2026-03-01T02:09:18Z"));
  CHECK(has(todo, "    Look at the disk first.\n"));
  CHECK(has(todo, "drwatch incident step 20260301-0211-database-outage restore run"));
  CHECK_FALSE(has(todo, "Tidy up"));
  CHECK_FALSE(has(todo, "Verify database connectivity"));
  CHECK(has(text, "[x] People can log in  login, critical, 02:11:20 by drwatch"));
  CHECK(has(text, "auth is up: auth: up; it held all along: this proves nothing"));
  CHECK(has(text, "[ ] Verify database connectivity  connectivity, critical"));
  CHECK(has(text, "database is up; does not hold yet"));
  CHECK(has(text, "[ ] Tidy up  later, after restore"));
  CHECK(has(text, "customers  to customers  draft  cannot be sent, missing: eta"));
  CHECK(has(text, "02:11:20  incident.opened  Database outage opened"));
}

TEST_CASE("a tick against what drwatch sees is told from one that counts") {
  Json document = incident();
  document["recovery_said"] = true;
  document["recovered_at"] = "2026-03-01T02:12:50Z";
  Json& step = document["steps"][1];
  step["state"] = "done";
  step["by"] = "lena";
  step["ended_at"] = "2026-03-01T02:12:40Z";
  step["note"] = "psql answers here";
  step["against_evidence"] = true;
  step["verify"]["evidence"] = "primary: connection refused";
  const std::string text = incident_text(document, *parse_time("2026-03-01T02:13:00Z"), plain);
  CAPTURE(text);
  CHECK(has(text, "[?] Verify database connectivity  connectivity, critical, 02:12:40, said by lena, against what drwatch sees"));
  CHECK(has(text, "database is up: primary: connection refused; does not hold"));
  CHECK(has(text, "called over   02:12:50, never seen to recover"));
}

TEST_CASE("steps that hold, broke, failed and were skipped say so") {
  Json document = incident();
  Json& verify = document["steps"][1]["verify"];
  verify["holds_since"] = "2026-03-01T02:12:30Z";
  verify["broke_at"] = "2026-03-01T02:12:00Z";
  document["steps"][3]["state"] = "skipped";
  document["steps"][3]["note"] = "they called us";
  document["steps"][4]["state"] = "failed";
  document["steps"][4]["run"]["output"] = "exit code 3\nno such backup";
  document["state"] = "resolved";
  const std::string text = incident_text(document, *parse_time("2026-03-01T02:13:00Z"), plain);
  CHECK(has(text, "holds since 02:12:30, must for 2 min; broke again at 02:12:00"));
  CHECK(has(text, "[-] Call the vendor  phone, skipped"));
  CHECK(has(text, "\"they called us\""));
  CHECK(has(text, "[!] Initiate point-in-time recovery  restore, critical, failed"));
  CHECK(has(text, "| exit code 3\n        | no such backup"));
  CHECK_FALSE(has(text, "Next\n"));  // nothing is to be done on a final incident
}

TEST_CASE("a message is printed as it would be sent") {
  const std::string text = message_text(incident()["messages"][0], plain);
  CHECK(text == "to customers, draft\ncannot be sent, missing: eta\nSubject: We are looking into it\n\nSome requests fail.\n");
}

TEST_CASE("a scenario is a page that stands alone") {
  const Json scenario = Json::parse(
      R"json({"scenario": "database-corruption", "title": "Database corruption", "summary": "Pages are damaged.", "severity": "critical", "class": "logical",
    "affects": ["database"], "rto_seconds": 14400, "standing": "unproven",
    "trigger": {"any": ["checksums is down"], "all": [], "none": ["api is down"], "for_seconds": 60, "supersedes": ["database-outage"]},
    "exit": {"by": "steps", "all": ["database is up"], "for_seconds": 60},
    "steps": [{"id": "scope", "title": "Identify the scope", "critical": true, "owner": "database lead", "kind": "person", "after": [], "expect_seconds": 1200, "verify": null, "run": null, "guide": "Look at *every* table."},
              {"id": "up", "title": "Verify", "critical": false, "owner": null, "kind": "verified", "after": ["scope"], "option": "wait", "expect_seconds": null, "verify": {"condition": "database is up", "hold_seconds": 120}, "run": null, "guide": null}],
    "messages": [{"id": "customers", "audience": "customers", "when": "opened", "every_seconds": null, "subject": "Trouble", "body": "We know."}]})json");
  const std::string page = scenario_text(scenario);
  CAPTURE(page);
  CHECK(page.starts_with("# Database corruption\n\nPages are damaged.\n"));
  CHECK(has(page, "- checksums is down\n"));
  CHECK(has(page, "for 1 min without a break."));
  CHECK(has(page, "It takes the place of: database-outage."));
  CHECK(has(page,
            "When every critical step is done, or skipped with a reason,\n\nand all of these hold:\n\n- database is up\n\nfor 1 min.\n"));
  CHECK(has(page, "`up`, only for the option *wait*, after scope"));
  CHECK(has(page, "### 1. Identify the scope\n\n`scope`, **critical**, database lead, about 20 min\n"));
  CHECK(has(page, "Look at *every* table."));
  CHECK(has(page, "Done when \"database is up\" has held for 2 min."));
  CHECK(has(page, "> We know."));
  CHECK(has(runbook_index({scenario}), "- [Database corruption](database-corruption.md): Pages are damaged."));
  const Json components = Json::parse(R"json([
    {"name": "database", "title": "Data|base", "protected_by": ["wal", "dumps"], "objectives": [{"objective": "rpo", "class": "host", "target_seconds": 300},
      {"objective": "rto", "class": null, "target_seconds": 14400}]}, {"name": "mail", "title": "Mail", "protected_by": [], "objectives": []}])json");
  const std::string targets = runbook_targets({scenario}, components);
  CAPTURE(targets);
  CHECK(has(targets, "| [Database corruption](database-corruption.md) | critical | logical | 4 h | "));
  CHECK(has(targets, "| Data\\|base | 4 h | 5 min | - | - | - | wal, dumps |"));
  CHECK_FALSE(has(targets, "Mail"));
  CHECK(has(scenarios_text(Json::array({scenario}), plain), "database-corruption  Database corruption  RTO 4 h  unproven"));
  Json by_hand = scenario;
  by_hand["trigger"]["any"] = Json::array();
  CHECK(has(scenario_text(by_hand), "Only when a person opens it"));
}

TEST_CASE("outcomes with reason, code and phases; down and unknown are bad news") {
  Json outcomes = Json::parse(
      R"([{"name": "primary", "outcome": {"outcome": "down", "reason": "connect", "code": "ECONNREFUSED", "message": "connection refused by 127.0.0.1:5432",
                                   "phases_seconds": {"resolve": 0.0001, "total": 1.5}, "facts": {"address": "127.0.0.1"}}},
                                  {"name": "web", "outcome": {"outcome": "degraded", "reason": "timeout", "code": null, "message": null, "phases_seconds": {}, "facts": {}}}])");
  const std::string text = outcomes_text(outcomes, false, plain);
  CHECK(has(text, "down     primary  connect ECONNREFUSED  connection refused by 127.0.0.1:5432\n"));
  CHECK(has(text, "resolve 0.1 ms  total 1.50 s"));
  CHECK(has(text, "address 127.0.0.1"));
  CHECK(outcomes_exit_code(outcomes) == 1);
  outcomes[0]["outcome"]["outcome"] = "unknown";
  CHECK(outcomes_exit_code(outcomes) == 1);
  outcomes[0]["outcome"]["outcome"] = "up";
  CHECK(outcomes_exit_code(outcomes) == 0);
}

TEST_CASE("what was asked and what came back: of those not up, or of all") {
  Json outcomes = Json::parse(
      R"([{"name": "web", "configured": {"status": "200", "json": "[{ pointer = \"/ok\" }]"},
           "outcome": {"outcome": "up", "reason": null, "code": "200", "message": "GET http://a/: 200", "phases_seconds": {}, "facts": {},
                       "trace": {"left_off": 3, "exchanges": [
                         {"at_seconds": 0, "took_seconds": 0.0041, "failed": false, "asked": "GET http://a/", "answered": "200 from 127.0.0.1:80\u001b[31m"},
                         {"at_seconds": 1, "took_seconds": null, "failed": false, "asked": "send 4 bytes: QUIT", "answered": null}]}}}])");
  CHECK_FALSE(has(outcomes_text(outcomes, false, plain), "asked"));
  const std::string text = outcomes_text(outcomes, true, plain);
  CHECK(has(text, "asked  GET http://a/\n"));
  CHECK(has(text, "got    200 from 127.0.0.1:80?[31m (4.1 ms)\n"));
  CHECK(has(text, "(3 more were left off)"));
  CHECK(has(text, "got    nothing, and no more until the run ended\n"));
  CHECK(has(text, "by     status = 200; json = [{ pointer = \"/ok\" }]\n"));
  outcomes[0]["outcome"]["outcome"] = "down";
  CHECK(has(outcomes_text(outcomes, false, plain), "asked"));
  outcomes[0]["outcome"]["trace"] = nullptr;  // an older daemon's, or not kept any more
  CHECK_FALSE(has(outcomes_text(outcomes, false, plain), "asked"));
}

TEST_CASE("alerts: firing since, resolved at, by what they are about") {
  const Json list = Json::parse(
      R"([{"labels": {"alertname": "DrwatchRpoAtRisk", "component": "database", "class": "logical", "severity": "warning"}, "annotations": {"summary": "late"},
                                     "starts_at": "2026-03-01T02:00:00Z", "resolved_at": null, "state": "firing"},
                                    {"labels": {"alertname": "DrwatchIncident", "scenario": "cron-failure", "severity": "critical"}, "annotations": {},
                                     "starts_at": "2026-03-01T01:00:00Z", "resolved_at": "2026-03-01T02:05:00Z", "state": "resolved"}])");
  const std::string text = alerts_text(list, *parse_time("2026-03-01T02:13:00Z"), plain);
  CHECK(has(text, "DrwatchRpoAtRisk  database/logical  warning   firing    since 02:00:00  late"));
  CHECK(has(text, "DrwatchIncident   cron-failure      critical  resolved  at 02:05:00"));
}

TEST_CASE("a journal's verdict names the place") {
  JournalVerdict good{.events = 41, .first_seq = 1, .last_seq = 41, .last_hash = "abc", .broken = {}};
  CHECK(verdict_text("j.db", good) == "j.db: events 1 to 41, the chain holds, last hash abc\n");
  CHECK(verdict_document(good)["broken"].is_null());
  JournalVerdict bad = good;
  bad.broken = JournalBreak{42, "event 42 is not the one that was written"};
  CHECK(verdict_text("j.db", bad) ==
        "j.db: broken at event 42: event 42 is not the one that was written; events 1 to 41 before it are good\n");
  CHECK(verdict_document(bad)["broken"]["seq"] == 42);
  CHECK(has(verdict_text("j.db", JournalVerdict{}), "no events, the chain holds"));
}

TEST_CASE("problems as a document, and how many there are") {
  const std::vector<config::Problem> problems{
      {{"a.toml", 3, 7}, config::Problem::Level::error, "probe.x.timeout", "too long", "make it shorter"},
      {{"a.toml", 0, 0}, config::Problem::Level::warning, "", "no witness", ""}};
  const Json document = problems_document(problems);
  CHECK(document["problems"][0].dump() ==
        R"({"file":"a.toml","line":3,"column":7,"level":"error","key":"probe.x.timeout","message":"too long","hint":"make it shorter"})");
  CHECK(document["problems"][1]["key"].is_null());
  CHECK(document["problems"][1]["level"] == "warning");
  CHECK(check_summary("a.toml", problems) == "a.toml cannot be used: 1 error, 1 warning\n");
  CHECK(check_summary("a.toml", {problems[1]}) == "a.toml can be used: 1 warning\n");
  CHECK(check_summary("a.toml", {}) == "a.toml is good\n");
}

TEST_CASE("who has an incident, and to whom it was handed, stands in the list and on top of it") {
  Json handed = incident();
  handed["acknowledged_at"] = "2026-03-01T02:12:00Z";
  handed["acknowledged_by"] = handed["owner"] = "lena";
  handed["taken_at"] = nullptr;
  handed["handed_to"] = "mara";
  handed["handed_by"] = "lena";
  handed["handed_at"] = "2026-03-01T02:12:30Z";
  handed["handover"] = "Database outage, open\nOpen steps:\n- Restore it";
  const Time now = *parse_time("2026-03-01T02:13:00Z");
  const std::string shown = incident_text(handed, now, plain);
  CHECK(has(shown,
            "has it        lena; handed to mara by lena, 02:12:30, who has not taken it yet: drwatch incident take "
            "20260301-0211-database-outage"));
  CHECK(has(shown, "Handed over with\n  Database outage, open\n  Open steps:\n  - Restore it\n"));
  CHECK(has(incidents_text(Json::array({handed}), now, plain), "lena; handed to mara by lena"));
  handed["owner"] = "mara";
  handed["taken_at"] = "2026-03-01T02:12:50Z";
  handed["handed_to"] = nullptr;
  const std::string taken = incident_text(handed, now, plain);
  CHECK(has(taken, "has it        mara, since 02:12:50\n"));
  CHECK_FALSE(has(taken, "Handed over with"));
}

TEST_CASE("when people should hear something next") {
  const Time now = *parse_time("2026-03-01T02:13:00Z");
  Json open = incident();
  CHECK_FALSE(has(incident_text(open, now, plain), "next update"));
  open["update_due_at"] = "2026-03-01T02:40:00Z";
  CHECK(has(incident_text(open, now, plain), "next update   due at 02:40:00"));
  open["update_due_at"] = "2026-03-01T02:10:00Z";
  CHECK(has(incident_text(open, now, plain), "next update   due since 02:10:00"));
}

}  // namespace drwatch::commands::tests::render_test
