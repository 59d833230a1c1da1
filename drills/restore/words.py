# SPDX-License-Identifier: Apache-2.0
"""Times, durations and sizes as people write them and as the evidence holds them; and what may be shown of a text from outside."""
import datetime
import re

UTC = datetime.timezone.utc
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
SIZES = {"": 1, "B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


class Unusable(Exception):
    """The drill can't be run as it was asked for: exit 2."""


def now():
    return datetime.datetime.now(UTC)


def time_of(text):
    """A moment with its offset, `2026-03-01T02:11:00Z` or `2026-03-01 02:11:00.5+01:00`. Without an offset it could be any of 24: refused."""
    try:
        found = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        raise Unusable(f"{text!r} is no moment; write it as 2026-03-01T02:11:00Z")
    if found.tzinfo is None:
        raise Unusable(f"{text!r} does not say its offset from UTC; add Z or +01:00")
    return found.astimezone(UTC)


def stamp(time):
    """RFC 3339 in UTC, with milliseconds; None stays None."""
    return None if time is None else time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def of_epoch(seconds):
    return datetime.datetime.fromtimestamp(float(seconds), UTC)


def duration_of(text):
    """`90s`, `1h30m`, `90d` as seconds."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise Unusable(f"{text!r} is no duration; write it as 90s, 15m, 1h30m")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def size_of(text):
    """`512MiB`, `20GB` as bytes."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if not found or found[2] not in SIZES:
        raise Unusable(f"{text!r} is no size; write it as 512MiB or 20GB")
    return int(float(found[1]) * SIZES[found[2]])


def in_words(seconds):
    seconds = float(seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def bytes_in_words(count):
    for unit, size in (("GB", 1000**3), ("MB", 1000**2), ("kB", 1000)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


# What may carry a password: a connection string's, a URL's, an SQL statement's that a program repeats in its error.
SECRET = re.compile(r"""(pass\w*|secret\w*|token|\w*key)(\s*[=:]\s*)('(?:[^']|'')*'|"[^"]*"|[^\s,;'"]+)|(password\s+)('(?:[^']|'')*')""", re.I)
IN_URL = re.compile(r"(\w+://[^\s/:@]*):[^\s/@]*@")


def shown(text, most=400):
    """One line of a text from outside, fit for a terminal and for evidence: no control bytes, no password, not endless."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    text = SECRET.sub(lambda m: (m[4] or m[1] + m[2]) + "***", IN_URL.sub(r"\1:***@", text))
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= most else text[:most - 4] + " ..."


def last_words(text, lines=3):
    """The end of what a program said, without its warnings and hints where there is something harder."""
    said = [line for line in text.splitlines() if line.strip()]
    hard = [line for line in said if re.search(r"\b(ERROR|FATAL|PANIC|error)\b", line)]
    return shown(" | ".join((hard or said)[-lines:])) or "it said nothing"
