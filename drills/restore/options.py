# SPDX-License-Identifier: Apache-2.0
"""What can be asked of the drill: a row a flag. The same names are the keys of the file that --file names, without their dashes."""
import argparse
import os
import re
import tomllib

from . import words

MANY, YES = "many", "yes"
# (flag, what it takes, default, what it means); MANY may come again and again, YES takes nothing.
ROWS = [
    ("Which copies; one of three", [
        ("pgbackrest", "STANZA", None, "copies of this stanza of a pgBackRest repository"),
        ("config", "FILE", None, "pgBackRest's own configuration, when it is not /etc/pgbackrest.conf"),
        ("repo", "N", None, "which of its repositories"),
        ("basebackup", "DIR", None, "a base backup of pg_basebackup, plain or tar, or a folder of them"),
        ("archive", "DIR", None, "the WAL archive that goes with --basebackup, its files plain, .gz, .xz or .bz2"),
        ("restore-command", "COMMAND", None, "instead of --archive: how a segment %f is fetched to %p, as PostgreSQL's restore_command"),
        ("dump", "PATH", None, "a dump (custom, directory, plain, pg_dumpall; also packed), or a folder of them"),
        ("globals", "FILE", None, "roles for a --dump of one database: what pg_dumpall --globals-only wrote"),
        ("jobs", "N", "1", "how many at once restore a --dump of custom or directory format"),
    ]),
    ("Which of them, and what was claimed", [
        ("copy", "HOW", "newest", "newest, oldest, random, moment (a random point in time), or a moment with its offset: point in time"),
        ("seed", "N", None, "repeats what `random` or `moment` chose"),
        ("disaster-at", "TIME", None, "the simulated instant of disaster: what came later is not there yet; default: now, or the point in time"),
        ("claim", "TIME", None, "the recovery point that is claimed for that instant; what was restored is compared with it"),
        ("claim-source", "NAME", None, "who claims it"),
        ("beat-every", "DURATION", "60s", "how often the canary beats: what was restored may be older than was claimed by as much"),
        ("rpo", "DURATION", None, "the most that may be lost"),
        ("rto", "DURATION", None, "the most that the restore may take"),
        ("schedule-age", "DURATION", None, "the oldest that the newest copy may be; an older one fails, however well it restores"),
        ("class", "NAME", MANY, "a class of disaster that this copy is for: host, logical, region, account"),
    ]),
    ("Where, and its bounds", [
        ("scratch", "DIR", None, "where the scratch folder is made; default: the unit's state directory, else /var/tmp"),
        ("max-disk", "SIZE", None, "the most that the scratch folder may hold"),
        ("leave-free", "SIZE", "256MiB", "how much of its file system stays free"),
        ("max-memory", "SIZE", None, "the most address space of each process of the scratch server"),
        ("max-time", "DURATION", None, "the longest that all of it may take (default of a drill: 12h; --for-real has none)"),
        ("check-time", "DURATION", "2h", "the longest that one check may take"),
        ("bin", "DIR", None, "where PostgreSQL's programs lie; default: Debian's, of the copy's version"),
        ("superuser", "NAME", "postgres", "the superuser of the copy"),
    ]),
    ("What is checked besides", [
        ("check", "NAME=SQL", MANY, "an invariant: a statement that answers one row of true"),
        ("at-least", "TABLE=N", MANY, "a table that has so many rows or more"),
        ("role", "NAME", MANY, "a role that has to be there"),
        ("extension", "NAME", MANY, "an extension that has to be there"),
        ("database", "NAME", None, "where --check, --at-least and --extension look; default: where the canary is"),
        ("system-identifier", "N", None, "of which cluster the copy has to be"),
        ("protects", "DSN", None, "production: its archiving, timeline and slots are compared before and after; no password in it"),
        ("max-exposure", "DURATION", None, "with --protects: the drill does not begin, or stops, when nothing was archived for so long"),
        ("mandatory", "NAME", MANY, "a check without which the drill is partial, and proves nothing"),
        ("optional", "NAME", MANY, "a check that may be skipped"),
        ("control", "FAULT", None, "plants a fault (page, gap, truncated, auto) that the drill has to find: it never passes"),
    ]),
    ("In earnest", [
        ("for-real", "DIR", None, "restores into this data directory's place and starts it; refused while a server runs there"),
        ("move-old", YES, None, "with --for-real: what is left in DIR is kept beside it, renamed"),
        ("start-command", "COMMAND", None, "with --for-real: how the server is started; default: pg_ctl start"),
        ("dsn", "DSN", None, "with --for-real: how it is reached; default: its own socket"),
    ]),
    ("By its unit", [
        ("unit", "NAME", None, "instead of all that: drwatch-restore@NAME holds the drill, begun by its path unit; its evidence is handed on"),
    ]),
    ("What it says", [
        ("evidence", "FILE", None, "where the evidence is written, whole or not at all; - is standard output"),
        ("file", "FILE", None, "a TOML file with these names as keys; what stands on the command line counts more"),
    ]),
]
CLASSES = ("host", "logical", "region", "account")
FAULTS = ("auto", "page", "gap", "truncated")
TIMES = ("disaster_at", "claim")
DURATIONS = ("beat_every", "rpo", "rto", "schedule_age", "max_time", "check_time", "max_exposure")
SIZES = ("max_disk", "leave_free", "max_memory")
WHOLE = ("jobs", "repo", "seed")
PATHS = ("config", "basebackup", "archive", "dump", "globals", "scratch", "bin", "for_real", "evidence")


def parser():
    made = argparse.ArgumentParser(prog="drwatch-restore-drill", allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
                                   description="Restores a backup of a PostgreSQL into a scratch instance, looks whether everything is there, and removes it again.",
                                   epilog="Exit: 0 passed, 1 failed, 3 partial (a mandatory check was skipped), 2 could not run or was stopped.")
    for title, rows in ROWS:
        group = made.add_argument_group(title)
        for name, takes, default, meaning in rows:
            meaning = meaning.replace("%", "%%")
            if takes is YES:
                group.add_argument("--" + name, action="store_true", default=None, help=meaning)
            elif default is MANY:
                group.add_argument("--" + name, metavar=takes, action="append", help=meaning + " (again and again)")
            elif name == "control":
                group.add_argument("--" + name, metavar=takes, nargs="?", const="auto", help=meaning)
            else:
                group.add_argument("--" + name, metavar=takes, help=meaning + (f" (default {default})" if default else ""))
    return made


def rows():
    return [row for _, group in ROWS for row in group]


def from_file(path):
    """The keys of a TOML file as lists of words, like those of the command line. Its relative paths are relative to it."""
    try:
        with open(path, "rb") as file:
            found = tomllib.load(file)
    except OSError as error:
        raise words.Unusable(f"{path}: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise words.Unusable(f"{path}: {error}")
    known = {name: (takes, default) for name, takes, default, _ in rows() if name != "file"}
    values = {}
    for key, value in found.items():
        name = key.replace("_", "-")
        if name not in known:
            raise words.Unusable(f"{path}: there is no {key}")
        takes, default = known[name]
        if default is MANY:
            if isinstance(value, dict):
                value = [f"{k}={v}" for k, v in value.items()]
            value = [str(v) for v in (value if isinstance(value, list) else [value])]
        elif takes is YES:
            if not isinstance(value, bool):
                raise words.Unusable(f"{path}: {key} is true or false")
        elif isinstance(value, (dict, list)):
            raise words.Unusable(f"{path}: {key} takes one value")
        else:
            value = "auto" if name == "control" and value is True else value.isoformat() if hasattr(value, "isoformat") else str(value)
        field = name.replace("-", "_")
        if field in PATHS and value != "-":
            value = os.path.join(os.path.dirname(os.path.abspath(path)), value)
        values[field] = value
    return values


def read(arguments):
    """The settings, checked: times as times, durations as seconds, sizes as bytes. Unusable says what is wrong."""
    asked = parser().parse_args(arguments)
    if asked.file:
        for field, value in from_file(asked.file).items():
            if getattr(asked, field) is None:
                setattr(asked, field, value)
    for name, takes, default, _ in rows():
        field = name.replace("-", "_")
        if getattr(asked, field) is None:
            setattr(asked, field, [] if default is MANY else False if takes is YES else default)
    return asked


def checked(asked):
    for field, reader in [*((f, words.time_of) for f in TIMES), *((f, words.duration_of) for f in DURATIONS), *((f, words.size_of) for f in SIZES),
                          *((f, whole) for f in WHOLE)]:
        value = getattr(asked, field)
        if value is not None:
            try:
                setattr(asked, field, reader(value))
            except words.Unusable as error:
                raise words.Unusable(f"--{field.replace('_', '-')}: {error}")
    if asked.max_time is None and not asked.for_real:
        asked.max_time = 12 * 3600.0
    chosen = [name for name in ("pgbackrest", "basebackup", "dump") if getattr(asked, name)]
    if asked.unit and (chosen or asked.for_real):
        raise words.Unusable("--unit goes with --evidence and --max-time alone: what is restored stands in the file of the unit")
    if len(chosen) != 1 and not asked.unit:
        raise words.Unusable("name one source: --pgbackrest STANZA, --basebackup DIR or --dump PATH")
    if asked.copy not in ("newest", "oldest", "random", "moment"):
        words.time_of(asked.copy)
    asked.check = [named(text, "--check NAME=SQL") for text in asked.check]
    asked.at_least = [(table, whole(count)) for table, count in (named(text, "--at-least TABLE=N") for text in asked.at_least)]
    for name in getattr(asked, "class"):
        if name not in CLASSES:
            raise words.Unusable(f"{name!r} is no class of disaster: {', '.join(CLASSES)}")
    for name in ("restore", "replay"):
        if name in asked.optional:
            raise words.Unusable(f"--optional {name}: without it nothing came back, and nothing is proven")
    if asked.control and asked.control not in FAULTS:
        raise words.Unusable(f"--control plants one of {', '.join(FAULTS)}")
    if asked.control and asked.for_real:
        raise words.Unusable("a fault is not planted into a restore in earnest")
    if asked.for_real and asked.dump:
        raise words.Unusable("--for-real restores a data directory; a dump is restored into a running server with pg_restore or psql")
    for field in ("protects", "dsn"):
        if getattr(asked, field) and has_password(getattr(asked, field)):
            raise words.Unusable(f"--{field} has a password in it, which everybody on this machine can read: put it into a file that PGPASSFILE or a service names")
    return asked


def named(text, form):
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise words.Unusable(f"{text!r} is not {form}")
    return name.strip(), value.strip()


def whole(text):
    if not re.fullmatch(r"\d{1,18}", str(text).strip()):
        raise words.Unusable(f"{text!r} is no whole number")
    return int(text)


def has_password(dsn):
    return bool(re.search(r"pass\w*\s*=", dsn.replace("passfile", ""), re.I) or re.match(r"\w+://[^/@]*:[^/@]*@", dsn))
