#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs drwatch, Debian's blackbox_exporter and monitoring-plugins against the same target, and compares what they say.

One file of targets each (tls.py, ...): a table of Row, each with the verdict of each of them. Where the verdicts differ, the row says why; where they
do not, it must not. Verdicts are up, degraded, down, unknown; what blackbox_exporter calls a success is up."""
import concurrent.futures
import ctypes
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

DRWATCH = os.path.abspath(os.environ.get("DRWATCH", "build/dev/drwatch"))
BLACKBOX = "prometheus-blackbox-exporter"
PLUGINS = "/usr/lib/nagios/plugins"
TIMEOUT = 8  # seconds that each of them gives a target; enough for a busy machine


@dataclass
class Row:
    name: str            # unique; a-z, 0-9, '-'
    drwatch: str         # its keys in TOML, with `kind`
    says: str            # what drwatch says: "up", or "down tls CERT_HAS_EXPIRED": health, reason, code
    module: dict = None  # blackbox_exporter's, without `timeout`
    target: str = ""     # blackbox_exporter's
    blackbox: str = ""   # what it says
    plugin: list = field(default_factory=list)  # "check_tcp", "-H", ...
    plugin_says: str = ""
    why: str = ""        # they differ

    def differs(self):
        health = self.says.split()[0]
        return (self.module is not None and health != self.blackbox) or (bool(self.plugin) and health != self.plugin_says)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ask_drwatch(rows, folder):
    os.makedirs(folder + "/scenarios", exist_ok=True)
    path = folder + "/drwatch.toml"
    with open(path, "w") as f:
        f.write(f'[server]\nlisten = "127.0.0.1:{free_port()}"\n[journal]\npath = "journal.db"\n[scenarios]\npath = "scenarios"\n'
                f'[defaults]\ntimeout = "{TIMEOUT}s"\n[component.c]\n')
        for row in rows:
            f.write(f'[probe.{row.name}]\ncomponent = "c"\n{row.drwatch}\n')
    ran = subprocess.run([DRWATCH, "--json", "probe", "--config", path], capture_output=True, text=True, timeout=120)
    if not ran.stdout:
        raise RuntimeError("drwatch: " + ran.stderr)
    outcomes = {p["name"]: p["outcome"] for p in json.loads(ran.stdout)["probes"]}
    return {name: (" ".join(x for x in (o["outcome"], o.get("reason", ""), o.get("code", "")) if x), o["message"]) for name, o in outcomes.items()}


def ask_blackbox(rows, folder):
    rows = [r for r in rows if r.module is not None]
    modules = {r.name: dict(r.module, timeout=f"{TIMEOUT}s") for r in rows}
    path = folder + "/blackbox.yml"
    with open(path, "w") as f:
        json.dump({"modules": modules}, f)  # JSON is YAML
    port = free_port()
    with open(folder + "/blackbox.log", "w") as log:
        daemon = subprocess.Popen([BLACKBOX, f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log,
                                  preexec_fn=die_with_parent)
    base = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(base + "/-/healthy", timeout=5).read()
                break
            except OSError:
                if daemon.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("blackbox_exporter does not start")
                time.sleep(0.05)

        def one(row):
            query = urllib.parse.urlencode({"module": row.name, "target": row.target})
            text = urllib.request.urlopen(f"{base}/probe?{query}", timeout=60).read().decode()
            return row.name, "up" if "\nprobe_success 1" in text else "down"

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return dict(pool.map(one, rows))
    finally:
        daemon.terminate()
        daemon.wait()


def ask_plugins(rows):
    def one(row):
        command = [os.path.join(PLUGINS, row.plugin[0])] + row.plugin[1:]
        ran = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)
        return row.name, {0: "up", 1: "degraded", 2: "down"}.get(ran.returncode, "unknown")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return dict(pool.map(one, [r for r in rows if r.plugin]))


class Compared:
    """For a unittest.TestCase: name the table `rows` in setUpClass (with the servers behind it) and call super's."""
    rows = []

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="drwatch-compared-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.ours = ask_drwatch(cls.rows, cls.folder.name)
        cls.theirs = ask_blackbox(cls.rows, cls.folder.name)
        cls.plugins = ask_plugins(cls.rows)

    def test_verdicts_are_those_of_the_table(self):
        for row in self.rows:
            with self.subTest(row.name):
                says, message = self.ours[row.name]
                self.assertEqual(says, row.says, "drwatch: " + message)
                if row.module is not None:
                    self.assertEqual(self.theirs[row.name], row.blackbox, "blackbox_exporter")
                if row.plugin:
                    self.assertEqual(self.plugins[row.name], row.plugin_says, row.plugin[0])

    def test_every_difference_is_explained(self):
        for row in self.rows:
            with self.subTest(row.name):
                self.assertEqual(row.differs(), bool(row.why), "a row says why exactly when the verdicts differ")

    def test_names_are_unique(self):
        self.assertEqual(len({r.name for r in self.rows}), len(self.rows))
