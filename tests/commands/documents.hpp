// SPDX-License-Identifier: Apache-2.0
// Documents as the API answers them, for the tests of what is printed.
#pragma once

#include "daemon/commands/text.hpp"

namespace drwatch::commands::tests {

inline const Paint plain{false};

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline Json incident() {
  return Json::parse(R"json({
    "id": "20260301-0211-database-outage", "scenario": "database-outage", "title": "Database outage", "summary": "The database does not answer.",
    "severity": "critical", "class": "host", "drill": false, "state": "open", "affects": ["database"], "explains": ["api"],
    "url": "https://drwatch.example.org/incidents/20260301-0211-database-outage", "started_at": "2026-03-01T02:09:30Z", "started_by": "last good outcome of primary",
    "started_at_found": null, "detected_at": "2026-03-01T02:10:20Z", "opened_at": "2026-03-01T02:11:20Z", "opened_by": null, "acknowledged_at": null, "acknowledged_by": null,
    "recovered_at": null, "resolved_at": null, "absorbed": [], "absorbed_by": null, "false_alarm": false, "elapsed_seconds": 210.0, "rto_seconds": 14400,
    "deadline": "2026-03-01T06:09:30Z", "standing": "met", "projected_seconds": {"p50": 5400, "p90": 9000}, "decide_by": "2026-03-01T04:30:00Z",
    "projection": {"at": "2026-03-01T02:12:00Z", "message": "likely over at 2026-03-01 03:39:30 UTC, nine in ten by 2026-03-01 04:39:30 UTC (planned); 1 % to miss the objective",
      "basis": "planned", "probability_of_missing": 0.01, "option": "fail-over", "critical_path": ["restore", "connectivity"], "overrun": [], "unplanned": [],
      "options": [{"option": "fail-over", "projected_seconds": {"p50": 5400, "p90": 9000}, "decide_by": "2026-03-01T04:30:00Z"},
                  {"option": "waiting", "projected_seconds": {"p50": 9000, "p90": 18000}, "decide_by": "2026-03-01T01:30:00Z"}]},
    "recovery_point": {"at": "2026-03-01T02:09:18Z", "source": "wal-archive", "exposure_seconds": 42.0},
    "because": [{"condition": "database is down", "since": "2026-03-01T02:10:20Z", "evidence": "primary: connection refused, 3 runs"}],
    "second": {"scenario": "complete-outage", "title": "Complete outage", "because": [{"condition": "database is down", "since": "2026-03-01T02:10:20Z", "evidence": "primary"}], "tells_apart": ["hosting is down", "sentinel is down"],
      "missing": ["hosting is down"], "against": ["sentinel is down"]}, "runbook_changed": false, "durable": true,
    "steps": [
      {"id": "login", "title": "People can log in", "critical": true, "owner": null, "kind": "verified", "state": "done", "after": [], "ready": true, "expect_seconds": null,
       "started_at": null, "ended_at": "2026-03-01T02:11:20Z", "by": "drwatch", "note": null, "run": null, "guide": null,
       "verify": {"condition": "auth is up", "hold_seconds": 60, "holds_since": "2026-03-01T01:00:00Z", "proves": false, "evidence": "auth: up", "broke_at": null}},
      {"id": "connectivity", "title": "Verify database connectivity", "critical": true, "owner": null, "kind": "verified", "state": "open", "after": ["login"], "ready": true,
       "expect_seconds": 300, "started_at": null, "ended_at": null, "by": null, "note": null, "run": null, "guide": null,
       "verify": {"condition": "database is up", "hold_seconds": 120, "holds_since": null, "proves": null, "evidence": null, "broke_at": null}},
      {"id": "later", "title": "Tidy up", "critical": false, "owner": null, "kind": "person", "state": "open", "after": ["restore"], "ready": false, "expect_seconds": null,
       "started_at": null, "ended_at": null, "by": null, "note": null, "verify": null, "run": null, "guide": null},
      {"id": "phone", "title": "Call the vendor", "critical": false, "owner": null, "kind": "person", "state": "open", "after": [], "ready": true, "expect_seconds": null,
       "started_at": null, "ended_at": null, "by": null, "note": null, "verify": null, "run": null, "guide": null},
      {"id": "restore", "title": "Initiate point-in-time recovery", "critical": true, "owner": "database lead", "kind": "command", "state": "open", "after": [], "ready": true,
       "expect_seconds": 1200, "started_at": null, "ended_at": null, "by": null, "note": null, "verify": null,
       "run": {"argv": ["/usr/lib/drwatch/pitr", "--target", "2026-03-01T02:09:18Z"], "auto": false, "timeout_seconds": 7200, "output": null}, "guide": "Look at the disk first."}],
    "messages": [{"id": "customers", "audience": "customers", "when": "opened", "state": "draft", "subject": "We are looking into it", "body": "Some requests fail.", "missing": ["eta"]}],
    "timeline": [{"seq": 4711, "at": "2026-03-01T02:11:20Z", "kind": "incident.opened", "version": 1, "by": "drwatch", "message": "Database outage opened", "body": {}}]
  })json");
}

inline Json status() {
  Json document = Json::parse(R"json({
    "now": "2026-03-01T02:13:00Z", "version": "0.1.0", "health": "down", "blind": false, "durable": true,
    "components": [
      {"name": "database", "title": "Database", "health": "down", "since": "2026-03-01T02:10:20Z", "message": "primary: connection refused", "last_good_at": "2026-03-01T02:09:30Z",
       "seen": true, "depends_on": [], "explained_by": null, "probes": ["primary"], "maintenance_until": null,
       "exposures": [{"class": "logical", "exposure_seconds": 42.0, "recovery_point": "2026-03-01T02:09:18Z", "source": "wal-archive", "estimated": false, "held_since": "2026-03-01T02:10:00Z", "no_source": false},
                     {"class": "region", "exposure_seconds": null, "recovery_point": null, "source": null, "estimated": false, "held_since": null, "no_source": true}],
       "objectives": [{"objective": "rpo", "class": "logical", "target_seconds": 3600, "standing": "met", "since": null, "breach_at": null},
                      {"objective": "rto", "class": null, "target_seconds": 14400, "standing": "met", "since": null, "breach_at": "2026-03-01T06:09:30Z"}]},
      {"name": "api", "title": "API", "health": "degraded", "since": "2026-03-01T02:10:40Z", "message": "checkout: HTTP 500", "seen": true, "explained_by": "database", "exposures": [], "objectives": []},
      {"name": "auth", "title": "Auth", "health": "unknown", "since": "2026-03-01T02:00:00Z", "message": null, "seen": false, "explained_by": null,
       "maintenance_until": "2026-03-01T03:00:00Z", "exposures": [], "objectives": []}],
    "incidents": [], "pending": [{"scenario": "complete-outage", "since": "2026-03-01T02:12:30Z", "opens_at": "2026-03-01T02:13:30Z", "held_at": null, "because": ["api is down"]}],
    "scenarios": [{"scenario": "database-outage", "standing": "unproven", "rto_seconds": 14400, "projected_seconds": {"p50": 5400, "p90": 9000}, "message": "back in 1 h 30 min, nine in ten within 2 h 30 min of 4 h (planned); no drill has shown it", "recovery_point": {"component": "database", "class": "host", "at": "2026-03-01T02:09:18Z", "source": "wal-archive", "exposure_seconds": 42.0, "estimated": false, "no_source": false}, "drill": {"last_success_at": null, "due_at": "2026-02-01T10:00:00Z", "overdue": true}},
                  {"scenario": "cron-failure", "standing": "unproven", "rto_seconds": 14400, "projected_seconds": null, "drill": {"last_success_at": null, "due_at": null, "overdue": false}}],
    "projections": {"scored": 12, "within_p50": 6, "within_p90": 11},
    "findings": [{"finding": "no-source", "component": "database", "class": "region", "message": "nothing restores the database when the region is lost"}],
    "maintenance": [{"id": "m-1", "components": ["auth"], "began_at": "2026-03-01T02:00:00Z", "until": "2026-03-01T03:00:00Z", "by": "oncall"}],
    "signals": [{"signal": "breach-suspected", "state": "raised", "since": "2026-03-01T02:12:00Z", "by": "siem", "note": "odd logins"}, {"signal": "fire", "state": "clear"}],
    "alerts": {"active": 2, "undelivered": 1}
  })json");
  Json open = incident();
  for (const char* left_out : {"steps", "messages", "timeline"}) open.erase(left_out);
  document["incidents"].push_back(std::move(open));
  return document;
}

}  // namespace drwatch::commands::tests
