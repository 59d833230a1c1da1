#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The units of the restore drill in a booted systemd: begun by systemctl and by the path unit, as their own user, without a network."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cluster import ROOT, Cluster, Evidence  # noqa: E402


def missing():
    """Why no systemd can be booted here, or None."""
    if os.geteuid() != 0:
        return "only root can boot one"
    if not shutil.which("systemd-nspawn"):
        return "systemd-nspawn is not installed; 'make proof' installs it"
    return None


class Machine:
    """This machine's files under an overlay that is thrown away, booted to basic.target."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="drill-boot-", dir="/tmp")
        self.name = os.path.basename(self.folder).replace("_", "x")
        self.root = os.path.join(self.folder, "m")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", self.folder], check=True)
        for name in "uwm":
            os.mkdir(os.path.join(self.folder, name))
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={self.folder}/u,workdir={self.folder}/w", self.root], check=True)
        self.process = None

    def put(self, source, target):
        target = os.path.join(self.root, target.lstrip("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        (shutil.copytree if os.path.isdir(source) else shutil.copy)(source, target)

    def write(self, target, text):
        path = pathlib.Path(self.root, target.lstrip("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def boot(self):
        self.write("/etc/machine-id", "")
        with open(os.path.join(self.folder, "console"), "wb") as console:
            self.process = subprocess.Popen(["systemd-nspawn", "-q", "-D", self.root, "--boot", "--register=no", "--keep-unit", "--link-journal=no",
                                             f"--machine={self.name}", "--private-network", "systemd.unit=basic.target"], stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        self.until(lambda: self.leader() is not None, "it is there")
        self.until(lambda: self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"), "it runs")

    def leader(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            children = file.read().split()
        return children[0] if children else None

    def run(self, *command):
        return subprocess.run(["nsenter", "-t", self.leader(), "-a", *command], capture_output=True, text=True, timeout=300)

    def until(self, holds, what):
        end = time.monotonic() + 180
        while not holds():
            if self.process.poll() is not None or time.monotonic() > end:
                with open(os.path.join(self.folder, "console"), errors="replace") as file:
                    raise AssertionError(f"not within its time: {what}: {file.read()[-1500:]}")
            time.sleep(0.1)

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for place in (self.root, self.folder):
            subprocess.run(["umount", "-l", place])
        shutil.rmtree(self.folder, ignore_errors=True)


class Booted(unittest.TestCase):
    def test_drills_of_a_unit(self):
        why = missing()
        if why:
            print(f"SKIPPED restore drill in a booted systemd: {why}")
            self.skipTest(why)
        c = Cluster()
        self.addCleanup(c.gone)
        c.prepare()
        base = c.base_backup()
        c.order()
        c.beat()
        c.segment()
        machine = Machine()
        self.addCleanup(machine.end)
        machine.put(ROOT / "drills" / "restore", "/usr/lib/drwatch/drills/restore")
        machine.put(ROOT / "drills" / "drwatch-restore-drill", "/usr/bin/drwatch-restore-drill")
        for unit in ("drwatch-restore@.service", "drwatch-restore-remote@.service", "drwatch-restore@.path"):
            machine.put(ROOT / "systemd" / unit, f"/usr/lib/systemd/system/{unit}")
        machine.put(ROOT / "systemd" / "drwatch.sysusers", "/usr/lib/sysusers.d/drwatch.conf")
        machine.put(base, "/srv/base")
        machine.put(c.path("archive"), "/srv/archive")
        subprocess.run(["chown", "-R", "postgres:postgres", machine.root + "/srv/base", machine.root + "/srv/archive"], check=True)
        subprocess.run(["chmod", "-R", "g+rX", machine.root + "/srv/base", machine.root + "/srv/archive"], check=True)
        machine.write("/etc/drwatch/drills/clinic.toml", 'basebackup = "/srv/base"\narchive = "/srv/archive"\nat-least = { "public.orders" = 5200 }\n')
        for unit in ("drwatch-restore", "drwatch-restore-remote"):
            machine.write(f"/etc/systemd/system/{unit}@clinic.service.d/group.conf", "[Service]\nSupplementaryGroups=postgres\n")
        machine.boot()
        made = machine.run("systemd-sysusers")
        self.assertEqual(made.returncode, 0, made.stderr)
        evidence = os.path.join(machine.root, "var/lib/drwatch-restore/clinic.json")

        def seen(isolation):
            with open(evidence, encoding="utf-8") as file:
                e = Evidence(json.load(file))
            os.unlink(evidence)
            self.assertEqual((e["verdict"], e["machine"]["isolation"]), ("passed", isolation), e.told())
            self.assertEqual(os.listdir(os.path.join(machine.root, "var/lib/drwatch-restore/scratch")), [])

        for unit, isolation in (("drwatch-restore", "private-network"), ("drwatch-restore-remote", "network-namespace")):
            done = machine.run("systemctl", "start", f"{unit}@clinic")
            self.assertEqual(done.returncode, 0, done.stderr + machine.run("journalctl", "-u", f"{unit}@clinic", "--no-pager").stdout)
            seen(isolation)
        # A file of its name is all that it takes, and is taken away.
        self.assertEqual(machine.run("systemctl", "start", "drwatch-restore@clinic.path").returncode, 0)
        self.assertEqual(machine.run("sh", "-c", "mkdir -p /run/drwatch/drills && : > /run/drwatch/drills/clinic").returncode, 0)
        machine.until(lambda: os.path.exists(evidence), "the path unit has begun a drill")
        seen("private-network")
        self.assertEqual(machine.run("ls", "/run/drwatch/drills").stdout, "")
        # drwatch itself asks so, and hands on what was found.
        asked = machine.run("sh", "-c", "chown -R drwatch /run/drwatch && runuser -u drwatch -- drwatch-restore-drill --unit clinic --max-time 3m --evidence /run/drwatch/handed.json")
        self.assertEqual(asked.returncode, 0, asked.stderr)
        handed = json.loads(machine.run("cat", "/run/drwatch/handed.json").stdout)
        self.assertEqual((handed["verdict"], handed["machine"]["isolation"]), ("passed", "private-network"), handed)
        seen("private-network")


if __name__ == "__main__":
    unittest.main()
