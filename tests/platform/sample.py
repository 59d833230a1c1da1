# SPDX-License-Identifier: Apache-2.0
"""Starts and owns the sample: PostgreSQL with WAL archiving, the web platform, what stands outside it, Alertmanager, and drwatch on them.

Everything is on loopback, on free ports, in one temporary folder, with secrets made for this run. All processes are children of this one, each the
leader of its own process group; the kernel ends them when this process dies, however it dies.
"""
import base64
import ctypes
import glob
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PACE = 30  # the sample's scenarios run so many times faster than the shipped ones: an hour takes two minutes
PACED = ("for", "hold", "expect", "every", "rto", "ack_within", "reopen_within")
ARCHIVE = "test ! -f {0}/%f && cp %p {0}/.%f && mv {0}/.%f {0}/%f"
JOBS = {"reminders": 5.0, "nightly-billing": 7.0}  # seconds between two calls
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


class SampleError(Exception):
    """Something of the sample could not be started or changed; its text says what, and what to do."""


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def is_free(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False


def paced(text):
    """A scenario file with its durations divided by PACE, none shorter than a second (0s stays)."""

    def shorten(match):
        took = sum(float(n) * UNITS[unit] for n, unit in re.findall(r"(\d+)(ms|s|m|h|d)", match[3]))
        return f'{match[1]}{match[2]}"{max(1, round(took / PACE)) if took else 0}s"'

    if re.search(r"(?m)^severity\s*=", text) and not re.search(r"(?m)^ack_within\s*=", text):
        text = 'ack_within = "15m"\n' + text  # what a scenario says nothing about is paced as well
    text = re.sub(r'( for )()"?((?:\d+(?:ms|s|m|h|d))+)(?=")', lambda m: shorten(m).replace('"', ""), text)  # a condition's own
    return re.sub(rf'(?m)^({"|".join(PACED)})(\s*=\s*)"((?:\d+(?:ms|s|m|h|d))+)"', shorten, text)


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.05)
    raise SampleError(f"{what} within {seconds} s")


def fetch(url, method="GET", body=None, headers=None, timeout=5):
    """(status, body) of one call; a refused connection is status 0."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Sample:
    def __init__(self, program, output=None, alertmanagers=1, drwatch_port=9780):
        """`output`: where drwatch's own lines go (a path; None: this terminal)."""
        self.program, self.output, self.alertmanagers = program, output, alertmanagers
        self.folder = tempfile.mkdtemp(prefix="drwatch-sample-")
        os.chmod(self.folder, 0o755)  # the database's user has to reach its own folders
        self.running = {}  # name -> Popen
        self.owner = "postgres" if os.geteuid() == 0 else None
        self.postgres_bin = self.find_postgres()
        ports = free_ports(3 + alertmanagers)
        self.ports = {"database": ports[0], "platform": ports[1], "outside": ports[2],
                      "drwatch": drwatch_port if is_free(drwatch_port) else free_ports(1)[0]}
        self.alertmanager_ports = ports[3:]
        self.url = f"http://127.0.0.1:{self.ports['drwatch']}"
        self.platform_url = f"http://127.0.0.1:{self.ports['platform']}"
        self.outside_url = f"http://127.0.0.1:{self.ports['outside']}"
        self.alertmanager_urls = [f"http://127.0.0.1:{p}" for p in self.alertmanager_ports]
        self.backups_made = 0

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    @staticmethod
    def find_postgres():
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]))
        if not found or not os.path.exists(found[-1] + "/initdb"):
            raise SampleError("PostgreSQL's server programs are not installed; install postgresql-15, or run 'make run', which does")
        return found[-1]

    # ---- processes
    def spawn(self, name, command, environment=None, output=None, user=None):
        if name in self.running and self.running[name].poll() is None:
            return
        log = open(output, "ab") if output else None
        try:
            who = {"user": user, "group": user, "extra_groups": []} if user else {}
            self.running[name] = subprocess.Popen(command, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=log,
                                                  stderr=log, cwd=self.folder, start_new_session=True, preexec_fn=die_with_parent, **who)
        finally:
            if log:
                log.close()

    def end(self, name, how=signal.SIGTERM, patience=10):
        process = self.running.pop(name, None)
        if not process:
            return
        for stop in (how, signal.SIGKILL):
            if process.poll() is None:
                process.send_signal(stop)
            try:
                process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        try:
            os.killpg(process.pid, signal.SIGKILL)  # what it may have left behind
        except (ProcessLookupError, PermissionError):
            pass

    def alive(self, name):
        return name in self.running and self.running[name].poll() is None

    # ---- start and stop of the whole
    def start(self, say=lambda line: None):
        self.make_secrets()
        say("starting PostgreSQL with WAL archiving")
        self.create_database()
        say("starting the web platform and the world around it")
        self.spawn("outside", [HERE + "/outside.py", "--port", str(self.ports["outside"]), "--log", self.path("calls.log")])
        self.start_platform()
        self.start_alertmanagers(say)
        self.write_configuration()
        say("starting drwatch")
        self.start_drwatch()

    def stop(self):
        for name in ("drwatch", *[n for n in self.running if n not in ("drwatch", "database")]):
            self.end(name)
        self.end("database", signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # ---- secrets: made now, kept in files only this user can read
    def make_secrets(self):
        os.mkdir(self.path("keys"), 0o700)
        for name in ("superuser", "database-password", "oncall-token", "admin-token", "login-password", "publishable-key", "revoked-key",
                     *[f"job-{job}" for job in JOBS]):
            self.write_secret(name, secrets.token_hex(16))
        password, port = self.secret("database-password"), self.ports["database"]
        self.write_secret("primary-dsn", f"host=127.0.0.1 port={port} dbname=clinic user=drwatch password={password}")
        self.write_secret("login-body", json.dumps({"email": "probe@example.org", "password": self.secret("login-password")}))
        self.write_secret("wrong-login-body", json.dumps({"email": "probe@example.org", "password": "not this one"}))
        forged = [{"alg": "HS256", "typ": "JWT"}, {"sub": "nobody", "exp": 4102444800}]
        self.write_secret("forged-token", ".".join([*(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in forged), "Zm9yZ2Vk"]))
        self.write_secret("pager-url", self.outside_url + "/fallback")
        self.write_secret("deadman-url", self.outside_url + "/deadman")

    def write_secret(self, name, value):
        with open(self.path("keys", name), "w", opener=lambda p, f: os.open(p, f, 0o600), encoding="utf-8") as file:
            file.write(value + "\n")

    def secret(self, name):
        with open(self.path("keys", name), encoding="utf-8") as file:
            return file.read().rstrip("\n")

    # ---- PostgreSQL
    def create_database(self):
        os.mkdir(self.path("files-copy"))
        with open(self.path("files-copy", "stored-files.tar"), "wb") as copy:
            copy.write(b"\0" * 10240)  # an empty archive: what is looked at is that it is there, how old and how big
        for folder in ("database", "archive", "base"):
            os.mkdir(self.path(folder), 0o755)
            if self.owner:
                shutil.chown(self.path(folder), self.owner, self.owner)
        os.chmod(self.path("database"), 0o700)
        password = self.path("database-superuser")
        shutil.copy(self.path("keys", "superuser"), password)
        if self.owner:
            shutil.chown(password, self.owner)
        self.as_owner([self.postgres_bin + "/initdb", "-D", self.path("database"), "-U", "postgres", "-A", "scram-sha-256",
                       "--pwfile", password, "-E", "UTF8", "--locale=C.UTF-8", "-k", "-N"])
        os.unlink(password)
        settings = {"listen_addresses": "127.0.0.1", "port": self.ports["database"], "unix_socket_directories": "", "fsync": "off",
                    "wal_level": "replica", "archive_mode": "on", "archive_command": ARCHIVE.format(self.path("archive")), "archive_timeout": "5s",
                    "max_connections": 50, "shared_buffers": "16MB", "log_min_messages": "fatal"}
        with open(self.path("database", "postgresql.conf"), "a", encoding="utf-8") as file:
            file.writelines(f"{key} = '{value}'\n" for key, value in settings.items())
        self.start_database()
        self.sql("create database clinic", "postgres")
        self.sql("create table appointments (at text, patient text); insert into appointments values ('09:00', 'Luna'), ('09:30', 'Toby');"
                 "create table sentinel (id int primary key, content text);"
                 "insert into sentinel select n, md5(n::text) from generate_series(1, 200) n;"
                 "create table backup_2019 as select * from sentinel")
        self.prepare_for_drwatch()
        self.base_backup()

    def prepare_for_drwatch(self):
        """Runs the SQL that `drwatch sql` prints, as an operator would, and gives the role its password."""
        printed = subprocess.run([self.program, "sql"], capture_output=True, text=True, check=False)
        if printed.returncode:
            raise SampleError(f"'{self.program} sql' failed: {printed.stderr.strip()}")
        self.sql(printed.stdout)
        self.sql(f"alter role drwatch login password '{self.secret('database-password')}'; grant select on sentinel, backup_2019, appointments to drwatch")

    def as_owner(self, command, environment=None):
        who = {"user": self.owner, "group": self.owner, "extra_groups": []} if self.owner else {}
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", env={**os.environ, **(environment or {})}, check=False, **who)
        if done.returncode:
            raise SampleError(f"{os.path.basename(command[0])} failed: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def superuser(self, database="clinic"):
        return {"PGHOST": "127.0.0.1", "PGPORT": str(self.ports["database"]), "PGUSER": "postgres", "PGDATABASE": database,
                "PGPASSWORD": self.secret("superuser")}

    def sql(self, text, database="clinic"):
        done = subprocess.run([self.postgres_bin + "/psql", "-XqAt", "-v", "ON_ERROR_STOP=1"], input=text, capture_output=True, text=True,
                              env={**os.environ, **self.superuser(database)}, timeout=30, check=False)
        if done.returncode:
            raise SampleError(f"SQL failed: {done.stderr.strip()}")
        return done.stdout.strip()

    def start_database(self):
        self.spawn("database", [self.postgres_bin + "/postgres", "-D", self.path("database")], user=self.owner,
                   output=self.path("database.log"))
        ready = [self.postgres_bin + "/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.ports["database"])]
        wait_for(lambda: subprocess.run(ready, check=False).returncode == 0, 30, "PostgreSQL did not accept connections")
        # From version 15 on the checkpointer starts during recovery and then sleeps up to checkpoint_timeout before it looks at archive_timeout again:
        # until it is woken nothing is archived, and the exposure really grows.
        self.sql("checkpoint", "postgres")

    def stop_database(self):
        self.end("database", signal.SIGINT)

    def base_backup(self):
        """A base backup beside the archive; the archive gets its history file, by which drwatch knows of it."""
        self.backups_made += 1
        folder = self.path("base", str(self.backups_made))
        self.as_owner([self.postgres_bin + "/pg_basebackup", "-D", folder, "-c", "fast", "-X", "none", "--no-sync"], self.superuser())
        shutil.rmtree(self.path("base", str(self.backups_made - 1)), ignore_errors=True)

    def archive_with(self, command):
        self.sql(f"alter system set archive_command = '{command}'")
        self.sql("select pg_reload_conf()")

    # ---- the platform around it
    def start_platform(self):
        jobs = [f"--job={name}={self.path('keys', 'job-' + name)}={period}" for name, period in JOBS.items()]
        reader = {**self.superuser(), "PGUSER": "drwatch", "PGPASSWORD": self.secret("database-password"),
                  "SAMPLE_PASSWORD": self.secret("login-password"), "SAMPLE_KEY": self.secret("publishable-key")}
        self.spawn("platform", [HERE + "/web_platform.py", "--port", str(self.ports["platform"]), "--psql", self.postgres_bin + "/psql",
                                "--pings", self.url, *jobs], reader)
        wait_for(lambda: fetch(self.platform_url + "/parts")[0] == 200, 15, "the web platform did not answer")

    def stop_platform(self):
        self.end("platform")

    def break_part(self, part, how=None, job=None):
        query = "&".join(f"{k}={v}" for k, v in (("how", how), ("job", job)) if v)
        return self.change_part(f"/break/{part}?{query}")

    def repair_part(self, part, job=None):
        return self.change_part(f"/repair/{part}?" + (f"job={job}" if job else ""))

    def change_part(self, path):
        status, body = fetch(self.platform_url + path, "POST", b"")
        if status != 200:
            raise SampleError(f"the platform answered {status}: {body}")
        return body

    def start_alertmanagers(self, say):
        program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        if not program:
            say("Alertmanager is not installed: alerts go to the fallback channel")
            self.alertmanager_urls, self.alertmanager_ports = [], []
            return
        with open(ROOT + "/config/sample/alertmanager.yml", encoding="utf-8") as file:
            text = file.read().replace("@outside@", self.outside_url)
        with open(self.path("alertmanager.yml"), "w", encoding="utf-8") as file:
            file.write(text)
        self.alertmanager_program = program
        for index in range(len(self.alertmanager_ports)):
            self.start_alertmanager(index)

    def start_alertmanager(self, index):
        self.spawn(f"alertmanager-{index}", [self.alertmanager_program, "--config.file=" + self.path("alertmanager.yml"),
                                             f"--storage.path={self.path('alertmanager-' + str(index))}", "--cluster.listen-address=",
                                             f"--web.listen-address=127.0.0.1:{self.alertmanager_ports[index]}", "--log.level=error"],
                   output=self.path("alertmanager.log"))
        wait_for(lambda: fetch(self.alertmanager_urls[index] + "/-/ready")[0] == 200, 15, "Alertmanager did not get ready")

    # ---- drwatch
    def write_configuration(self):
        with open(ROOT + "/config/sample/drwatch.toml", encoding="utf-8") as file:
            text = file.read()
        for name, value in {"listen": f"127.0.0.1:{self.ports['drwatch']}", "platform": self.platform_url, "outside": self.outside_url,
                            "folder": self.folder}.items():
            text = text.replace(f"@{name}@", value)
        urls = ", ".join(f'"{u}"' for u in self.alertmanager_urls)
        text = text.replace('"@alertmanagers@"', urls)
        with open(self.path("drwatch.toml"), "w", encoding="utf-8") as file:
            file.write(text)
        for source in glob.glob(ROOT + "/config/scenarios/**/*.toml", recursive=True):
            target = self.path("scenarios", os.path.relpath(source, ROOT + "/config/scenarios"))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(source, encoding="utf-8") as file, open(target, "w", encoding="utf-8") as out:
                out.write(paced(file.read()))
        self.write_drill()

    def write_drill(self):
        """database-outage's drill restores the base backup and the archive, as their owner, where the shipped one asks a unit for it."""
        shutil.copytree(ROOT + "/drills", self.path("drills"), ignore=shutil.ignore_patterns("__pycache__"))
        os.mkdir(self.path("scratch"), 0o700)
        if self.owner:
            shutil.chown(self.path("scratch"), self.owner, self.owner)
        with open(self.path("drill.toml"), "w", encoding="utf-8") as file:
            file.write('basebackup = "base"\narchive = "archive"\nscratch = "scratch"\nbeat-every = "2s"\nrto = "10m"\nrpo = "60s"\n'
                       'at-least = { "public.appointments" = 2 }\n')
        # It may not write where drwatch's journal is: this shell does.
        command = ["/bin/sh", "-c", 'evidence=$1; shift; exec "$@" > "$evidence"', "drill", "{{evidence}}", *self.by_owner(),
                   self.path("drills", "drwatch-restore-drill"), "--file", self.path("drill.toml"), "--disaster-at", "{{now}}", "--claim", "{{recovery_point}}",
                   "--claim-source", "{{recovery_source}}", "--evidence", "-"]
        self.change("scenarios/database-outage.toml", r"(?m)^run +=.*$", "run = " + json.dumps(command))

    def by_owner(self):
        return ["runuser", "-u", self.owner, "--"] if self.owner else []

    def change(self, name, pattern, text):
        """Exchanges the one place in a file of the configuration."""
        with open(self.path(name), encoding="utf-8") as file:
            changed, count = re.subn(pattern, lambda _: text, file.read())
        if count != 1:
            raise SampleError(f"{name}: {count} places are like {pattern}")
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(changed)

    def start_drwatch(self):
        self.spawn("drwatch", [self.program, "serve", "--config", self.path("drwatch.toml")], output=self.output)
        wait_for(lambda: self.ended_early() or fetch(self.url + "/healthz")[0] == 200, 30, f"drwatch did not answer on {self.url}/healthz")

    def ended_early(self):
        code = self.running["drwatch"].poll()
        if code is not None:
            raise SampleError(f"drwatch ended with code {code}; its last lines say why, and 'drwatch check' names every problem of a configuration")
        return False

    def kill_drwatch(self):
        self.end("drwatch", signal.SIGKILL)

    def stop_drwatch(self):
        self.end("drwatch")
