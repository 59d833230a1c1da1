#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""drwatch serve beside what hangs: a mount that never answers, a log that nobody reads, a plugin that the kernel holds, a key under a
passphrase, a configuration that is nested without end. The loop goes on, says what hangs, and ends when it is told to.

    DRWATCH=build/dev/drwatch tests/end_to_end/hung.py [-v]
"""
import ctypes
import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, ".."))
from served import PROGRAM, Served  # noqa: E402
from skipped import skip_here  # noqa: E402

PATIENCE = 30  # seconds for what takes milliseconds on an idle machine
TOKEN = "hung-token-0123456789"

MAIN = """
[server]
listen = "127.0.0.1:{port}"
{server}
[server.tokens.boss]
role   = "admin"
secret = {{ file = "token" }}
[journal]
path = "{folder}/journal.db"
[defaults]
interval = "1s"
retry    = "500ms"
timeout  = "1s"
[component.here]
{probes}
"""
DUMPS = """
[probe.{name}]
component = "here"
kind      = "backup"
reads     = "file"
folder    = "{at}"
protects  = "here"
survives  = ["host"]
read      = false
"""
PLUGIN = """
[probe.{name}]
component = "here"
kind      = "command"
run       = {run}
"""


class HungFolder:
    """A folder under a FUSE file system that never answers, not even the kernel's first question."""

    def __init__(self, at):
        os.makedirs(at)
        self.at = at
        self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        if libc.mount(b"drwatch-test", at.encode(), b"fuse", 6, options) != 0:
            error = ctypes.get_errno()
            os.close(self.device)
            raise OSError(error, os.strerror(error))

    def release(self):
        if self.device < 0:
            return
        os.close(self.device)
        self.device = -1
        ctypes.CDLL(None).umount2(self.at.encode(), 2)


class Hung(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="drwatch-hung-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.drwatch = Served(self.folder, TOKEN, PATIENCE)
        self.port, self.write, self.until, self.log_text = self.drwatch.port, self.drwatch.write, self.drwatch.until, self.drwatch.log
        self.addCleanup(self.drwatch.kill)

    def hang(self, name):
        """A hung folder, or None when nobody may make one here."""
        try:
            hung = HungFolder(os.path.join(self.folder, name))
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EACCES, errno.ENOENT, errno.ENODEV):
                raise
            skip_here(self.id(), f"no FUSE may be mounted: {errno.errorcode[error.errno]}")
            return None
        self.addCleanup(hung.release)
        return hung

    def configure(self, probes="", server=""):
        self.write("drwatch.toml", MAIN.format(port=self.port, folder=self.folder, probes=probes, server=server))

    def start(self, **how):
        self.drwatch.start(**how)
        self.daemon = self.drwatch.process

    def ask(self, path, method="GET"):
        status, _, text = self.drwatch.exchange(method, path, {} if method == "POST" else None)
        return status, text

    def healthy(self):
        return self.drwatch.status_of("GET", "/healthz") == 200

    def probe(self, name):
        return json.loads(self.ask(f"/api/v1/probes/{name}")[1])

    def last(self, name):
        return self.probe(name).get("last") or {}

    def stops(self, within=15):
        begin = time.monotonic()
        self.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(self.daemon.wait(within), 0)
        self.assertLess(time.monotonic() - begin, within)

    def test_a_folder_that_hangs(self):
        hung = self.hang("mount")
        if not hung:
            return
        os.makedirs(os.path.join(self.folder, "fine"))
        self.write("fine/one.dump", "PGDMP")
        self.configure(DUMPS.format(name="stuck", at=hung.at) + DUMPS.format(name="well", at=os.path.join(self.folder, "fine")))
        self.start()
        self.until(lambda: self.last("stuck").get("outcome"), "the hung folder was asked")
        for _ in range(20):
            self.assertEqual((self.last("stuck")["outcome"], self.last("stuck")["reason"]), ("unknown", "own-fault"), self.last("stuck"))
            time.sleep(0.1)
        self.until(lambda: "has not answered for" in self.last("stuck")["message"], "it says which path hangs")
        self.until(lambda: self.last("well").get("outcome") in ("up", "degraded"), "the healthy one is read")
        # What a probe looks at is no business of a reload.
        self.assertEqual(self.ask("/api/v1/reload", "POST")[0], 200)
        self.stops()

    def test_a_configuration_that_hangs(self):
        hung = self.hang("mount")
        if not hung:
            return
        self.configure()
        self.start()
        good = MAIN.format(port=self.port, folder=self.folder, probes="", server="")
        self.write("drwatch.toml", good + f'\n[scenarios]\npath = "{hung.at}/scenarios"\n')
        self.daemon.send_signal(signal.SIGHUP)
        begin = time.monotonic()
        while time.monotonic() - begin < 5:  # the loop goes on meanwhile
            asked = time.monotonic()
            self.assertTrue(self.healthy())
            self.assertLess(time.monotonic() - asked, 5)
            time.sleep(0.1)
        self.until(lambda: f"{hung.at}/scenarios: does not answer" in self.log_text(), "it says which path hangs")
        status, text = self.ask("/api/v1/reload", "POST")
        self.assertEqual(status, 422, text)
        self.assertIn(f"{hung.at}/scenarios: does not answer", text)
        self.daemon.send_signal(signal.SIGHUP)
        self.stops()
        # A start says it too, and ends.
        begun = subprocess.run([PROGRAM, "serve", "--config", os.path.join(self.folder, "drwatch.toml")], capture_output=True, text=True,
                               timeout=PATIENCE * 2)
        self.assertEqual(begun.returncode, 2)
        self.assertIn(f"{hung.at}/scenarios: does not answer", begun.stderr)

    def test_a_journal_whose_folder_hangs_at_the_start(self):
        hung = self.hang("mount")
        if not hung:
            return
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(notify.close)
        notify.bind(os.path.join(self.folder, "notify"))
        notify.setblocking(False)
        environment = {**os.environ, "NOTIFY_SOCKET": notify.getsockname()}
        told = []

        def is_ready():
            try:
                while True:
                    told.append(notify.recv(65536).decode())
            except BlockingIOError:
                return any("READY=1" in each for each in told)

        self.configure()
        with open(os.path.join(self.folder, "drwatch.toml")) as file:
            text = file.read()
        self.write("drwatch.toml", text.replace(f"{self.folder}/journal.db", f"{hung.at}/journal.db"))
        self.start(wait=False, environment=environment)
        self.until(lambda: f"its folder {hung.at} does not answer" in self.log_text(), "it says which folder hangs")
        self.assertFalse(is_ready(), told)
        self.stops()
        self.assertIn("told to stop before the journal", self.log_text())
        self.assertFalse(is_ready(), told)
        # And once more: it goes on by itself when the folder answers.
        self.start(wait=False, environment=environment)
        self.until(lambda: self.log_text().count(f"its folder {hung.at} does not answer") == 2, "it says which folder hangs")
        self.daemon.send_signal(signal.SIGHUP)  # kept for later, and no end
        hung.release()  # the folder beneath is an empty one
        self.until(self.healthy, "the daemon goes on")
        self.until(is_ready, "it is ready")
        self.assertIn("is open after all", self.log_text())
        self.assertTrue(os.path.exists(f"{hung.at}/journal.db"))
        self.stops()

    def test_a_log_that_nobody_reads(self):
        nobody, end = os.pipe()
        self.addCleanup(os.close, nobody)
        self.configure(PLUGIN.format(name="flaps", run='["sh", "-c", "exit 0"]'))
        self.start(stderr=end)
        os.close(end)
        for _ in range(400):  # each a line of a kilobyte; a pipe holds 64
            self.ask("/api/v1/signals/none", "POST")
            self.daemon.send_signal(signal.SIGHUP)
            time.sleep(0.005)
        self.assertTrue(self.healthy())
        runs = len(self.probe("flaps")["recent"])
        self.until(lambda: len(self.probe("flaps")["recent"]) > runs or runs >= 20, "probes are run")
        self.assertIn("drwatch_log_lines_lost_total", self.ask("/metrics")[1])
        self.stops()

    def test_a_plugin_that_does_not_even_end_of_kill(self):
        group = f"/sys/fs/cgroup/freezer/drwatch-hung-{os.getpid()}"
        try:
            os.mkdir(group)
        except OSError as error:
            return skip_here(self.id(), f"no freezer of cgroup v1 that may be used: {errno.errorcode[error.errno]}")

        def thaw():
            with open(group + "/freezer.state", "w") as state:
                state.write("THAWED")
            for _ in range(200):
                try:
                    return os.rmdir(group)
                except OSError:
                    time.sleep(0.02)

        self.addCleanup(thaw)
        pid = os.path.join(self.folder, "pid")
        self.configure(PLUGIN.format(name="stuck", run=json.dumps(["sh", "-c", f"echo $$ >> {pid}; sleep 60; sleep 60"])) +
                       PLUGIN.format(name="well", run='["sh", "-c", "echo fine"]'))
        self.start()
        self.until(lambda: os.path.exists(pid) and os.path.getsize(pid) > 1, "the plugin runs")
        frozen = set()
        with open(group + "/freezer.state", "w") as state:
            state.write("FROZEN")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.last("stuck").get("code") != "EBUSY":
            with open(pid) as file:
                for each in set(file.read().split()) - frozen:
                    try:
                        with open(group + "/cgroup.procs", "w") as procs:
                            procs.write(each)
                    except OSError:
                        pass  # it has ended already
                    frozen.add(each)
            time.sleep(0.01)
        self.assertEqual(self.last("stuck").get("code"), "EBUSY", self.last("stuck"))
        self.assertEqual(self.last("stuck")["outcome"], "unknown")
        self.assertIn("does not end", self.log_text())
        self.until(lambda: self.last("well").get("outcome") == "up", "another plugin is run")
        self.assertTrue(self.healthy())
        self.stops()

    def test_a_key_under_a_passphrase(self):
        stem = os.path.join(self.folder, "server")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
                        "/CN=localhost", "-keyout", stem + ".key", "-out", stem + ".pem"], check=True, capture_output=True)
        subprocess.run(["openssl", "pkey", "-aes128", "-passout", "pass:secret", "-in", stem + ".key", "-out", stem + "-locked.key"],
                       check=True, capture_output=True)
        self.configure(server=f'tls = {{ certificate = "{stem}.pem", key = "{stem}-locked.key" }}')
        begun = subprocess.run([PROGRAM, "serve", "--config", os.path.join(self.folder, "drwatch.toml")], capture_output=True, text=True,
                               stdin=subprocess.DEVNULL, timeout=PATIENCE)
        self.assertEqual(begun.returncode, 2)
        self.assertIn("protected by a passphrase", begun.stderr)

    def test_a_configuration_that_is_nested_without_end(self):
        self.configure()
        self.start()
        with open(os.path.join(self.folder, "drwatch.toml"), "a") as file:
            file.write(".".join(["a"] * 10000) + " = 1\n")
        checked = subprocess.run([PROGRAM, "check", "--config", os.path.join(self.folder, "drwatch.toml")], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 1, checked.stdout + checked.stderr)
        self.assertIn("nested deeper than 64 levels", checked.stdout + checked.stderr)
        self.daemon.send_signal(signal.SIGHUP)
        self.until(lambda: "nested deeper than 64 levels" in self.log_text(), "it says why")
        self.assertTrue(self.healthy())
        self.stops()


if __name__ == "__main__":
    unittest.main()
