# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of its own in a temporary folder, archiving, with drwatch's canary and sentinel; and the drill, run as its user."""
import datetime
import glob
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PREPARE = """
create schema drwatch;
create table drwatch.heartbeat (id int primary key, seq bigint not null default 0, beat timestamptz not null default clock_timestamp());
insert into drwatch.heartbeat (id) values (1);
create table drwatch.sentinel (id int primary key, content text not null, hash bytea not null);
alter table drwatch.sentinel alter column content set storage plain;
insert into drwatch.sentinel select id, content, sha256(convert_to(content, 'UTF8'))
  from (select id, repeat(md5(id::text), 25) as content from generate_series(1, 1000) as id) as made;
create role clinic;
create table public.orders (id serial primary key, note text not null, made timestamptz not null default clock_timestamp());
alter table public.orders owner to clinic;
insert into public.orders (note) select repeat(md5(n::text), 8) from generate_series(1, 5000) as n;
"""
BEAT = "update drwatch.heartbeat set beat = clock_timestamp(), seq = seq + 1 where id = 1 returning extract(epoch from beat)"
UTC = datetime.timezone.utc


def programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    if not found or not os.path.exists(found[-1] + "/initdb"):
        print("SKIPPED restore drill: there is no PostgreSQL server; 'make test' installs it")
        sys.exit(0)
    return found[-1]


class Cluster:
    """`folder` holds everything: data, archive, what drills leave behind. `stop()` ends it, `gone()` removes it."""

    def __init__(self, checksums=True, archive=None, conf=""):
        self.bin = programs()
        self.folder = tempfile.mkdtemp(prefix="drill-test-", dir="/tmp")
        self.owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self.env = {"PATH": self.bin + ":/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": self.folder, "TZ": "UTC", "PGHOST": self.path("s"), "PGUSER": "postgres"}
        # The tree may lie where PostgreSQL's user can't read; and what is installed is a copy as well.
        shutil.copytree(ROOT / "drills", self.path("drills"), ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("archive", "s", "scratch", "copies"):
            os.mkdir(self.path(name))
        if self.owner:
            subprocess.run(["chown", "-R", "postgres:postgres", self.folder], check=True)
        self.must([f"{self.bin}/initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", *(["-k"] if checksums else []), "-D", self.path("data")])
        with open(self.path("data", "postgresql.conf"), "a", encoding="utf-8") as file:
            file.write(f"listen_addresses = ''\nunix_socket_directories = '{self.path('s')}'\nfsync = off\nwal_level = replica\narchive_mode = on\n"
                       f"archive_command = '{archive or self.keep()}'\narchive_timeout = 60\nmin_wal_size = 32MB\nlog_timezone = UTC\ntimezone = UTC\n{conf}\n")
        self.start()
        self.writing = None

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def keep(self):
        return f"test ! -f {self.path('archive')}/%f && cp %p {self.path('archive')}/%f.part && mv {self.path('archive')}/%f.part {self.path('archive')}/%f"

    def run(self, command, feed=None, env=None, timeout=1800):
        pairs = [f"{key}={value}" for key, value in {**self.env, **(env or {})}.items()]
        return subprocess.run([*self.owner, "env", "-i", *pairs, *command], cwd=self.folder, input=feed, capture_output=True, text=True, errors="replace", timeout=timeout)

    def must(self, command, **more):
        done = self.run(command, **more)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def start(self):
        self.must([f"{self.bin}/pg_ctl", "-w", "-s", "-D", self.path("data"), "-l", self.path("log"), "start"])

    def stop(self, mode="fast"):
        return self.run([f"{self.bin}/pg_ctl", "-w", "-s", "-m", mode, "-D", self.path("data"), "stop"])

    def gone(self):
        self.quiet()
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, text, database="postgres"):
        return self.must([f"{self.bin}/psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", database], feed=text)

    def prepare(self):
        self.sql(PREPARE)

    def beat(self):
        """Writes the canary; the moment of the beat."""
        return datetime.datetime.fromtimestamp(float(self.sql(BEAT)), UTC)

    def order(self, count=200):
        self.sql(f"insert into public.orders (note) select repeat(md5(n::text), 8) from generate_series(1, {count}) as n")

    def segment(self):
        """Fills up the current segment and waits until it is archived. Its name."""
        name = self.sql("create table if not exists public.tick (at timestamptz); insert into public.tick values (now()); select pg_walfile_name(pg_switch_wal())")
        self.until(lambda: os.path.exists(self.path("archive", name)), f"{name} is archived")
        return name

    @staticmethod
    def until(holds, what, seconds=600):
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"not within {seconds} s: {what}"
            time.sleep(0.02)

    def base_backup(self, name="base", *more):
        where = self.path("copies", name)
        self.must([f"{self.bin}/pg_basebackup", "-c", "fast", "-D", where, *more])
        return where

    def write_on(self, every=0.1):
        """A write load in one session of its own: an order and a beat every `every` seconds, until `quiet()`."""
        self.writing = subprocess.Popen([*self.owner, "env", "-i", *(f"{k}={v}" for k, v in self.env.items()), f"{self.bin}/psql", "-X", "-A", "-t", "-q"], cwd=self.folder,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.acknowledged = []  # (moment of the beat by the database, when we were told)

        def write():
            try:
                while self.writing and self.writing.poll() is None:
                    self.writing.stdin.write("insert into public.orders (note) values (repeat('x', 500));" + BEAT + ";\n")
                    self.writing.stdin.flush()
                    if line := self.writing.stdout.readline().strip():
                        self.acknowledged.append((float(line), time.time()))
                    time.sleep(every)
            except (OSError, ValueError, AttributeError):
                pass
        self.writer = threading.Thread(target=write, daemon=True)
        self.writer.start()

    def quiet(self):
        writing, self.writing = self.writing, None
        if writing:
            writing.kill()
            writing.wait()
            self.writer.join(10)
            writing.stdin.close()
            writing.stdout.close()

    # ---- the drill

    def command(self, *arguments):
        return [self.path("drills", "drwatch-restore-drill"), "--evidence", self.path("evidence.json"), "--scratch", self.path("scratch"), "--leave-free", "0B", *arguments]

    def drill(self, *arguments, env=None):
        """Runs one; returns (exit code, evidence, what it said)."""
        if os.path.exists(self.path("evidence.json")):
            os.unlink(self.path("evidence.json"))
        done = self.run(self.command(*arguments), env=env)
        try:
            with open(self.path("evidence.json"), encoding="utf-8") as file:
                evidence = json.load(file)
        except OSError:
            raise AssertionError(f"no evidence: {done.stdout}{done.stderr}")
        return done.returncode, Evidence(evidence), done.stderr

    def begin(self, *arguments):
        """A drill that goes on by itself: a Popen, its number that of the drill itself."""
        pairs = [f"{key}={value}" for key, value in self.env.items()]
        return subprocess.Popen([*([] if not self.owner else ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]), "env", "-i", *pairs, *self.command(*arguments)],
                                cwd=self.folder, stderr=subprocess.PIPE, text=True)

    def left(self):
        """What drills left: folders, and processes that work in them."""
        left = os.listdir(self.path("scratch"))
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                at = os.readlink(f"/proc/{name}/cwd")
            except OSError:
                continue
            if at.startswith(self.path("scratch") + "/"):
                left.append(f"process {name} in {at}")
        return left


class Evidence(dict):
    def check(self, name):
        return next((check for check in self["checks"] if check["name"] == name), {"verdict": None, "detail": f"there is no check {name}"})

    def failed(self):
        return sorted(check["name"] for check in self["checks"] if check["verdict"] == "failed")

    def told(self):
        return json.dumps(self, indent=1)


def stamp(moment):
    return moment.astimezone(UTC).isoformat()


def moment(text):
    return datetime.datetime.fromisoformat(text)
