#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The units of the restore drill, judged by systemd-analyze; and that what they run takes the flags that they give it."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "drills"))
sys.dont_write_bytecode = True
from restore import options  # noqa: E402


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


if __name__ == "__main__":
    unittest.main()
