#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The proof of the restore: the sample's database, written to all the time, loses its data directory, or a table, at a known instant. drwatch opens
the incident, the responder runs the step *restore*, whose command is the shipped drill in earnest, and the platform is back. What drwatch says of
loss and time is what was measured from outside, within a second and the canary's interval.

    DRWATCH=build/dev/drwatch tests/end_to_end/restored.py [-v]

DRWATCH_INSTANTS: how many instants of each (1).
"""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from datetime import datetime, timezone

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "platform"))
from sample import Sample, SampleError, fetch, free_ports, wait_for  # noqa: E402

PROGRAM = os.path.abspath(os.environ.get("DRWATCH", "build/dev/drwatch"))
INSTANTS = int(os.environ.get("DRWATCH_INSTANTS", "1"))
PATIENCE = 120  # seconds for what takes some ten on an idle machine
INTERVAL = 0.5  # seconds between two beats of the canary, and two runs of every other probe
MILLISECONDS = f"{int(INTERVAL * 1000)}ms"
NEAR = 1 + INTERVAL


def seconds_of(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def utc(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Restorable(Sample):
    """The sample with a command for the step *restore*, and its database's user as the owner of the place in which it lies."""

    def write_configuration(self):
        super().write_configuration()
        os.mkdir(self.path("restored"), 0o700)
        with open(self.path("pgpass"), "w", opener=lambda path, flags: os.open(path, flags, 0o600), encoding="utf-8") as file:
            file.write(f"*:*:*:postgres:{self.secret('superuser')}\n")
        with open(self.path("restore.toml"), "w", encoding="utf-8") as file:
            file.write(f'basebackup = "base"\narchive = "archive"\nfor-real = "database"\nmove-old = true\nscratch = "scratch"\nleave-free = "0B"\n'
                       f'beat-every = "{MILLISECONDS}"\n'
                       f'dsn = "host=127.0.0.1 port={self.ports["database"]} user=postgres passfile={self.path("pgpass")}"\n')
        # What is moved aside lies beside it, and so does the server's log.
        for name in ("", "database.log", "restored", "pgpass"):
            if self.owner:
                shutil.chown(self.path(name), self.owner, self.owner)
        self.change("drwatch.toml", r'(?m)^interval = "2s"\nretry    = "1s"\ntimeout  = "1500ms"',
                    f'interval = "{MILLISECONDS}"\nretry = "250ms"\ntimeout = "{MILLISECONDS}"')
        restore = [*self.by_owner(), self.path("drills", "drwatch-restore-drill"), "--file", self.path("restore.toml"),
                   "--evidence", self.path("restored", "evidence.json"), "--claim", "{{recovery_point}}", "--claim-source", "{{recovery_source}}"]
        for name, more in (("shared/restore.toml", []), ("accidental-deletion.toml", ["--copy", "{{recovery_point}}"])):
            self.change("scenarios/" + name, r'(?m)^id +?= "restore"$', f'id = "restore"\nrun = {json.dumps(restore + more)}')

    def end_database(self, mode):
        """However it was started."""
        self.as_owner([self.postgres_bin + "/pg_ctl", "-w", "-s", "-t", str(PATIENCE), "-m", mode, "-D", self.path("database"), "stop"])
        if process := self.running.pop("database", None):
            process.wait(PATIENCE)

    def stop(self):
        try:
            self.end_database("immediate")
        except SampleError:
            pass
        super().stop()


class Outsider:
    """Writes a row after the other, each in a transaction of its own, and knows of each when it was acknowledged; and of each that was not."""

    def __init__(self, sample):
        self.sample, self.acknowledged, self.refused = sample, [], []  # (number, when it was asked, when it was told), when it was asked
        sample.sql("create table if not exists notes (n bigint primary key)")
        self.next, self.goes_on = 1 + int(sample.sql("select coalesce(max(n), 0) from notes")), True
        self.thread = threading.Thread(target=self.write, daemon=True)
        self.thread.start()

    def write(self):
        while self.goes_on:
            psql = subprocess.Popen([self.sample.postgres_bin + "/psql", "-XqAt", "-v", "ON_ERROR_STOP=1"], bufsize=0,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                    env={**os.environ, **self.sample.superuser(), "PGCONNECT_TIMEOUT": "2"})
            while self.goes_on and self.written(psql):
                time.sleep(0.02)
            psql.kill()
            psql.wait()
            psql.stdin.close()
            psql.stdout.close()

    def written(self, psql):
        number, asked = self.next, time.time()
        self.next += 1
        try:
            psql.stdin.write(f"insert into notes values ({number}) returning n;\n".encode())
            if psql.stdout.readline().strip() == str(number).encode():
                self.acknowledged.append((number, asked, time.time()))
                return True
        except OSError:
            pass
        self.refused.append(asked)
        return False

    def end(self):
        self.goes_on = False
        self.thread.join(PATIENCE)

    def kept(self, disaster):
        """When the newest of before the disaster was asked and told that is there. Everybody who was told before that has his row as well."""
        there = {int(n) for n in self.sample.sql("select n from notes").split()}
        written = [row for row in self.acknowledged if row[1] < disaster]
        newest = max(row for row in written if row[0] in there)
        lost = [n for n, _, told in written if told < newest[1] and n not in there]
        assert not lost, f"{len(lost)} rows are gone that are older than what is there, the first {lost[0]}"
        return newest[1:]

    def back(self, since):
        """Between which moments the first write after `since` succeeded: it had not when the last was refused before it."""
        first = next((row for row in self.acknowledged if row[1] > since), None)
        return first and (max((at for at in self.refused if at < first[1]), default=since), first[2])


class Restored(unittest.TestCase):
    def setUp(self):
        self.log = tempfile.mkstemp(prefix="drwatch-log-")[1]
        self.addCleanup(os.unlink, self.log)
        # One seed, so that a failure comes back.
        self.chance = random.Random(int(os.environ.get("DRWATCH_SEED", "1")))
        self.sample = Restorable(PROGRAM, output=self.log, drwatch_port=free_ports(1)[0])
        self.addCleanup(self.sample.stop)
        self.sample.start()
        self.until(lambda: all(c["health"] == "up" for c in self.get("status")["components"]), "every component is up")

    # ---- asking
    def until(self, condition, what):
        try:
            return wait_for(condition, PATIENCE, what + " did not come true")
        except SampleError as error:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                self.fail(f"{error}\n{json.dumps(self.get('incidents'), indent=1)[:3000]}\nlog: ...{file.read()[-4000:]}")

    def get(self, path):
        status, body = fetch(f"{self.sample.url}/api/v1/{path}", timeout=PATIENCE)
        self.assertEqual(status, 200, f"{path}: {body}")
        return json.loads(body)

    def drwatch(self, *words):
        done = subprocess.run([PROGRAM, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False, env={
            **os.environ, "DRWATCH_SERVER": self.sample.url, "DRWATCH_TOKEN": self.sample.secret("oncall-token")})
        self.assertEqual(done.returncode, 0, f"drwatch {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def incident(self, scenario, state):
        found = [i for i in self.get("incidents")["incidents"] if i["scenario"] == scenario and i["state"] == state]
        return self.show(max(found, key=lambda i: i["opened_at"])["id"]) if found else None

    def show(self, ident):
        return json.loads(self.drwatch("incident", "show", ident, "--json"))

    def exposure(self, of_class):
        database = next(c for c in self.get("status")["components"] if c["name"] == "database")
        return next(e for e in database["exposures"] if e["class"] == of_class)

    def point(self):
        at = self.exposure("host")["recovery_point"]
        return at and seconds_of(at)

    def step(self, ident, name):
        return next(step for step in self.show(ident)["steps"] if step["id"] == name)

    def near(self, said, low, high, what):
        """`said` is between what was measured at least and at most, within a second and the canary's interval."""
        self.assertTrue(low - NEAR <= said <= high + NEAR, f"{what}: drwatch says {said:.3f} s, measured were {low:.3f} to {high:.3f} s")

    # ---- what both do
    def begun(self):
        """Somebody writes; there is a base backup, and a segment behind it that drwatch has just read of."""
        outsider = Outsider(self.sample)
        self.addCleanup(outsider.end)
        self.sample.base_backup()
        taken = time.time()
        self.until(lambda: (self.point() or 0) > taken, "a recovery point behind the base backup")
        point = self.point()
        self.until(lambda: self.point() != point, "the next one")
        time.sleep(self.chance.uniform(0, 2))
        return outsider

    def restore(self, ident):
        """Runs the step and waits for its end."""
        evidence = self.sample.path("restored", "evidence.json")
        if os.path.exists(evidence):
            os.unlink(evidence)
        self.drwatch("incident", "step", ident, "restore", "run", "--yes")
        self.until(lambda: self.step(ident, "restore")["state"] not in ("open", "running"), "the restore ends")
        self.assertEqual(self.step(ident, "restore")["state"], "done", json.dumps(self.step(ident, "restore")))
        with open(evidence, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(json.loads(text)["verdict"], "passed", text)
        # As a guide says: the archiver looks at its time-out when it has been woken.
        self.sample.sql("checkpoint", "postgres")

    def done(self, ident, *steps):
        for step in steps:
            self.drwatch("incident", "step", ident, step, "done", "--note", "as its guide says")

    def close(self, ident):
        """Whatever a person still has to do; the moment of the last."""
        for step in self.show(ident)["steps"]:
            if step["state"] in ("open", "started", "failed") and step["kind"] != "verified":
                self.done(ident, step["id"])
        return time.time()

    def over(self, ident, outsider):
        self.assertIn(ident, self.drwatch("incident", "report", ident))
        self.close(ident)
        self.drwatch("incident", "resolve", ident, "--force", "--note", "the next one is another")
        outsider.end()
        shutil.rmtree(self.sample.path("restored"))
        for name in os.listdir(self.sample.folder):
            if name.startswith("database.before-"):
                shutil.rmtree(self.sample.path(name))
        os.mkdir(self.sample.path("restored"), 0o700)
        if self.sample.owner:
            shutil.chown(self.sample.path("restored"), self.sample.owner, self.sample.owner)

    # ---- the two disasters
    def test_the_data_directory_is_gone(self):
        for instant in range(INSTANTS):
            with self.subTest(instant=instant):
                outsider = self.begun()
                before = time.time()
                self.sample.end_database("immediate")
                after = time.time()
                shutil.rmtree(self.sample.path("database"))
                ident = self.until(lambda: self.incident("database-outage", "open"), "database-outage opened")["id"]
                self.done(ident, "notify", "scope")
                told = self.show(ident)["recovery_point"]
                self.restore(ident)
                recovered = self.until(lambda: self.incident("database-outage", "recovered"), "database-outage recovered")
                asked, acknowledged = outsider.kept(before)
                self.near(told["exposure_seconds"], before - acknowledged, after - asked, "lost")
                first, last = outsider.back(after)
                self.near(recovered["elapsed_seconds"], first - after, last - before, "recovered after")
                self.over(ident, outsider)

    def test_a_table_is_emptied(self):
        for instant in range(INSTANTS):
            with self.subTest(instant=instant):
                outsider = self.begun()
                rows = self.sample.sql("select count(*) from appointments")
                bad = float(self.sample.sql("begin; lock table appointments; select extract(epoch from clock_timestamp());"
                                            "delete from appointments; commit"))
                ident = self.until(lambda: self.incident("accidental-deletion", "open"), "accidental-deletion opened")["id"]
                before = time.time()
                self.sample.end_database("fast")  # nobody writes any more, and its place is free
                after = time.time()
                self.done(ident, "notify", "stop-writers")
                self.drwatch("incident", "bad-change", ident, utc(bad))
                self.done(ident, "moment", "choose")
                self.until(lambda: self.exposure("logical")["held_since"], "drwatch knows that nobody writes")
                told = self.show(ident)["recovery_point"]
                self.restore(ident)
                self.assertEqual(self.sample.sql("select count(*) from appointments"), rows)
                asked, acknowledged = outsider.kept(bad)
                self.assertLess(asked, bad)
                self.near(told["exposure_seconds"], before - acknowledged, after - asked, "lost")
                # What drwatch verifies first; then people say the last word, and that is the end.
                self.until(lambda: all(s["state"] == "done" for s in self.show(ident)["steps"] if s["kind"] == "verified" and s["critical"]) and
                           all(c["health"] == "up" for c in self.get("status")["components"]), "all is back, and seen to be")
                closing = time.time()
                closed = self.close(ident)
                recovered = self.until(lambda: self.incident("accidental-deletion", "recovered"), "accidental-deletion recovered")
                first, last = outsider.back(after)
                self.near(recovered["elapsed_seconds"], max(first, closing) - bad, max(last, closed) - bad, "recovered after")
                self.over(ident, outsider)


if __name__ == "__main__":
    unittest.main()
