# SPDX-License-Identifier: Apache-2.0
"""One drill from its beginning to its end: locate, fetch, replay, look, remove. Each step leaves its trace in the evidence."""
import os
import re
import time

from . import control, copies, verify, wal, words
from .basebackup import BaseBackup
from .dump import Dump
from .pgbackrest import PgBackRest
from .programs import Programs, backup_label, control_data, version_of
from .protection import Production
from .runner import Stopped, used_by
from .server import Failed, Isolation, Server


def source_of(asked, folder, runner, programs):
    if asked.pgbackrest:
        return PgBackRest(asked.pgbackrest, asked.config, asked.repo, folder, runner)
    if asked.basebackup:
        return BaseBackup(asked.basebackup, asked.archive, asked.restore_command, runner)
    return Dump(asked.dump, asked.globals, programs, runner, asked.jobs)


class Drill:
    def __init__(self, asked, evidence, runner, folder):
        self.asked, self.evidence, self.runner, self.folder = asked, evidence, runner, folder
        self.progress, self.data = evidence.progress, os.path.join(folder, "data")
        self.server, self.production, self.staged, self.begun = None, None, None, time.monotonic()
        self.programs = Programs(asked.bin)

    def run(self):
        """Raises NoCopy where there is nothing to restore; whatever else goes wrong with the copy is a check that failed."""
        asked, evidence = self.asked, self.evidence
        if asked.protects:
            self.production = Production(self.programs, asked.protects, self.folder, asked.max_exposure)
            if why := self.production.exposed(self.production.before):
                raise Stopped("protection", why)
            self.runner.bounds.also.append(self.production.stop_condition)
        self.begun = time.monotonic()
        with evidence.phase("locate"):
            self.source = source_of(asked, self.folder, self.runner, self.programs)
            self.locate()
        with evidence.phase("prepare"):
            self.isolation = Isolation(self.runner)
            self.isolation.check(evidence)
        if self.source.physical:
            self.physical()
        else:
            self.logical()

    # ---- which copy

    def locate(self):
        asked, evidence = self.asked, self.evidence
        evidence.copy["reads"] = self.source.reads
        point_in_time = asked.copy not in ("newest", "oldest", "random")
        if asked.disaster_at is not None and not point_in_time:
            self.as_of = asked.disaster_at
        else:
            self.as_of = evidence.began_at
        found = self.source.copies()
        self.copy, evidence.target, chosen = copies.choose(found, asked.copy, self.as_of, asked.seed, self.source.point_in_time,
                                                              self.last_moment() if asked.copy == "moment" else None)
        evidence.disaster_at = asked.disaster_at or evidence.target or self.as_of
        evidence.copy.update(label=self.copy.label, taken_at=words.stamp(self.copy.taken_at), chosen=chosen, of=len(found))
        evidence.classes = getattr(asked, "class") or (["logical"] if point_in_time or not self.source.physical else ["host"])
        if asked.claim is not None:
            evidence.claim = {"recovery_point": words.stamp(asked.claim), "source": asked.claim_source or "drwatch"}
        self.progress.say(f"copy {self.copy.label} of {words.stamp(self.copy.taken_at)}, {chosen} of {len(found)}" +
                          (f", to {words.stamp(evidence.target)}" if evidence.target else ""))
        if self.copy.wrong:
            evidence.check("copy", "failed", f"{self.copy.label}: {self.copy.wrong}")
        self.age(found)

    def last_moment(self):
        """Up to when a random moment may be: what is claimed, or else what the canary must have written into the archive's newest segment."""
        archive = self.source.archive() if self.source.physical else None
        times = [it[1] for name, it in ((archive.names() if archive else None) or {}).items() if wal.SEGMENT.fullmatch(name) and it[1] is not None]
        return self.asked.claim or (words.of_epoch(max(times) - self.asked.beat_every) if times else None)

    def age(self, found):
        """How old the newest copy was at the disaster, whichever of them is restored."""
        if self.asked.schedule_age is None:
            return
        newest = max(copy.taken_at for copy in found if copy.taken_at <= self.as_of)
        age = (self.as_of - newest).total_seconds()
        self.evidence.check("schedule", "passed" if age <= self.asked.schedule_age else "failed",
                            f"the newest copy was {words.in_words(age)} old, {words.in_words(self.asked.schedule_age)} is the most by its schedule")

    def room(self):
        """Asked before anything is fetched: a disk that fills up takes others with it."""
        self.runner.bounds.used = used_by(self.folder)
        try:
            self.runner.bounds.disk_of(self.copy.bytes or 0)
        except Stopped as stopped:
            self.evidence.check("disk", "failed", str(stopped))
            raise

    # ---- a data directory

    def physical(self):
        asked, evidence, programs = self.asked, self.evidence, self.programs
        self.room()
        with evidence.phase("fetch") as phase:
            wrong = self.source.fetch(self.copy, self.data, phase, self.progress)
        if wrong:
            evidence.check("restore", "failed", wrong)
            return
        if not asked.bin:
            programs = self.programs = Programs(version=version_of(self.data))
        evidence.check("restore", "passed", f"the files of {self.copy.label} are there")
        self.manifest()
        if not self.logs():
            return
        self.server = Server(self.runner, programs, self.folder, self.isolation, asked.superuser, asked.max_memory)
        if self.replay():
            self.look()

    def manifest(self):
        """What pg_basebackup wrote down of each file, against what was fetched. It says that the copy is whole, not that the source was sound."""
        if self.source.reads != "basebackup":
            return
        if not os.path.exists(os.path.join(self.data, "backup_manifest")) or not self.programs.has("pg_verifybackup"):
            self.evidence.check("manifest", "skipped", "the copy has no backup_manifest", mandatory=False)
            return
        done = self.runner.run([self.programs.path("pg_verifybackup"), "--no-parse-wal", "--quiet", self.data])
        lines = [line for line in (done.err + done.out).splitlines() if "pg_verifybackup:" in line]
        # The map of tablespaces was changed on purpose. Whatever else made it end so is a failure, also where it says nothing (killed).
        said = [line for line in lines if "tablespace_map" not in line]
        self.evidence.check("manifest", "failed" if done.code and (said or not lines) else "passed",
                            (words.last_words("\n".join(said)) if said else f"pg_verifybackup ended with {done.code}") if done.code and (said or not lines)
                            else "every file is as it was copied")

    def logs(self):
        """Fetches the log. A gap fails the drill, and what can be restored in spite of it is restored: what would be lost has to be known."""
        asked, evidence = self.asked, self.evidence
        control_file = control_data(self.runner, self.programs, self.data)
        size = int(control_file["Bytes per WAL segment"])
        label = backup_label(self.data)
        if label is None:
            evidence.check("wal", "failed", "the copy has no backup_label: where its log begins can't be told")
            return False
        archive = self.source.archive() or Nothing()
        if evidence.control and evidence.control["planted"] == "gap":
            archive = control.Gap(archive)
        self.enabled = control_file.get("Data page checksum version", "0") != "0"
        held = [name for name in os.listdir(os.path.join(self.data, "pg_wal")) if wal.SEGMENT.fullmatch(name)]
        self.staged = wal.Staged(archive, os.path.join(self.folder, "wal"), label["segment"], label["timeline"], size, held,
                                 as_of=None if evidence.target else asked.disaster_at, until=evidence.target)
        self.archive = archive
        with evidence.phase("fetch-wal") as phase:
            self.staged.fetch(self.runner, self.progress, phase)
        if evidence.control and evidence.control["planted"] == "gap":
            evidence.control["where"] = archive.lost or "nothing to take away"
        evidence.copy.update(bytes=used_by(self.data))
        return self.may_be_replayed()

    def may_be_replayed(self):
        """Asked after each fetching: whether what is there now can be replayed, and comes to its end."""
        evidence, staged = self.evidence, self.staged
        evidence.check("wal", *staged.said())
        evidence.copy.update(wal_segments=len(staged.staged), wal_bytes=staged.bytes)
        folder = wal.together(os.path.join(self.folder, "log"), os.path.join(self.data, "pg_wal"), staged.folder)
        place, wrong = wal.read_through(self.runner, self.programs, folder, staged.staged, staged.size)
        if place:
            evidence.check("replay", "skipped", f"the log makes a tablespace at {place}: replayed beside production it would write there; take a newer base backup")
            return False
        if wrong and evidence.found("wal") == "passed":
            evidence.check("wal", "failed", wrong)
        return True

    def replay(self):
        """Replays what was fetched, without a network. Whether the server came up as a primary."""
        evidence, server = self.evidence, self.server
        server.disarm()
        more = {"restore_command": f"cp '{self.staged.folder}/%f' '%p'", "recovery_target_timeline": "latest", "recovery_target_action": "promote"}
        if evidence.target:
            more["recovery_target_time"] = evidence.target.isoformat(sep=" ")
        for again in (False, True):
            open(os.path.join(self.data, "recovery.signal"), "w").close()
            with evidence.phase("replay" if not again else "replay-on") as phase:
                up = server.start(more, self.replaying)
                phase.bytes = self.replayed(server.said())
            # The target lay further on than the archive's times let expect: the rest of it is fetched, and replay goes on.
            if up or not self.staged.beyond or "recovery ended before configured recovery target" not in server.failed:
                break
            self.staged.until, self.staged.beyond = None, 0
            with evidence.phase("fetch-wal-on") as phase:
                self.staged.fetch(self.runner, self.progress, phase)
            if not self.may_be_replayed():
                return False
        if not up:
            evidence.check("replay", "failed", server.failed)
            return False
        self.up()
        done, ready = server.when("redo done at"), server.when("database system is ready to accept connections")
        if done and ready and evidence.phases[-1]["seconds"] >= ready - done >= 0:
            evidence.phases[-1]["seconds"] = round(evidence.phases[-1]["seconds"] - (ready - done), 3)
            evidence.phases.append({"name": "promote", "seconds": round(ready - done, 3), "bytes": None})
        evidence.check("replay", "passed", f"to {words.stamp(evidence.target)}" if evidence.target else "to the end of the log")
        return True

    def replayed(self, said):
        """Bytes of log; the last segments are read twice when it comes to their end."""
        return len(set(re.findall(r'restored log file "([0-9A-F]{24})"', said))) * self.staged.size

    def replaying(self, said):
        self.progress.at(self.replayed(said), self.staged.bytes)

    def up(self):
        """It takes writes from now on: that is how long the restore took."""
        evidence, asked = self.evidence, self.asked
        evidence.took = time.monotonic() - self.begun
        if asked.rto is not None:
            evidence.check("rto", "passed" if evidence.took <= asked.rto else "failed",
                           f"{words.in_words(evidence.took)} until it took writes, {words.in_words(asked.rto)} is the most")

    def last_transaction(self):
        """The newest commit that was replayed, by the server's log: it stands in where there is no canary."""
        found = re.findall(r"last completed transaction was at log time (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)", self.server.said())
        return (words.time_of(found[-1] + "Z"), "transaction") if found else (self.copy.taken_at, "copy")

    # ---- a dump

    def logical(self):
        asked, evidence = self.asked, self.evidence
        self.room()
        staged = os.path.join(self.folder, "dump" + os.path.splitext(self.copy.place)[1])
        with evidence.phase("fetch") as phase:
            self.fetch_dump(staged, phase)
        if evidence.control:
            evidence.control["where"] = control.truncate(staged)
        with evidence.phase("provision"):
            done = self.runner.run([self.programs.path("initdb"), "-U", asked.superuser, "-A", "trust", "-k", "-E", "UTF8", "--locale=C.UTF-8", "-D", self.data])
            if done.code:
                raise words.Unusable(f"initdb makes no scratch cluster: {done.why()}")
            self.enabled = True
            self.server = Server(self.runner, self.programs, self.folder, self.isolation, asked.superuser, asked.max_memory)
            if not self.server.start():
                raise words.Unusable(f"the scratch server does not start: {self.server.failed}")
        with evidence.phase("restore") as phase:
            wrong, self.roles, self.missing, database = self.source.restore(self.copy, self.server, phase, self.progress, staged)
        self.up()
        self.asked.database = self.asked.database or (database if database in self.server.databases() else None)
        count = f"{len(wrong)} errors, the first: " if len(wrong) > 1 else ""
        evidence.check("restore", "failed" if wrong else "passed", count + wrong[0] if wrong else f"all of {self.copy.label}, without an error")
        self.look()

    def fetch_dump(self, staged, phase):
        at = 0

        def count(more):
            nonlocal at
            at += more
            phase.bytes = at
            self.progress.at(at, self.copy.bytes)
        if os.path.isdir(self.copy.place):
            os.makedirs(staged)
            for name in sorted(os.listdir(self.copy.place)):
                wal.copy_file(os.path.join(self.copy.place, name), os.path.join(staged, name), self.runner.bounds, count)
        else:
            wal.copy_file(self.copy.place, staged, self.runner.bounds, count)

    # ---- what came back

    def look(self):
        asked, evidence, server = self.asked, self.evidence, self.server
        fallback = self.last_transaction() if self.source.physical else (self.copy.taken_at, "copy")
        if evidence.control and evidence.control["planted"] == "page":
            self.plant()
        with evidence.phase("checks"):
            questions = verify.Questions(asked, evidence, server, asked.check_time)
            try:
                questions.find_home()
                questions.describe()
                before = (self.production.before if self.production else None) or {}
                if self.source.physical:
                    questions.system_identifier(self.copy, before)
                newest = evidence.copy["chosen"] == "newest"
                questions.beat(fallback)
                questions.claims()
                questions.sentinel()
                questions.extensions([] if self.source.physical else self.missing, before.get("extensions", []) if newest and not asked.database else [])
                questions.roles([] if self.source.physical else self.roles, before.get("roles", []) if newest else [])
                questions.invariants()
            except Failed as failed:
                evidence.check("readable", "failed", f"the restored database does not answer: {failed}")
        with evidence.phase("amcheck"):
            verify.amcheck(evidence, server, asked.check_time)
        with evidence.phase("checksums"):
            server.stop("fast")
            verify.checksums(evidence, server, self.enabled, asked.check_time)

    def plant(self):
        self.server.ask("checkpoint")
        self.server.stop("fast")
        self.evidence.control["where"] = control.break_page(self.data, self.asked.seed) or "nothing to break"
        if not self.server.start():
            raise words.Unusable(f"the scratch server does not start again: {self.server.failed}")

    # ---- afterwards

    def elapsed(self):
        return time.monotonic() - self.begun

    def close(self):
        """Ends the scratch server, and looks whether anything went from the copy into production or its archive."""
        if self.server:
            self.server.stop("immediate", 10)
        if self.production:
            self.production.compare(self.evidence)
        if self.staged is None or self.staged.listed is None or self.evidence.stopped:
            return
        new = sorted(name for name in self.archive.names() or {} if wal.HISTORY.fullmatch(name) and name not in self.staged.histories)
        self.evidence.check("archive-untouched", "failed" if new else "passed",
                            f"new timelines came into the archive while the drill ran: {', '.join(new)}" if new else "no timeline came into the archive")


class Nothing:
    """No archive: a copy that brings the log that it needs with it."""

    def names(self):
        return {}

    def fetch(self, name, to, runner):
        return False

