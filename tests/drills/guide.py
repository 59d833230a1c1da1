#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What docs/restore-drill.md tells people to type, typed: each block of its own, on a cluster with a repository, an archive, base backups and dumps."""
import json
import os
import re
import shutil
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cluster import ROOT, Evidence, stamp  # noqa: E402
from repository import segment, with_repository  # noqa: E402

TEXT = (ROOT / "docs" / "restore-drill.md").read_text()


class Guide(unittest.TestCase):
    def test_as_typed(self):
        if not shutil.which("pgbackrest"):
            print("SKIPPED guide of the restore drill: pgbackrest is not installed; 'make test' installs it")
            self.skipTest("no pgbackrest")
        c = with_repository()
        self.addCleanup(c.gone)
        config = c.path("pgbackrest.conf")
        c.sql(f"alter system set archive_command = 'pgbackrest --config={config} --stanza=main archive-push %p && cp %p {c.path('archive')}/%f'")
        c.sql("select pg_reload_conf()")
        c.sql("create table ledger (amount int); insert into ledger values (5), (-5)")
        c.must([*c.backrest, "--type=full", "backup"])
        base = c.base_backup()
        c.must(["mkdir", c.path("dumps")])
        c.must(["sh", "-c", f"{c.bin}/pg_dump -Fc -f {c.path('dumps')}/clinic.dump postgres && {c.bin}/pg_dumpall --globals-only -f {c.path('globals.sql')}"])
        c.order()
        at = c.beat()
        segment(c)
        c.order()
        last = c.beat()
        segment(c)
        now = c.sql("select clock_timestamp()").replace(" ", "T")
        places = {"/srv/base": base, "/srv/archive": c.path("archive"), "/srv/dumps": c.path("dumps"), "/srv/globals.sql": c.path("globals.sql"),
                  "2026-03-01T02:11:00Z": stamp(at), "2026-03-01T02:15:00Z": now + ":00", "2026-03-01T02:14:30Z": stamp(last), "100000": "5000", "--move-old": "--move-old",
                  "/etc/drwatch/drills/clinic.toml": c.path("clinic.toml"), "/var/lib/postgresql/15/main": c.path("data")}
        toml = re.search(r"```toml\n(.*?)```", TEXT, re.S)[1]
        c.must(["sh", "-c", f"cat > {c.path('clinic.toml')}"], feed=filled(toml, places))
        blocks = re.findall(r"```sh\n(.*?)```", TEXT, re.S)
        self.assertGreater(len(blocks), 8)
        # In earnest last, since nothing is as it was after it.
        for block in sorted(blocks, key=lambda text: "--for-real" in text):
            with self.subTest(block):
                # The canary goes on, as drwatch writes it.
                if "--disaster-at" not in block:
                    c.beat()
                    segment(c)
                if "--for-real" in block:
                    c.stop()
                done = c.run(["sh", "-euc", filled(block, places)], env={"PATH": f"{c.path('drills')}:{c.env['PATH']}", "PGBACKREST_CONFIG": config, "STATE_DIRECTORY": c.path("scratch")})
                written = c.path(re.search(r"--evidence (\S+)", block)[1])
                with open(written, encoding="utf-8") as file:
                    e = Evidence(json.load(file))
                os.unlink(written)
                self.assertEqual(done.returncode, 1 if "--control" in block else 0, e.told() + done.stderr)
                self.assertEqual(c.left(), [])


def filled(text, places):
    for place, meaning in places.items():
        text = text.replace(place, meaning)
    return text


if __name__ == "__main__":
    unittest.main()
