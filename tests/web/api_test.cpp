// SPDX-License-Identifier: Apache-2.0
// The JSON documents: every key of the contract's samples is there, and says what the state says.
#include "daemon/recovery/record/incident_rows.hpp"
#include "fixture.hpp"

#include <doctest/doctest.h>

#include <set>

namespace api_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {

void has_keys(const Json& document, const std::string& keys) {
  for (std::size_t from = 0; from < keys.size();) {
    const auto end = std::min(keys.find(' ', from), keys.size());
    const std::string key = keys.substr(from, end - from);
    CAPTURE(key);
    CHECK(document.contains(key));
    from = end + 1;
  }
}

Json get(Running& server, const std::string& path) {
  const Reply reply = ask(server.port(), "GET", path);
  CAPTURE(path);
  CHECK(reply.status == 200);
  CHECK(reply.headers.at("content-type") == "application/json");
  return reply.json();
}

}  // namespace

TEST_CASE("the status document") {
  Running server;
  const Json status = get(server, "/api/v1/status");
  has_keys(status, "now version health blind durable components incidents pending scenarios findings maintenance signals alerts");
  CHECK(status["now"] == "2026-03-01T02:13:00Z");
  CHECK(status["health"] == "down");
  const Json& database = status["components"][2];
  has_keys(database, "name title health since message last_good_at depends_on explained_by probes maintenance_until exposures objectives");
  CHECK(database["name"] == "database");
  CHECK(database["last_good_at"] == "2026-03-01T02:09:30Z");
  CHECK(status["components"][0]["explained_by"] == "database");
  CHECK(status["components"][1]["health"] == "unknown");  // nothing looked at cron
  REQUIRE(database["exposures"].size() >= 3);
  for (const auto& exposure : database["exposures"]) {
    has_keys(exposure, "class exposure_seconds recovery_point source estimated held_since");
    if (exposure["class"] == "logical") CHECK(exposure["exposure_seconds"] == 42.0);
    if (exposure["class"] == "region") {
      CHECK(exposure["exposure_seconds"].is_null());
      CHECK(exposure["no_source"] == true);
    }
  }
  for (const auto& objective : database["objectives"]) has_keys(objective, "objective class target_seconds standing since breach_at");
  has_keys(status["pending"][0], "scenario since opens_at because");
  has_keys(status["scenarios"][0], "scenario standing rto_seconds projected_seconds drill");
  has_keys(status["scenarios"][0]["drill"], "last_success_at due_at overdue");
  has_keys(status["findings"][0], "finding component class message");
  has_keys(status["alerts"], "active undelivered");
  const Json& incident = status["incidents"][0];
  CHECK_FALSE(incident.contains("steps"));
  CHECK(incident["id"] == incident_id);
}

TEST_CASE("the probe document") {
  Running server;
  const Json probe = get(server, "/api/v1/probes/primary");
  has_keys(probe,
           "name component kind health since last_good_at next_run_at interval_seconds consecutive_bad last recent failures configured");
  has_keys(probe["last"], "at vantage outcome reason code message phases_seconds facts trace");
  CHECK(probe["last"]["reason"] == "connect");
  CHECK(probe["last"]["phases_seconds"]["connect"] == doctest::Approx(0.0004));
  CHECK_FALSE(probe["last"]["phases_seconds"].contains("tls"));
  CHECK(probe["recent"].size() == 2);
  const Json exchange = probe["recent"][0]["trace"]["exchanges"][0];
  has_keys(exchange, "at_seconds took_seconds failed asked answered");
  CHECK(exchange["asked"] == "connect to PostgreSQL, dsn of primary-dsn");
  CHECK(exchange["took_seconds"] == doctest::Approx(0.0004));
  const Json all = get(server, "/api/v1/probes");
  for (const auto& each : all["probes"])
    if (!each["last"].is_null()) CHECK(each["last"]["trace"].is_null());  // many probes, many traces: one at a time
  const Json never = get(server, "/api/v1/probes/nightly-billing");
  CHECK(never["last"].is_null());
  CHECK(never["health"] == "unknown");
  CHECK(never["since"].is_null());
}

TEST_CASE("the incident document") {
  Running server;
  const Json incident = get(server, "/api/v1/incidents/" + incident_id);
  has_keys(
      incident,
      "id scenario title severity class drill state affects explains url started_at started_by detected_at opened_at acknowledged_at "
      "acknowledged_by "
      "recovered_at resolved_at absorbed absorbed_by false_alarm elapsed_seconds rto_seconds deadline standing projected_seconds decide_by "
      "recovery_point because second runbook_changed durable steps messages timeline");
  for (const IncidentRow& row : incident_rows()) {
    CAPTURE(row.key);
    if (row.shown == Shown::hidden) CHECK_FALSE(incident.contains(row.key));
    if (row.shown == Shown::plain || row.shown == Shown::or_null) CHECK(incident.contains(row.key));
  }
  CHECK(incident["url"] == "http://here/incidents/" + incident_id);
  CHECK(incident["elapsed_seconds"] == 210.0);
  CHECK(incident["rto_seconds"] == 14400);
  CHECK(incident["deadline"] == "2026-03-01T06:09:30Z");
  has_keys(incident["recovery_point"], "at source exposure_seconds");
  has_keys(incident["because"][0], "condition since evidence first");
  REQUIRE(incident["steps"].size() == 3);
  for (const auto& step : incident["steps"])
    has_keys(step,
             "id title critical owner kind state after ready expect_seconds started_at ended_at by note against_evidence verify run guide");
  CHECK(incident["steps"][0]["kind"] == "person");
  CHECK(incident["steps"][1]["kind"] == "verified");
  CHECK(incident["steps"][2]["kind"] == "command");
  has_keys(incident["steps"][1]["verify"], "condition hold_seconds holds_since proves evidence broke_at");
  has_keys(incident["messages"][0], "id audience when state subject body missing");
  has_keys(incident["timeline"][0], "seq at kind version by incident scenario component probe message body");
}

TEST_CASE("lists have a name and a next, and can be read in pages") {
  Running server;
  const std::vector<std::string> names{"components",  "probes", "incidents", "scenarios", "drills",
                                       "maintenance", "alerts", "events",    "signals"};
  for (const auto& name : names) {
    const Json list = get(server, "/api/v1/" + name);
    CAPTURE(name);
    CHECK(list.size() == 2);
    CHECK(list[name].is_array());
    CHECK(list["next"].is_null());
  }
  std::set<std::string> seen;
  std::string after;
  for (int pages = 0; pages < 10; ++pages) {
    const Json list = get(server, "/api/v1/probes?limit=1" + (after.empty() ? "" : "&after=" + after));
    CHECK(list["probes"].size() == 1);
    seen.insert(list["probes"][0]["name"].get<std::string>());
    if (list["next"].is_null()) break;
    after = list["next"];
  }
  CHECK(seen.size() == 4);
  for (const std::string wrong : {"limit=0", "limit=many", "limit=1001", "limit=-1", "after=nobody"})
    CHECK(ask(server.port(), "GET", "/api/v1/probes?" + wrong).status == 400);
}

TEST_CASE("incidents are listed the worst and newest first, also in the status") {
  Running server;
  server.on_loop([&] {
    Incidents& all = server.desk().state_.record.incidents;
    const auto add = [&](const char* id, IncidentState state, Severity severity) {
      Incident incident = all.at(incident_id);
      incident.id = id;
      incident.state = state;
      incident.severity = severity;
      if (!incident.live()) incident.resolved_at = now_there;
      all.put(std::move(incident));
    };
    add("20260301-0212-warning", IncidentState::open, Severity::warning);
    add("20260301-0210-critical", IncidentState::open, Severity::critical);
    add("20260301-0214-back", IncidentState::recovered, Severity::critical);
    add("20260301-0216-over", IncidentState::resolved, Severity::critical);
    add("20260301-0205-over", IncidentState::resolved, Severity::critical);
  });
  const auto ids = [](const Json& list) {
    std::vector<std::string> all;
    for (const auto& each : list) all.push_back(each["id"]);
    return all;
  };
  const std::vector<std::string> live{incident_id, "20260301-0210-critical", "20260301-0212-warning", "20260301-0214-back"};
  auto all = live;
  all.insert(all.end(), {"20260301-0216-over", "20260301-0205-over"});
  CHECK(ids(get(server, "/api/v1/incidents")["incidents"]) == all);
  CHECK(ids(get(server, "/api/v1/status")["incidents"]) == live);
}

TEST_CASE("ready once every probe has run; else 503 with the names") {
  Running server;
  CHECK(ask(server.port(), "GET", "/readyz").status == 200);
  server.on_loop([&] { server.desk().figures_.probes_not_seen = {"primary"}; });
  const Reply reply = ask(server.port(), "GET", "/readyz");
  CHECK(reply.status == 503);
  CHECK(reply.json()["list"][0] == "primary");
}

TEST_CASE("the report says what is known and leaves people's sections to people") {
  Running server;
  const Reply reply = ask(server.port(), "GET", "/api/v1/incidents/" + incident_id + "/report");
  CHECK(reply.headers.at("content-type").starts_with("text/markdown"));
  for (const std::string part :
       {"# Database outage", "2026-03-01T02:09:30Z", "Time to detect (MTTD): 50 s", "RTO: target 4 h", "only the primary; the disk is fine",
        "by oncall", "## Timeline", "## Causes", "_To be written by people._", "## Action items", "last good outcome of primary"}) {
    CAPTURE(part);
    CHECK(reply.body.find(part) != std::string::npos);
  }
}

TEST_CASE("the report as facts, and gaps, deviations and hashes in both") {
  Running server;
  server.on_loop([&] {
    Incident& incident = *server.desk().state_.record.incidents.edit(incident_id);
    incident.unwatched = {{*parse_time("2026-03-01T02:11:30Z"), *parse_time("2026-03-01T02:12:00Z")}};
    incident.acknowledged_at = *parse_time("2026-03-01T02:11:40Z");
    incident.acknowledged_by = "oncall";
    const auto happened = [&](const char* kind, const char* at, const std::string& message, Body body) {
      Event event = incident.timeline.front();
      event.seq += 1;
      event.kind = kind;
      event.at = *parse_time(at);
      event.by = "oncall";
      event.message = message;
      event.body = std::move(body);
      incident.timeline.push_back(event);
    };
    happened("step.done", "2026-03-01T02:12:30Z", "'Find the scope' was done by oncall", Body{{"step", "scope"}});
    happened("step.skipped", "2026-03-01T02:12:40Z", "'Restore' was skipped by oncall: <script>alert(1)</script> \x1b[2J &lt; \xc2\x9b",
             Body{{"step", "restore"}});
    happened("incident.taken", "2026-03-01T02:12:50Z", "Database outage was taken by lena from oncall", {});
    incident.steps[0].evidence = "only the primary";
    incident.projection.reset();
  });
  const std::string path = "/api/v1/incidents/" + incident_id + "/report";
  const std::string text = ask(server.port(), "GET", path).body;
  CAPTURE(text);
  const std::vector<std::string> parts{"Time to mitigate, from t0 to the first step that people or a command closed: 3 min (scope)",
                                       "Time to recover (MTTR), from t0: not yet",
                                       "## Gaps in observation",
                                       "2026-03-01T02:11:30Z to 2026-03-01T02:12:00Z (30 s): drwatch was blind or did not run",
                                       "## Steps that went otherwise",
                                       "'Restore' was skipped by oncall",
                                       "was taken by lena from oncall",
                                       "## Evidence",
                                       "scope: SHA-256 ",
                                       "drwatch incident export " + incident_id};
  for (const std::string& part : parts) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
  for (const char* never : {"<script", "\x1b", "\xc2\x9b"}) CHECK(text.find(never) == std::string::npos);
  CHECK(text.find("&lt;script\\>alert(1)&lt;/script\\>  \\[2J \\&lt;") != std::string::npos);
  const Json facts = get(server, path + "?format=json");
  CHECK(facts["intervals_seconds"]["detect"] == 50);
  CHECK(facts["intervals_seconds"]["acknowledge"] == 20);
  CHECK(facts["intervals_seconds"]["mitigate"] == 180);
  CHECK(facts["intervals_seconds"]["recover"].is_null());
  CHECK(facts["objectives"][0]["objective"] == "rto");
  CHECK(facts["objectives"][0]["target_seconds"] == 14400);
  CHECK(facts["unwatched"][0]["from"] == "2026-03-01T02:11:30Z");
  CHECK(facts["deviations"].size() == 1);
  CHECK(facts["steps"][0]["evidence_sha256"].get<std::string>().size() == 64);
  CHECK(facts["messages"][0]["sha256"].get<std::string>().size() == 64);
  for (const char* theirs : {"causes", "actions", "data_lost"}) CHECK(facts[theirs].is_null());
  CHECK(ask(server.port(), "GET", path + "?format=pdf").status == 400);
}

TEST_CASE("what a person said against what drwatch sees, and what was called over, is told as such") {
  Running server;
  server.on_loop([&] {
    Incident& incident = *server.desk().state_.record.incidents.edit(incident_id);
    IncidentStep& step = *incident.step("connectivity");
    step.state = StepState::done;
    step.by = "lena";
    step.note = "psql answers here";
    step.evidence = "primary: connection refused, 3 runs";
    step.ended_at = now_there;
    step.against_evidence = true;
    incident.state = IncidentState::resolved;
    incident.recovered_at = incident.resolved_at = now_there;
    incident.recovery_said = true;
  });
  const Json incident = get(server, "/api/v1/incidents/" + incident_id);
  CHECK(incident["recovery_said"] == true);
  CHECK(incident["steps"][1]["against_evidence"] == true);
  CHECK(incident["steps"][1]["verify"]["evidence"] == "primary: connection refused, 3 runs");
  const std::string report = ask(server.port(), "GET", "/api/v1/incidents/" + incident_id + "/report").body;
  CAPTURE(report);
  CHECK(report.find("said by lena, **against what drwatch saw**") != std::string::npos);
  CHECK(report.find("was said to be done by lena, against what drwatch sees: primary: connection refused") != std::string::npos);
  CHECK(report.find("| called over |") != std::string::npos);
  CHECK(report.find("MTTR), from t0: not known") != std::string::npos);
  CHECK(report.find("**not shown**") != std::string::npos);
  CHECK(report.find("kept") == std::string::npos);
  const std::string page = ask(server.port(), "GET", "/incidents/" + incident_id).body;
  CHECK(page.find("said by lena, against what drwatch sees") != std::string::npos);
  CHECK(page.find("called over, never seen to recover") != std::string::npos);
}

TEST_CASE("the report of an incident that was opened again says what was seen before") {
  Running server;
  const auto row = [&](const std::function<void(Incident&)>& becomes) {
    server.on_loop([&] {
      Incident& incident = *server.desk().state_.record.incidents.edit(incident_id);
      incident.looked_well = {{*parse_time("2026-03-01T02:11:00Z"), *parse_time("2026-03-01T02:12:00Z")}};
      becomes(incident);
    });
    const std::string report = ask(server.port(), "GET", "/api/v1/incidents/" + incident_id + "/report").body;
    const auto at = report.find("when it was opened again");
    REQUIRE(at != std::string::npos);
    return report.substr(report.rfind("\n", at) + 1, at - report.rfind("\n", at));
  };
  const std::string before = "it had looked well from 2026-03-01T02:11:00Z to 2026-03-01T02:12:00Z";
  const std::string open = row([](Incident&) {});
  CHECK_MESSAGE(open.starts_with("| recovered | not yet | not seen again; " + before), open);
  const std::string again = row([](Incident& i) { i.state = IncidentState::recovered, i.recovered_at = now_there; });
  CHECK_MESSAGE(again.find("the first good outcome of the exit; " + before) != std::string::npos, again);
  const std::string called = row([](Incident& i) { i.state = IncidentState::resolved, i.recovery_said = true; });
  CHECK_MESSAGE(called.find("**not seen again**: somebody called it over") != std::string::npos, called);
  CHECK(called.find(before) != std::string::npos);
}

TEST_CASE("an open verified step says what is seen now, and a component its newest reason beside its first") {
  Running server;
  server.on_loop([&] {
    auto& state = server.desk().state_;
    Outcome outcome = outcome_of(Health::down, Reason::assertion, "503", "503 Service Unavailable");
    outcome.at = now_there;
    auto& sight = state.sight.probes["primary"];
    sight.last = std::make_shared<const Outcome>(outcome);
    sight.recent.emplace_back(sight.last);
    state.record.incidents.edit(incident_id)->trigger = server.desk().settings()->scenarios.at("database-outage").trigger;
  });
  const Json status = get(server, "/api/v1/status");
  for (const auto& component : status["components"]) {
    if (component["name"] != "database") continue;
    CHECK(component["message"] == "primary: 503 Service Unavailable");
    CHECK(component["first_message"] == "primary: connection refused");
  }
  CHECK(get(server, "/api/v1/probes/primary")["message"] == "503 Service Unavailable");
  const Json incident = get(server, "/api/v1/incidents/" + incident_id);
  CHECK(incident["steps"][1]["verify"]["evidence"].get<std::string>().find("503 Service Unavailable") != std::string::npos);
  CHECK(incident["because"][0]["evidence"].get<std::string>().find("503 Service Unavailable") != std::string::npos);
  CHECK(incident["because"][0]["first"].get<std::string>().find("connection refused") != std::string::npos);
}

TEST_CASE("a drill that failed is shown, and nothing is proven any more") {
  Running server;
  server.on_loop([&] { server.desk().state_.record.drills["database-outage"] = {now_there - hours{48}, 600, std::nullopt, std::nullopt}; });
  const auto drill = [&] { return get(server, "/api/v1/scenarios/database-outage")["drill"]; };
  CHECK(drill()["failed_at"].is_null());
  CHECK_FALSE(drill()["proven_until"].is_null());
  server.on_loop([&] { server.desk().state_.record.failed_drills["database-outage"] = {now_there - hours{24}, std::nullopt}; });
  CHECK(drill()["failed_at"] == "2026-02-28T02:13:00Z");
  CHECK(drill()["proven_until"].is_null());
  CHECK(ask(server.port(), "GET", "/drills").body.find("2026-02-27, failed 2026-02-28") != std::string::npos);
}

}  // namespace api_test
