# SPDX-License-Identifier: Apache-2.0
"""Planted faults: a drill that finds them can still fail. They are planted into the scratch copy or into what is read of the archive, never into
the archive itself."""
import os
import random

from . import wal, words

# Which checks may find it.
FOUND_BY = {"page": {"checksums", "amcheck", "sentinel"}, "gap": {"wal", "claim", "rpo", "replay", "beat"}, "truncated": {"restore"}}
PAGE = 8192


def chosen(fault, physical):
    if fault == "auto":
        return "page" if physical else "truncated"
    if (fault == "truncated") == physical:
        raise words.Unusable(f"--control {fault}: " + ("only a dump can be truncated" if physical else "a dump has neither pages nor segments: --control truncated"))
    return fault


class Gap:
    """An archive that has lost one segment of those that it lists, in the middle."""

    def __init__(self, archive):
        self.archive, self.lost = archive, None

    def names(self):
        found = self.archive.names()
        segments = sorted(name for name in found or () if wal.SEGMENT.fullmatch(name))
        if self.lost is None and segments:
            self.lost = segments[max(0, len(segments) - 2)]
        return None if found is None else {name: it for name, it in found.items() if name != self.lost}

    def fetch(self, name, to, runner):
        return name != self.lost and self.archive.fetch(name, to, runner)


def break_page(data, seed=None):
    """Overwrites the head of one page of the largest table or index of a user's. The server must not run. Returns where."""
    files = []
    for at, _, names in os.walk(os.path.join(data, "base")):
        for name in names:
            if name.isdigit() and int(name) >= 16384:
                size = os.path.getsize(os.path.join(at, name))
                if size >= PAGE:
                    files.append((size, os.path.join(at, name)))
    if not files:
        return None
    size, path = max(files)
    page = random.Random(seed).randrange(size // PAGE)
    with open(path, "r+b") as file:
        file.seek(page * PAGE)
        file.write(b"\xa5" * 64)
    return f"{os.path.relpath(path, data)}, page {page}"


def truncate(path):
    """Cuts a staged dump to six tenths; of a folder its largest file."""
    if os.path.isdir(path):
        path = max((os.path.join(path, name) for name in os.listdir(path) if name != "toc.dat"), key=os.path.getsize)
    size = os.path.getsize(path)
    os.truncate(path, size * 6 // 10)
    return f"{os.path.basename(path)} cut from {size} to {size * 6 // 10} bytes"


def judge(evidence):
    """Whether the planted fault was found by a check that is there for it."""
    failed = {check["name"] for check in evidence.checks if check["verdict"] == "failed"}
    by = sorted(failed & FOUND_BY[evidence.control["planted"]])
    evidence.control.update(found=bool(by), by=by)
    if not by:
        evidence.stopped = evidence.stopped or f"the planted fault ({evidence.control['planted']}: {evidence.control['where']}) was not found: this drill can't fail"
