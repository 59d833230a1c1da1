#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The package on a machine that has nothing: package.py [DEB]. In a minimal Debian 12 that systemd has booted (systemd-nspawn, without a network)
it is installed, configured by `drwatch init`, started, upgraded with a changed configuration file and an open incident, killed, hung, removed, installed
again and purged. As root. DEB: build/package/drwatch_*.deb when not given."""
import glob
import json
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
PATIENCE = 300  # seconds that a step may take on a busy machine; seconds on an idle one


def fail(text):
    sys.exit(f"package: {text}")


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


class Machine:
    """A minimal Debian 12 in a folder, booted by systemd."""

    def __init__(self, folder, packages):
        self.root, self.console = folder / "root", folder / "console.log"
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
        name = "drwatch" + str(os.getpid())
        with open(self.console, "wb") as console:
            self.nspawn = subprocess.Popen(
                ["systemd-nspawn", "-q", "-D", str(self.root), "--boot", "--register=no", "--keep-unit", "--link-journal=no", "--private-network",
                 "--machine=" + name, "systemd.unit=multi-user.target"], stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT)
        self.leader = wait_for(self.find_leader, "a booted machine", 60)
        wait_for(lambda: self.sh("systemctl is-system-running || true").strip() in ("running", "degraded"), "a running systemd", 120)

    def find_leader(self):
        if self.nspawn.poll() is not None:
            text = self.console.read_text(errors="replace")
            if "Operation not permitted" in text or "Failed to" in text and os.environ.get("DRWATCH_NO_SKIPS") != "1":
                print(f"SKIPPED package: systemd-nspawn cannot boot a machine here: {text.strip().splitlines()[-1] if text.strip() else ''}")
                sys.exit(0)
            fail("systemd-nspawn ended: " + text[-2000:])
        children = pathlib.Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children").read_text().split()
        return children[0] if children else None

    def try_sh(self, text):
        return subprocess.run(["nsenter", "-t", self.leader, "-a", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive",
                               "sh", "-c", text], capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def sh(self, text):
        done = self.try_sh(text)
        if done.returncode:
            log = self.try_sh("journalctl --no-pager -n 60 -u drwatch").stdout
            fail(f"{text}\n  {done.stdout[-2000:]}\n  {done.stderr[-2000:]}\nlog: {log[-4000:]}")
        return done.stdout

    def stop(self):
        if self.nspawn.poll() is None:
            self.nspawn.send_signal(signal.SIGTERM)
            try:
                self.nspawn.wait(60)
            except subprocess.TimeoutExpired:
                self.nspawn.kill()
                self.nspawn.wait()


def of(deb, field):
    return run("dpkg-deb", "-f", str(deb), field).strip()


def needed(deb):
    """The packages that it depends on, by name."""
    return [re.split(r"[ (|:]", each.strip())[0] for each in of(deb, "Depends").split(",")]


def newer(deb, folder):
    """The same package one version on, with one of its configuration files changed."""
    tree = folder / "newer"
    run("dpkg-deb", "-R", str(deb), str(tree))
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*", lambda found: found[0] + "+1", control.read_text(), flags=re.M))
    for name in ("cron-failure", "auth-outage"):
        file = tree / f"etc/drwatch/scenarios-available/{name}.toml"
        file.write_text(file.read_text() + "# the next version's\n")
    made = folder / "newer.deb"
    run("dpkg-deb", "--root-owner-group", "-b", str(tree), str(made))
    return made


def check(holds, what):
    if not holds:
        fail(what)
    print(f"  {what}")


def incident(machine):
    listed = json.loads(machine.sh(f"{DRWATCH} incident list --json"))["incidents"]
    return [(each["id"], each["state"], each["acknowledged_by"], each["started_at"]) for each in listed]


def alert(machine):
    listed = json.loads(machine.sh(f"{DRWATCH} alert list --json"))["alerts"]
    return [each["starts_at"] for each in listed if each["labels"]["alertname"] == "DrwatchIncident"]


DRWATCH = "drwatch --token-file /etc/drwatch/credentials/oncall-token"


def ready(machine):
    wait_for(lambda: machine.try_sh(f"systemctl is-active -q drwatch && {DRWATCH} incident list").returncode == 0, "a daemon that answers")


def story(machine, deb, next_deb):
    shutil.copy(deb, machine.root / "opt/first.deb")
    shutil.copy(next_deb, machine.root / "opt/next.deb")
    print("installed")
    machine.sh("dpkg -i /opt/first.deb")
    check(machine.sh("systemctl is-enabled drwatch").strip() == "enabled", "the unit is enabled")
    check(machine.try_sh("systemctl is-failed -q drwatch").returncode != 0, "without a configuration it does not run, and has not failed")
    check(machine.sh("stat -c '%a %U:%G' /etc/drwatch").strip() == "750 root:drwatch", "/etc/drwatch is root's, for drwatch to read")
    check(machine.sh("stat -c %a /etc/drwatch/credentials").strip() == "700", "the credentials' folder is for root alone")
    check("incident.opened" in machine.sh("journalctl --list-catalog | grep drwatch"), "the message catalog is known to journald")

    print("configured and started")
    machine.sh("drwatch init --endpoint http://127.0.0.1:8/ --heartbeat nightly=15m")
    check(machine.sh("stat -c %a /etc/drwatch/credentials/oncall-token").strip() == "600", "a secret is for root alone")
    check(machine.try_sh("drwatch init --endpoint http://127.0.0.1:8/").returncode == 2, "init overwrites nothing")
    machine.sh("drwatch check --config /etc/drwatch/drwatch.toml")
    machine.sh("systemctl daemon-reload && systemctl restart drwatch")
    ready(machine)
    check(machine.try_sh(f"{DRWATCH} doctor").returncode == 1, "doctor names what is missing")
    check(set(machine.sh("ps -o user= -C drwatch").split()) == {"drwatch"}, "it runs as its own user")
    machine.sh(f"{DRWATCH} incident open cron-failure --note 'by hand'")
    name = json.loads(machine.sh(f"{DRWATCH} incident list --json"))["incidents"][0]["id"]
    machine.sh(f"{DRWATCH} incident ack {name}")
    before, fired = incident(machine), alert(machine)
    check(len(before) == 1 and before[0][2] == "oncall" and len(fired) == 1, "an incident is open, acknowledged, and its alert fires")
    told = machine.sh(f"journalctl --no-pager -x DRWATCH_INCIDENT={name}")
    check("An incident is open and its clock runs" in told and f"drwatch incident show {name}" in told, "journalctl -x tells of it and what to do")

    print("a reload")
    machine.sh("systemctl reload drwatch")
    machine.sh("cp /etc/drwatch/drwatch.toml /opt/good.toml; echo '[sever]' >> /etc/drwatch/drwatch.toml")
    check(machine.try_sh("systemctl reload drwatch").returncode != 0, "a bad configuration is refused")
    machine.sh("cp /opt/good.toml /etc/drwatch/drwatch.toml")
    ready(machine)
    check((incident(machine), alert(machine)) == (before, fired), "the incident and its alert stand")

    for what, kill in (("killed", "kill -9"), ("hung", "kill -STOP")):
        print(what)
        pid = machine.sh("systemctl show -p MainPID --value drwatch").strip()
        machine.sh(f"{kill} {pid}")
        wait_for(lambda: machine.sh("systemctl show -p MainPID --value drwatch").strip() not in ("0", pid), "another process")
        ready(machine)
        check((incident(machine), alert(machine)) == (before, fired), "the incident and its alert stand")

    print("upgraded")
    machine.sh("echo '# mine' >> /etc/drwatch/scenarios-available/cron-failure.toml")
    machine.sh("dpkg --force-confdef --force-confold -i /opt/next.deb")
    ready(machine)
    check(machine.sh("tail -n 1 /etc/drwatch/scenarios-available/cron-failure.toml").strip() == "# mine", "a changed file is kept")
    check("next version" in machine.sh("tail -n 1 /etc/drwatch/scenarios-available/cron-failure.toml.dpkg-dist"), "the new one lies beside it")
    check("next version" in machine.sh("tail -n 1 /etc/drwatch/scenarios-available/auth-outage.toml"), "an unchanged one is the new one")
    check(machine.sh("cmp /opt/good.toml /etc/drwatch/drwatch.toml && echo same").strip() == "same", "the configuration is as it was")
    check((incident(machine), alert(machine)) == (before, fired), "the incident and its alert stand")

    print("removed")
    machine.sh("dpkg -r drwatch")
    check(machine.try_sh("systemctl is-active -q drwatch").returncode != 0 and machine.try_sh("test -e /usr/bin/drwatch").returncode != 0, "it is gone")
    machine.sh("test -f /var/lib/drwatch/journal.db && test -f /etc/drwatch/drwatch.toml && test -f /etc/drwatch/credentials/oncall-token")
    machine.sh("dpkg -i /opt/first.deb")
    machine.sh("systemctl restart drwatch")
    ready(machine)
    check((incident(machine), alert(machine)) == (before, fired), "installed again, the incident and its alert stand")

    print("purged")
    machine.sh("dpkg -P drwatch")
    left = machine.sh("find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /opt -o -path /var/log -o -path /run/systemd \\) -prune -o "
                      "-iname '*drwatch*' -print").split()
    check(not left, f"nothing is left{': ' + ', '.join(left) if left else ''}")


def main():
    found = sys.argv[1:] or sorted(glob.glob(str(ROOT / "build/package/drwatch_*.deb")))
    if not found:
        fail("there is no package; 'make package' makes it")
    deb = pathlib.Path(found[-1]).resolve()
    if os.geteuid() != 0:
        fail("needs root, to boot a machine")
    for program in ("mmdebstrap", "systemd-nspawn", "dpkg-deb"):
        if not shutil.which(program):
            fail(f"there is no {program}; .ci/install .ci/packages-proof.txt")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="drwatch-package-"))
    machine = None
    try:
        next_deb = newer(deb, folder)
        began = time.monotonic()
        machine = Machine(folder, needed(deb))
        print(f"a minimal Debian 12, booted: {time.monotonic() - began:.0f} s")
        story(machine, deb, next_deb)
        print(f"package: installed, upgraded, removed and purged in {time.monotonic() - began:.0f} s")
    finally:
        if machine:
            machine.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
