#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The units of the restore drill, judged by systemd-analyze; and that what they run takes the flags that they give it."""
import contextlib
import datetime
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "drills"))
sys.dont_write_bytecode = True
from restore import evidence, main, options, unit, words  # noqa: E402


class Units(unittest.TestCase):
    def setUp(self):
        if not shutil.which("systemd-analyze"):
            print("SKIPPED units of the restore drill: there is no systemd-analyze; 'make test' installs it")
            self.skipTest("no systemd-analyze")
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def put(self, name):
        text = (ROOT / "systemd" / name).read_text().replace("/usr/bin/drwatch-restore-drill", "/bin/true")
        path = os.path.join(self.folder, name)
        pathlib.Path(path).write_text(text)
        return path

    def test_they_are_understood_and_closed(self):
        for name, most in (("drwatch-restore@.service", 5), ("drwatch-restore-remote@.service", 16)):
            path = self.put(name).replace("@.", "@clinic.")
            shutil.copy(os.path.join(self.folder, name), path)
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True)
            # What it does not know it says, and exits with 0.
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={most}", path], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout[-2000:])

    def test_the_path_begins_the_drill(self):
        self.put("drwatch-restore@.service")
        path = self.put("drwatch-restore@.path").replace("@.", "@clinic.")
        shutil.copy(os.path.join(self.folder, "drwatch-restore@.path"), path)
        shutil.copy(os.path.join(self.folder, "drwatch-restore@.service"), os.path.join(self.folder, "drwatch-restore@clinic.service"))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_their_flags(self):
        known = {"--" + name for name, *_ in options.rows()}
        for name in ("drwatch-restore@.service", "drwatch-restore-remote@.service"):
            text = (ROOT / "systemd" / name).read_text()
            used = set(re.findall(r" (--[a-z-]+)", re.search(r"^ExecStart=(.*)$", text, re.M)[1]))
            self.assertTrue(used and used <= known, used - known)


class Asked(unittest.TestCase):
    """`--unit NAME`, by which drwatch has one held; a thread stands in for systemd."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.asked, self.found = os.path.join(folder.name, "asked"), os.path.join(folder.name, "found")
        os.mkdir(self.found)
        for name, value in (("ASKED", self.asked), ("FOUND", self.found), ("LOOKS", 0.2), ("has_ended", lambda name: self.ended)):
            self.addCleanup(setattr, unit, name, getattr(unit, name))
            setattr(unit, name, value)
        self.ended, self.evidence = False, os.path.join(folder.name, "evidence.json")

    def run_it(self, does):
        def begin():
            while not os.path.exists(os.path.join(self.asked, "clinic")):
                time.sleep(0.01)
            does()
        thread = threading.Thread(target=begin)
        thread.start()
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            code = main.main(["--unit", "clinic", "--evidence", self.evidence, "--max-time", "2m"])
        thread.join()
        with open(self.evidence, encoding="utf-8") as file:
            return code, json.load(file)

    def begins(self, verdict=None, before=None):
        """Takes the file away, and leaves evidence."""
        os.unlink(os.path.join(self.asked, "clinic"))
        if verdict:
            it = {"drwatch_drill": 1, "verdict": verdict, "began_at": words.stamp(before or words.now())}
            evidence.written(json.dumps(it), os.path.join(self.found, "clinic.json"))

    def test_its_evidence_is_handed_on(self):
        for verdict, code in (("passed", 0), ("failed", 1), ("partial", 3), ("aborted", 2)):
            # What an earlier drill left is not taken for it.
            evidence.written(json.dumps({"verdict": "passed", "began_at": words.stamp(words.now() - datetime.timedelta(hours=1))}), os.path.join(self.found, "clinic.json"))
            self.assertEqual(self.run_it(lambda: self.begins(verdict))[0], code)
        self.assertEqual(os.listdir(self.asked), [])

    def test_nobody_begins(self):
        unit.BEGINS, was = 0.2, unit.BEGINS
        self.addCleanup(setattr, unit, "BEGINS", was)
        code, found = self.run_it(lambda: None)
        self.assertEqual((code, found["verdict"]), (2, "aborted"))
        self.assertIn("systemctl enable --now drwatch-restore@clinic.path", found["stopped"])
        self.assertEqual(os.listdir(self.asked), [])

    def test_it_leaves_nothing(self):
        self.ended = True
        code, found = self.run_it(lambda: self.begins())
        self.assertEqual((code, found["verdict"]), (2, "aborted"))
        self.assertIn("left no evidence", found["stopped"])


if __name__ == "__main__":
    unittest.main()
