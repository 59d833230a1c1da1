# SPDX-License-Identifier: Apache-2.0
"""Has the drill held by its unit, which may what drwatch may not: an empty file asks drwatch-restore@NAME.path for it, and its
evidence is handed on."""
import json
import os
import re
import shutil
import subprocess
import time

from . import words
from .evidence import EXIT, written
from .runner import Bounds

ASKED, FOUND = "/run/drwatch/drills", "/var/lib/drwatch-restore"
BEGINS = 30.0  # seconds until the file has to be taken away
LOOKS = 5.0  # seconds between two looks whether the unit has ended


def hand_on(asked, progress):
    """The exit code. Unusable when no drill began, or when it left nothing."""
    name = asked.unit
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise words.Unusable(f"{name!r} is no name of a drill")
    bounds = Bounds(asked.max_time)
    bounds.catch_signals()
    began = words.now()
    ask(os.path.join(ASKED, name), name, bounds)
    progress.say(f"drwatch-restore@{name} has begun")
    text = answer(name, began, bounds)
    if asked.evidence:
        written(text, asked.evidence)
    verdict = json.loads(text)["verdict"]
    progress.say(f"drwatch-restore@{name}: {verdict}")
    return EXIT[verdict]


def ask(path, name, bounds):
    try:
        os.makedirs(ASKED, exist_ok=True)
        open(path, "w", encoding="ascii").close()
    except OSError as error:
        raise words.Unusable(f"drwatch-restore@{name} can't be asked for: {path}: {error.strerror}")
    until = time.monotonic() + BEGINS
    try:
        while os.path.exists(path):
            bounds.ask()
            if time.monotonic() > until:
                raise words.Unusable(f"nobody began drwatch-restore@{name} within {words.in_words(BEGINS)}: "
                                     f"write /etc/drwatch/drills/{name}.toml, then systemctl enable --now drwatch-restore@{name}.path; "
                                     "or a drill of it goes on already")
            time.sleep(0.05)
    finally:
        if os.path.exists(path):
            os.unlink(path)


def answer(name, began, bounds):
    """What the drill that was begun wrote: no other began since."""
    looked = time.monotonic()
    while True:
        bounds.ask()
        ended = False
        if time.monotonic() - looked > LOOKS:
            ended, looked = has_ended(name), time.monotonic()
        # Asked last: it may have ended since.
        text = evidence_since(os.path.join(FOUND, name + ".json"), began)
        if text is not None:
            return text
        if ended:
            raise words.Unusable(f"drwatch-restore@{name} ended and left no evidence: journalctl -u drwatch-restore@{name}")
        time.sleep(0.1)


def evidence_since(path, began):
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(1 << 20)
        found = json.loads(text)
        # Written in milliseconds, cut off.
        since = words.time_of(found["began_at"]).timestamp() >= int(began.timestamp() * 1000) / 1000
        return text if since and found["verdict"] in EXIT else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise words.Unusable(f"{path} can't be read: {words.shown(str(error))}")


def has_ended(name):
    """As far as systemd can be asked."""
    if not shutil.which("systemctl"):
        return False
    done = subprocess.run(["systemctl", "is-active", f"drwatch-restore@{name}"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    return done.stdout.strip() in ("inactive", "failed")
