# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's own programs, where they are, and what two of them say of a data directory."""
import glob
import os
import re
import shutil

from . import words
from .runner import environment


class Programs:
    def __init__(self, folder=None, version=None):
        """`folder`: where they lie; else the newest of Debian's, or `version` of them, or those in PATH."""
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
        if version:
            found = [path for path in found if path.split("/")[4] == version]
            if not found:
                raise words.Unusable(f"the copy is of PostgreSQL {version}, and its programs are not here: install postgresql-{version}, or name them by --bin")
        in_path = shutil.which("postgres")
        self.folder = folder or (found[-1] if found else os.path.dirname(in_path) if in_path else "")
        if not os.path.exists(os.path.join(self.folder, "postgres")):
            raise words.Unusable("there are no programs of PostgreSQL's server here; install postgresql, or name their folder by --bin")

    def path(self, name):
        return os.path.join(self.folder, name)

    def has(self, name):
        return os.path.exists(self.path(name))


def control_data(runner, programs, folder):
    """What pg_controldata says, as a dictionary."""
    done = runner.run([programs.path("pg_controldata"), "-D", folder], env=environment())
    if done.code:
        raise words.Unusable(f"pg_controldata does not read the copy: {done.why()}")
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in done.out.splitlines())}


def version_of(folder):
    """The major version of a data directory, or None."""
    try:
        with open(os.path.join(folder, "PG_VERSION"), encoding="ascii") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError):
        return None


def backup_label(folder):
    """(first WAL segment, timeline, start time in words) of the copy's backup_label, or None."""
    try:
        with open(os.path.join(folder, "backup_label"), encoding="utf-8", errors="replace") as file:
            return read_label(file.read())
    except OSError:
        return None


def read_label(text):
    start = re.search(r"^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)", text, re.M)
    timeline = re.search(r"^START TIMELINE: (\d+)", text, re.M)
    begun = re.search(r"^START TIME: (.+)$", text, re.M)
    ended = re.search(r"^STOP TIME: (.+)$", text, re.M)
    if not start:
        return None
    return {"segment": start[1], "timeline": int(timeline[1]) if timeline else int(start[1][:8], 16),
            "begun": begun[1] if begun else None, "ended": ended[1] if ended else None}
