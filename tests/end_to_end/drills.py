#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drills with a command of their own, led by a real drwatch: its evidence decides, it runs once, and it ends with what started it.

    DRWATCH=build/dev/drwatch tests/end_to_end/drills.py [-v]
"""
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import PROGRAM, Served  # noqa: E402

TOKEN = "drill-token-0123456789"
MAIN = """
[server]
listen = "127.0.0.1:{port}"
[server.tokens.oncall]
role   = "responder"
secret = {{ file = "token" }}
[journal]
path = "journal.db"
[component.shop]
[probe.front]
component = "shop"
kind      = "tcp"
target    = "127.0.0.1:{port}"
[scenarios]
path = "scenarios"
"""
SCENARIO = """
title   = "{title}"
affects = ["shop"]
[[step]]
id       = "restore"
title    = "Restore it"
critical = true
expect   = "5m"
[drill]
schedule = "0 10 1 1,4,7,10 *"
type     = "restore"
run      = ["../drill", "{how}", "{{{{evidence}}}}"]
timeout  = "{timeout}"
step     = "restore"
"""
# It notes that it ran, and with which process; then it does what it is told.
COMMAND = r"""#!/bin/sh
echo "$1 $$" >> "$(dirname "$0")/ran"
began=$(date -u +%Y-%m-%dT%H:%M:%SZ)
case "$1" in
  hangs) printf 'working\nhalf a s'; sleep 300 & wait ;;
  mute) exit 0 ;;
  breaks) echo "no space left" >&2; exit 2 ;;
  babbles) head -c 300000 /dev/zero | tr '\0' x > "$2"; exit 0 ;;
esac
cat > "$2" <<EOF
{"drwatch_drill": 1, "kind": "restore", "verdict": "passed", "began_at": "$began", "ended_at": "$(date -u +%Y-%m-%dT%H:%M:%SZ)",
 "copy": {"reads": "dump", "label": "nightly", "taken_at": null, "chosen": "newest"}, "disaster_at": "$began", "claim": null, "restored_to": null,
 "measured": {"took_seconds": 42.5, "lost_seconds": 7, "phases": [{"name": "load", "seconds": 40, "bytes": 1000}]},
 "checks": [{"name": "counts", "verdict": "passed", "mandatory": true, "detail": "12 of 12"}],
 "machine": {}, "postgresql": {}, "classes": ["host"]}
EOF
echo restored
"""


class Drills(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="drwatch-drills-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.served = Served(self.folder, TOKEN, 60)
        self.served.write("drwatch.toml", MAIN.format(port=self.served.port))
        for how, timeout in (("passes", "1m"), ("hangs", "5m"), ("mute", "1m"), ("breaks", "1m"), ("babbles", "1m")):
            self.served.write(f"scenarios/{how}.toml", SCENARIO.format(title=how, how=how, timeout=timeout))
        self.served.write("scenarios/late.toml", SCENARIO.format(title="late", how="hangs", timeout="1s"))
        os.chmod(self.served.write("drill", COMMAND), stat.S_IRWXU)
        self.served.start()
        self.addCleanup(self.served.kill)

    def drwatch(self, *words, expect=0):
        done = subprocess.run([PROGRAM, "--server", f"http://127.0.0.1:{self.served.port}", "--token-file", self.served.path("token"), *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def start(self, scenario):
        return json.loads(self.drwatch("drill", "start", scenario, "--json"))["id"]

    def drill(self, ident):
        status, _, text = self.served.exchange("GET", f"/api/v1/drills/{ident}")
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def ended(self, ident):
        self.served.until(lambda: self.drill(ident)["verdict"], f"{ident} ends")
        return self.drill(ident)

    def ran(self):
        """(what, process) of each time that the command began."""
        try:
            with open(self.served.path("ran"), encoding="utf-8") as file:
                return [line.split() for line in file]
        except FileNotFoundError:
            return []

    def gone(self, process):
        def is_gone():
            try:
                os.kill(int(process), 0)
            except ProcessLookupError:
                return True
            return False
        self.served.until(is_gone, f"process {process} is gone")

    def test_evidence_decides(self):
        drill = self.ended(self.start("passes"))
        self.assertEqual((drill["verdict"], drill["recovery_seconds"], drill["data_loss_seconds"]), ("passed", 42.5, 7))
        self.assertEqual(drill["proves"], ["host"])
        self.assertEqual(drill["evidence"]["copy"]["label"], "nightly")
        scenarios = json.loads(self.drwatch("status", "--json"))["scenarios"]
        self.assertEqual([s["standing"] for s in scenarios if s["scenario"] == "passes"], ["met"])
        report = self.drwatch("drill", "report", "passes")
        for part in ("**passed**", "12 of 12", "| load | 40 s"):
            self.assertIn(part, report)
        self.assertIn("last passed", self.drwatch("drill", "list"))
        with open(self.served.write("evidence.json", json.dumps(drill["evidence"])), encoding="utf-8"):
            self.assertIn("passed", self.drwatch("drill", "record", "mute", "--evidence", self.served.path("evidence.json")))
        self.served.write("evidence.json", '{"drwatch_drill": 1}')
        self.assertIn("not understood", self.drwatch("drill", "record", "mute", "--evidence", self.served.path("evidence.json"), expect=2))
        self.assertIn("holds no JSON object", self.drwatch("drill", "record", "mute", "--evidence", self.served.path("token"), expect=2))
        for scenario, verdict, why in (("mute", "partial", "no evidence"), ("breaks", "aborted", "no space left"),
                                       ("babbles", "partial", "larger than"), ("late", "failed", "timeout")):
            drill = self.ended(self.start(scenario))
            self.assertEqual(drill["verdict"], verdict)
            self.assertIn(why, drill["reason"])

    def test_it_runs_once_and_ends_with_what_started_it(self):
        ident = self.start("hangs")
        self.served.until(lambda: len(self.ran()) == 1, "the command runs")
        self.assertIn("held already", self.drwatch("drill", "start", "hangs", expect=2))
        # Killed: the command goes with drwatch, and is not run again.
        self.served.end(signal.SIGKILL)
        self.served.start()
        drill = self.drill(ident)
        self.assertEqual((drill["verdict"], drill["steps"][0]["state"]), ("aborted", "interrupted"))
        self.gone(self.ran()[0][1])
        time.sleep(1)
        self.assertEqual(len(self.ran()), 1)
        # Something real goes first.
        ident = self.start("hangs")
        self.served.until(lambda: len(self.ran()) == 2, "the command runs")
        self.drwatch("incident", "open", "hangs")
        self.assertIn("a real incident is open", self.ended(ident)["reason"])
        self.gone(self.ran()[1][1])
        self.assertIn("a real incident is open", self.drwatch("drill", "start", "hangs", expect=2))
        # All of them at once; a person names one by its scenario.
        ident = self.start("passes")
        late = self.ended(ident)
        self.assertEqual(late["verdict"], "passed")
        self.drwatch("drill", "hold", "--note", "release day")
        self.assertIn("release day", self.drwatch("drill", "start", "passes", expect=2))
        self.drwatch("drill", "release")

    def test_it_is_worked_by_what_it_says_to_type(self):
        began = self.drwatch("drill", "start", "hangs")
        ident = began.split()[1]
        self.assertIn(f"drwatch incident show {ident} ", began)
        self.served.until(lambda: len(self.ran()) == 1, "the command runs")
        # Half a line may be half a secret.
        def output():
            return self.served.ask("GET", f"/api/v1/incidents/{ident}/steps/drill-command/output")[1].get("output")
        self.served.until(output, "its command has printed something")
        time.sleep(0.5)
        self.assertEqual(output(), "working\n")
        self.assertIn(f"drwatch incident show {ident} ", self.drwatch("drill", "list"))
        self.assertIn("Restore it", self.drwatch("incident", "show", ident))
        self.assertIn("Restore it", self.drwatch("incident", "show", ident[:-2]))
        self.drwatch("incident", "step", ident, "restore", "start")
        self.drwatch("incident", "step", ident[:-2], "restore", "done")
        self.drwatch("incident", "note", ident, "the guide is wrong")
        self.assertIn("the text is missing", self.drwatch("incident", "note", ident, expect=2))
        self.assertEqual([s["state"] for s in self.drill(ident)["steps"]], ["running", "done"])
        self.assertIn("there is no incident", self.drwatch("incident", "show", "drill-20200101-0000-hangs", expect=2))
        # Beside it an incident is meant where nothing is said.
        self.drwatch("drill", "abort", ident, "--note", "enough")
        self.drwatch("incident", "open", "passes")
        self.assertNotIn("DRILL", self.drwatch("incident", "show"))


if __name__ == "__main__":
    unittest.main()
