# SPDX-License-Identifier: Apache-2.0
"""What a drill says at its end: checks with their verdicts, phases with their durations, and the one document that holds all of it."""
import json
import os
import platform
import sys
import time

from . import words

VERDICTS = ("passed", "failed", "skipped", "timed-out")
EXIT = {"passed": 0, "failed": 1, "partial": 3, "aborted": 2}


class Progress:
    """Lines on standard error for whoever looks on: the phase, how far it is, how long it will still take where that is known."""

    def __init__(self, out=None, every=1.0):
        self.out, self.every = out or sys.stderr, every
        self.phase, self.begun, self.told = "", 0.0, 0.0

    def say(self, text):
        try:
            print(text, file=self.out, flush=True)
        except (OSError, ValueError):
            pass  # who looked on has gone; the drill goes on

    def enter(self, phase):
        self.phase, self.begun, self.told = phase, time.monotonic(), time.monotonic()
        self.say(f"{phase}: begins")

    def at(self, done, of=None, force=False):
        """`done` bytes of `of`; told once a second at most."""
        moment = time.monotonic()
        if not force and moment - self.told < self.every:
            return
        self.told = moment
        text = f"{self.phase}: {words.bytes_in_words(done)}"
        if of:
            text += f" of {words.bytes_in_words(of)}"
            if done and of > done:
                text += f", {words.in_words((moment - self.begun) / done * (of - done))} left"
        self.say(text)


class Evidence:
    """Filled while the drill goes on; `document()` may be asked for at any moment, also when the drill was broken off."""

    def __init__(self, progress, mandatory=(), optional=()):
        self.progress = progress
        self.began_at, self.clock = words.now(), time.monotonic()
        self.ended_at = None
        self.copy = {"reads": None, "label": None, "taken_at": None, "chosen": None}
        self.disaster_at, self.claim, self.restored_to = None, None, None
        self.restored_by = None  # "beat", or what else the moment was taken from
        self.target = None
        self.took, self.lost = None, None
        self.phases, self.checks = [], []
        self.machine, self.postgresql, self.classes = machine(), {}, []
        self.control, self.stopped = None, None
        self.mandatory, self.optional = set(mandatory), set(optional)

    def phase(self, name):
        return Phase(self, name)

    def check(self, name, verdict, detail="", mandatory=True):
        """Writes down a check; one of the same name before it is replaced."""
        assert verdict in VERDICTS
        mandatory = (mandatory or name in self.mandatory) and name not in self.optional
        row = {"name": name, "verdict": verdict, "mandatory": mandatory, "detail": words.shown(detail)}
        self.checks = [c for c in self.checks if c["name"] != name] + [row]
        if verdict != "passed":
            self.progress.say(f"check {name}: {verdict}: {row['detail']}")

    def found(self, name):
        return next((c["verdict"] for c in self.checks if c["name"] == name), None)

    def verdict(self):
        """What failed fails the drill, mandatory or not. What must be looked at and was not leaves it without a proof."""
        if self.stopped:
            return "aborted"
        for check in self.checks:
            if check["verdict"] == "failed":
                return "failed"
        if not self.checks or any(c["mandatory"] and c["verdict"] != "passed" for c in self.checks):
            return "partial"
        return "passed"

    def document(self):
        at_end = self.ended_at or words.now()
        found = {
            "drwatch_drill": 1, "kind": "restore", "verdict": self.verdict(),
            "began_at": words.stamp(self.began_at), "ended_at": words.stamp(at_end),
            "copy": self.copy, "disaster_at": words.stamp(self.disaster_at), "target": words.stamp(self.target), "claim": self.claim,
            "restored_to": words.stamp(self.restored_to), "restored_by": self.restored_by,
            "measured": {"took_seconds": rounded(self.took), "lost_seconds": rounded(self.lost), "phases": self.phases},
            "checks": self.checks, "machine": self.machine, "postgresql": self.postgresql,
            "classes": [] if self.control else self.classes,
        }
        if self.control:
            found["control"] = self.control
        if self.stopped:
            found["stopped"] = words.shown(self.stopped)
        return found

    def write(self, path):
        """Atomically: a reader sees the whole document or none."""
        written(json.dumps(self.document(), indent=2, ensure_ascii=True) + "\n", path)


def written(text, path):
    """Atomically, and on the disk."""
    if path == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    folder = os.path.dirname(os.path.abspath(path))
    beside = os.path.join(folder, f".{os.path.basename(path)}.{os.getpid()}")
    with open(beside, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(beside, 0o640)
    os.rename(beside, path)
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


class Phase:
    """`with evidence.phase("fetch") as phase: phase.bytes += n`: measured also when it ends in an exception."""

    def __init__(self, evidence, name):
        self.evidence, self.name, self.bytes = evidence, name, None

    def __enter__(self):
        self.begun = time.monotonic()
        self.evidence.progress.enter(self.name)
        return self

    def __exit__(self, *_):
        seconds = time.monotonic() - self.begun
        self.evidence.phases.append({"name": self.name, "seconds": rounded(seconds), "bytes": self.bytes})
        self.evidence.progress.say(f"{self.name}: {words.in_words(seconds)}" +
                                   (f", {words.bytes_in_words(self.bytes)}" if self.bytes is not None else ""))


def rounded(seconds):
    return None if seconds is None else round(seconds, 3)


def machine():
    """What the figures were measured on: a restore on other hardware takes another time."""
    memory = None
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            memory = int(file.readline().split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return {"host": platform.node(), "system": f"{platform.system()} {platform.release()}", "architecture": platform.machine(),
            "processors": len(os.sched_getaffinity(0)), "memory_bytes": memory, "libc": " ".join(platform.libc_ver())}
