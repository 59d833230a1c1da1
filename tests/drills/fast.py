#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The restore drill on a real PostgreSQL, as short as it can be: one restore, one moment before a mistake, one gap, one dump."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cluster import Cluster, moment, stamp  # noqa: E402


class Fast(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = c = Cluster()
        cls.addClassCleanup(c.gone)
        c.prepare()
        cls.base = c.base_backup()
        c.must([f"{c.bin}/pg_dump", "-Fc", "-f", c.path("copies", "clinic.dump"), "postgres"])
        cls.beats, cls.names = [], []
        for _ in range(4):
            c.order()
            cls.beats.append(c.beat())
            cls.names.append(c.segment())
        cls.rows = int(c.sql("select count(*) from public.orders"))

    def test_base_backup_and_archive(self):
        c = self.cluster
        code, e, said = c.drill("--basebackup", self.base, "--archive", c.path("archive"), "--claim", stamp(self.beats[-1]), "--claim-source", "archiver",
                                "--beat-every", "1s", "--rto", "10m", "--rpo", "1h", "--schedule-age", "1h", "--protects", f"host={c.path('s')} user=postgres",
                                "--role", "clinic", "--at-least", f"public.orders={self.rows}", "--check", "no-empty=select count(*) = 0 from public.orders where note = ''")
        self.assertEqual((code, e["verdict"]), (0, "passed"), e.told() + said)
        self.assertEqual(e["drwatch_drill"], 1)
        self.assertLess(abs((moment(e["restored_to"]) - self.beats[-1]).total_seconds()), 0.002)
        lost = (moment(e["disaster_at"]) - self.beats[-1]).total_seconds()
        self.assertLess(abs(e["measured"]["lost_seconds"] - lost), 0.01)
        self.assertEqual((e["copy"]["reads"], e["copy"]["label"], e["copy"]["chosen"], e["classes"]), ("basebackup", "base", "newest", ["host"]))
        for name in ("wal", "manifest", "replay", "system-identifier", "beat", "claim", "sentinel", "amcheck", "checksums", "protection", "archive-untouched",
                     "removed", "roles", "extensions", "collation", "invariant-no-empty", "count-public.orders", "rto", "rpo", "schedule"):
            self.assertEqual(e.check(name)["verdict"], "passed", f"{name}: {e.told()}")
        self.assertGreaterEqual({phase["name"] for phase in e["measured"]["phases"]}, {"fetch", "fetch-wal", "replay", "promote", "amcheck", "checksums", "remove"})
        self.assertIn(" of ", said)
        self.assertEqual(c.left(), [])

    def test_the_moment_before_a_mistake(self):
        """A table is emptied; what is restored is the moment before, with its rows."""
        c = self.cluster
        c.sql("create table public.patients as select n as id from generate_series(1, 300) as n")
        last = c.beat()
        before = c.sql("select clock_timestamp()")
        c.sql("delete from public.patients")
        c.beat()
        c.segment()
        code, e, said = c.drill("--basebackup", self.base, "--archive", c.path("archive"), "--copy", before + ":00", "--beat-every", "2s", "--at-least", "public.patients=300")
        self.assertEqual((code, e["verdict"], e["copy"]["chosen"], e["classes"]), (0, "passed", "point-in-time", ["logical"]), e.told() + said)
        self.assertLess(abs((moment(e["restored_to"]) - last).total_seconds()), 0.002)

    def test_gap(self):
        """A segment is missing: PostgreSQL recovers to it and says nothing. The drill says which, and that less came back than was claimed."""
        c = self.cluster
        lost = c.path("archive", self.names[1])
        os.rename(lost, lost + ".away")
        try:
            code, e, said = c.drill("--basebackup", self.base, "--archive", c.path("archive"), "--claim", stamp(self.beats[-1]), "--beat-every", "0s")
        finally:
            os.rename(lost + ".away", lost)
        self.assertEqual((code, e["verdict"]), (1, "failed"), e.told() + said)
        self.assertEqual(e.failed(), ["claim", "wal"])
        self.assertIn(self.names[1], e.check("wal")["detail"])
        self.assertLess(abs((moment(e["restored_to"]) - self.beats[0]).total_seconds()), 0.002)

    def test_dump(self):
        c = self.cluster
        c.must(["sh", "-c", f"{c.bin}/pg_dumpall --globals-only > {c.path('copies', 'globals.sql')}"])
        code, e, said = c.drill("--dump", c.path("copies", "clinic.dump"), "--globals", c.path("copies", "globals.sql"), "--at-least", "public.orders=5000", "--class", "region")
        self.assertEqual((code, e["verdict"], e["classes"]), (0, "passed", ["region"]), e.told() + said)
        self.assertEqual(e["restored_by"], "beat")
        # Without its roles the same dump is no restore.
        code, e, said = c.drill("--dump", c.path("copies", "clinic.dump"))
        self.assertEqual(code, 1, e.told() + said)
        self.assertEqual(e.failed(), ["restore", "roles"])
        self.assertIn("clinic", e.check("roles")["detail"])


if __name__ == "__main__":
    unittest.main()
