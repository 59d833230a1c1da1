# SPDX-License-Identifier: Apache-2.0
"""The scratch PostgreSQL: reached by a socket in its own folder, without a network, archiving nowhere, with nothing of production's
configuration but what it needs to come up."""
import os
import re
import resource
import signal
import subprocess
import time

from . import words
from .programs import control_data, version_of
from .runner import environment, no_core

PORT = "5432"  # part of the socket's name in a folder of its own; nothing listens on the network
READY = re.compile(r"database system is ready to accept connections")  # a standby's words have `read-only` in them
# What the copy must never do again, whatever its own configuration says; on the command line, where no file can overrule it.
SAFE = {
    "listen_addresses": "", "archive_mode": "off", "archive_command": "", "archive_library": "", "archive_cleanup_command": "",
    "recovery_end_command": "", "primary_conninfo": "", "primary_slot_name": "", "synchronous_standby_names": "",
    # pg_cron, pg_net and their like live in background workers that are loaded here; subscriptions in workers of their own.
    "shared_preload_libraries": "", "session_preload_libraries": "", "local_preload_libraries": "",
    "max_logical_replication_workers": "0", "max_wal_senders": "10",
    "external_pid_file": "", "logging_collector": "off", "log_destination": "stderr", "log_line_prefix": "%n ", "lc_messages": "C",
    "log_min_messages": "warning", "log_statement": "none", "ssl": "off", "hot_standby": "on", "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC", "log_timezone": "UTC", "autovacuum": "off", "jit": "off", "event_source": "",
}


UNHINDERED = "-c statement_timeout=0 -c lock_timeout=0 -c default_transaction_read_only=off"


class Isolation:
    """How the server is kept from the network: in a namespace without any, by the unit that the drill runs in, or by listening nowhere."""

    def __init__(self, runner):
        command = ["unshare", "--map-current-user", "--net", "--"]
        try:
            if runner.run([*command, "true"], within=10).code == 0:
                self.prefix, self.kind = command, "network-namespace"
                return
        except words.Unusable:
            pass
        self.prefix, self.kind = [], "private-network" if only_loopback() else "unix-socket-only"

    def check(self, evidence):
        evidence.machine["isolation"] = self.kind
        if self.kind == "unix-socket-only":
            evidence.check("isolation", "skipped", "no network namespace may be made here: nothing reaches the copy, but what runs in it could reach the network",
                           mandatory=False)
        else:
            evidence.check("isolation", "passed", f"replayed and asked without a network ({self.kind}); archiving, preloaded libraries and subscriptions are off")


def only_loopback():
    try:
        with open("/proc/self/net/dev", encoding="ascii") as file:
            return [line.split(":")[0].strip() for line in file.read().splitlines()[2:]] == ["lo"]
    except OSError:
        return False


class Server:
    def __init__(self, runner, programs, folder, isolation, superuser="postgres", memory=None):
        self.runner, self.programs, self.folder, self.isolation, self.superuser = runner, programs, folder, isolation, superuser
        self.data, self.log = os.path.join(folder, "data"), os.path.join(folder, "server.log")
        self.sockets, self.memory = os.path.join(folder, "s"), memory
        self.process, self.read_to = None, 0
        if len(os.path.join(self.sockets, ".s.PGSQL." + PORT)) > 100:
            raise words.Unusable(f"{folder} is too long a path for a socket; choose a shorter --scratch")
        os.makedirs(self.sockets, mode=0o700, exist_ok=True)

    def options(self, more=()):
        """Settings for the command line. Sizes of the shared tables must not be below those of the source, or a standby does not start."""
        control = control_data(self.runner, self.programs, self.data)
        known = {setting: control.get(f"{setting} setting") for setting in
                 ("max_connections", "max_worker_processes", "max_prepared_xacts", "max_locks_per_xact")}
        names = {"max_prepared_xacts": "max_prepared_transactions", "max_locks_per_xact": "max_locks_per_transaction"}
        chosen = dict(SAFE)
        chosen.update({names.get(key, key): value for key, value in known.items() if value})
        chosen["max_wal_senders"] = control.get("max_wal_senders setting", "10")
        chosen["shared_buffers"] = f"{max(16, (self.memory or 512 << 20) // 4 >> 20)}MB"
        chosen.update({"unix_socket_directories": self.sockets, "unix_socket_permissions": "0700", "port": PORT, "data_directory": self.data,
                       "config_file": self.written("postgresql.conf", "# everything stands on the command line\n"),
                       "hba_file": self.written("hba.conf", "local all all trust\n"), "ident_file": self.written("ident.conf", "")})
        if float(version_of(self.data) or 0) < 15:
            del chosen["archive_library"]
        chosen.update(more)
        return [word for key, value in chosen.items() for word in ("-c", f"{key}={value}")]

    def written(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def disarm(self):
        """Takes out of the copy what would make it a standby of production, or would set again what the command line leaves open."""
        for name in ("standby.signal", "recovery.signal", "postmaster.pid", "postmaster.opts"):
            try:
                os.unlink(os.path.join(self.data, name))
            except FileNotFoundError:
                pass
        with open(os.path.join(self.data, "postgresql.auto.conf"), "w", encoding="utf-8"):
            pass
        os.chmod(self.data, 0o700)

    def start(self, more=(), tick=None):
        """Starts it and waits until it takes connections as a primary. False, with the reason in `failed`, when it ended instead."""
        self.failed, self.read_to = "", os.path.getsize(self.log) if os.path.exists(self.log) else 0
        self.begun = time.time()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.isolation.prefix, self.programs.path("postgres"), "-D", self.data, *self.options(more)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=environment(), start_new_session=True,
                                            preexec_fn=self.limit)
        while self.process.poll() is None:
            said = self.said()
            if READY.search(said):
                return True
            if tick:
                tick(said)
            self.runner.bounds.ask()
            time.sleep(0.02)
        self.failed = words.last_words(self.said(), 4)
        self.process = None
        return False

    def limit(self):
        no_core()
        if self.memory:
            resource.setrlimit(resource.RLIMIT_AS, (self.memory, self.memory))

    def said(self):
        """The log since this start."""
        try:
            with open(self.log, "rb") as file:
                file.seek(self.read_to)
                return file.read(8 << 20).decode("utf-8", "replace")
        except OSError:
            return ""

    def when(self, pattern):
        """The moment (seconds of the epoch) of the last line that matches, or None."""
        found = re.findall(rf"^(\d+\.\d+) .*(?:{pattern})", self.said(), re.M)
        return float(found[-1]) if found else None

    def stop(self, mode="fast", patience=120.0):
        """`fast` writes a checkpoint, which pg_checksums needs; `immediate` just ends it."""
        if not self.process or self.process.poll() is not None:
            return
        os.kill(self.process.pid, signal.SIGINT if mode == "fast" else signal.SIGQUIT)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        self.process = None

    def client(self, program, *arguments, database="postgres"):
        return [*self.isolation.prefix, self.programs.path(program), "-h", self.sockets, "-p", PORT, "-U", self.superuser, *arguments,
                *(["-d", database] if database else [])]

    def ask(self, sql, database="postgres", within=300.0):
        """Rows of a statement as lists of texts. Failed when it is refused, TimedOut when it takes too long."""
        # What production has set for its databases and roles is not to stop the one who looks.
        done = self.runner.run(self.client("psql", "-X", "-A", "-t", "-q", "-F", "\x1f", "-R", "\x1e", "-v", "ON_ERROR_STOP=1", database=database),
                               within=within, feed=[sql.encode()], env=environment(PGOPTIONS=UNHINDERED))
        if done.code:
            raise Failed(done.why())
        text = done.out.removesuffix("\n")
        return [row.split("\x1f") for row in text.split("\x1e")] if text else []

    def value(self, sql, database="postgres", within=300.0):
        rows = self.ask(sql, database, within)
        return rows[0][0] if rows else None

    def databases(self):
        return [row[0] for row in self.ask("select datname from pg_database where datallowconn and not datistemplate order by datname")]


class Failed(Exception):
    """A statement was refused, or a program found something wrong: the reason in words."""
