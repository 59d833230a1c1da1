#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the restore drill reads, says and decides, without a PostgreSQL."""
import contextlib
import datetime
import io
import json
import os
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path = [str(ROOT / "drills"), *(p for p in sys.path if os.path.realpath(p or ".") != os.path.dirname(os.path.realpath(__file__)))]
sys.dont_write_bytecode = True
from restore import basebackup, copies, drill, dump, evidence, main, options, pgbackrest, programs, real, runner, scratch, server, unit, verify, wal, words  # noqa: E402

T = words.time_of("2026-03-01T02:11:00Z")


def hours(count):
    return datetime.timedelta(hours=count)


class Words(unittest.TestCase):
    def test_times(self):
        self.assertEqual(words.time_of("2026-03-01 03:11:00+01:00"), T)
        self.assertEqual(words.stamp(T), "2026-03-01T02:11:00.000Z")
        for wrong in ("2026-03-01T02:11:00", "yesterday", ""):
            self.assertRaises(words.Unusable, words.time_of, wrong)

    def test_durations_and_sizes(self):
        self.assertEqual([words.duration_of(t) for t in ("500ms", "90s", "1h30m", "90d")], [0.5, 90, 5400, 90 * 86400])
        self.assertEqual([words.size_of(t) for t in ("10", "1MiB", "20GB")], [10, 1 << 20, 20 * 1000**3])
        for wrong in ("", "5", "soon", "5 parsecs", "1h 3"):
            self.assertRaises(words.Unusable, words.duration_of, wrong)
        for wrong in ("", "many", "5 MBs"):
            self.assertRaises(words.Unusable, words.size_of, wrong)

    def test_what_is_shown(self):
        for text in ("connection to postgres://u:hunter2@db failed", "password=hunter2 host=x", "ALTER ROLE a PASSWORD 'hunter2'; b", "PASSWORD = 'hunter2'",
                     "aws_secret_access_key=hunter2", "passfile: hunter2"):
            self.assertNotIn("hunter2", words.shown(text), text)
        self.assertEqual(words.shown("password authentication failed for user"), "password authentication failed for user")
        self.assertEqual(words.shown("a\x1b[31mb\x00\r\nc"), "a [31mb c")
        self.assertEqual(len(words.shown("x" * 10000)), 400)
        self.assertEqual(words.shown(b"\xff"), "\ufffd")


class Choice(unittest.TestCase):
    def setUp(self):
        self.copies = [copies.Copy(str(n), T + hours(n)) for n in range(5)]

    def test_each(self):
        late = T + hours(100)
        self.assertEqual(copies.choose(self.copies, "newest", late)[0].label, "4")
        self.assertEqual(copies.choose(self.copies, "oldest", late)[0].label, "0")
        # As of the disaster: what was made later is not there.
        self.assertEqual(copies.choose(self.copies, "newest", T + hours(2.5))[0].label, "2")
        copy, target, chosen = copies.choose(self.copies, words.stamp(T + hours(1.5)), late)
        self.assertEqual((copy.label, target, chosen), ("1", T + hours(1.5), "point-in-time"))
        self.assertEqual({copies.choose(self.copies, "random", late, seed)[0].label for seed in range(50)}, set("01234"))
        for seed in range(50):
            copy, target, _ = copies.choose(self.copies, "moment", late, seed)
            self.assertLessEqual(copy.taken_at, target)
            self.assertLessEqual(target, late)
            self.assertEqual(copies.choose(self.copies, "moment", late, seed)[:2], (copy, target))

    def test_none(self):
        self.assertRaises(copies.NoCopy, copies.choose, [], "newest", T)
        self.assertRaises(copies.NoCopy, copies.choose, self.copies, "newest", T - hours(1))
        self.assertRaises(copies.NoCopy, copies.choose, self.copies, words.stamp(T - hours(1)), T + hours(9))
        self.assertRaises(words.Unusable, copies.choose, self.copies, words.stamp(T), T + hours(9), None, False)


class Segments(unittest.TestCase):
    def test_names(self):
        for size in (1 << 20, 16 << 20, 1 << 30):
            for number in (0, 1, 255, 256, 5000):
                self.assertEqual(wal.number_of(wal.name_of(3, number, size), size), number)
        self.assertEqual(wal.name_of(1, 256, 16 << 20), "000000010000000100000000")

    def staged(self, there, held=(), size=1 << 20, **more):
        """What is fetched of an archive that has these segments (of timeline 1): (verdict, words, count)."""
        with tempfile.TemporaryDirectory() as folder:
            class Store:
                def names(self):
                    return {wal.name_of(1, n, size): (size, n * 60.0) for n in there}

                def fetch(self, name, to, _):
                    with open(to, "wb") as file:
                        file.truncate(size)
                    return True
            bounds = runner.Bounds()
            bounds.folder = folder
            it = wal.Staged(Store(), os.path.join(folder, "wal"), wal.name_of(1, 5, size), 1, size, [wal.name_of(1, n, size) for n in held], **more)
            with evidence.Phase(evidence.Evidence(quiet()), "x") as phase:
                it.fetch(runner.Runner(bounds, folder), quiet(), phase)
            return (*it.said(), len(it.staged))

    def test_gaps(self):
        self.assertEqual(self.staged([5, 6, 7])[::2], ("passed", 3))
        self.assertEqual(self.staged([3, 4, 5, 6])[::2], ("passed", 2))
        verdict, said, count = self.staged([5, 6, 9, 10])
        self.assertEqual((verdict, count), ("failed", 2))
        self.assertIn(f"{wal.name_of(1, 7, 1 << 20)} to {wal.name_of(1, 8, 1 << 20)} are missing, and 2 segments", said)
        self.assertEqual(self.staged([6, 7])[0], "failed")
        self.assertEqual(self.staged([])[0], "failed")
        # What the copy brings with it need not be in the archive.
        self.assertEqual(self.staged([6, 7], held=[5])[::2], ("passed", 2))
        self.assertEqual(self.staged([], held=[5])[::2], ("passed", 0))
        self.assertEqual(self.staged([5, 8], held=[5, 6])[0], "failed")

    def test_as_of_and_until(self):
        self.assertEqual(self.staged(range(5, 30), as_of=words.of_epoch(8 * 60))[::2], ("passed", 4))
        # To the first that came after the target, and two more.
        self.assertEqual(self.staged(range(5, 30), until=words.of_epoch(8 * 60 + 1))[::2], ("passed", 7))

    def test_stretches(self):
        size = 16 << 20
        names = [wal.name_of(*it, size) for it in ((1, 254), (1, 255), (1, 256), (1, 258), (2, 256), (2, 257))]
        self.assertEqual(wal.stretches(reversed(names), size), [names[:3], names[3:4], names[4:]])

    def test_where_the_log_breaks_off(self):
        size, first = 1 << 20, wal.name_of(1, 5, 1 << 20)
        for said, number in (("error in WAL record at 0/4000028: incorrect resource manager data checksum in record at 0/40000A8", 64),
                             ("error in WAL record at 0/4FFFFF0: unexpected pageaddr 0/1000000 in log segment " + wal.name_of(1, 80, size) + ", offset 0", 80),
                             ("could not find a valid record after 1/0", 4096), ("killed, or something else", 5)):
            self.assertEqual(wal.broken_at("pg_waldump: error: " + said, first, size), number)

    def read(self, code, said, out="", staged=(5, 6, 7)):
        """What is made of pg_waldump's end, over the segments 4 (the copy's own) to 7."""
        size = 1 << 20
        with tempfile.TemporaryDirectory() as folder:
            for place, numbers in (("own", (4, 5)), ("staged", staged)):
                os.mkdir(os.path.join(folder, place))
                for number in numbers:
                    open(os.path.join(folder, place, wal.name_of(1, number, size)), "w").close()

            class Programs:
                path = staticmethod(lambda name: name)

            class Runner:
                run = staticmethod(lambda command, **_: runner.Done(code, out, said))
            links = wal.together(os.path.join(folder, "log"), os.path.join(folder, "own"), os.path.join(folder, "staged"))
            self.assertTrue(os.path.samefile(os.path.join(links, wal.name_of(1, 5, size)), os.path.join(folder, "staged" if 5 in staged else "own", wal.name_of(1, 5, size))))
            return wal.read_through(Runner, Programs, links, [wal.name_of(1, n, size) for n in staged], size)

    def test_the_log_is_read_before_it_is_replayed(self):
        self.assertEqual(self.read(0, ""), (None, None))
        self.assertEqual(self.read(0, "", 'desc: CREATE 16410 "/srv/space"'), ("/srv/space", None))
        place, wrong = self.read(1, "error in WAL record at 0/600028: invalid record length at 0/600060: wanted 24, got 0")
        self.assertEqual(place, None)
        self.assertIn(wal.name_of(1, 6, 1 << 20) + " can't be read to its end, and 1 segments behind", wrong)
        # The log that a copy brings with it ends somewhere.
        self.assertEqual(self.read(1, "error in WAL record at 0/500028: invalid record length at 0/500060: wanted 24, got 0", staged=()), (None, None))
        self.assertRaises(words.Unusable, self.read, -9, "")

    def test_what_lies_in_an_archive(self):
        with tempfile.TemporaryDirectory() as folder:
            names = ["000000010000000000000001", "000000010000000000000002.gz", "00000002.history", "000000010000000000000003.part", "x", "000000010000000000000004.partial"]
            for name in names:
                open(os.path.join(folder, name), "w").close()
            self.assertEqual(sorted(wal.Folder(folder).names()), ["000000010000000000000001", "000000010000000000000002", "00000002.history"])
        self.assertRaises(words.Unusable, wal.Folder, folder)


    def test_one_rule_for_the_drill_and_in_earnest(self):
        """The file that is read for a name is the same, wherever it lies and however often."""
        names = [f"0000000100000000000000{n:02X}" for n in range(9)]
        sub, other, another = names[0][:16], "b c's 100%", "a/deep"
        lie = [(names[0], "", "top"), (names[1], sub, "sub"), (names[2], other, "other"), (names[2], another, "another"), (names[3], sub, "sub"), (names[3], "", "top"),
               (names[4] + ".gz", "", "packed"), (names[4], sub, "sub"), (names[5] + ".xz", other, "packed"), (names[6] + ".bz2", sub, "packed"), (names[6] + ".gz", sub, "packed too"),
               (names[7], other, "other"), (names[7] + ".gz", other, "packed"), ("00000002.history", other, "history")]
        with tempfile.TemporaryDirectory(prefix="it's $HOME 5% ") as root, tempfile.TemporaryDirectory() as into:
            for name, place, text in lie:
                os.makedirs(os.path.join(root, "archive", place), exist_ok=True)
                with wal.Folder.OPEN.get(os.path.splitext(name)[1], open)(os.path.join(root, "archive", place, name), "wb") as file:
                    file.write(text.encode())
            os.symlink("archive", os.path.join(root, "link"))
            for folder in ("archive", "link", "archive/"):
                archive = wal.Folder(os.path.join(root, folder))
                found = archive.names()
                self.assertEqual(len(found), 9)
                asked = runner.Runner(runner.Bounds(), into)
                for name in [*names, "00000002.history"]:
                    read = {}
                    for how in (archive, wal.Command(archive.restore_command())):
                        to = os.path.join(into, "fetched")
                        if os.path.exists(to):
                            os.unlink(to)
                        read[how] = how.fetch(name, to, asked) and pathlib.Path(to).read_text()
                    one, two = read.values()
                    self.assertEqual(one, two, f"{name} in {folder}")
                    self.assertEqual(bool(one), name in found, name)


class Said(unittest.TestCase):
    def test_verdicts(self):
        for checks, verdict in (([], "partial"), ([("a", "passed")], "passed"), ([("a", "passed"), ("b", "failed", False)], "failed"),
                                ([("a", "skipped")], "partial"), ([("a", "skipped", False)], "passed"), ([("a", "timed-out")], "partial"),
                                ([("a", "timed-out"), ("b", "failed")], "failed")):
            it = evidence.Evidence(quiet())
            for name, said, *mandatory in checks:
                it.check(name, said, "", *mandatory)
            self.assertEqual(it.verdict(), verdict, checks)
        it.stopped = "by somebody"
        self.assertEqual((it.verdict(), evidence.EXIT[it.verdict()]), ("aborted", 2))

    def test_a_fault_of_its_own_is_no_verdict_about_the_copy(self):
        with tempfile.TemporaryDirectory() as folder:
            path, kept, user = os.path.join(folder, "evidence.json"), main.within_bounds, os.geteuid
            os.geteuid = lambda: 1000
            try:
                def broken(*_):
                    raise KeyError("backup")
                main.within_bounds = broken
                with contextlib.redirect_stderr(io.StringIO()):
                    code = main.main(["--dump", folder, "--evidence", path])
            finally:
                main.within_bounds, os.geteuid = kept, user
            with open(path, encoding="utf-8") as file:
                found = json.load(file)
            self.assertEqual((code, found["verdict"]), (2, "aborted"))
            self.assertIn("KeyError", found["stopped"])

    def test_a_manifest_that_was_not_compared(self):
        """Killed it says nothing; releases before 15 say `fatal`."""
        for code, said, verdict in ((0, "", "passed"), (1, 'pg_verifybackup: error: "tablespace_map" has size 1 on disk but size 2 in the manifest', "passed"),
                                    (1, 'pg_verifybackup: error: "PG_VERSION" is missing', "failed"), (-9, "", "failed"),
                                    (1, "pg_verifybackup: fatal: manifest checksum mismatch", "failed")):
            with tempfile.TemporaryDirectory() as folder:
                open(os.path.join(folder, "backup_manifest"), "w").close()
                it = drill.Drill.__new__(drill.Drill)
                it.evidence, it.data = evidence.Evidence(quiet()), folder

                class source:
                    reads = "basebackup"

                class those:
                    has, path = staticmethod(lambda name: True), staticmethod(lambda name: name)

                class fake:
                    run = staticmethod(lambda command: runner.Done(code, "", said))
                it.source, it.programs, it.runner = source, those, fake
                it.manifest()
                self.assertEqual(it.evidence.found("manifest"), verdict, said)

    def test_what_came_back_is_of_after_the_disaster(self):
        """Then nothing was measured of what would have been lost, and no claim was tried."""
        for restored, verdicts, lost in ((T - hours(1), ["passed", "passed"], 3600.0), (T + hours(1), ["skipped", "skipped"], None)):
            asked = options.checked(options.read(["--basebackup", "/x", "--restore-command", "x", "--disaster-at", words.stamp(T), "--claim", words.stamp(T - hours(1)),
                                                  "--rpo", "2h"]))
            e = evidence.Evidence(quiet())
            e.disaster_at, e.claim = T, {"recovery_point": words.stamp(T - hours(1)), "source": "archive"}

            class answers:
                ask = staticmethod(lambda *_: [[words.stamp(restored), "7"]])
            questions = verify.Questions(asked, e, answers, 10)
            questions.canary = "postgres"
            questions.beat((None, None))
            questions.claims()
            self.assertEqual(([e.found("claim"), e.found("rpo")], e.lost), (verdicts, lost))
            self.assertEqual(e.verdict(), "passed" if lost else "partial")

    def test_mandatory_and_optional(self):
        it = evidence.Evidence(quiet(), mandatory=["a"], optional=["b"])
        it.check("a", "skipped", mandatory=False)
        self.assertEqual(it.verdict(), "partial")
        it = evidence.Evidence(quiet(), optional=["b"])
        it.check("b", "skipped")
        self.assertEqual(it.verdict(), "passed")

    def test_the_document_is_whole(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "evidence.json")
            it = evidence.Evidence(quiet())
            it.check("a", "passed", "\x1b]0;x\x07 \udcff")
            it.write(path)
            with open(path, encoding="ascii") as file:
                found = json.load(file)
            self.assertEqual(os.listdir(folder), ["evidence.json"])
            self.assertEqual(set(found), {"drwatch_drill", "kind", "verdict", "began_at", "ended_at", "copy", "disaster_at", "target", "claim", "restored_to", "restored_by",
                                          "measured", "checks", "machine", "postgresql", "classes"})


class Asked(unittest.TestCase):
    def test_wrong(self):
        base = ["--dump", "/nowhere"]
        for wrong in ([], [*base, "--pgbackrest", "main"], [*base, "--copy", "sometime"], [*base, "--rto", "5"], [*base, "--check", "x"], [*base, "--at-least", "t=many"],
                      [*base, "--class", "storm"], [*base, "--control", "fire"], [*base, "--for-real", "/x"], [*base, "--protects", "password=x"],
                      ["--basebackup", "/x", "--for-real", "/y", "--control"], [*base, "--seed", "x"], [*base, "--max-disk", "much"],
                      [*base, "--optional", "replay"], [*base, "--unit", "clinic"], ["--unit", "../clinic"]):
            with self.assertRaises(words.Unusable, msg=wrong):
                asked = options.checked(options.read(wrong))
                unit.hand_on(asked, quiet())

    def test_every_flag_is_documented(self):
        """As the program itself tells them: the table is made of the same rows."""
        text = (ROOT / "docs" / "restore-drill.md").read_text()
        for name, takes, default, meaning in options.rows():
            many, yes = default is options.MANY, takes is options.YES
            row = f"| `--{name}`{'' if yes else ' ' + takes}{' ...' if many else ''} | {meaning}{f' (default {default})' if default and not many else ''} |"
            self.assertIn(row, text)

    def test_labels(self):
        found = programs.read_label("START WAL LOCATION: 0/4000028 (file 000000010000000000000004)\nSTART TIME: 2026-03-01 02:11:00 UTC\nSTART TIMELINE: 1\n")
        self.assertEqual((found["segment"], found["timeline"], basebackup.moment_of(found["begun"])), ("000000010000000000000004", 1, T))
        self.assertIsNone(programs.read_label("nonsense"))
        self.assertIsNone(basebackup.moment_of("2026-03-01 02:11:00 XYZ"))

    def test_errors_of_a_dump(self):
        said = 'psql:x:1: ERROR:  role "postgres" already exists\npsql:x:2: ERROR:  role "a" does not exist\nLINE 1\nWARNING: error soon'
        self.assertEqual(len(dump.errors(said, "postgres")), 1)


class Earnest(unittest.TestCase):
    def test_as_the_server_reads_it(self):
        """A backslash begins an escape in postgresql.conf; a shell and a percent sign come after."""
        self.assertEqual(real.quoted("a 'b' \\n"), "'a ''b'' \\\\n'")
        it = pgbackrest.PgBackRest("main", "/etc/my conf", None, "/x", None)
        it.bound = "/srv/100% mine"
        self.assertIn("'--config=/etc/my conf' '--pg1-path=/srv/100%% mine' archive-get %f", it.restore_command())

    def test_tablespaces_are_for_a_person(self):
        with tempfile.TemporaryDirectory() as folder:
            plain, tar, without = (os.path.join(folder, name) for name in ("plain", "tar", "without"))
            for place in (plain, tar, without):
                os.makedirs(os.path.join(place, "pg_tblspc"))
                open(os.path.join(place, "backup_label"), "w").close()
            os.symlink("/srv/space", os.path.join(plain, "pg_tblspc", "16410"))
            for name in ("base.tar", "16410.tar.gz"):
                open(os.path.join(tar, name), "w").close()
            found = {name: basebackup.BaseBackup.tablespaces(copies.Copy(name, T, place=os.path.join(folder, name))) for name in ("plain", "tar", "without")}
            self.assertEqual(found, {"plain": ["16410"], "tar": ["16410"], "without": []})


class Scratch(unittest.TestCase):
    def test_the_memory_of_another_server_stays(self):
        """A copy may bring production's postmaster.pid with it, with production's number in it."""
        import ctypes
        libc = ctypes.CDLL(None)
        number = libc.shmget(0, 4096, 0o1600)
        self.assertGreaterEqual(number, 0)
        try:
            with tempfile.TemporaryDirectory() as folder:
                os.mkdir(os.path.join(folder, "data"))
                for data, found in (("/var/lib/postgresql/15/main", []), (os.path.join(folder, "data"), [number])):
                    with open(os.path.join(folder, "data", "postmaster.pid"), "w", encoding="utf-8") as file:
                        file.write(f"{os.getpid()}\n{data}\n1\n5432\n/s\n\n  1234 {number}\nready\n")
                    self.assertEqual(scratch.shared_memory(folder), found)
        finally:
            libc.shmctl(number, 0, None)

    def test_only_what_a_drill_made_is_removed(self):
        with tempfile.TemporaryDirectory() as root:
            for name in ("drill-mine", "other"):
                os.mkdir(os.path.join(root, name))
                open(os.path.join(root, name, "precious"), "w").close()
            os.mkdir(os.path.join(root, "elsewhere"))
            os.symlink(os.path.join(root, "elsewhere"), os.path.join(root, "drill-link"))
            self.assertEqual(scratch.clean(root), [])
            self.assertEqual(sorted(os.listdir(root)), ["drill-link", "drill-mine", "elsewhere", "other"])
            it = scratch.Scratch(root)
            os.mkdir(it.path("closed"), 0o000)
            self.assertEqual(it.remove(), [])
            self.assertEqual(sorted(os.listdir(root)), ["drill-link", "drill-mine", "elsewhere", "other"])


def quiet():
    return evidence.Progress(io.StringIO())


if __name__ == "__main__":
    unittest.main()
