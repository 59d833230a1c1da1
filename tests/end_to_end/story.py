#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job, end to end, on real parts: PostgreSQL, the web platform, Alertmanager, Prometheus, and drwatch killed in the middle.

    DRWATCH=build/dev/drwatch tests/end_to_end/story.py [-v]

The steps build on each other and run in the order of their names.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
from datetime import datetime, timedelta, timezone

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "platform"))
from sample import ARCHIVE, Sample, SampleError, fetch, free_ports, wait_for  # noqa: E402

PATIENCE = 60  # seconds that a step may take; on an idle machine each takes a quarter of it
PROGRAM = os.path.abspath(os.environ.get("DRWATCH", "build/dev/drwatch"))


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def now():
    return datetime.now(timezone.utc)


class Story(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.log = tempfile.mkstemp(prefix="drwatch-log-")[1]
        cls.sample = Sample(PROGRAM, output=cls.log, drwatch_port=free_ports(1)[0])
        cls.addClassCleanup(cls.clean_up)
        try:
            cls.sample.start()
        except SampleError as error:
            raise AssertionError(f"{error}\n{cls.log_text()[-4000:]}") from error
        cls.start_prometheus()

    @classmethod
    def clean_up(cls):
        cls.sample.stop()
        os.unlink(cls.log)

    @classmethod
    def start_prometheus(cls):
        program = shutil.which("prometheus")
        if not program:
            raise unittest.SkipTest("prometheus is not installed; 'make test' installs it")
        port = free_ports(1)[0]
        with open(cls.sample.path("prometheus.yml"), "w", encoding="utf-8") as file:
            json.dump({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [
                {"job_name": "drwatch", "static_configs": [{"targets": [f"127.0.0.1:{cls.sample.ports['drwatch']}"]}]}]}, file)
        cls.prometheus = f"http://127.0.0.1:{port}"
        cls.sample.spawn("prometheus", [program, "--config.file=" + cls.sample.path("prometheus.yml"), "--log.level=error",
                                        "--storage.tsdb.path=" + cls.sample.path("prometheus"), f"--web.listen-address=127.0.0.1:{port}"],
                         output=cls.sample.path("prometheus.log"))
        wait_for(lambda: fetch(cls.prometheus + "/-/ready")[0] == 200, 20, "Prometheus did not get ready")

    @classmethod
    def log_text(cls):
        with open(cls.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    # ---- asking
    def until(self, condition, what, seconds=PATIENCE):
        try:
            return wait_for(condition, seconds, what + " did not come true")
        except SampleError as error:
            self.fail(f"{error}\nstatus: {fetch(self.sample.url + '/api/v1/status')[1][:3000]}\nlog: ...{self.log_text()[-3000:]}")

    def get(self, path):
        status, body = fetch(self.sample.url + path)
        self.assertEqual(status, 200, f"{path}: {body}")
        return json.loads(body)

    def post(self, path, body):
        status, answer = fetch(self.sample.url + path, "POST", json.dumps(body).encode(), {
            "Authorization": "Bearer " + self.sample.secret("oncall-token"), "Content-Type": "application/json"})
        self.assertLess(status, 300, f"{path}: {answer}")
        return json.loads(answer) if answer else None

    def component(self, name):
        return next(c for c in self.get("/api/v1/status")["components"] if c["name"] == name)

    def health(self, name):
        return self.component(name)["health"]

    def exposure(self):
        return next(e["exposure_seconds"] for e in self.component("database")["exposures"] if e["class"] == "logical")

    def standing(self):
        return next(o["standing"] for o in self.component("database")["objectives"] if o["objective"] == "rpo" and o["class"] == "logical")

    def incident(self, scenario, state="open"):
        """The newest incident of the scenario in that state, whole; None when there is none."""
        found = [i for i in self.get("/api/v1/incidents")["incidents"] if i["scenario"] == scenario and i["state"] == state]
        return self.get("/api/v1/incidents/" + max(found, key=lambda i: i["opened_at"])["id"]) if found else None

    def step(self, incident, step):
        return next(s for s in incident["steps"] if s["id"] == step)

    def has_done(self, scenario, step):
        """The open incident of the scenario, once that step of it is done."""
        incident = self.incident(scenario)
        return incident if incident and self.step(incident, step)["state"] == "done" else None

    def alerts(self, scenario=None):
        """The active DrwatchIncident alerts in Alertmanager."""
        status, body = fetch(self.sample.alertmanager_urls[0] + "/api/v2/alerts?active=true")
        found = json.loads(body) if status == 200 else []
        return [a for a in found if a["labels"]["alertname"] == "DrwatchIncident" and scenario in (None, a["labels"].get("scenario"))]

    def measured(self, query):
        status, body = fetch(f"{self.prometheus}/api/v1/query?query={urllib.parse.quote(query)}")
        result = json.loads(body)["data"]["result"] if status == 200 else []
        return float(result[0]["value"][1]) if result else None

    def drwatch(self, *words, code=0):
        done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=30, check=False, env={
            **os.environ, "DRWATCH_SERVER": self.sample.url, "DRWATCH_TOKEN": self.sample.secret("oncall-token")})
        self.assertEqual(done.returncode, code, f"drwatch {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    # ---- the story
    def test_0_everything_is_up(self):
        self.until(lambda: fetch(self.sample.url + "/readyz")[0] == 200, "every probe was run")
        self.until(lambda: all(c["health"] == "up" for c in self.get("/api/v1/status")["components"]), "every component is up")
        self.until(lambda: self.exposure() is not None and self.exposure() < 30, "a recovery point was read")
        self.assertEqual(self.standing(), "met")
        self.assertEqual(self.get("/api/v1/status")["incidents"], [])
        printed = self.drwatch("status")
        self.assertIn("Database", printed)
        status, page = fetch(self.sample.url + "/")
        self.assertEqual(status, 200)
        self.assertIn("Database", page)
        self.until(lambda: self.measured('up{job="drwatch"}') == 1, "Prometheus scraped drwatch")
        self.until(lambda: self.measured('drwatch_component_health{component="database",state="up"}') == 1, "Prometheus knows the health")
        metrics = fetch(self.sample.url + "/metrics")[1]
        checked = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        for secret in ("oncall-token", "database-password", "login-password", "publishable-key", "job-reminders"):
            self.assertNotIn(self.sample.secret(secret), metrics + page + printed + self.log_text(), f"{secret} was shown")

    def test_0a_a_drill_restores_it(self):
        """What was not proven is, for the class and the copy that were drilled, and the pages show it."""
        def scenario():
            return next(s for s in self.get("/api/v1/scenarios")["scenarios"] if s["scenario"] == "database-outage")
        self.assertEqual(scenario()["standing"], "unproven")
        ident = json.loads(self.drwatch("drill", "start", "database-outage", "--json"))["id"]
        drill = self.until(lambda: (d := self.get("/api/v1/drills/" + ident))["verdict"] and d, "the drill ends", 2 * PATIENCE)
        self.assertEqual(drill["verdict"], "passed", json.dumps(drill)[:6000])
        self.assertEqual(scenario()["standing"], "met")
        proven = {(p["class"], p["standing"]) for p in scenario()["proven"]}
        self.assertIn(("host", "met"), proven)
        self.assertEqual({standing for of, standing in proven if of != "host"}, {"unproven"})
        for path in ("/drills", "/drills/" + ident):
            status, page = fetch(self.sample.url + path)
            self.assertEqual(status, 200)
            self.assertIn("passed", page)

    def test_1_the_database_stops(self):
        before = now()
        self.sample.stop_database()
        stopped = now()
        self.until(lambda: self.health("database") == "down", "the database is down", 20)
        incident = self.until(lambda: self.incident("database-outage"), "database-outage opened", 30)
        Story.first = incident
        self.assertGreater(moment(incident["started_at"]), before - timedelta(seconds=6), "the clock began at the last good outcome")
        self.assertLess(moment(incident["started_at"]), stopped + timedelta(seconds=1))
        self.assertLess(moment(incident["started_at"]), moment(incident["detected_at"]))
        alert = self.until(lambda: self.alerts("database-outage"), "the alert is in Alertmanager", 20)[0]
        for name in ("summary", "description", "runbook_url", "runbook"):
            self.assertTrue(alert["annotations"].get(name), f"{name} is missing: {alert['annotations']}")
        self.assertIn(incident["id"], alert["annotations"]["runbook_url"])
        self.assertIn("Notify on-call", alert["annotations"]["runbook"])
        self.assertEqual(moment(alert["startsAt"]), moment(incident["opened_at"]))
        queried = subprocess.run(["amtool", "alert", "query", "DrwatchIncident", "--alertmanager.url=" + self.sample.alertmanager_urls[0]],
                                 capture_output=True, text=True, check=False).stdout
        self.assertIn("DrwatchIncident", queried)
        lines = [line for line in self.log_text().splitlines() if "database-outage" in line]
        self.assertTrue(lines, "the log does not say it")
        incident = self.until(lambda: self.has_done("database-outage", "auth"), "login held all along, and is verified")
        shown = self.drwatch("incident", "show", incident["id"])
        for words in ("Verify database connectivity", "Verify auth"):
            self.assertIn(words, shown)
        self.assertIs(self.step(incident, "auth")["verify"]["proves"], False)
        self.assertEqual(self.step(incident, "connectivity")["state"], "open")
        self.assertEqual([i["scenario"] for i in self.get("/api/v1/incidents")["incidents"]], ["database-outage"])
        self.drwatch("status", code=1)
        self.drwatch("incident", "ack", incident["id"])
        self.post(f"/api/v1/incidents/{incident['id']}/steps/notify", {"action": "done", "note": "here"})
        self.until(lambda: self.measured('drwatch_incident_open{scenario="database-outage"}') == 1, "Prometheus sees the incident")

    def test_1a_the_dashboard_shows_it(self):
        """Every query of the dashboard is understood by a real Prometheus, and those of what is there now find something."""
        may_be_empty = {"Share of runs that failed", "What the newest drill took", "What the newest drill lost", "Time left to decide",
                        "Time until an RPO is breached"}
        with open(os.path.join(HERE, "../../config/grafana/drwatch.json"), encoding="utf-8") as file:
            panels = [panel for panel in json.load(file)["panels"] if panel["type"] != "row"]
        self.assertGreater(len(panels), 20)
        for panel in panels:
            for target in panel["targets"]:
                query = target["expr"].replace("$instance", ".*")

                def found():
                    status, body = fetch(f"{self.prometheus}/api/v1/query?query={urllib.parse.quote(query)}")
                    self.assertEqual(status, 200, f"{panel['title']}: {body}")
                    return json.loads(body)["data"]["result"]
                if panel["title"] in may_be_empty:
                    found()
                else:
                    self.until(found, f"'{panel['title']}' shows something", 30)

    def test_2_the_platform_stops_too(self):
        self.sample.stop_platform()
        wide = self.until(lambda: self.incident("complete-outage"), "complete-outage opened", 45)
        narrow = self.until(lambda: self.incident("database-outage", "absorbed"), "database-outage was absorbed", 10)
        self.assertEqual(narrow["absorbed_by"], wide["id"])
        self.assertIn(narrow["id"], wide["absorbed"])
        early = moment(Story.first["started_at"]) - moment(wide["started_at"])  # an endpoint that reads the database may have been last good before it
        self.assertTrue(timedelta(0) <= early < timedelta(seconds=4), f"the clock goes on: {wide['started_at']} for {Story.first['started_at']}")
        self.assertTrue(wide["acknowledged_at"], "the acknowledgement went over")
        self.assertEqual(self.step(wide, "notify")["state"], "done")
        self.until(lambda: self.alerts("complete-outage") and not self.alerts("database-outage"), "the wide alert took the narrow one's place", 30)
        self.assertEqual({i["scenario"] for i in self.get("/api/v1/incidents")["incidents"]}, {"database-outage", "complete-outage"})

    def test_3_both_start_again(self):
        self.sample.start_database()
        self.sample.start_platform()
        back = now()
        wide = self.until(lambda: self.incident("complete-outage", "recovered"), "complete-outage recovered", 90)
        for name in ("connectivity", "auth", "endpoints", "pages", "recovery-point"):
            step = self.step(wide, name)
            self.assertEqual((name, step["state"]), (name, "done"))
        self.assertTrue(self.step(wide, "connectivity")["verify"]["evidence"])
        self.assertGreater(moment(wide["recovered_at"]), back - timedelta(seconds=10))
        self.until(lambda: not self.alerts(), "the alert resolved", 30)
        self.until(lambda: '"resolved"' in self.pages(), "the pager was told of the resolve", 30)
        report = self.drwatch("incident", "report", wide["id"])
        self.assertIn(wide["id"], report)
        self.assertIn(wide["started_at"][:16].replace("T", " "), report.replace("T", " "))
        self.until(lambda: self.measured('drwatch_incident_open{scenario="complete-outage"}') == 0, "Prometheus sees the recovery")
        self.assertEqual({i["scenario"] for i in self.get("/api/v1/incidents")["incidents"]}, {"database-outage", "complete-outage"})

    def pages(self):
        try:
            with open(self.sample.path("calls.log"), encoding="utf-8") as file:
                return file.read().replace('\\"', '"')
        except FileNotFoundError:
            return ""

    def test_4_archiving_breaks_and_lies(self):
        self.until(lambda: self.exposure() < 20, "the exposure is its usual saw-tooth")
        self.sample.archive_with("/bin/false")
        incident = self.until(lambda: self.incident("backup-failure"), "backup-failure opened", 60)
        self.assertNotEqual(self.standing(), "breached", "it opened before the objective was breached")
        first, at = self.exposure(), time.monotonic()
        time.sleep(4)
        grown, took = self.exposure() - first, time.monotonic() - at
        self.assertAlmostEqual(grown, took, delta=1.5, msg="the exposure grows a second a second")
        self.until(lambda: self.standing() == "at-risk", "the objective is at risk", 60)
        self.sample.archive_with(ARCHIVE.format(self.sample.path("archive")))
        self.until(lambda: self.incident("backup-failure", "recovered"), "a new recovery point lets it recover", 120)

        self.sample.archive_with("/bin/true")
        self.until(lambda: self.incident("backup-failure"), "the lie was seen", 60)
        self.sample.archive_with(ARCHIVE.format(self.sample.path("archive")))
        time.sleep(15)  # segments arrive again, behind the gap
        self.assertTrue(self.incident("backup-failure"), "nothing behind a gap can be restored before a new base backup")
        self.assertNotEqual(self.health("backups"), "up")
        self.sample.base_backup()
        recovered = self.until(lambda: self.incident("backup-failure", "recovered"), "the new base backup lets it recover", 120)
        self.assertEqual(recovered["scenario"], incident["scenario"])
        self.until(lambda: self.exposure() < 20, "the exposure is small again")

    def test_5_a_job_misbehaves(self):
        for how, words in (("fail", "3"), ("skip", "miss"), ("slow", "nightly-billing")):
            with self.subTest(how=how):
                self.sample.break_part("jobs", how, "nightly-billing")
                incident = self.until(lambda: self.incident("cron-failure"), f"cron-failure opened ({how})", 60)
                told = json.dumps([incident["because"], [e["message"] for e in incident["timeline"] if e["kind"] == "incident.reopened"][-1:]])
                self.assertIn("nightly-billing", told)
                self.assertRegex(told, re.compile(words))
                self.sample.repair_part("jobs", "nightly-billing")
                self.until(lambda: self.health("cron") == "up" and self.incident("cron-failure", "recovered"), f"it recovered ({how})", 60)

    def test_6_drwatch_is_killed_in_the_middle(self):
        self.sample.stop_database()
        before = self.until(lambda: self.incident("database-outage"), "database-outage opened", 40)
        self.drwatch("incident", "step", before["id"], "scope", "done", "--note", "seen before the kill")
        alert = self.until(lambda: self.alerts("database-outage"), "the alert is there", 20)[0]
        self.sample.kill_drwatch()
        self.sample.start_drwatch()
        after = self.get("/api/v1/incidents/" + before["id"])
        for key in ("id", "state", "started_at", "detected_at", "opened_at"):
            self.assertEqual(after[key], before[key], key)
        self.assertEqual(self.step(after, "scope")["state"], "done", "what was acknowledged is not lost")
        time.sleep(12)  # more than two re-sends
        again = self.alerts("database-outage")
        self.assertEqual([(a["fingerprint"], a["startsAt"]) for a in again], [(alert["fingerprint"], alert["startsAt"])], "the same alert, once")
        self.assertEqual(len([i for i in self.get("/api/v1/incidents")["incidents"] if i["scenario"] == "database-outage" and i["state"] == "open"]), 1)
        self.sample.start_database()
        self.until(lambda: self.incident("database-outage", "recovered"), "it recovered", 90)
        self.until(lambda: not self.alerts("database-outage"), "the alert resolved", 30)

    def test_7_it_ends_cleanly(self):
        process = self.sample.running["drwatch"]
        self.sample.stop_drwatch()
        self.assertEqual(process.returncode, 0)
        verified = subprocess.run([PROGRAM, "journal", "verify", self.sample.path("journal.db")], capture_output=True, text=True, check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)


if __name__ == "__main__":
    unittest.main(failfast=True, verbosity=2)
