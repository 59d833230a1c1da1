#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""drwatch init as people type it: its questions on a terminal, and what it refuses without one.

    DRWATCH=build/dev/drwatch tests/end_to_end/init.py
"""
import json
import os
import pathlib
import pty
import select
import shutil
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.path.abspath(os.environ.get("DRWATCH", "build/dev/drwatch"))
PATIENCE = 60
SECRET = "host=db.example.org dbname=app user=drwatch password=correct-horse-battery"


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, *words):
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.execve(PROGRAM, [PROGRAM, *words], {"PATH": "/usr/bin:/bin", "TERM": "dumb"})
        self.text = ""

    def read(self, seconds=0.2):
        while select.select([self.file], [], [], seconds)[0]:
            try:
                more = os.read(self.file, 65536)
            except OSError:
                return False
            if not more:
                return False
            self.text += more.decode(errors="replace")
        return True

    def asked(self, words):
        until = time.monotonic() + PATIENCE
        while words not in self.text:
            assert self.read() and time.monotonic() < until, f"was not asked for {words}: {self.text}"

    def answer(self, line):
        os.write(self.file, (line + "\n").encode())

    def end(self):
        until = time.monotonic() + PATIENCE
        while self.read() and time.monotonic() < until:
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Init(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="drwatch-init-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def run_it(self, *words):
        return subprocess.run([PROGRAM, "init", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)

    def test_questions(self):
        there = self.folder / "there"
        terminal = Terminal("init", "--to", str(there))
        for words, line in (("The address of your site", "not an address"), ("https://app.example.org/\r\n> ", None), ("The address of your site", "https://app.example.org/"),
                            ("an endpoint", ""), ("its connection string", SECRET), ("Supabase", ""), ("How the database is backed up", "archiver"),
                            ("Where Alertmanager is", "http://127.0.0.1:9093"), ("to post alerts to", ""), ("whose silence pages", ""), ("A job that is to call in", "nightly=1d")):
            terminal.asked(words)
            if line is not None:
                terminal.text = terminal.text if words == "The address of your site" and line == "not an address" else ""
                terminal.answer(line)
        self.assertEqual(terminal.end(), 0, terminal.text)
        self.assertNotIn("correct-horse", terminal.text, "what is secret was shown")
        self.assertEqual((there / "credentials/primary-dsn").read_text(), SECRET + "\n")
        self.assertEqual((there / "credentials/primary-dsn").stat().st_mode & 0o777, 0o600)
        self.assertNotIn("correct-horse", (there / "drwatch.toml").read_text())
        checked = subprocess.run([PROGRAM, "check", "--config", str(there / "drwatch.toml"), "--json"], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stdout)
        self.assertFalse([p for p in json.loads(checked.stdout)["problems"] if "secret" in p["message"]], "credentials beside it are found")

    def test_without_a_terminal_and_without_flags(self):
        done = self.run_it("--to", str(self.folder / "there"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("say what there is", done.stderr)
        self.assertFalse((self.folder / "there").exists())

    def test_what_cannot_be_written(self):
        file = self.folder / "file"
        file.write_text("")
        done = self.run_it("--to", str(file / "below"), "--site", "https://app.example.org/")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--to", done.stderr)

    def test_a_secret_file_that_is_not_there(self):
        done = self.run_it("--to", str(self.folder / "there"), "--postgres", str(self.folder / "none"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot be read", done.stderr)
        self.assertFalse((self.folder / "there").exists())

    def test_by_machine(self):
        done = self.run_it("--to", str(self.folder / "there"), "--site", "http://127.0.0.1:8080/", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout)
        self.assertTrue(all(os.path.exists(file["path"]) for file in said["files"]))
        self.assertEqual({file["path"] for file in said["files"] if file["secret"]},
                         {str(self.folder / "there/credentials" / name) for name in ("oncall-token", "admin-token")})
        self.assertIn("hosting-failure", said["scenarios"])
        self.assertIn("drwatch doctor --config " + str(self.folder / "there/drwatch.toml"), said["next"])


if __name__ == "__main__":
    unittest.main()
