# SPDX-License-Identifier: Apache-2.0
"""The write-ahead log of an archive: what should be there, what is, and its fetching before the copy is replayed without a network."""
import bz2
import gzip
import lzma
import os
import re
import shutil

from . import words
from .runner import environment

SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})")
HISTORY = re.compile(r"([0-9A-F]{8})\.history")


def number_of(name, size):
    """The running number of a segment; `size` is what the cluster says, which need not be 16 MiB."""
    return int(name[8:16], 16) * (0x100000000 // size) + int(name[16:24], 16)


def name_of(timeline, number, size):
    per = 0x100000000 // size
    return f"{timeline:08X}{number // per:08X}{number % per:08X}"


class Bad(Exception):
    """A segment is there and can't be used; the reason in words."""


class Folder:
    """An archive that lies in a folder, its files plain or packed. Which file is taken for a name, where there are several, is one rule for the drill
    and for a restore in earnest (`restore_command`): on top of the folder, else in the one that is called by the first 16 letters, else in any
    other, the first by its path; and in one place plain before packed."""
    OPEN = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
    ENDINGS = ["", *OPEN]

    def __init__(self, folder):
        if not os.path.isdir(folder):
            raise words.Unusable(f"the archive {folder} is not there, or can't be read")
        self.folder, self.where = folder, {}

    def names(self):
        """name -> (bytes as stored, when it came there)."""
        found, self.where, ranks = {}, {}, {}
        for at, _, files in os.walk(self.folder):
            for file in files:
                name, ending = os.path.splitext(file)
                name, ending = (name, ending) if ending in self.OPEN else (file, "")
                if not (SEGMENT.fullmatch(name) or HISTORY.fullmatch(name) or re.fullmatch(r"[0-9A-F]{24}\.[0-9A-F]{8}\.backup", name)):
                    continue
                path, rank = os.path.join(at, file), self.rank(at, name, ending)
                if name in ranks and ranks[name] <= rank or not os.path.isfile(path):
                    continue
                try:
                    status = os.stat(path)
                except OSError:
                    continue
                ranks[name], self.where[name] = rank, path
                found[name] = (status.st_size, status.st_mtime)
        return found

    def rank(self, at, name, ending):
        """The lowest is taken."""
        place = 0 if at == self.folder else 1 if at == os.path.join(self.folder, name[:16]) else 2
        return place, os.fsencode(os.path.join(at, name) + ending) if place == 2 else b"", self.ENDINGS.index(ending)

    def restore_command(self):
        """The same in a shell, for a server. It has the exit code of what reads the file, and that of false where there is none."""
        folder = "'" + os.path.abspath(self.folder).replace("'", "'\\''").replace("%", "%%") + "'"
        first = " ".join(f'"$p{ending}"' for ending in self.ENDINGS)
        other = " -o ".join(f"-name %f{ending}" for ending in self.ENDINGS)
        read = " ".join(f'*{ending}) {program} -dc "$f" > "%p";;' for ending, program in zip(self.OPEN, ("gzip", "xz", "bzip2")))
        return (f"n=%f; d={folder}; f=; for p in \"$d/$n\" \"$d/$(echo $n | cut -c 1-16)/$n\"; do for q in {first}; do "
                "if [ -z \"$f\" ] && [ -f \"$q\" ]; then f=$q; fi; done; done; "
                f"if [ -z \"$f\" ]; then f=$(find -H \"$d\" -mindepth 2 \\( {other} \\) -exec test -f {{}} \\; -print | LC_ALL=C sort | head -n 1); fi; "
                f"case \"$f\" in '') false;; {read} *) cp \"$f\" \"%p\";; esac")

    def fetch(self, name, to, runner):
        path = self.where.get(name)
        if path is None:
            return False
        opened = self.OPEN.get(os.path.splitext(path)[1], open)
        try:
            with opened(path, "rb") as source, open(to, "wb") as target:
                while chunk := source.read(1 << 20):
                    runner.bounds.ask()
                    target.write(chunk)
        except (OSError, EOFError, lzma.LZMAError) as error:
            raise Bad(f"{name} can't be read: {error}")
        return True


class Command:
    """An archive behind a restore_command: it can be asked for a name, and can't be listed."""

    def __init__(self, command):
        self.command = command

    def names(self):
        return None

    def fetch(self, name, to, runner):
        filled = re.sub(r"%(.)", lambda m: {"f": name, "p": to, "%": "%", "r": name}.get(m[1], m[0]), self.command)
        # It is the operator's own command with its own credentials: it has the whole environment, and only it.
        done = runner.run(["/bin/sh", "-c", filled], env={**os.environ, "TZ": "UTC"})
        if done.code == 0 and os.path.exists(to):
            return True
        # Like PostgreSQL: a command that was killed is no answer that there is nothing.
        if done.code < 0 or done.code > 125:
            raise Bad(f"{name}: the restore command ended with {done.code}: {done.why()}")
        return False


class Staged:
    """The segments that a copy needs, fetched into a folder, in order, up to the first that is missing."""

    def __init__(self, archive, folder, first, timeline, size, held=(), as_of=None, until=None):
        """`first`: the segment that the copy begins with. `held`: names that the copy brings with it. `as_of`: what came later is not there yet.
        `until`: a moment; little behind it is needed."""
        self.archive, self.folder, self.timeline, self.size = archive, folder, timeline, size
        self.first, self.held = number_of(first, size), set(held)
        self.as_of, self.until = as_of, until
        self.staged, self.missing, self.bad, self.beyond = [], None, None, 0
        self.bytes, self.listed, self.histories = 0, None, set()
        os.makedirs(folder, exist_ok=True)

    def look(self):
        """What the archive lists, as of the disaster; None when it can't be listed."""
        found = self.archive.names()
        self.histories = {name for name in found or () if HISTORY.fullmatch(name)}
        if found is not None and self.as_of is not None:
            found = {name: it for name, it in found.items() if it[1] is None or it[1] <= self.as_of.timestamp()}
        self.listed = found
        return found

    def fetch(self, runner, progress, phase):
        """Fetches; returns whether the log goes on without a gap to its end (or to `until`)."""
        found = self.look()
        lines = self.timelines(found, runner)
        if found is None:
            return self.fetch_unlisted(lines, runner, progress, phase)
        numbers = {}
        for name in [*found, *self.held]:
            if SEGMENT.fullmatch(name) and int(name[:8], 16) in lines and number_of(name, self.size) >= self.first:
                numbers.setdefault(number_of(name, self.size), []).append(name)
        if not numbers:
            self.missing = (name_of(self.timeline, self.first, self.size),) * 2 + (1, 0)
            return False
        last = max(numbers)
        wanted, of = [], 0
        limit = self.limit(numbers, found, last)
        for number in range(self.first, last + 1):
            if number not in numbers:
                after = next(n for n in range(number, last + 1) if n in numbers)
                self.missing = (name_of(lines[0], number, self.size), name_of(lines[0], after - 1, self.size), after - number, last + 1 - after)
                break
            if number > limit:
                self.beyond = last - limit
                break
            names = sorted((n for n in numbers[number] if n in found), reverse=True)
            wanted += names
            of += len(names) * self.size
        runner.bounds.disk_of(of - sum(self.size for name in wanted if name in self.staged))
        for name in wanted:
            if name not in self.staged and not self.take(name, runner, phase):
                self.missing = self.missing or (name, name, 1, last - number_of(name, self.size))
                break
            progress.at(self.bytes, of)
        return self.missing is None

    def limit(self, numbers, found, last):
        """The last segment that a target needs: the first that came after it, and two more in case that one holds no commit."""
        if self.until is None:
            return last
        for number in sorted(numbers):
            times = [found[name][1] for name in numbers[number] if name in found]
            if times and all(t is not None and t > self.until.timestamp() for t in times):
                return min(last, number + 2)
        return last

    def fetch_unlisted(self, lines, runner, progress, phase):
        number = self.first
        while True:
            names = [name_of(line, number, self.size) for line in sorted(lines, reverse=True)]
            if not any([name in self.staged or self.take(name, runner, phase) for name in names]):
                # What the copy brings itself need not be in the archive.
                if not any(name in self.held for name in names):
                    break
            progress.at(self.bytes)
            number += 1
            runner.bounds.disk_of(self.size)
        return self.bad is None

    def take(self, name, runner, phase):
        target = os.path.join(self.folder, name)
        try:
            if not self.archive.fetch(name, target, runner):
                return False
            there = os.path.getsize(target)
            if there != self.size:
                raise Bad(f"{name} has {there} bytes instead of {self.size}")
        except Bad as bad:
            self.bad = self.bad or str(bad)
            if os.path.exists(target):
                os.unlink(target)
            return False
        self.staged.append(name)
        self.bytes += self.size
        phase.bytes = (phase.bytes or 0) + self.size
        return True

    def timelines(self, found, runner):
        """The timelines from the copy's to the newest that branches off from it, by their history files, which are fetched too."""
        lines, newest = [self.timeline], self.timeline
        number = self.timeline + 1
        known = sorted(int(name[:8], 16) for name in found or () if HISTORY.fullmatch(name))
        while (number in known or number <= max(known, default=0)) if found is not None else number == newest + 1:
            name = f"{number:08X}.history"
            target = os.path.join(self.folder, name)
            try:
                there = os.path.exists(target) or self.archive.fetch(name, target, runner)
            except Bad as bad:
                self.bad, there = self.bad or str(bad), False
            if there:
                newest = number
                with open(target, encoding="utf-8", errors="replace") as file:
                    parents = [int(line.split()[0]) for line in file if re.match(r"\s*\d+\s", line)]
                if self.timeline in parents:
                    lines = [n for n in [self.timeline, *lines, *parents] if n in parents or n == self.timeline] + [number]
            number += 1
        return sorted(set(lines))

    def said(self):
        """The check's verdict and words."""
        count = f"{len(self.staged)} segments"
        if self.bad:
            return "failed", f"{self.bad}; replay ends before it"
        if self.missing:
            first, last, gap, lost = self.missing
            names = first if gap == 1 else f"{first} to {last}"
            return "failed", f"{names} {'is' if gap == 1 else 'are'} missing, and {lost} segments behind are out of reach: a gap that recovery does not tell"
        if self.listed is None:
            return "passed", f"{count} without a break to the first that the command does not have; whether there are later ones it can't tell"
        return "passed", f"{count} without a gap" + (f"; {self.beyond} later ones are not needed" if self.beyond else "")


def together(folder, own, staged):
    """A folder of links to the log as replay finds it: what was fetched, and what the copy brings with it (`own`, its pg_wal)."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, mode=0o700)
    for place in (own, staged):
        for name in filter(SEGMENT.fullmatch, os.listdir(place)):
            link = os.path.join(folder, name)
            if os.path.lexists(link):
                os.unlink(link)
            os.symlink(os.path.join(place, name), link)
    return folder


def stretches(names, size):
    """The names in order, in lists without a gap, each of one timeline."""
    found = []
    for name in sorted(names):
        if not found or name[:8] != found[-1][-1][:8] or number_of(name, size) != number_of(found[-1][-1], size) + 1:
            found.append([])
        found[-1].append(name)
    return found


def read_through(runner, programs, folder, staged, size):
    """Reads the log before it is replayed: (the place of a tablespace that it makes, what is wrong with a segment of `staged`), each None where
    there is none. A tablespace would be made at its own absolute path, outside of the scratch folder. Where a record can't be read replay ends,
    and says that it was the end of the log. The log that a copy brings with it may end anywhere; a fetched segment is whole."""
    wrong = None
    for names in stretches(os.listdir(folder), size):
        # Without an end it would read the one segment alone.
        done = runner.run([programs.path("pg_waldump"), "-p", folder, "-r", "Tablespace", names[0], names[-1]], env=environment())
        if made := re.search(r"desc: CREATE\s+\d+\s+(\"?[^\"\n]+)", done.out):
            return made[1].strip('"'), None
        if done.code < 0:
            raise words.Unusable(f"pg_waldump does not read the log: it ended by signal {-done.code}")
        if done.code and not wrong:
            number = broken_at(done.err, names[0], size)
            behind = [name for name in names if name in staged and number_of(name, size) >= number]
            if behind:
                wrong = f"{behind[0]} can't be read to its end, and {len(behind) - 1} segments behind are out of reach: {done.why()}"
    return None, wrong


def broken_at(said, first, size):
    """The number of the segment in which pg_waldump came to an end."""
    if found := re.search(r"(?:log|WAL) segment ([0-9A-F]{24})", said):
        return number_of(found[1], size)
    if found := re.findall(r"\b([0-9A-F]{1,8})/([0-9A-F]{1,8})\b", said):
        return (int(found[-1][0], 16) << 32 | int(found[-1][1], 16)) // size
    return number_of(first, size)


def copy_file(source, target, bounds, at=None):
    """Copies bytes in pieces, so that a bound is kept within a file as well."""
    with open(source, "rb") as reading, open(target, "wb") as writing:
        while chunk := reading.read(4 << 20):
            bounds.ask()
            writing.write(chunk)
            if at:
                at(len(chunk))
    shutil.copystat(source, target)
