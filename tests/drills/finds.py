#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a restore drill has to find, each on a real PostgreSQL: base backups, their archive, and the bounds of the drill itself."""
import glob
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cluster import Cluster, moment, stamp  # noqa: E402


class Archive(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = c = Cluster()
        cls.addClassCleanup(c.gone)
        c.prepare()
        c.sql("create function public.interfaces() returns bigint language plpgsql as $$ begin create temp table n (line text) on commit drop; "
              "copy n from program 'tail -n +3 /proc/net/dev'; return (select count(*) from n where line !~ '^\\s*lo:'); end $$")
        cls.base = c.base_backup()
        cls.beats, cls.names = [], []
        for _ in range(3):
            c.order()
            cls.beats.append(c.beat())
            cls.names.append(c.segment())

    def drill(self, *arguments, archive=True, **more):
        return self.cluster.drill("--basebackup", self.base, *(["--archive", self.cluster.path("archive")] if archive else []), *arguments, **more)

    def assertSaid(self, e, name, verdict, *words):
        check = e.check(name)
        self.assertEqual(check["verdict"], verdict, e.told())
        for word in words:
            self.assertIn(word, check["detail"])

    def test_a_target_beyond_the_archive(self):
        code, e, _ = self.drill("--copy", "2100-01-01T00:00:00Z")
        self.assertEqual((code, e["verdict"]), (1, "failed"), e.told())
        self.assertSaid(e, "replay", "failed", "recovery ended before configured recovery target was reached")

    def test_a_target_before_every_copy(self):
        code, e, _ = self.drill("--copy", "2001-01-01T00:00:00Z")
        self.assertEqual(code, 1)
        self.assertSaid(e, "copy", "failed", "before it")

    def test_too_little_disk(self):
        code, e, _ = self.drill("--max-disk", "1MB")
        self.assertEqual((code, e["verdict"]), (2, "aborted"), e.told())
        self.assertSaid(e, "disk", "failed", "--max-disk")
        self.assertEqual(self.cluster.left(), [])
        # Enough for the copy and not for its log: stopped on the way.
        code, e, _ = self.drill("--max-disk", str(int(e_size(self.base)) + (24 << 20)))
        self.assertEqual((code, e["verdict"]), (2, "aborted"), e.told())
        self.assertIn("--max-disk", e["stopped"])
        code, e, _ = self.drill("--leave-free", "1000TB")
        self.assertEqual((code, e["verdict"]), (2, "aborted"))
        self.assertEqual(self.cluster.left(), [])

    def test_longer_than_the_rto(self):
        code, e, _ = self.drill("--rto", "10ms")
        self.assertEqual((code, e["verdict"], e.failed()), (1, "failed", ["rto"]), e.told())
        # Not even at its end when the time is over.
        code, e, _ = self.drill("--restore-command", "sleep 30; false", "--rto", "1s", "--max-time", "4s", archive=False)
        self.assertEqual((code, e["verdict"]), (1, "failed"), e.told())
        self.assertSaid(e, "rto", "failed", "not restored after")
        # Without an objective, out of time proves nothing either way.
        code, e, _ = self.drill("--restore-command", "sleep 30; false", "--max-time", "4s", archive=False)
        self.assertEqual((code, e["verdict"]), (2, "aborted"), e.told())
        self.assertEqual(self.cluster.left(), [])

    def test_older_than_its_schedule(self):
        code, e, _ = self.drill("--schedule-age", "1ms")
        self.assertEqual((code, e.failed()), (1, ["schedule"]), e.told())
        self.assertSaid(e, "replay", "passed")

    def test_as_of_the_disaster(self):
        """What came later is not there yet: neither segments nor copies."""
        c = self.cluster
        after_first = os.stat(c.path("archive", self.names[0])).st_mtime + 0.0001
        at = moment(c.sql(f"select to_timestamp({after_first}) at time zone 'UTC'") + "+00:00")
        code, e, _ = self.drill("--disaster-at", stamp(at), "--claim", stamp(self.beats[0]), "--beat-every", "0s")
        self.assertEqual(code, 0, e.told())
        self.assertLess(abs((moment(e["restored_to"]) - self.beats[0]).total_seconds()), 0.002)
        code, e, _ = self.drill("--disaster-at", "2001-01-01T00:00:00Z")
        self.assertEqual((code, e.failed()), (1, ["copy"]), e.told())

    def test_through_a_restore_command(self):
        """It can't be listed: a gap is seen by what came back, against what was claimed."""
        c = self.cluster
        cp = f"cp {c.path('archive')}/%f %p"
        code, e, _ = self.drill("--restore-command", cp, "--claim", stamp(self.beats[-1]), archive=False)
        self.assertEqual(code, 0, e.told())
        gap = f"test %f != {self.names[1]} && {cp}"
        code, e, _ = self.drill("--restore-command", gap, "--claim", stamp(self.beats[-1]), "--beat-every", "0s", archive=False)
        self.assertEqual((code, e.failed()), (1, ["claim"]), e.told())

    def test_a_short_segment(self):
        c = self.cluster
        whole, short = c.path("archive", self.names[2]), c.path("archive", self.names[2] + ".kept")
        os.rename(whole, short)
        try:
            c.must(["sh", "-c", f"head -c 100000 {short} > {whole}"])
            code, e, _ = self.drill()
        finally:
            os.replace(short, whole)
        self.assertEqual(code, 1, e.told())
        self.assertSaid(e, "wal", "failed", self.names[2], "100000 bytes")

    def test_a_segment_that_changed(self):
        """As long as it has to be, and replay ends in it as if it were the end of the log."""
        c = self.cluster
        with open(c.path("archive", self.names[1]), "r+b") as file:
            whole = file.read()
            file.seek(200)
            file.write(b"\x5a" * 40)
        try:
            code, e, _ = self.drill()
        finally:
            with open(c.path("archive", self.names[1]), "r+b") as file:
                file.write(whole)
        self.assertEqual((code, e.failed()), (1, ["wal"]), e.told())
        self.assertSaid(e, "wal", "failed", self.names[1], "1 segments behind are out of reach")
        self.assertSaid(e, "replay", "passed")

    def test_without_a_network(self):
        """What runs in the copy sees no interface but the loopback of its own."""
        with open("/proc/net/dev", encoding="ascii") as file:
            if len(file.readlines()) <= 3:
                self.skipTest("this machine has no network")
        code, e, _ = self.drill("--check", "alone=select interfaces() = 0", "--check", "off=select current_setting('archive_mode') = 'off'",
                                "--check", "closed=select current_setting('listen_addresses') = ''")
        if e["machine"]["isolation"] == "unix-socket-only":
            print("SKIPPED restore drill without a network: no network namespace may be made here")
            return
        self.assertEqual(code, 0, e.told())

    def test_so_much_memory(self):
        """A statement that wants more than a process may have fails; the drill goes on."""
        code, e, _ = self.drill("--max-memory", "800MiB", "--check", "quarter=select current_setting('shared_buffers') = '200MB'",
                                "--check", "much=select length(repeat('x', 500000000) || repeat('y', 300000000)) > 0")
        self.assertEqual((code, e.failed()), (1, ["invariant-much"]), e.told())
        self.assertIn("memory", e.check("invariant-much")["detail"])

    def test_an_invariant(self):
        code, e, _ = self.drill("--check", "many=select count(*) > 1000000 from orders", "--check", "wrong=select nonsense", "--at-least", "orders=9999999",
                                "--check", "slow=select pg_sleep(60) is null", "--check-time", "5s")
        self.assertEqual((code, e.failed()), (1, ["count-orders", "invariant-many", "invariant-wrong"]), e.told())
        self.assertSaid(e, "invariant-slow", "timed-out")

    def test_missing_roles_and_extensions(self):
        code, e, _ = self.drill("--role", "clinic", "--role", "nobody_made_it", "--extension", "postgis")
        self.assertEqual((code, e.failed()), (1, ["extensions", "roles"]), e.told())
        self.assertSaid(e, "roles", "failed", "nobody_made_it")
        self.assertSaid(e, "extensions", "failed", "postgis")

    def test_control(self):
        """Planted faults are found; a drill that could not find one says that it can't fail."""
        for arguments, by in ((["--control"], "checksums"), (["--control", "gap"], "wal")):
            code, e, _ = self.drill(*arguments)
            self.assertEqual((code, e["verdict"], e["control"]["found"], e["classes"]), (1, "failed", True, []), e.told())
            self.assertIn(by, e["control"]["by"])
        # No claim, and an archive that can't be listed: nothing would see a gap.
        code, e, _ = self.drill("--restore-command", f"cp {self.cluster.path('archive')}/%f %p", "--control", "gap", archive=False)
        self.assertEqual((code, e["verdict"], e["control"]["found"]), (2, "aborted", False), e.told())
        code, e, _ = self.drill("--control", "truncated")
        self.assertEqual(code, 2)

    def test_asked_by_a_file(self):
        c = self.cluster
        c.must(["sh", "-c", "cat > drill.toml"], feed=f"""
basebackup = "copies/base"
archive = "archive"
claim = {stamp(self.beats[-1])}
beat-every = "1s"
class = ["host"]
at-least = {{ orders = 5000 }}
[check]
orders = "select count(*) > 0 from orders"
""")
        code, e, _ = c.drill("--file", c.path("drill.toml"))
        self.assertEqual(code, 0, e.told())
        self.assertEqual([e.check(n)["verdict"] for n in ("claim", "invariant-orders", "count-orders")], ["passed"] * 3)
        for wrong, said in (("nonsense = 1", "there is no nonsense"), ("basebackup = ", "Invalid"), ("rto = 'soon'", "no duration"), ("claim = 2026-01-01T00:00:00", "offset")):
            c.must(["sh", "-c", "cat > wrong.toml"], feed=wrong)
            code, e, _ = c.drill("--file", c.path("wrong.toml"), "--basebackup", self.base)
            self.assertEqual((code, e["verdict"]), (2, "aborted"), wrong)
            self.assertIn(said, e["stopped"])

    def test_no_secret_on_the_command_line(self):
        for dsn in ("host=db password=hunter2", "postgres://u:hunter2@db/x", "host=db PASSWORD = hunter2"):
            code, e, said = self.drill("--protects", dsn)
            self.assertEqual(code, 2)
            self.assertNotIn("hunter2", said + e.told())
            self.assertIn("PGPASSFILE", e["stopped"])

    def test_protection_is_compared(self):
        c = self.cluster
        where = f"host={c.path('s')} user=postgres"
        code, e, _ = self.drill("--protects", where, "--check", "meanwhile=select pg_sleep(0) is not null")
        self.assertEqual(code, 0, e.told())
        # A slot that comes while the drill runs holds log back; here the copy's own check makes it, in production's stead.
        drill = c.begin("--basebackup", self.base, "--archive", c.path("archive"), "--protects", where, "--check", "slow=select pg_sleep(3) is not null")
        try:
            for line in drill.stderr:
                if line.startswith("fetch: begins"):
                    c.sql("select pg_create_physical_replication_slot('left_behind', true)")
            self.assertEqual(drill.wait(1200), 1)
        finally:
            drill.stderr.close()
            c.sql("select pg_drop_replication_slot('left_behind')")
        time.sleep(0.1)
        code, e, _ = self.drill("--protects", where, "--max-exposure", "50ms")
        self.assertEqual((code, e["verdict"]), (2, "aborted"), e.told())
        self.assertIn("--max-exposure", e["stopped"])
        # Nothing was archived since it counts, so that there is no moment of the last: that is no less of an exposure.
        c.sql("select pg_stat_reset_shared('archiver')")
        c.until(lambda: c.sql("select clock_timestamp() - stats_reset > '50ms' and last_archived_time is null from pg_stat_archiver") == "t", "it counts anew")
        code, e, _ = self.drill("--protects", where, "--max-exposure", "50ms")
        self.assertEqual((code, e["verdict"]), (2, "aborted"), e.told())
        self.assertIn("since it counts", e["stopped"])
        code, e, _ = self.drill("--protects", f"host={c.path('nowhere')}")
        self.assertEqual((code, e["verdict"]), (3, "partial"), e.told())
        self.assertSaid(e, "protection", "skipped")

    def killed(self, *numbers):
        """A drill whose server is up, and then the drill, or it and its guardian, are gone. Returns who made the server's shared memory, and its number."""
        c = self.cluster
        drill = c.begin("--basebackup", self.base, "--archive", c.path("archive"), "--check", "slow=select pg_sleep(600) is null")
        for line in drill.stderr:
            if line.startswith("checks: begins"):
                break
        self.assertTrue([line for line in c.left() if line.startswith("process")])
        with open(f"/proc/{drill.pid}/task/{drill.pid}/children", encoding="ascii") as file:
            guardian = int(file.read().split()[0])
        with open(max(glob.glob(c.path("scratch", "*", "data", "postmaster.pid")), key=os.path.getmtime), encoding="utf-8") as file:
            lines = file.read().splitlines()
        shared = (int(lines[0]), int(lines[6].split()[1]))
        self.assertIn(shared, shared_memory())
        for number in numbers:
            os.kill({"drill": drill.pid, "guardian": guardian}[number], signal.SIGKILL)
        drill.wait(300)
        drill.stderr.close()
        return shared

    def test_killed(self):
        """Its guardian removes everything at once; when both are killed the next drill does."""
        c = self.cluster
        shared = [self.killed("drill")]
        c.until(lambda: not c.left(), "the guardian has removed everything")
        shared.append(self.killed("guardian", "drill"))
        self.assertTrue(c.left())
        code, e, said = self.drill()
        self.assertEqual(code, 0, e.told())
        self.assertIn("which a drill that was killed had left", said)
        self.assertEqual(c.left(), [])
        self.assertEqual(shared_memory() & set(shared), set())
        self.assertEqual(c.sql("select 1"), "1")

    def test_stopped(self):
        c = self.cluster
        drill = c.begin("--basebackup", self.base, "--archive", c.path("archive"), "--check", "slow=select pg_sleep(600) is null")
        for line in drill.stderr:
            if line.startswith("checks: begins"):
                drill.send_signal(signal.SIGTERM)
        self.assertEqual(drill.wait(1200), 2)
        drill.stderr.close()
        self.assertEqual(c.left(), [])

    def test_two_at_once(self):
        """One does not take the other for dead."""
        c = self.cluster
        drill = c.begin("--basebackup", self.base, "--archive", c.path("archive"), "--check", "slow=select pg_sleep(8) is not null")
        for line in drill.stderr:
            if line.startswith("checks: begins"):
                code, e, said = c.drill("--basebackup", self.base, "--archive", c.path("archive"))
                self.assertEqual(code, 0, e.told() + said)
        self.assertEqual(drill.wait(1200), 0)
        drill.stderr.close()
        self.assertEqual(c.left(), [])


def e_size(folder):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


def shared_memory():
    """The segments that there are: (who made it, its number)."""
    with open("/proc/sysvipc/shm", encoding="ascii") as file:
        return {(int(row[4]), int(row[1])) for row in (line.split() for line in file.readlines()[1:])}


if __name__ == "__main__":
    unittest.main()
