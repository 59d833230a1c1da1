# SPDX-License-Identifier: Apache-2.0
"""A restore in earnest: into the real data directory's place, with its own configuration, until it takes writes again."""
import os
import re
import time

from . import copies, verify, wal, words
from .drill import source_of
from .programs import Programs, control_data, version_of
from .runner import environment
from .server import Failed

REPLAYED = """select to_char(pg_catalog.pg_last_xact_replay_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
BEGIN, END = "# drwatch-restore-drill: of this restore, taken out when it is over", "# drwatch-restore-drill: end"


class Restore:
    def __init__(self, asked, evidence, runner, folder):
        self.asked, self.evidence, self.runner, self.folder = asked, evidence, runner, folder
        self.progress, self.data = evidence.progress, os.path.abspath(asked.for_real)
        self.programs, self.begun, self.told = Programs(asked.bin), time.monotonic(), False

    def elapsed(self):
        return time.monotonic() - self.begun

    def close(self):
        """Nothing of it is removed: what was restored stays."""

    def run(self):
        asked, evidence = self.asked, self.evidence
        self.evidence.machine["isolation"] = "none: in earnest"
        self.refuse()
        source = source_of(asked, self.folder, self.runner, self.programs)
        with evidence.phase("locate"):
            self.locate(source)
        self.look_for_room()
        # Until here nothing of what is there was touched.
        self.place()
        with evidence.phase("fetch") as phase:
            wrong = source.fetch(self.copy, self.data, phase, self.progress, for_real=True)
        if wrong:
            evidence.check("restore", "failed", wrong)
            return
        evidence.check("restore", "passed", f"the files of {self.copy.label} are in {self.data}")
        if not asked.bin:
            self.programs = Programs(version=version_of(self.data))
        self.arrange(source.restore_command())
        with evidence.phase("replay"):
            up = self.start()
        if up:
            evidence.took = time.monotonic() - self.begun
            evidence.check("replay", "passed", f"to {words.stamp(evidence.target)}" if evidence.target else "to the end of the log")
            self.tidy()
            self.to_its_end(source.archive())
            self.look()

    def refuse(self):
        """The data directory's place has to be free, or may be made so: no server in it, nothing in it that nobody said to move."""
        pid = os.path.join(self.data, "postmaster.pid")
        if os.path.exists(pid) and alive(pid):
            raise words.Unusable(f"a server runs in {self.data}: stop it first, and be sure that it is the one to be replaced")
        if os.path.islink(self.data):
            raise words.Unusable(f"{self.data} is a link; name the folder that it leads to")
        if self.occupied() and not self.asked.move_old:
            raise words.Unusable(f"{self.data} is not empty; --move-old keeps what is in it beside it, renamed")

    def occupied(self):
        return os.path.isdir(self.data) and bool(os.listdir(self.data))

    def look_for_room(self):
        """In the folder that holds the data directory, or will: what is moved aside stays on the same disk."""
        bounds, parent = self.runner.bounds, os.path.dirname(self.data)
        while not os.path.isdir(parent):
            parent = os.path.dirname(parent)
        bounds.folder, bounds.disk = parent, None
        bounds.disk_of(self.copy.bytes or 0)
        bounds.folder = self.folder

    def place(self):
        """Makes the place free. A server that was started meanwhile is seen here."""
        self.refuse()
        if self.occupied():
            aside = f"{self.data}.before-{words.now().strftime('%Y%m%dT%H%M%SZ')}"
            os.rename(self.data, aside)
            self.progress.say(f"what was in {self.data} is in {aside} now")
            self.evidence.copy["moved_to"] = aside
        try:
            os.makedirs(self.data, mode=0o700, exist_ok=True)
        except OSError as error:
            raise words.Unusable(f"{self.data} can't be made: {error.strerror}")

    def locate(self, source):
        asked, evidence = self.asked, self.evidence
        evidence.copy["reads"] = source.reads
        found = source.copies()
        good = [copy for copy in found if not copy.wrong]
        for copy in found:
            if copy.wrong:
                self.progress.say(f"passed over {copy.label}: {copy.wrong}")
        self.copy, evidence.target, chosen = copies.choose(good, asked.copy, evidence.began_at, asked.seed)
        if source.reads == "basebackup" and source.tablespaces(self.copy):
            raise words.Unusable(f"{self.copy.label} has tablespaces: where they belong is for a person to say, and to restore")
        evidence.disaster_at = asked.disaster_at or evidence.target or evidence.began_at
        evidence.classes = getattr(asked, "class") or (["logical"] if evidence.target else ["host"])
        evidence.copy.update(label=self.copy.label, taken_at=words.stamp(self.copy.taken_at), chosen=chosen, of=len(found))
        if asked.claim is not None:
            evidence.claim = {"recovery_point": words.stamp(asked.claim), "source": asked.claim_source or "drwatch"}
        self.progress.say(f"copy {self.copy.label} of {words.stamp(self.copy.taken_at)}" + (f", to {words.stamp(evidence.target)}" if evidence.target else ""))

    def arrange(self, command):
        """Recovery settings at the end of postgresql.auto.conf, where the last one counts, between marks so that they can be taken out again."""
        os.chmod(self.data, 0o700)
        for name in ("standby.signal", "postmaster.pid", "postmaster.opts"):
            try:
                os.unlink(os.path.join(self.data, name))
            except FileNotFoundError:
                pass
        lines = [BEGIN, f"restore_command = {quoted(command)}", "recovery_target_timeline = 'latest'", "recovery_target_action = 'promote'",
                 "recovery_target = ''", "recovery_target_lsn = ''", "recovery_target_name = ''", "recovery_target_xid = ''",
                 f"recovery_target_time = {quoted(self.evidence.target.isoformat(sep=' ') if self.evidence.target else '')}", END]
        with open(os.path.join(self.data, "postgresql.auto.conf"), "a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        open(os.path.join(self.data, "recovery.signal"), "w").close()

    def tidy(self):
        path = os.path.join(self.data, "postgresql.auto.conf")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(re.sub(rf"{re.escape(BEGIN)}.*?{re.escape(END)}\n", "", text, flags=re.S))
        os.rename(path + ".new", path)

    def start(self):
        """Starts it and waits until it takes writes. False when it ended instead."""
        log = self.data + ".log"
        command = (["/bin/sh", "-c", self.asked.start_command] if self.asked.start_command else
                   [self.programs.path("pg_ctl"), "-D", self.data, "-l", log, "-W", "-s", "start"])
        read_from = os.path.getsize(log) if os.path.exists(log) else 0
        # It is the real server: its archive_command may need what is set here.
        done = self.runner.run(command, env=dict(os.environ), cwd=os.path.dirname(self.data))
        if done.code:
            self.evidence.check("replay", "failed", f"the server was not started: {done.why()}")
            return False
        dead_since = None
        while True:
            if self.takes_writes():
                return True
            self.runner.bounds.ask()
            pid = os.path.join(self.data, "postmaster.pid")
            dead_since = None if os.path.exists(pid) and alive(pid) else dead_since or time.monotonic()
            if dead_since and time.monotonic() - dead_since > 3:
                said = ""
                if os.path.exists(log):
                    with open(log, "rb") as file:
                        file.seek(read_from)
                        said = file.read().decode("utf-8", "replace")
                self.evidence.check("replay", "failed", f"the server ended while it recovered: {words.last_words(said, 4)}")
                return False
            time.sleep(0.05)

    def takes_writes(self):
        """Asked of the server that was restored: at a --dsn another may answer, and would be taken for it."""
        try:
            with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
                begun = int(file.read().splitlines()[2])
        except (OSError, ValueError, IndexError):
            return False
        rows = self.value(f"select abs(extract(epoch from pg_catalog.pg_postmaster_start_time()) - {begun}) < 60, not pg_catalog.pg_is_in_recovery()", whole=True)
        if rows and rows[0][0] != "t" and not self.told:
            self.told = True
            self.progress.say(f"the server that answers at --dsn is not the one in {self.data}, which is waited for")
        return bool(rows) and rows[0] == ["t", "t"]

    def to_its_end(self, archive):
        """At a gap, or in a segment that can't be read, replay ends without a word, and the server goes on from there on a timeline of its own."""
        if self.evidence.target:
            return
        found = archive.names() if archive else None
        folder = os.path.join(self.data, "pg_wal")
        with open(os.path.join(folder, max(filter(wal.HISTORY.fullmatch, os.listdir(folder)))), encoding="utf-8") as file:
            timeline, end = [line.split()[:2] for line in file if re.match(r"\s*\d+\s", line)][-1]
        size = int(control_data(self.runner, self.programs, self.data)["Bytes per WAL segment"])
        last = ((int(end.split("/")[0], 16) << 32 | int(end.split("/")[1], 16)) - 1) // size
        behind = sorted(name for name in found or () if wal.SEGMENT.fullmatch(name) and int(name[:8], 16) == int(timeline) and wal.number_of(name, size) > last)
        ended = f"replay ended at {end} in {wal.name_of(int(timeline), last, size)}"
        if behind:
            self.evidence.check("wal", "failed", f"{ended}, and {behind[0]} to {behind[-1]} of the archive are behind it: a segment is missing there, "
                                "or can't be read; what they hold is not in this server")
        elif wrong := self.cut(archive, wal.name_of(int(timeline), last, size)):
            self.evidence.check("wal", "failed", f"{ended}, which is not whole: {wrong}; what the rest of it held is not in this server")
        elif found is None:
            self.evidence.check("wal", "skipped", "the archive can't be listed: whether it goes on behind the end of replay can't be told", mandatory=False)
        else:
            self.evidence.check("wal", "passed", f"to {end}, the end of the archive")

    def cut(self, archive, name):
        """What is wrong with the archive's last segment: cut in its middle it ends replay as a whole one does. None where it is whole, or comes from
        the copy itself, whose log may end anywhere."""
        folder = os.path.join(self.folder, "last")
        os.makedirs(folder)
        try:
            if archive is None or not archive.fetch(name, os.path.join(folder, name), self.runner):
                return None
        except wal.Bad as bad:
            return str(bad)
        done = self.runner.run([self.programs.path("pg_waldump"), "-p", folder, "-r", "Tablespace", name, name], env=environment())
        # One record may fill the whole segment, and begin and end outside of it.
        return done.why() if done.code and "could not find a valid record" not in done.err else None

    def look(self):
        """What a responder has to know before people are let in again. Only questions: amcheck and checksums are for a drill."""
        asked, evidence = self.asked, self.evidence
        with evidence.phase("checks"):
            questions = verify.Questions(asked, evidence, self, asked.check_time)
            try:
                questions.find_home()
                questions.describe()
                questions.system_identifier(self.copy, None)
                # drwatch sees that the server is back, and goes on with its canary.
                last = self.value(REPLAYED)
                replayed = words.time_of(last) if last else None
                questions.beat((replayed, "transaction" if replayed else None), replayed)
                questions.claims()
                questions.sentinel()
                questions.extensions()
                questions.roles()
                questions.invariants()
            except Failed as failed:
                evidence.check("readable", "failed", f"the restored database does not answer: {failed}")
        if asked.rto is not None:
            evidence.check("rto", "passed" if evidence.took <= asked.rto else "failed",
                           f"{words.in_words(evidence.took)} until it took writes, {words.in_words(asked.rto)} is the most")

    # ---- as a server that can be asked, like the scratch one

    def reached(self, database):
        if self.asked.dsn:
            return ["-d", f"{self.asked.dsn} dbname={database}" if "://" not in self.asked.dsn else self.asked.dsn]
        with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        return ["-p", lines[3], "-h", lines[4] or lines[5] or "localhost", "-U", self.asked.superuser, "-d", database]

    def ask(self, sql, database="postgres", within=300.0):
        try:
            where = self.reached(database)
        except (OSError, IndexError):
            raise Failed("the server is not up")
        env = environment(PGCONNECT_TIMEOUT="5", **{key: os.environ[key] for key in ("PGPASSFILE", "PGSERVICEFILE", "PGSYSCONFDIR") if key in os.environ})
        done = self.runner.run([self.programs.path("psql"), "-X", "-A", "-t", "-q", "-w", "-F", "\x1f", "-R", "\x1e", "-v", "ON_ERROR_STOP=1", *where],
                               within=within, feed=[sql.encode()], env=env)
        if done.code:
            raise Failed(done.why())
        text = done.out.removesuffix("\n")
        return [row.split("\x1f") for row in text.split("\x1e")] if text else []

    def value(self, sql, database="postgres", within=300.0, whole=False):
        try:
            rows = self.ask(sql, database, within)
        except Failed:
            if self.evidence.took is None:
                return None  # not up yet
            raise
        return rows if whole else rows[0][0] if rows else None

    def databases(self):
        return [row[0] for row in self.ask("select datname from pg_database where datallowconn and not datistemplate order by datname")]


def alive(pid_file):
    """Whether the process that a postmaster.pid names is a PostgreSQL."""
    try:
        with open(pid_file, encoding="utf-8") as file:
            number = int(file.readline())
        with open(f"/proc/{number}/comm", encoding="utf-8") as file:
            return file.read().strip() in ("postgres", "postmaster")
    except (OSError, ValueError):
        return False


def quoted(text):
    """As a value of postgresql.conf, in which a backslash begins an escape."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
