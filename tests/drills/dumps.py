#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The restore drill from dumps of every kind, whole and broken."""
import os
import shutil
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cluster import Cluster  # noqa: E402


class Dumps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = c = Cluster()
        cls.addClassCleanup(c.gone)
        c.must([f"{c.bin}/createdb", "shop"])
        c.prepare()
        c.sql("create table public.goods (id int primary key, name text); insert into goods select n, md5(n::text) from generate_series(1, 3000) n; alter table goods owner to clinic", "shop")
        cls.at = c.path("copies")
        for command in (f"pg_dump -Fc -f {cls.at}/custom postgres", f"pg_dump -Fd -f {cls.at}/folder postgres", f"pg_dump -f {cls.at}/plain.sql postgres",
                        f"pg_dump -C -f {cls.at}/create.sql shop", f"pg_dump -Fc -f {cls.at}/shop.dump shop", f"pg_dumpall -f {cls.at}/all.sql",
                        f"pg_dumpall --globals-only -f {cls.at}/globals"):
            c.must([f"{c.bin}/{command.split()[0]}", *command.split()[1:]])
        c.must(["sh", "-c", f"cd {cls.at} && gzip -k plain.sql && xz -k plain.sql && bzip2 -k all.sql"])

    def drill(self, name, *arguments, roles=True):
        return self.cluster.drill("--dump", os.path.join(self.at, name), *(["--globals", os.path.join(self.at, "globals")] if roles else []), *arguments)

    def test_whole(self):
        for name in ("custom", "folder", "plain.sql", "plain.sql.gz", "plain.sql.xz"):
            with self.subTest(name):
                code, e, said = self.drill(name, "--at-least", "orders=5000")
                self.assertEqual((code, e["restored_by"], e["classes"]), (0, "beat", ["logical"]), e.told() + said)
                self.assertEqual(self.cluster.left(), [])

    def test_of_a_whole_cluster(self):
        for name in ("all.sql", "all.sql.bz2"):
            with self.subTest(name):
                code, e, said = self.drill(name, "--database", "shop", "--at-least", "goods=3000", roles=False)
                self.assertEqual(code, 0, e.told() + said)

    def test_another_database(self):
        for name in ("shop.dump", "create.sql"):
            with self.subTest(name):
                code, e, said = self.drill(name, "--at-least", "goods=3000", "--optional", "beat", *(["--database", "shop"] if name == "create.sql" else []))
                self.assertEqual((code, e["restored_by"]), (0, "copy"), e.told() + said)

    def test_cut_short(self):
        for name in ("custom", "plain.sql", "plain.sql.gz", "plain.sql.xz", "all.sql", "all.sql.bz2"):
            with self.subTest(name):
                cut = os.path.join(self.at, "cut-" + name)
                self.cluster.must(["sh", "-c", f"head -c $(($(stat -c %s {self.at}/{name}) * 6 / 10)) {self.at}/{name} > {cut}"])
                try:
                    code, e, said = self.drill("cut-" + name, roles="all" not in name)
                finally:
                    os.unlink(cut)
                self.assertEqual((code, e["verdict"]), (1, "failed"), e.told() + said)
                self.assertIn("restore", e.failed())
                self.assertEqual(self.cluster.left(), [])

    def test_a_folder_without_one_of_its_files(self):
        short = os.path.join(self.at, "short")
        self.cluster.must(["cp", "-r", os.path.join(self.at, "folder"), short])
        os.unlink(max((os.path.join(short, name) for name in os.listdir(short) if name != "toc.dat"), key=os.path.getsize))
        try:
            code, e, _ = self.drill("short")
        finally:
            shutil.rmtree(short)
        self.assertEqual(code, 1)
        self.assertIn("restore", e.failed())

    def test_missing_roles_and_extensions(self):
        code, e, _ = self.drill("plain.sql", roles=False)
        self.assertEqual((code, e.failed()), (1, ["restore", "roles"]), e.told())
        self.assertIn("clinic", e.check("roles")["detail"])
        self.cluster.must(["sh", "-c", f"(echo 'CREATE EXTENSION nowhere;'; cat {self.at}/plain.sql) > {self.at}/with-extension.sql"])
        try:
            code, e, _ = self.drill("with-extension.sql")
        finally:
            os.unlink(os.path.join(self.at, "with-extension.sql"))
        self.assertEqual((code, e.failed()), (1, ["extensions", "restore"]), e.told())
        self.assertIn("nowhere", e.check("extensions")["detail"])

    def test_control(self):
        for name in ("custom", "plain.sql", "folder"):
            with self.subTest(name):
                code, e, _ = self.drill(name, "--control")
                self.assertEqual((code, e["control"]["found"], e["control"]["planted"]), (1, True, "truncated"), e.told())

    def test_the_newest_of_a_folder(self):
        c = self.cluster
        c.must(["sh", "-c", f"mkdir {self.at}/nightly && cp -p {self.at}/custom {self.at}/nightly/1.dump && cp -p {self.at}/plain.sql {self.at}/nightly/2.sql"])
        later = time.time() + 0.001
        os.utime(f"{self.at}/nightly/2.sql", (later, later))
        for how, label in (("newest", "2.sql"), ("oldest", "1.dump")):
            code, e, _ = self.drill("nightly", "--copy", how)
            self.assertEqual((code, e["copy"]["label"]), (0, label), e.told())
        code, e, _ = self.drill("nightly", "--copy", "2026-01-01T00:00:00Z")
        self.assertEqual(code, 2)
        code, e, _ = self.drill("nightly", "--schedule-age", "1ms")
        self.assertEqual((code, e.failed()), (1, ["schedule"]))
        shutil.rmtree(f"{self.at}/nightly")

    def test_what_is_no_dump(self):
        self.cluster.must(["sh", "-c", f"echo nonsense > {self.at}/nonsense.sql; : > {self.at}/empty"])
        try:
            for name in ("nonsense.sql", "empty"):
                code, e, _ = self.drill(name)
                self.assertEqual((code, "restore" in e.failed()), (1, True), e.told())
        finally:
            os.unlink(f"{self.at}/nonsense.sql")
            os.unlink(f"{self.at}/empty")


if __name__ == "__main__":
    unittest.main()
