# SPDX-License-Identifier: Apache-2.0
"""Dumps: custom and directory format through pg_restore, plain ones and those of pg_dumpall through psql, also packed."""
import bz2
import gzip
import lzma
import os
import re

from . import words
from .copies import Copy
from .runner import used_by

OPEN = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
END = re.compile(rb"^-- PostgreSQL database (cluster )?dump complete", re.M)
BEGUN = re.compile(r"Archive created at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
SKIPPED = (".sha256", ".md5", ".json", ".txt", ".log", ".toc", ".part", ".tmp")


def opened(path):
    return OPEN.get(os.path.splitext(path)[1], open)(path, "rb")


def is_archive(path):
    """Custom and directory format; the rest is SQL."""
    if os.path.isdir(path):
        return os.path.exists(os.path.join(path, "toc.dat"))
    with open(path, "rb") as file:
        return file.read(5) == b"PGDMP"


class Dump:
    reads, point_in_time, physical = "dump", False, False

    def __init__(self, place, globals_file, programs, runner, jobs=1):
        if not os.path.exists(place):
            raise words.Unusable(f"{place} is not there, or can't be read")
        self.place, self.globals_file, self.programs, self.runner, self.jobs = place, globals_file, programs, runner, jobs

    def copies(self):
        if os.path.isfile(self.place) or is_archive(self.place):
            places = [self.place]
        else:
            places = [os.path.join(self.place, name) for name in sorted(os.listdir(self.place)) if not name.startswith(".") and not name.endswith(SKIPPED)]
            places = [place for place in places if os.path.isfile(place) or is_archive(place)]
            if self.globals_file:
                places = [place for place in places if os.path.realpath(place) != os.path.realpath(self.globals_file)]
        return [Copy(os.path.basename(os.path.abspath(place)), self.begun(place), used_by(place) if os.path.isdir(place) else os.path.getsize(place), place)
                for place in places]

    def begun(self, place):
        """When it was begun, which is the moment that its data are of. Plain ones do not say it: then when it was last written."""
        if is_archive(place):
            done = self.runner.run([self.programs.path("pg_restore"), "-l", place])
            if found := BEGUN.search(done.out):
                return words.time_of(found[1] + "Z")
        inside = os.path.join(place, "toc.dat")
        return words.of_epoch(os.stat(inside if os.path.exists(inside) else place).st_mtime)

    def version(self, copy):
        return None

    def restore(self, copy, server, phase, progress, staged):
        """Restores it into the running scratch server. Returns (what is wrong, the roles that are missing, the extensions that are missing,
        the database that it is in)."""
        wrong, database = [], "postgres"
        if self.globals_file:
            with open(self.globals_file, "rb") as file:
                wrong += self.fed(server, pieces(file), None, progress, None, "postgres")
        if is_archive(staged):
            done = self.runner.run([self.programs.path("pg_restore"), "-l", staged])
            name = re.search(r"^;\s+dbname: (.+)$", done.out, re.M)
            database = name[1] if name else "restored"
            create = ["-C"] if database not in ("postgres", "template1") else []
            command = server.client("pg_restore", *create, *(["-j", str(self.jobs)] if self.jobs > 1 else []), staged)
            size = server_size(server)
            done = self.runner.run(command, tick=lambda: progress.at(size()))
            phase.bytes = size()
            wrong += errors(done.err, server.superuser)
            if done.code and not wrong:
                wrong.append(f"pg_restore ended with {done.code}: {done.why()}")
            if done.code and database not in server.databases():
                database = "postgres"
        else:
            whole = self.complete(staged)
            database = "postgres" if whole == "cluster" else "restored"
            if database == "restored":
                server.ask("create database restored template template0")
            try:
                with opened(staged) as file:
                    wrong += self.fed(server, pieces(file), phase, progress, copy.bytes if os.path.splitext(staged)[1] not in OPEN else None, database)
            except (OSError, EOFError, lzma.LZMAError) as error:
                wrong.append(f"it can't be unpacked to its end: {error}")
            if whole is None:
                wrong.insert(0, "it ends early: the words `PostgreSQL database dump complete` are not at its end")
            if whole == "cluster":
                made = [name for name in server.databases() if name != "postgres"]
                database = made[0] if made else "postgres"
        roles = sorted({m[1] for text in wrong if (m := re.search(r'role "([^"]+)" does not exist', text))})
        extensions = sorted({m[1] for text in wrong if (m := re.search(r'extension "([^"]+)" is not available', text))})
        return wrong, roles, extensions, database

    def fed(self, server, source, phase, progress, of, database):
        """SQL through psql, which goes on after an error: all of them are wanted."""
        def counted():
            total = 0
            for piece in source:
                total += len(piece)
                if phase is not None:
                    phase.bytes = total
                    progress.at(total, of)
                yield piece
        done = self.runner.run(server.client("psql", "-X", "-q", "-o", "/dev/null", database=database), feed=counted())
        return errors(done.err, server.superuser) or ([done.why()] if done.code else [])

    @staticmethod
    def complete(path):
        """"database" or "cluster" when its last words are there, else None. Releases of today write a line or two behind them."""
        tail = b""
        try:
            with opened(path) as file:
                for piece in pieces(file):
                    tail = (tail + piece)[-600:]
        except (OSError, EOFError, lzma.LZMAError):
            return None
        found = list(END.finditer(tail))
        return None if not found else "cluster" if found[-1][1] else "database"


def pieces(file):
    while piece := file.read(1 << 18):
        yield piece


def server_size(server):
    return lambda: used_by(os.path.join(server.data, "base"))


def errors(said, superuser):
    """What psql or pg_restore complained of. That the scratch server's own superuser is there already is none."""
    found = [line for line in said.splitlines() if re.search(r"\b(ERROR|FATAL|error)\b:", line)]
    return [words.shown(line) for line in found if f'role "{superuser}" already exists' not in line]
