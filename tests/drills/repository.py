#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The restore drill from a pgBackRest repository: what its own commands say is well, and is not."""
import glob
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cluster import Cluster, moment, stamp  # noqa: E402


def with_repository():
    """A cluster that archives into a repository in its own folder."""
    c = Cluster(archive="false")
    config = c.path("pgbackrest.conf")
    c.must(["sh", "-c", f"cat > {config}"], feed=f"""
[global]
repo1-path={c.path('repo')}
log-path={c.path('s')}
lock-path={c.path('lock')}
spool-path={c.path('spool')}
log-level-file=off
start-fast=y
archive-timeout=1200
[main]
pg1-path={c.path('data')}
pg1-socket-path={c.path('s')}
pg1-user=postgres
""")
    c.must(["mkdir", c.path("repo")])
    c.backrest = ["pgbackrest", f"--config={config}", "--stanza=main", "--log-level-console=warn"]
    c.must([*c.backrest, "stanza-create"])
    c.sql(f"alter system set archive_command = 'pgbackrest --config={config} --stanza=main archive-push %p'")
    c.sql("select pg_reload_conf()")
    c.prepare()
    c.asked = ["--pgbackrest", "main", "--config", config]
    return c


def segment(c):
    name = c.sql("create table if not exists public.tick (at timestamptz); insert into public.tick values (now()); select pg_walfile_name(pg_switch_wal())")
    c.until(lambda: glob.glob(c.path("repo", "archive", "main", "*", name[:16], name + "-*")), f"{name} is archived")
    return name


class Repository(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("pgbackrest"):
            print("SKIPPED restore drill from pgBackRest: it is not installed; 'make test' installs it")
            raise unittest.SkipTest("no pgbackrest")
        cls.cluster = c = with_repository()
        cls.addClassCleanup(c.gone)
        c.must([*c.backrest, "--type=full", "backup"])
        cls.beats, cls.names = [], []
        for _ in range(4):
            c.order()
            cls.beats.append(c.beat())
            cls.names.append(segment(c))

    def stored(self, name):
        return glob.glob(self.cluster.path("repo", "archive", "main", "*", name[:16], name + "-*"))[0]

    def test_newest(self):
        c = self.cluster
        code, e, said = c.drill(*c.asked, "--claim", stamp(self.beats[-1]), "--claim-source", "pgbackrest", "--beat-every", "0s",
                                "--protects", f"host={c.path('s')} user=postgres")
        self.assertEqual((code, e["copy"]["reads"], e["classes"]), (0, "pgbackrest", ["host"]), e.told() + said)
        self.assertEqual(e.check("system-identifier")["verdict"], "passed")
        self.assertEqual(e["postgresql"]["system_identifier"], c.sql("select system_identifier from pg_control_system()"))
        self.assertEqual(c.left(), [])

    def test_a_moment(self):
        c = self.cluster
        target = self.beats[1]
        code, e, _ = c.drill(*c.asked, "--copy", stamp(target), "--beat-every", "10s")
        self.assertEqual((code, e["copy"]["chosen"]), (0, "point-in-time"), e.told())
        self.assertLessEqual(moment(e["restored_to"]), target)
        self.assertEqual(c.left(), [])

    def test_a_silent_gap(self):
        """info says ok, verify says ok, the restore exits with 0."""
        c = self.cluster
        stored = self.stored(self.names[1])
        os.rename(stored, c.path("taken-away"))
        try:
            info = c.must([*c.backrest, "info"])
            self.assertIn("status: ok", info)
            code, e, _ = c.drill(*c.asked, "--claim", stamp(self.beats[-1]), "--beat-every", "0s")
        finally:
            os.rename(c.path("taken-away"), stored)
        self.assertEqual((code, e.failed()), (1, ["claim", "wal"]), e.told())
        self.assertIn(self.names[1], e.check("wal")["detail"])
        self.assertLess(abs((moment(e["restored_to"]) - self.beats[0]).total_seconds()), 0.002)

    def test_a_corrupt_segment(self):
        c = self.cluster
        stored = self.stored(self.names[2])
        whole = flip(stored)
        try:
            code, e, _ = c.drill(*c.asked)
        finally:
            put(stored, whole)
        self.assertEqual(code, 1, e.told())
        self.assertIn("wal", e.failed())
        self.assertIn(self.names[2], e.check("wal")["detail"])

    def test_a_corrupt_file_of_the_repository(self):
        c = self.cluster
        stored = max(glob.glob(c.path("repo", "backup", "main", "2*F", "pg_data", "base", "*", "*.gz")), key=os.path.getsize)
        whole = flip(stored)
        try:
            code, e, _ = c.drill(*c.asked)
        finally:
            put(stored, whole)
        self.assertEqual((code, e["verdict"], e.failed()), (1, "failed", ["restore"]), e.told())
        self.assertIn("ended with", e.check("restore")["detail"])
        self.assertEqual(c.left(), [])

    def test_a_stanza_that_is_not_there(self):
        c = self.cluster
        code, e, _ = c.drill("--pgbackrest", "other", "--config", c.path("pgbackrest.conf"))
        self.assertEqual((code, e.failed()), (1, ["copy"]), e.told())
        code, e, _ = c.drill("--pgbackrest", "main", "--config", c.path("nowhere.conf"))
        self.assertEqual(code, 1, e.told())

    def test_the_archiving_goes_on(self):
        """Locks and spool of the drill are its own: a backup beside it is not held up."""
        c = self.cluster
        drill = c.begin(*c.asked, "--check", "slow=select pg_sleep(6) is not null")
        for line in drill.stderr:
            if line.startswith("checks: begins"):
                segment(c)
                c.must([*c.backrest, "check"])
        self.assertEqual(drill.wait(1200), 0)
        drill.stderr.close()


class Corrupt(unittest.TestCase):
    def test_a_backup_of_a_corrupt_cluster(self):
        """pgbackrest backup exits with 0; its catalogue knows, and the copy has the broken page."""
        if not shutil.which("pgbackrest"):
            self.skipTest("no pgbackrest")
        c = with_repository()
        self.addCleanup(c.gone)
        where = c.path("data", c.sql("checkpoint; select pg_relation_filepath('orders')"))
        c.stop()
        with open(where, "r+b") as file:
            file.seek(8192 * 3 + 400)
            file.write(b"\x5a" * 300)
        c.start()
        c.must([*c.backrest, "--type=full", "backup"])
        code, e, _ = c.drill(*c.asked)
        self.assertEqual((code, e["verdict"]), (1, "failed"), e.told())
        for name in ("copy", "checksums", "amcheck"):
            self.assertIn(name, e.failed())


def flip(path):
    """Changes bytes in the middle; returns what was there."""
    with open(path, "rb") as file:
        whole = file.read()
    middle = len(whole) // 2
    put(path, whole[:middle] + bytes(b ^ 0xff for b in whole[middle:middle + 64]) + whole[middle + 64:])
    return whole


def put(path, content):
    status = os.stat(path)
    with open(path, "wb") as file:
        file.write(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


if __name__ == "__main__":
    unittest.main()
