# SPDX-License-Identifier: Apache-2.0
"""A minimal Debian 12 that systemd has booted (systemd-nspawn, without a network), for the proofs that need one: as root."""
import glob
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROOF = pathlib.Path(sys.argv[0]).stem
PATIENCE = 300  # seconds that a step may take on a busy machine; seconds on an idle one
REBOOTED = 133  # how systemd-nspawn ends when what it booted wants to be booted again


def fail(text):
    sys.exit(f"{PROOF}: {text}")


def check(holds, what):
    if not holds:
        fail(what)
    print(f"  {what}")


def wait_for(condition, what, seconds=PATIENCE):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.3)
    fail(f"{what} did not come true within {seconds} s")


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode:
        fail(f"{' '.join(command)}: {re.sub(r'[a-z]+://[^ ]*', '(a mirror)', done.stderr)[-2000:]}")
    return done.stdout


def namespace(pid):
    """Which processes it sees; None when it has gone."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


class Machine:
    """In a folder. `more`: further arguments of systemd-nspawn."""

    def __init__(self, folder, packages, more=()):
        self.root, self.console, self.more, self.nspawn = folder / "root", folder / "console.log", more, None
        sources = [file for pattern in ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources")
                   for file in glob.glob(pattern) if re.search(r"^[^#]*\bbookworm", pathlib.Path(file).read_text(encoding="utf-8"), re.M)]
        settings = folder / "apt.conf"
        found = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True).stdout
        settings.write_text("".join(line + "\n" for line in found.splitlines() if re.match(r"Acquire::(https?|Check|Retries)", line)))
        include = ",".join(["systemd", "systemd-sysv", "dbus", "procps", *packages])
        run("mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", "--include=" + include, "--dpkgopt=force-unsafe-io",
            f"--aptopt={settings}", "bookworm", str(self.root), *sources, stdin=subprocess.DEVNULL)
        (self.root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
        (self.root / "etc/machine-id").write_text("")

    def boot(self):
        with open(self.console, "wb") as console:
            self.nspawn = subprocess.Popen(
                ["systemd-nspawn", "-q", "-D", str(self.root), "--boot", "--register=no", "--keep-unit", "--link-journal=no", "--private-network",
                 "--machine=drwatch" + str(os.getpid()), *self.more, "systemd.unit=multi-user.target"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT)
        self.leader = wait_for(self.find_leader, "a booted machine")
        wait_for(lambda: self.try_sh("systemctl is-system-running").stdout.strip() in ("running", "degraded"), "a running systemd")

    def find_leader(self):
        if self.nspawn.poll() is not None:
            text = self.console.read_text(errors="replace")
            if ("Operation not permitted" in text or "Failed to" in text) and os.environ.get("DRWATCH_NO_SKIPS") != "1":
                print(f"SKIPPED {PROOF}: systemd-nspawn cannot boot a machine here: {text.strip().splitlines()[-1]}")
                sys.exit(0)
            fail("systemd-nspawn ended: " + text[-2000:])
        children = pathlib.Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children").read_text().split()
        # The one that only prepares it has not left our processes.
        return next((child for child in children if namespace(child) not in (None, namespace("self"))), None)

    def try_sh(self, text):
        return subprocess.run(["nsenter", "-t", self.leader, "-a", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                               "DEBIAN_FRONTEND=noninteractive", "sh", "-c", text], capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def sh(self, text):
        done = self.try_sh(text)
        if done.returncode:
            fail(f"{text}\n  {done.stdout[-2000:]}\n  {done.stderr[-2000:]}\nlog: {self.log()}")
        return done.stdout

    def log(self):
        return self.try_sh("journalctl --no-pager -n 60 -u drwatch").stdout[-4000:]

    def reboot(self):
        """As a person does; then it is booted again."""
        self.try_sh("systemctl reboot")
        try:
            code = self.nspawn.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            fail("the machine does not go down for its reboot")
        if code != REBOOTED:
            fail(f"the machine did not want to be booted again: systemd-nspawn ended with {code}")
        self.boot()

    def lose_power(self):
        """With its first process all the others end; systemd-nspawn alone would leave them."""
        os.kill(int(self.leader), signal.SIGKILL)
        self.nspawn.wait()

    def stop(self):
        if self.nspawn and self.nspawn.poll() is None:
            self.nspawn.send_signal(signal.SIGTERM)
            try:
                self.nspawn.wait(60)
            except subprocess.TimeoutExpired:
                self.lose_power()


def of(deb, field):
    return run("dpkg-deb", "-f", str(deb), field).strip()


def needed(deb):
    """The packages that it depends on, by name."""
    return [re.split(r"[ (|:]", each.strip())[0] for each in of(deb, "Depends").split(",")]


DRWATCH = "drwatch --token-file /etc/drwatch/credentials/oncall-token"


def ready(machine, seconds=PATIENCE):
    wait_for(lambda: machine.try_sh(f"systemctl is-active -q drwatch && {DRWATCH} incident list").returncode == 0, "a daemon that answers", seconds)


def prove(tell):
    """tell(deb, folder) is the proof: of the package that the command line names or `make package` left, in a folder that is gone afterwards."""
    sys.stdout.reconfigure(line_buffering=True)
    found = sys.argv[1:] or sorted(glob.glob(str(ROOT / "build/package/drwatch_*.deb")))
    if not found:
        fail("there is no package; 'make package' makes it")
    if os.geteuid() != 0:
        fail("needs root, to boot a machine")
    for program in ("mmdebstrap", "systemd-nspawn", "dpkg-deb"):
        if not shutil.which(program):
            fail(f"there is no {program}; .ci/install .ci/packages-proof.txt")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"drwatch-{PROOF}-"))
    try:
        tell(pathlib.Path(found[-1]).resolve(), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
