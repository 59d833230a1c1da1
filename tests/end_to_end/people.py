#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""People work an incident from a terminal alone: find it, take it, work on it, watch its command, hand it over, take its record away.

    DRWATCH=build/dev/drwatch tests/end_to_end/people.py [-v]

The steps build on each other and run in the order of their names.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "platform"))
from sample import die_with_parent, free_ports  # noqa: E402

PROGRAM = os.path.abspath(os.environ.get("DRWATCH", "build/dev/drwatch"))
PATIENCE = 60  # seconds for what takes one on an idle machine
MAIN = """
[server]
listen = "127.0.0.1:{port}"
[server.tokens.lena]
role   = "responder"
secret = {{ file = "lena" }}
[server.tokens.mara]
role   = "responder"
secret = {{ file = "mara" }}
[server.tokens.boss]
role   = "admin"
secret = {{ file = "boss" }}
[journal]
path = "journal.db"
[component.database]
[probe.primary]
component = "database"
kind      = "command"
run       = ["/bin/true"]
[scenarios]
path = "scenarios"
"""
SCENARIO = """
title   = "{title}"
summary = "Something is to be worked on."
affects = ["database"]
rto     = "4h"
data    = false
[exit]
by = "steps"
[[step]]
id       = "scope"
title    = "Find the scope"
critical = true
guide    = "1. `drwatch incident ack ID`, then `drwatch incident note ID \\"...\\"`. ID stands on top."
[[step]]
id       = "restore"
title    = "Restore it"
critical = true
after    = ["scope"]
run      = ["{script}", "{{{{incident}}}}"]
[[step]]
id       = "tidy"
title    = "Tidy up"
after    = ["restore"]
[[message]]
id       = "internal"
audience = "internal"
when     = "opened"
subject  = "It began"
body     = "{{{{title}}}} since {{{{started_at}}}}"
"""
SCRIPT = """#!/bin/sh
echo "restoring for $1"
for table in 1 2 3; do sleep 0.4; echo "table $table of 3"; done
"""


class People(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="drwatch-people-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        port = free_ports(1)[0]
        cls.url = f"http://127.0.0.1:{port}"
        os.mkdir(cls.path("scenarios"))
        script = cls.path("restore.sh")
        for name, text in {"drwatch.toml": MAIN.format(port=port), "lena": "lena-secret", "mara": "mara-secret", "boss": "boss-secret", "restore.sh": SCRIPT,
                           "scenarios/outage.toml": SCENARIO.format(title="Outage", script=script),
                           "scenarios/leak.toml": SCENARIO.format(title="Leak", script=script)}.items():
            with open(cls.path(name), "w", encoding="utf-8") as file:
                file.write(text)
        os.chmod(script, 0o755)
        cls.serve()
        cls.addClassCleanup(lambda: (cls.daemon.kill(), cls.daemon.wait()))

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def serve(cls):
        with open(cls.path("log"), "a", encoding="utf-8") as log:
            cls.daemon = subprocess.Popen([PROGRAM, "serve", "--config", cls.path("drwatch.toml")], cwd=cls.folder, stdout=log, stderr=log,
                                          preexec_fn=die_with_parent)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(cls.url + "/readyz", timeout=5).close()
                return
            except (OSError, urllib.error.URLError):
                if cls.daemon.poll() is not None:
                    until = 0
                if time.monotonic() > until:
                    with open(cls.path("log"), encoding="utf-8") as log:
                        raise AssertionError("drwatch is not ready: " + log.read()[-3000:]) from None
                time.sleep(0.05)

    def run_it(self, *words, who="lena", server=True):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DRWATCH_")}
        environment["DRWATCH_TOKEN"] = who + "-secret"
        if server:
            environment["DRWATCH_SERVER"] = self.url
        return subprocess.run([PROGRAM, *words], cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment)

    def drwatch(self, *words, code=0, **more):
        done = self.run_it(*words, **more)
        self.assertEqual(done.returncode, code, f"drwatch {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout if code == 0 else done.stderr

    def incident(self, word=""):
        return json.loads(self.drwatch("incident", "show", *([word] if word else []), "--json"))

    def post(self, path, body, key):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {
            "Authorization": "Bearer lena-secret", "Content-Type": "application/json", "Idempotency-Key": key})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())

    def test_1_the_only_open_incident_needs_no_name(self):
        self.assertIn("no incident is open", self.drwatch("incident", "show", code=2))
        self.drwatch("incident", "open", "outage")
        People.id = self.incident()["id"]
        self.assertIn("noted in " + self.id, self.drwatch("incident", "note", "vendor called"))
        for word in (self.id, self.id[:10], "outage"):
            self.assertEqual(self.incident(word)["id"], self.id)
        self.assertIn("the text is missing", self.drwatch("incident", "note", self.id[:8], code=2))
        self.assertIn("there is no incident 'vendor'", self.drwatch("incident", "note", "vendor", "called", "again", code=2))
        self.assertIn("words are missing; write drwatch incident step [ID] STEP ACTION", self.drwatch("incident", "step", "scope", code=2))
        self.assertIn("'outage' is nothing that is done to a step", self.drwatch("incident", "step", "scope", "outage", code=2))
        self.assertIn("Outage since", self.drwatch("incident", "message", "internal", "show"))
        # A guide is to be typed as it stands, and its ID remains where no command asks for it.
        shown = self.drwatch("incident", "show")
        self.assertIn(f"drwatch incident ack {self.id}`, then `drwatch incident note {self.id} \"...\"`. ID stands on top", shown)
        # A command's word that is a note as well.
        self.drwatch("incident", "note", "status")
        self.drwatch("--json", "incident", "ack")
        self.assertEqual(self.incident()["acknowledged_by"], "lena")

    def test_2_what_could_be_two_is_refused_with_both(self):
        self.drwatch("incident", "open", "leak")
        refused = self.run_it("incident", "note", "which one?", "--json")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("2 incidents are open; say which one is meant: ", refused.stderr)
        listed = json.loads(refused.stdout)["list"]
        self.assertEqual(len(listed), 2)
        self.assertIn(self.id, listed)
        self.assertIn("2 incidents begin with '2", self.drwatch("incident", "ack", "2", code=2))
        self.drwatch("incident", "note", "leak", "this one")
        self.assertIn("this one", json.dumps(self.incident("leak")["timeline"]))
        self.drwatch("incident", "resolve", "leak", "--force", "--note", "none")
        self.assertEqual(self.incident()["id"], self.id)
        self.assertEqual(self.incident("leak")["state"], "resolved")

    def test_3_a_step_says_who_has_it_and_what_it_came_before(self):
        self.assertIn("is started by lena", self.drwatch("incident", "step", "scope", "start"))
        self.assertIn("is started by lena", self.drwatch("incident", "step", "scope", "start", who="mara"))
        self.assertIn("though it comes after restore", self.drwatch("incident", "step", "tidy", "start", who="mara"))
        self.assertIn("before restore is closed", json.dumps(self.incident()["timeline"]))
        self.drwatch("incident", "step", "tidy", "undo")
        self.drwatch("incident", "step", "scope", "done")
        self.assertIn("take it back first", self.drwatch("incident", "step", "scope", "skip", "--note", "x", code=2))

    def test_4_a_command_is_watched_as_it_runs(self):
        step = next(s for s in self.incident()["steps"] if s["id"] == "restore")
        self.assertEqual(step["run"]["would_run"], [self.path("restore.sh"), self.id])
        self.assertIn("needs a confirmation", self.drwatch("incident", "step", "restore", "run", code=2))
        started = time.monotonic()
        seen = self.drwatch("incident", "step", "restore", "run", "--yes")
        self.assertGreater(time.monotonic() - started, 1)
        self.assertIn(f"restoring for {self.id}\ntable 1 of 3\ntable 2 of 3\ntable 3 of 3\nstep 'restore' is done\n", seen)
        self.assertEqual(seen.count("table 2 of 3"), 1)
        self.assertIn("is done", self.drwatch("incident", "step", "restore", "run", "--yes"))  # and not run again

    def test_5_it_is_handed_over_and_taken(self):
        handed = self.drwatch("incident", "handover", "mara", "--note", "end of my shift")
        self.assertIn(f"{self.id} is handed to mara; lena has it until it is taken: drwatch incident take {self.id}", handed)
        self.assertIn("Outage, ", handed)
        self.assertIn("handed to mara by lena", self.drwatch("incident", "show"))
        self.assertEqual(self.drwatch("incident", "handover", "mara"), handed)  # once is enough
        self.assertIn("say to whom", self.drwatch("incident", "handover", self.id, code=2))
        self.assertIn("is mara's now", self.drwatch("incident", "take", who="mara"))
        self.assertIn("is mara's now", self.drwatch("incident", "take", who="mara"))
        self.assertEqual(self.incident()["owner"], "mara")
        kinds = [event["kind"] for event in self.incident()["timeline"]]
        self.assertEqual((kinds.count("incident.handed"), kinds.count("incident.taken")), (1, 1))

    def test_6_what_is_sent_again_is_answered_as_before_also_by_the_next_daemon(self):
        self.assertEqual(self.post("/api/v1/incidents", {"scenario": "leak"}, "one")[0], 201)
        first = self.post("/api/v1/maintenance", {"components": ["database"], "for": "1h", "note": "patching"}, "two")
        self.assertEqual((first[0], first[1]["note"]), (201, "patching"))
        self.assertIn("patching", self.drwatch("maintenance", "list"))
        ended = self.post(f"/api/v1/maintenance/{first[1]['id']}/end", {}, "three")
        self.assertEqual(ended[0], 200)
        for _ in range(2):
            self.assertEqual(self.post("/api/v1/incidents", {"scenario": "leak"}, "one")[0], 201)
            again = self.post("/api/v1/maintenance", {"components": ["database"], "for": "1h", "note": "patching"}, "two")
            self.assertEqual((again[0], set(again[1]), again[1]["components"]), (201, set(first[1]), ["database"]))
            self.assertEqual(self.post(f"/api/v1/maintenance/{first[1]['id']}/end", {}, "three"), ended)
            self.daemon.kill()
            self.daemon.wait()
            self.serve()
        self.drwatch("incident", "resolve", "leak", "--force", "--note", "none")

    def test_7_its_record_is_taken_away_and_verifies_by_itself(self):
        said = self.drwatch("incident", "export", "--to", "evidence.journal")
        self.assertIn("the chain holds", said)
        self.assertIn("the chain holds", self.drwatch("journal", "verify", "evidence.journal", server=False))
        shown = self.drwatch("journal", "show", "evidence.journal", "--incident", self.id, server=False)
        for kind in ("incident.opened", "step.done", "incident.taken"):
            self.assertIn(kind, shown)
        self.assertIn("is there already", self.drwatch("incident", "export", self.id, "--to", "evidence.journal", code=2))
        with open(self.path("evidence.journal"), "r+b") as file:
            content = file.read()
            at = content.index(b"vendor called")
            file.seek(at)
            file.write(b"vendor CALLED")
        self.assertEqual(self.run_it("journal", "verify", "evidence.journal", server=False).returncode, 1)
        self.assertIn("needs the role admin", self.drwatch("journal", "backup", "copy.db", code=2))
        self.drwatch("journal", "backup", "copy.db", who="boss")
        whole, copy = (json.loads(self.drwatch("journal", "verify", name, "--json", server=False)) for name in ("journal.db", "copy.db"))
        self.assertIsNone(copy["broken"])
        self.assertLessEqual(copy["last_seq"], whole["last_seq"])
        self.assertGreater(copy["last_seq"], 20)
        self.drwatch("journal", "backup", "local.db", "--config", "drwatch.toml")  # what is named beside it is what counts

    def test_8_the_report_and_what_is_refused_are_for_machines_as_well(self):
        facts = json.loads(self.drwatch("incident", "report", "--json"))
        self.assertEqual(facts["id"], self.id)
        self.assertGreater(facts["intervals_seconds"]["mitigate"], 0)
        self.assertIn("## Gaps in observation", self.drwatch("incident", "report"))
        for words in (("incident", "shwo", "--json"), ("--json", "incidents")):
            refused = self.run_it(*words)
            self.assertEqual(refused.returncode, 2)
            self.assertIn("did you mean", json.loads(refused.stdout)["detail"])
        self.drwatch("incident", "resolve", "--note", "restored")
        self.drwatch("incident", "note", "outage", "the vendor sent its report")  # also of one that is over

    def test_9_what_would_do_nothing_is_refused_and_a_fault_is_said_once(self):
        self.assertIn("is resolved", self.drwatch("incident", "resolve", self.id, "--false-alarm", code=2))
        self.drwatch("incident", "resolve", self.id)  # the same once more is the same
        self.drwatch("incident", "open", "leak")
        for step in ("scope", "restore"):
            self.drwatch("incident", "step", step, "done")
        self.assertIn("take it back first: undo", self.drwatch("incident", "step", "restore", "run", "--yes", code=2))
        self.drwatch("incident", "resolve", "leak")
        refused = self.run_it("journal", "show", "nothing.db", "--json", server=False)
        self.assertEqual((refused.returncode, refused.stderr.count("\n")), (2, 1))
        self.assertIn("there is no journal", json.loads(refused.stdout)["detail"])
        with open(self.path("evidence.journal"), "rb") as file, open(self.path("cut.journal"), "wb") as cut:
            cut.write(file.read()[:-8192])
        shown = self.run_it("journal", "show", "cut.journal", "--json", server=False)
        self.assertEqual(shown.returncode, 2)
        self.assertIn("damaged", json.dumps(json.loads(shown.stdout)))
        refused = self.run_it("serve", "--config", "nope", server=False)
        self.assertEqual((refused.returncode, refused.stderr.count("\n")), (2, 1), refused.stderr)

    def test_a_drill_is_ended_once_and_its_record_taken_away_as_an_incident_s(self):
        drill = json.loads(self.drwatch("drill", "start", "outage", "--json"))["id"]
        self.assertIn(f"{drill} aborted", self.drwatch("drill", "abort", "outage"))
        self.assertIn("no drill of outage is held now", self.drwatch("drill", "abort", "outage"))
        self.assertIn("is over: aborted", self.drwatch("drill", "finish", "outage", code=2))
        self.assertIn("no drill 'leak'", self.drwatch("drill", "abort", "leak", code=2))
        for command in ("incident", "drill"):
            self.assertEqual(json.loads(self.drwatch(command, "report", drill, "--json"))["id"], drill)
        self.drwatch("incident", "export", drill, "--to", "drill.journal")
        self.assertIn("drill.started", self.drwatch("journal", "show", "drill.journal", "--incident", drill, server=False))


if __name__ == "__main__":
    unittest.main(failfast=True)
