# SPDX-License-Identifier: Apache-2.0
"""Copies of a pgBackRest repository. What its commands say is read, not their exit code: `info` exits with 0 for a stanza that is not there."""
import json
import os
import re
import shlex

from . import wal, words
from .copies import Copy, NoCopy
from .runner import used_by


class PgBackRest:
    reads, point_in_time, physical = "pgbackrest", True, True

    def __init__(self, stanza, config, repo, scratch, runner):
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", stanza):
            raise words.Unusable(f"{stanza!r} is no name of a stanza")
        self.stanza, self.runner, self.folder = stanza, runner, scratch
        # Locks and logs of its own: a drill must not hold up the archiving of the machine that it runs on. For the same reason no spool (below).
        self.locks = [f"--lock-path={scratch}/lock"]
        self.common = [f"--stanza={stanza}", "--log-level-file=off", "--log-level-console=warn",
                       *([f"--config={config}"] if config else []), *([f"--repo={repo}"] if repo else [])]
        self.bound = None

    def run(self, command, *arguments, tick=None):
        env = {**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"}
        return self.runner.run(["pgbackrest", *self.common, command, *arguments], env=env, tick=tick)

    def copies(self):
        done = self.run("info", "--output=json")
        try:
            found = json.loads(done.out)
        except ValueError:
            raise NoCopy(f"pgbackrest info does not answer: {done.why()}")
        stanza = next((row for row in found if row.get("name") == self.stanza), None)
        if stanza is None or not stanza.get("backup"):
            status = (stanza or {}).get("status", {})
            raise NoCopy(f"the repository has no backup of {self.stanza}: {status.get('message', 'the stanza is not there')}")
        systems = {db["id"]: str(db["system-id"]) for db in stanza["db"]}
        self.versions = {db["id"]: db["version"] for db in stanza["db"]}
        self.of = {row["label"]: row for row in stanza["backup"]}
        return [Copy(row["label"], words.of_epoch(row["timestamp"]["stop"]), row["info"]["size"],
                     wrong="its maker found pages with wrong checksums (pgbackrest info: error)" if row.get("error") else None,
                     system_identifier=systems.get(row["database"]["id"])) for row in stanza["backup"]]

    def version(self, copy):
        return self.versions.get(self.of[copy.label]["database"]["id"])

    def fetch(self, copy, data, phase, progress, for_real=False):
        """Restores the files of one backup into an empty folder. Returns what is wrong, or None."""
        tablespaces = os.path.join(os.path.dirname(data), "tablespaces")
        arguments = [f"--set={copy.label}", f"--pg1-path={data}", "--type=default"]
        if not for_real:
            os.makedirs(tablespaces, mode=0o700, exist_ok=True)
            # Tablespaces would go back to where production has them.
            arguments += ["--archive-mode=off", f"--tablespace-map-all={tablespaces}"]
        os.makedirs(data, mode=0o700, exist_ok=True)

        def tick():
            # Walked by the bounds once a second anyway; what they have seen is near enough.
            progress.at(self.runner.bounds.used, copy.bytes)

        done = self.run("restore", *self.locks, *arguments, tick=tick)
        phase.bytes = used_by(data)
        self.bound = data
        if done.code:
            return f"pgbackrest restore of {copy.label} ended with {done.code}: {done.why()}"
        return None

    def archive(self):
        return Archive(self)

    def names(self):
        """name -> (bytes as stored, when it came there), of every archive of this stanza."""
        done = self.run("repo-ls", "--recurse", "--output=json", f"archive/{self.stanza}")
        found = {}
        try:
            if done.code:
                raise ValueError
            rows = json.loads(done.out)
        except ValueError:
            raise words.Unusable(f"pgbackrest repo-ls does not list the archive: {done.why()}")
        for path, row in rows.items():
            name = re.match(r"([0-9A-F]{24}(?=-)|[0-9A-F]{8}\.history)", os.path.basename(path))
            if name and row.get("type") == "file":
                found[name[1]] = (row.get("size", 0), row.get("time"))
        return found

    def fetch_wal(self, name, to):
        done = self.run("archive-get", f"--pg1-path={self.bound}", *self.locks, "--no-archive-async", name, to)
        if done.code == 1:
            return False
        if done.code:
            raise wal.Bad(f"{name}: pgbackrest archive-get ended with {done.code}: {done.why()}")
        return True

    def restore_command(self):
        """For a restore in earnest: the server fetches by itself."""
        # Read by a shell, after the server has put in what stands behind a %.
        words_ = [shlex.quote(word).replace("%", "%%") for word in (*self.common, f"--pg1-path={self.bound}")]
        return " ".join(["pgbackrest", *words_, "archive-get", "%f", '"%p"'])


class Archive:
    """The repository as an archive for staging."""

    def __init__(self, source):
        self.source = source

    def names(self):
        return self.source.names()

    def fetch(self, name, to, runner):
        return self.source.fetch_wal(name, to)
