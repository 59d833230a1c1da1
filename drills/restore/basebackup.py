# SPDX-License-Identifier: Apache-2.0
"""Base backups as pg_basebackup writes them, plain or as tar, with an archive in a folder or behind a restore_command."""
import datetime
import os
import re
import tarfile
import time

from . import wal, words
from .copies import Copy
from .programs import backup_label, read_label, version_of
from .runner import used_by

TARS = ("base.tar", "base.tar.gz", "base.tar.xz", "base.tar.bz2")


def is_backup(folder):
    return os.path.exists(os.path.join(folder, "backup_label")) or tar_in(folder) is not None


def tar_in(folder):
    return next((os.path.join(folder, name) for name in TARS if os.path.exists(os.path.join(folder, name))), None)


def label_of(folder):
    """The backup_label, which is the first member of a tar."""
    if tar := tar_in(folder):
        try:
            with tarfile.open(tar) as opened:
                member = opened.next()
                text = opened.extractfile(member).read().decode("utf-8", "replace") if member and member.name == "backup_label" else ""
            return read_label(text)
        except (OSError, EOFError, tarfile.TarError):
            return None
    return backup_label(folder)


def moment_of(text):
    """A time as backup_label has it; its zone is an abbreviation, so that only UTC and the machine's own are sure."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (\S+)", text or "")
    if not found:
        return None
    read = datetime.datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S")
    if found[2] in ("UTC", "GMT"):
        return read.replace(tzinfo=words.UTC)
    return read.astimezone(words.UTC) if found[2] in time.tzname else None


class BaseBackup:
    reads, point_in_time, physical = "basebackup", True, True

    def __init__(self, folder, archive, command, runner):
        if not os.path.isdir(folder):
            raise words.Unusable(f"{folder} is not there, or can't be read")
        if archive and command:
            raise words.Unusable("--archive and --restore-command are two ways to one thing: choose one")
        self.folder, self.runner, self.command = folder, runner, command
        self.store = wal.Folder(archive) if archive else wal.Command(command) if command else None

    def copies(self):
        places = [self.folder] if is_backup(self.folder) else [os.path.join(self.folder, name) for name in sorted(os.listdir(self.folder))]
        ends = self.ends()
        found = []
        for place in places:
            if not os.path.isdir(place) or not is_backup(place):
                continue
            label = label_of(place)
            if label is None:
                found.append(Copy(os.path.basename(place), self.written_at(place), used_by(place), place, "its backup_label can't be read"))
                continue
            taken = ends.get(label["segment"]) or moment_of(label["begun"]) or self.written_at(place)
            found.append(Copy(os.path.basename(os.path.abspath(place)), taken, used_by(place), place))
        return found

    @staticmethod
    def written_at(place):
        manifest = os.path.join(place, "backup_manifest")
        return words.of_epoch(os.stat(manifest if os.path.exists(manifest) else place).st_mtime)

    def ends(self):
        """When the backups ended, by the first segment of each: PostgreSQL writes that into the archive, as SEGMENT.OFFSET.backup."""
        found = {}
        for name in (self.store.names() or {}) if isinstance(self.store, wal.Folder) else ():
            if name.endswith(".backup"):
                with open(self.store.where[name], "rb") as file:
                    label = read_label(file.read(65536).decode("utf-8", "replace")) if not self.store.where[name].endswith((".gz", ".xz", ".bz2")) else None
                if label and label["ended"] and (moment := moment_of(label["ended"])):
                    found[label["segment"]] = moment
        return found

    def version(self, copy):
        return None if tar_in(copy.place) else version_of(copy.place)

    @staticmethod
    def tablespaces(copy):
        """The numbers of those that it has beside its data directory."""
        if tar_in(copy.place):
            return [name.split(".")[0] for name in os.listdir(copy.place) if re.match(r"\d+\.tar", name)]
        links = os.path.join(copy.place, "pg_tblspc")
        return os.listdir(links) if os.path.isdir(links) else []

    def fetch(self, copy, data, phase, progress, for_real=False):
        """Copies or unpacks it. Returns what is wrong, or None. Tablespaces come to lie beside the data, never where production has them."""
        if copy.wrong:
            return copy.wrong
        self.at, self.of = 0, copy.bytes
        self.phase, self.progress = phase, progress
        beside = os.path.join(os.path.dirname(data), "tablespaces")
        os.makedirs(data, mode=0o700, exist_ok=True)
        try:
            if tar_in(copy.place):
                self.unpack(copy.place, data, beside)
            else:
                self.copy_tree(copy.place, data, beside)
        except (EOFError, tarfile.TarError) as error:
            return f"{copy.label} can't be unpacked: {error}"
        except OSError as error:
            return f"{copy.label} can't be read: {error.strerror or error}"
        return None

    def count(self, more):
        self.at += more
        self.phase.bytes = self.at
        self.progress.at(self.at, self.of)

    def copy_tree(self, source, target, beside):
        for name in sorted(os.listdir(source)):
            at, to = os.path.join(source, name), os.path.join(target, name)
            if os.path.islink(at) and os.path.basename(source) == "pg_tblspc":
                place = os.path.join(beside, name)
                os.makedirs(place, mode=0o700)
                self.copy_tree(os.path.realpath(at), place, beside)
                os.symlink(place, to)
            elif os.path.isdir(at):
                os.makedirs(to, mode=0o700, exist_ok=True)
                self.copy_tree(at, to, beside)
            elif os.path.isfile(at):
                wal.copy_file(at, to, self.runner.bounds, self.count)

    def unpack(self, place, data, beside):
        for name in sorted(os.listdir(place)):
            stem = name.split(".")[0]
            if ".tar" not in name:
                if name == "backup_manifest":
                    wal.copy_file(os.path.join(place, name), os.path.join(data, name), self.runner.bounds)
                continue
            into = data if stem == "base" else os.path.join(data, "pg_wal") if stem == "pg_wal" else os.path.join(beside, stem)
            os.makedirs(into, mode=0o700, exist_ok=True)
            with tarfile.open(os.path.join(place, name)) as opened:
                for member in opened:
                    self.member(opened, member, into)
        table = os.path.join(data, "tablespace_map")
        if os.path.exists(table):
            # The server makes the links anew from this file when it starts: they must not lead to production's.
            with open(table, encoding="utf-8", errors="replace") as file:
                numbers = [line.split(" ", 1)[0] for line in file if line.strip()]
            with open(table, "w", encoding="utf-8") as file:
                file.writelines(f"{number} {os.path.join(beside, number)}\n" for number in numbers)
            for number in numbers:
                os.symlink(os.path.join(beside, number), os.path.join(data, "pg_tblspc", number))

    def member(self, opened, member, into):
        to = os.path.realpath(os.path.join(into, member.name))
        if to != os.path.realpath(into) and not to.startswith(os.path.realpath(into) + os.sep):
            raise tarfile.TarError(f"{member.name!r} leads out of the folder")
        if member.isdir():
            os.makedirs(to, mode=0o700, exist_ok=True)
        elif member.isfile():
            os.makedirs(os.path.dirname(to), mode=0o700, exist_ok=True)
            left = member.size
            with opened.extractfile(member) as reading, open(to, "wb") as writing:
                while chunk := reading.read(4 << 20):
                    self.runner.bounds.ask()
                    writing.write(chunk)
                    left -= len(chunk)
                    self.count(len(chunk))
            if left:
                raise tarfile.TarError(f"{member.name!r} ends early")

    def archive(self):
        return self.store

    def restore_command(self):
        if self.command:
            return self.command
        return self.store.restore_command() if self.store else "false"
