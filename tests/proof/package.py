#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The package on a machine that has nothing: package.py [DEB]. In a minimal Debian 12 that systemd has booted (systemd-nspawn, without a network)
it is installed, configured by `drwatch init`, started, upgraded with a changed configuration file and an open incident, removed, installed again and
purged. What may happen to it while it runs is unit.py's. As root. DEB: build/package/drwatch_*.deb when not given."""
import json
import re
import shutil
import sys
import time

sys.dont_write_bytecode = True
from machine import DRWATCH, Machine, check, needed, prove, ready, run  # noqa: E402


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


def incident(machine):
    listed = json.loads(machine.sh(f"{DRWATCH} incident list --json"))["incidents"]
    return [(each["id"], each["state"], each["acknowledged_by"], each["started_at"]) for each in listed]


def alert(machine):
    listed = json.loads(machine.sh(f"{DRWATCH} alert list --json"))["alerts"]
    return [each["starts_at"] for each in listed if each["labels"]["alertname"] == "DrwatchIncident"]


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

    machine.sh("systemctl reload drwatch")
    machine.sh("cp /etc/drwatch/drwatch.toml /opt/good.toml")

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
    machine.sh("dpkg --force-confdef --force-confold -i /opt/next.deb")
    machine.sh("systemctl restart drwatch")
    ready(machine)
    check((incident(machine), alert(machine)) == (before, fired), "installed again, the incident and its alert stand")

    print("purged")
    machine.sh("dpkg -P drwatch")
    left = machine.sh("find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /opt -o -path /var/log -o -path /run/systemd \\) -prune -o "
                      "-iname '*drwatch*' -print").split()
    check(not left, "nothing is left" + (": " + ", ".join(left) if left else ""))


def tell(deb, folder):
    next_deb = newer(deb, folder)
    began = time.monotonic()
    machine = Machine(folder, needed(deb))
    try:
        machine.boot()
        print(f"a minimal Debian 12, booted: {time.monotonic() - began:.0f} s")
        story(machine, deb, next_deb)
        print(f"package: installed, upgraded, removed and purged in {time.monotonic() - began:.0f} s")
    finally:
        machine.stop()


if __name__ == "__main__":
    prove(tell)
