#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The proof: a cluster under a write load loses its data directory, or a table, at a known instant, and is restored in earnest. What the drill
reports of loss and time is compared with what was measured from outside. earnest.py [INSTANTS], one of each by default."""
import datetime
import json
import os
import random
import shutil
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cluster import Cluster, Evidence, moment, stamp  # noqa: E402

INSTANTS = int(sys.argv.pop(1)) if len(sys.argv) > 1 and sys.argv[1].isdigit() else int(os.environ.get("DRWATCH_INSTANTS", "1"))
EVERY = 0.05  # seconds between two beats


class Earnest(unittest.TestCase):
    def setUp(self):
        # Small segments are archived often, so that an instant falls between two of them. One seed, so that a failure comes back.
        self.chance = random.Random(int(os.environ.get("DRWATCH_SEED", "1")))
        self.cluster = c = Cluster()
        self.addCleanup(c.gone)
        c.prepare()
        self.generation = 0

    def backup(self):
        self.generation += 1
        return self.cluster.base_backup(f"base{self.generation}")

    def restore(self, *arguments):
        """The drill in earnest, and beside it somebody who tries to write. Returns (evidence, when the first write succeeded, when it was begun)."""
        c = self.cluster
        begun = time.time()
        drill = c.begin(*arguments, "--for-real", c.path("data"), "--archive", c.path("archive"))
        told = drill.stderr
        first = None
        while first is None and (drill.poll() is None or first is None):
            # Not the canary: that is what the drill reads.
            done = c.run([f"{c.bin}/psql", "-X", "-q", "-c", "insert into public.orders (note) values ('the first after it')"])
            if done.returncode == 0:
                first = time.time()
            elif drill.poll() is not None:
                break
            time.sleep(0.02)
        said = told.read()
        code = drill.wait(1200)
        told.close()
        with open(c.path("evidence.json"), encoding="utf-8") as file:
            e = Evidence(json.load(file))
        self.assertEqual((code, e["verdict"]), (0, "passed"), e.told() + said)
        self.assertIsNotNone(first, "nobody could write after it")
        return e, first, begun

    def agrees(self, e, first, begun, lost):
        """Reported and measured from outside: within a second and the canary's interval."""
        self.assertLess(abs(e["measured"]["lost_seconds"] - lost), 1 + EVERY, f"lost {lost} s: {e.told()}")
        # The one who tries needs a program's start for each attempt, so that it may be late, never early.
        took = first - begun
        self.assertLess(e["measured"]["took_seconds"], took + 1, e.told())
        return took

    def test_the_data_directory_is_gone(self):
        c = self.cluster
        for instant in range(INSTANTS):
            with self.subTest(instant=instant):
                self.backup()
                c.write_on(EVERY)
                for _ in range(self.chance.randrange(1, 4)):
                    time.sleep(self.chance.uniform(0.2, 0.8))
                    c.segment()
                time.sleep(self.chance.uniform(0.0, 1.5))
                c.stop("immediate")
                disaster = time.time()
                shutil.rmtree(c.path("data"))
                c.quiet()
                acknowledged = list(c.acknowledged)
                e, first, begun = self.restore("--basebackup", c.path("copies"), "--disaster-at", utc(disaster), "--beat-every", f"{int(EVERY * 1000)}ms")
                newest = float(c.sql("select extract(epoch from beat) from drwatch.heartbeat"))
                # Everybody who was answered before that beat has his order; of those after it, nobody.
                kept = [told for beat, told in acknowledged if beat <= newest]
                self.assertTrue(kept)
                # An order and its beat are two commits; the log may end between them.
                orders, beats = (int(n) for n in c.sql("select (select count(*) from public.orders where note = repeat('x', 500)) || ' ' || seq from drwatch.heartbeat").split())
                self.assertIn(orders - beats, (0, 1))
                self.agrees(e, first, begun, disaster - max(kept))
                # It archives again, in its new timeline, as before.
                c.segment()
                c.sql("delete from public.orders where note = repeat('x', 500); update drwatch.heartbeat set seq = 0")
                shutil.rmtree(c.path("copies")), c.must(["mkdir", c.path("copies")])

    def test_a_table_is_emptied(self):
        c = self.cluster
        for instant in range(INSTANTS):
            with self.subTest(instant=instant):
                self.backup()
                c.write_on(EVERY)
                time.sleep(self.chance.uniform(0.5, 1.5))
                rows, bad = c.sql("begin; lock table public.orders; select count(*) || ' ' || extract(epoch from clock_timestamp()) "
                                  "from public.orders where note <> 'the first after it'; "
                                  "delete from public.orders; commit").split()
                time.sleep(self.chance.uniform(0.2, 1.0))
                c.quiet()
                written = list(c.acknowledged)
                c.segment()
                c.stop()
                e, first, begun = self.restore("--basebackup", c.path("copies"), "--move-old", "--copy", utc(float(bad)), "--beat-every", f"{int(EVERY * 1000)}ms")
                # To the moment before the mistake: every row is back, but what was written in the moment of waiting for the lock.
                self.assertGreaterEqual(int(c.sql("select count(*) from public.orders where note <> 'the first after it'")), int(rows) - 1)
                newest = float(c.sql("select extract(epoch from beat) from drwatch.heartbeat"))
                self.assertLessEqual(newest, float(bad))
                before = [beat for beat, _ in written if beat <= float(bad)]
                self.assertEqual(e["classes"], ["logical"])
                self.agrees(e, first, begun, float(bad) - max(before))
                self.assertTrue(os.path.isdir(e["copy"]["moved_to"]))
                shutil.rmtree(e["copy"]["moved_to"])
                shutil.rmtree(c.path("copies")), c.must(["mkdir", c.path("copies")])

    def test_only_what_was_restored_is_asked(self):
        """At a --dsn another server answers; and at a gap replay ends as if that were all."""
        c = self.cluster
        base = self.backup()
        names = []
        for _ in range(3):
            c.order()
            names.append(c.segment())
        asked = ("--basebackup", base, "--archive", c.path("archive"))
        code, e, _ = c.drill(*asked, "--for-real", c.path("unstarted"), "--dsn", f"host={c.path('s')} user=postgres", "--start-command", "true")
        self.assertEqual((code, e.failed()), (1, ["replay"]), e.told())
        c.stop()
        os.rename(c.path("archive", names[1]), c.path("kept"))
        try:
            code, e, _ = c.drill(*asked, "--for-real", c.path("gap"))
        finally:
            c.must([f"{c.bin}/pg_ctl", "-w", "-s", "-m", "immediate", "-D", c.path("gap"), "stop"])
            os.rename(c.path("kept"), c.path("archive", names[1]))
        self.assertEqual((code, e.failed()), (1, ["wal"]), e.told())
        self.assertIn(f"in {names[0]}, and {names[2]} to ", e.check("wal")["detail"])
        c.start()

    def earnestly(self, name, *arguments):
        """Restored into a folder of its own, and ended again: (exit code, evidence, orders in it)."""
        c = self.cluster
        code, e, said = c.drill(*arguments, "--for-real", c.path(name), "--check", "orders=select count(*) > 0 from orders")
        try:
            orders = c.sql("select count(*) from public.orders") if e["measured"]["took_seconds"] is not None else e.told() + said
        finally:
            c.run([f"{c.bin}/pg_ctl", "-w", "-s", "-m", "immediate", "-D", c.path(name), "stop"])
            # The next one is not to follow it into its timeline.
            for file in os.listdir(c.path("archive")):
                if file.startswith("00000002"):
                    os.unlink(c.path("archive", file))
        return code, e, orders

    def test_the_last_segment(self):
        """Cut in its middle it ends replay as a whole one does."""
        c = self.cluster
        c.sql("alter system set archive_timeout = 0")  # it would begin a segment where none is expected
        c.sql("select pg_reload_conf()")
        base = self.backup()
        c.order(50)
        c.segment()
        c.order(50)
        cut = int(c.sql("select pg_walfile_name_offset(pg_current_wal_lsn())").strip("()").split(",")[1])
        c.order(50)
        last = c.segment()
        c.stop()
        asked = ("--basebackup", base, "--archive", c.path("archive"))
        with open(c.path("archive", last), "rb") as file:
            whole = file.read()
        with open(c.path("archive", last), "r+b") as file:
            file.write(whole[:cut] + bytes(len(whole) - cut))
        code, e, orders = self.earnestly("cut", *asked)
        self.assertEqual((code, e.failed(), orders), (1, ["wal"], "5100"), e.told())
        self.assertIn(f"in {last}, which is not whole", e.check("wal")["detail"])
        # Behind a restore command as well, although whether there are later ones can't be told there.
        code, e, orders = self.earnestly("cut-behind", "--basebackup", base, "--restore-command", f"cp {c.path('archive')}/%f %p")
        self.assertEqual((code, e.failed()), (1, ["wal"]), e.told())
        with open(c.path("archive", last), "r+b") as file:
            file.write(whole)
        code, e, orders = self.earnestly("whole", *asked)
        self.assertEqual((code, e.check("wal")["verdict"], orders), (0, "passed", "5150"), e.told())
        # One that was filled to its end, whose last record goes on in the next, is whole too.
        c.start()
        c.sql("insert into public.orders (note) select repeat(md5(n::text), 60) from generate_series(1, 20000) as n")
        c.segment()
        c.stop()
        filled = sorted(name for name in os.listdir(c.path("archive")) if len(name) == 24 and name > last)
        self.assertGreater(len(filled), 2)
        for name in filled[1:]:
            os.rename(c.path("archive", name), c.path(name))
        code, e, orders = self.earnestly("filled", *asked)
        self.assertEqual((code, e.check("wal")["verdict"]), (0, "passed"), e.told())
        c.start()

    def test_the_canary_goes_on(self):
        """Who watches the server sees that it is back and writes before the drill looks: that is not what came back."""
        c = self.cluster
        base = self.backup()
        c.order(50)
        first = c.beat()
        c.order(50)
        moment_of_it = c.sql("select clock_timestamp()") + ":00"
        c.order(50)
        last = c.beat()
        c.segment()
        c.stop()
        ended = datetime.datetime.now(datetime.timezone.utc)
        for name, copy, came_back, beat in (("moment", moment_of_it, "5100", first), ("newest", "newest", "5150", last)):
            command = (f"{c.bin}/pg_ctl -W -s -D {c.path(name)} -l {c.path(name)}.log start; "
                       f"until {c.bin}/psql -X -q -c 'update drwatch.heartbeat set beat = clock_timestamp(), seq = seq + 1'; do sleep 0.1; done 2> /dev/null")
            code, e, orders = self.earnestly(name, "--basebackup", base, "--archive", c.path("archive"), "--copy", copy, "--start-command", command,
                                             "--claim", stamp(beat), "--beat-every", "10m")
            self.assertEqual((code, orders, e["restored_by"]), (0, came_back, "transaction"), e.told())
            # The commit of the beat, or of what came behind it.
            self.assertGreaterEqual(moment(e["restored_to"]) + datetime.timedelta(milliseconds=1), beat, e.told())
            self.assertLess(moment(e["restored_to"]), moment(moment_of_it) if copy == moment_of_it else ended, e.told())
        c.start()

    def test_an_archive_in_folders(self):
        """What the drill finds in it a restore in earnest finds as well."""
        c = self.cluster
        base = self.backup()
        names = []
        for _ in range(4):
            c.order(50)
            names.append(c.segment())
        c.stop()
        for name, place in zip(names, (names[1][:16], "elsewhere/it's 100%", "elsewhere", "")):
            c.must(["mkdir", "-p", c.path("archive", place)])
            if place != "":
                c.must(["mv", c.path("archive", name), c.path("archive", place, name)])
        c.must(["gzip", c.path("archive", "elsewhere", names[2])])
        # On top counts more than in a folder.
        c.must(["sh", "-c", f"head -c 1000 {c.path('archive', names[3])} > {c.path('archive', 'elsewhere', names[3])}"])
        asked = ("--basebackup", base, "--archive", c.path("archive"))
        code, e, said = c.drill(*asked, "--at-least", "public.orders=5200")
        self.assertEqual(code, 0, e.told() + said)
        code, e, orders = self.earnestly("folders", *asked)
        self.assertEqual((code, e.check("wal")["verdict"], orders), (0, "passed", "5200"), e.told())
        c.start()

    def test_refused(self):
        """A server that runs, and a folder with something in it."""
        c = self.cluster
        base = self.backup()
        code, e, _ = c.drill("--basebackup", base, "--for-real", c.path("data"))
        self.assertEqual((code, e["verdict"]), (2, "aborted"))
        self.assertIn("a server runs", e["stopped"])
        c.stop()
        before = sorted(os.listdir(c.path("data")))
        code, e, _ = c.drill("--basebackup", base, "--for-real", c.path("data"))
        self.assertEqual(code, 2)
        self.assertIn("--move-old", e["stopped"])
        self.assertEqual(sorted(os.listdir(c.path("data"))), before)
        # Nothing is moved aside for a copy that is not there, or for which there is no room.
        os.makedirs(c.path("nothing"))
        for wrong in (["--basebackup", c.path("nothing")], ["--basebackup", base, "--copy", "2001-01-01T00:00:00Z"],
                      ["--basebackup", base, "--leave-free", "9000TB"]):
            code, e, _ = c.drill(*wrong, "--archive", c.path("archive"), "--for-real", c.path("data"), "--move-old")
            self.assertNotEqual(code, 0, wrong)
            self.assertEqual(sorted(os.listdir(c.path("data"))), before, wrong)
        # A target that the archive does not reach: the server ends, and it is said why.
        code, e, _ = c.drill("--basebackup", base, "--for-real", c.path("elsewhere"), "--archive", c.path("archive"), "--copy", "2100-01-01T00:00:00Z")
        self.assertEqual((code, e["verdict"]), (2, "aborted") if code == 2 else (1, "failed"), e.told())
        c.start()


def utc(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()


if __name__ == "__main__":
    unittest.main()
