#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a restore drill has to find in the copy itself, each with a cluster of its own on a real PostgreSQL."""
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cluster import Cluster, moment, stamp  # noqa: E402


class Copies(unittest.TestCase):
    def cluster(self, **more):
        c = Cluster(**more)
        self.addCleanup(c.gone)
        c.prepare()
        return c

    def corrupt(self, c, table="orders"):
        """Smashes a page of a table on the disk while nobody has it in memory."""
        where = c.path("data", c.sql(f"checkpoint; select pg_relation_filepath('{table}')"))
        c.stop()
        with open(where, "r+b") as file:
            file.seek(8192 * 3 + 400)
            file.write(b"\x5a" * 300)
        c.start()

    def test_a_backup_of_a_corrupt_cluster(self):
        """Taken without looking at checksums, its manifest vouches for the broken bytes."""
        c = self.cluster()
        self.corrupt(c)
        base = c.base_backup("base", "--no-verify-checksums")
        code, e, _ = c.drill("--basebackup", base)
        self.assertEqual((code, e["verdict"]), (1, "failed"), e.told())
        self.assertEqual(e.check("manifest")["verdict"], "passed")
        self.assertIn("checksums", e.failed())
        self.assertIn("amcheck", e.failed())

    def test_without_checksums_the_sentinel_sees_it(self):
        c = self.cluster(checksums=False)
        where = c.path("data", c.sql("checkpoint; select pg_relation_filepath('drwatch.sentinel')"))
        c.stop()
        with open(where, "r+b") as file:
            file.seek(8192 * 3 + 7000)
            file.write(b"zzzz")
        c.start()
        code, e, _ = c.drill("--basebackup", c.base_backup())
        self.assertEqual((code, e.failed()), (1, ["sentinel"]), e.told())
        self.assertEqual(e.check("checksums")["verdict"], "skipped")

    def test_a_file_of_the_copy_that_changed(self):
        c = self.cluster()
        base = c.base_backup()
        with open(os.path.join(base, c.sql("select pg_relation_filepath('orders')")), "r+b") as file:
            file.seek(5000)
            file.write(b"!")
        code, e, _ = c.drill("--basebackup", base)
        self.assertEqual(code, 1)
        self.assertIn("manifest", e.failed())

    def test_no_canary(self):
        c = self.cluster()
        c.sql("drop schema drwatch cascade")
        code, e, _ = c.drill("--basebackup", c.base_backup())
        self.assertEqual((code, e["verdict"], e.check("beat")["verdict"]), (3, "partial", "skipped"), e.told())
        self.assertIn(e["restored_by"], ("transaction", "copy"))
        code, e, _ = c.drill("--basebackup", c.path("copies", "base"), "--optional", "beat")
        self.assertEqual((code, e["verdict"]), (0, "passed"), e.told())

    def test_an_extension_that_this_machine_has_not(self):
        c = self.cluster(conf="allow_system_table_mods = on")
        c.sql("create extension amcheck; update pg_extension set extname = 'nowhere' where extname = 'amcheck'")
        code, e, _ = c.drill("--basebackup", c.base_backup(), "--optional", "amcheck")
        self.assertEqual(code, 1)
        self.assertIn("extensions", e.failed())
        self.assertIn("nowhere", e.check("extensions")["detail"])

    def test_tablespaces_stay_in_the_scratch_folder(self):
        c = self.cluster(conf="autovacuum = off")  # which makes files there of its own accord
        place = c.path("space")
        c.must(["mkdir", place])
        c.sql(f"create tablespace wide location '{place}'")
        c.sql("create table far (id int) tablespace wide; insert into far select generate_series(1, 1000)")
        c.must([f"{c.bin}/pg_basebackup", "-c", "fast", "-D", c.path("copies", "plain"), "-T", f"{place}={c.path('copies', 'plain-space')}"])
        c.must([f"{c.bin}/pg_basebackup", "-c", "fast", "-Ft", "-z", "-D", c.path("copies", "tar")])
        c.sql("insert into far select generate_series(1, 1000)")
        c.segment()
        before = files(place)
        for copy in ("plain", "tar"):
            code, e, _ = c.drill("--basebackup", c.path("copies", copy), "--archive", c.path("archive"), "--at-least", "far=2000")
            self.assertEqual(code, 0, copy + e.told())
            self.assertEqual(files(place), before)
        # One that is made in the log would be made where production has it.
        c.must(["mkdir", place + "2"])
        c.sql(f"create tablespace later location '{place}2'")
        c.segment()
        code, e, _ = c.drill("--basebackup", c.path("copies", "tar"), "--archive", c.path("archive"))
        self.assertEqual((code, e["verdict"]), (3, "partial"), e.told())
        self.assertIn("space2", e.check("replay")["detail"])

    def test_a_tablespace_that_is_made_while_the_copy_is(self):
        """Its making lies in the log that the copy itself brings: also without an archive it is not replayed into production's files."""
        c = self.cluster(conf="autovacuum = off")
        place, base = c.path("space"), c.path("copies", "base")
        c.must(["mkdir", place])
        taking = subprocess.Popen([*c.owner, "env", "-i", *(f"{k}={v}" for k, v in c.env.items()), f"{c.bin}/pg_basebackup", "-c", "fast", "-D", base, "--max-rate", "4M"], cwd=c.folder)
        c.until(lambda: os.path.exists(os.path.join(base, "backup_label")), "the copy is begun")
        c.sql(f"create tablespace later location '{place}'")
        c.sql("create table far (id int) tablespace later; insert into far select generate_series(1, 1000)")
        self.assertIsNone(taking.poll(), "the copy was made too soon")
        self.assertEqual(taking.wait(), 0)
        c.sql("checkpoint")
        def written():
            return [(file, os.stat(file).st_mtime_ns) for file in files(place)]
        before = written()
        code, e, _ = c.drill("--basebackup", base)
        self.assertEqual(written(), before)
        self.assertIn(place, e.check("replay")["detail"], e.told())

    def test_a_standby_copy_with_jobs(self):
        """A copy with a standby's settings, pg_cron loaded and a subscription does none of it."""
        if not os.path.exists("/usr/lib/postgresql/15/lib/pg_cron.so"):
            self.skipTest("postgresql-15-cron is not installed")
        c = self.cluster(conf="shared_preload_libraries = 'pg_cron'\ncron.use_background_workers = on")
        c.sql("create extension pg_cron; select cron.schedule('each', '* * * * *', 'insert into orders (note) values (''by cron'')')")
        base = c.base_backup("base", "-R")
        code, e, _ = c.drill("--basebackup", base, "--check", "no-cron=select count(*) = 0 from pg_stat_activity where backend_type ~ 'cron|logical'",
                             "--check", "no-preload=select current_setting('shared_preload_libraries') = ''", "--check", "primary=select not pg_is_in_recovery()",
                             "--check", "no-source=select current_setting('primary_conninfo') = ''")
        self.assertEqual(code, 0, e.told())

    def test_after_a_promotion(self):
        """The log goes on in a new timeline; the drill follows it."""
        c = self.cluster()
        base = c.base_backup()
        c.order()
        c.segment()
        c.stop()
        c.must(["touch", c.path("data", "standby.signal")])
        c.start()
        c.must([f"{c.bin}/pg_ctl", "-w", "-D", c.path("data"), "promote"])
        c.order(100)
        last = c.beat()
        c.segment()
        c.until(lambda: os.path.exists(c.path("archive", "00000002.history")), "the history is archived")
        code, e, _ = c.drill("--basebackup", base, "--archive", c.path("archive"), "--claim", stamp(last), "--beat-every", "0s")
        self.assertEqual(code, 0, e.told())

    def test_random_and_oldest(self):
        c = self.cluster()
        for name in ("one", "two"):
            c.base_backup(name)
            c.order(10)
            last = c.beat()
            c.segment()
            time.sleep(1.1)  # backup_label tells seconds
        for how, label in (("newest", "two"), ("oldest", "one")):
            code, e, _ = c.drill("--basebackup", c.path("copies"), "--archive", c.path("archive"), "--copy", how)
            self.assertEqual((code, e["copy"]["label"], e["copy"]["of"]), (0, label, 2), e.told())
        code, e, _ = c.drill("--basebackup", c.path("copies"), "--archive", c.path("archive"), "--copy", "random", "--seed", "7")
        self.assertEqual((code, e["copy"]["chosen"]), (0, "random"), e.told())
        code, e, _ = c.drill("--basebackup", c.path("copies"), "--archive", c.path("archive"), "--copy", "moment", "--seed", "3",
                             "--claim", stamp(last), "--beat-every", "1h")
        self.assertEqual((code, e["copy"]["chosen"]), (0, "point-in-time"), e.told())
        self.assertLessEqual(moment(e["target"]), moment(e["began_at"]))


def files(folder):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)


if __name__ == "__main__":
    unittest.main()
