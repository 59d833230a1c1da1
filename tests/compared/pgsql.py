#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL, as drwatch's postgres and check_pgsql see it.

    DRWATCH=build/dev/drwatch tests/compared/pgsql.py [-v]
"""
import glob
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from compared import TIMEOUT, Compared, Row, free_port  # noqa: E402
from servers import Server, noise, stall  # noqa: E402


class Cluster:
    """PostgreSQL in a temporary folder, for one user with a password and one without the right to log in."""

    def __init__(self):
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.folder = tempfile.mkdtemp(prefix="drwatch-pgsql-")
        self.owner = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        if self.owner:
            os.chown(self.folder, self.owner.pw_uid, self.owner.pw_gid)
        self.port = free_port()
        self._run("initdb", "-N", "-A", "trust", "-U", "postgres", "-D", self.folder + "/data")
        with open(self.folder + "/data/postgresql.conf", "a") as f:
            f.write(f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = '{self.folder}'\nfsync = off\n")
        with open(self.folder + "/data/pg_hba.conf", "w") as f:
            f.write("local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        self._run("pg_ctl", "-w", "-D", self.folder + "/data", "-l", self.folder + "/log", "start")
        for statement in ("CREATE ROLE watcher LOGIN PASSWORD 'right-word'", "CREATE ROLE locked NOLOGIN PASSWORD 'right-word'", "CREATE DATABASE closed",
                          "ALTER DATABASE closed ALLOW_CONNECTIONS false"):
            self._run("psql", "-qX", "-h", self.folder, "-p", str(self.port), "-U", "postgres", "-d", "postgres", "-c", statement)

    def _run(self, program, *arguments):
        def become():
            os.setgid(self.owner.pw_gid)
            os.setuid(self.owner.pw_uid)
        ran = subprocess.run([f"{self.bin}/{program}", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                             cwd=self.folder, preexec_fn=become if self.owner else None)
        if ran.returncode != 0:
            raise RuntimeError(program + ": " + ran.stderr)

    def close(self):
        self._run("pg_ctl", "-w", "-m", "immediate", "-D", self.folder + "/data", "stop")
        shutil.rmtree(self.folder)


class PgsqlCompared(Compared, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = []
        cluster = Cluster()
        cls.addClassCleanup(cluster.close)

        def add(name, says, checked, port=cluster.port, database="postgres", user="watcher", word="right-word", more="", query=None, why=""):

            plugin = ["check_pgsql", "-H", "127.0.0.1", "-P", str(port), "-d", database, "-l", user, "-p", word, "-t", str(TIMEOUT)]
            plugin += ["-q", query] if query else []
            dsn = f"host=127.0.0.1 port={port} dbname={database} user={user} password={word}"
            secret = "DRWATCH_COMPARED_" + name.replace("-", "_")
            os.environ[secret] = dsn
            cls.rows.append(Row(name, f'kind = "postgres"\ndsn = {{ env = "{secret}" }}\n{more}', says, plugin=plugin, plugin_says=checked, why=why))

        add("good", "up", "up")
        add("wrong-password", "down auth 28P01", "down", word="wrong-word")
        add("no-such-user", "down auth 28P01", "down", user="nobody")
        add("may-not-log-in", "down auth 28000", "down", user="locked")
        add("no-such-database", "down absent 3D000", "down", database="nothing")
        add("closed-database", "down connect 55000", "down", database="closed")
        add("nobody-listens", "down connect ECONNREFUSED", "down", port=free_port())
        add("query", "up", "up", query="select 42", more='query = "select 42"\nexpect = 42')
        add("query-fails", "down assertion 22012", "down", query="select 1/0", more='query = "select 1/0"')
        add("query-empty", "down assertion", "degraded", query="select 1 where false", more='query = "select 1 where false"\nrows = 1',
            why="check_pgsql calls an answer without rows a warning; how many there must be is `rows`.")
        for name, behave, says in (("silence", stall, "down timeout"), ("noise", noise, "down protocol")):
            server = Server(behave)
            cls.addClassCleanup(server.close)
            add(name, says, "down", port=server.port)
        super().setUpClass()


if __name__ == "__main__":
    unittest.main()
