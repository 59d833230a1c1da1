#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The unit in a real systemd, hurt: unit.py [DEB]. In a minimal Debian 12 that systemd has booted (machine.py), beside a real Alertmanager and a
pager, an incident is open, somebody has taken it and works on it. Then drwatch is killed, hung, out of memory and out of disk, its clock steps,
journald does not read, the configuration is reloaded, the machine is rebooted and loses its power. After each the unit is active, the same incident is
open with what people did in it, the same alert stands, and nobody was paged again. As root. DEB: build/package/drwatch_*.deb when not given."""
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from machine import DRWATCH, Machine, check, fail, namespace, needed, prove, ready, run, wait_for  # noqa: E402
from unit_files import FILES  # noqa: E402

BACK = 120  # seconds after which it has to be back on a busy machine, after a hang as well, which the watchdog sees after 30
ROOM = 16  # MiB that the disk of its state has

def asked(machine, words):
    done = machine.try_sh(f"{DRWATCH} {words} --json")
    if done.returncode > 1 or not done.stdout:  # 1 is status's word that not all is well
        fail(f"drwatch {words}: {done.stderr}\n{machine.log()}")
    return json.loads(done.stdout)


def alerts(machine):
    """What Alertmanager has, Watchdog aside."""
    text = machine.sh("python3 -c 'import urllib.request as u; print(u.urlopen(\"http://127.0.0.1:9093/api/v2/alerts\", timeout=20).read().decode())'")
    return [each for each in json.loads(text) if each["labels"]["alertname"] != "Watchdog"]


def incident(machine):
    listed = [each["id"] for each in asked(machine, "incident list")["incidents"]]
    if len(listed) != 1:
        fail(f"not one incident, but {listed}")
    return asked(machine, "incident show " + listed[0])


def standing(machine):
    """What has to be the same afterwards."""
    one = incident(machine)
    return {
        "incident": {key: one[key] for key in ("id", "scenario", "state", "acknowledged_by", "started_at", "opened_at")},
        "steps": {step["id"]: (step["state"], step["by"]) for step in one["steps"]},
        "notes": [each["body"].get("text", each["message"]) for each in one["timeline"] if each["kind"] == "incident.noted"],
        "alerts": [(each["labels"], each["starts_at"], each["resolved_at"]) for each in asked(machine, "alert list")["alerts"]
                   if each["labels"]["alertname"] == "DrwatchIncident"],
        "in Alertmanager": [(each["fingerprint"], each["labels"], each["startsAt"], each["status"]["state"]) for each in alerts(machine)],
    }


def sent_since(machine, moment):
    """Whether it was sent after a moment of the real clock; Alertmanager may be about to start."""
    text = machine.try_sh("amtool --alertmanager.url=http://127.0.0.1:9093 alert query -o json alertname=DrwatchIncident").stdout
    return text.startswith("[") and any(each["updatedAt"] > moment for each in json.loads(text))


def names(machine):
    return {each["labels"]["alertname"] for each in alerts(machine)}


def note(machine, text):
    return asked(machine, f"incident note '{text}'")


def main_pid(machine):
    return machine.sh("systemctl show -p MainPID --value drwatch").strip()


def another(machine, pid):
    wait_for(lambda: main_pid(machine) not in ("0", pid), "another process", BACK)


def pages(machine):
    return machine.sh("cat /var/lib/pages").splitlines()


def hurt(machine, what, deed):
    """The deed returns what was noted meanwhile and must be there as well."""
    note(machine, "before it was " + what)
    before, told = standing(machine), len(pages(machine))
    moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")
    began = time.monotonic()
    before["notes"] += deed(machine) or []
    ready(machine, BACK)
    back = time.monotonic() - began
    wait_for(lambda: sent_since(machine, moment), "an alert that was sent again", BACK)
    after = standing(machine)
    for part in before:
        if after[part] != before[part]:
            fail(f"{what}: not the same {part}: {before[part]}, then {after[part]}\n{machine.log()}")
    new = [page for page in pages(machine)[told:] if page.startswith("DrwatchIncident")]
    check(not new, f"{what}: the same incident, notes and alert, and no page{': ' + str(new) if new else ''}; after {back:.0f} s")


def killed(machine):
    pid = main_pid(machine)
    machine.sh(f"kill -9 {pid}")
    another(machine, pid)


def hung(machine):
    pid = main_pid(machine)
    machine.sh(f"kill -STOP {pid}")
    another(machine, pid)
    check("Watchdog timeout" in machine.sh("journalctl --no-pager -u drwatch -n 200"), "the watchdog saw it")


def outside(machine, pid):
    """The number that a process of the machine has here."""
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            numbers = [line.split()[1:] for line in status.read_text().splitlines() if line.startswith("NSpid:")][0]
            if numbers[-1] == pid and namespace(status.parent.name) == namespace(machine.leader):
                return numbers[0]
        except (OSError, IndexError):
            continue
    return fail(f"process {pid} of the machine is not seen from outside")


def out_of_memory(machine):
    """Limited from outside: in the machine MemoryMax= has no effect where the host's controllers are of cgroup v1."""
    pid = main_pid(machine)
    number = outside(machine, pid)
    group = pathlib.Path(f"/sys/fs/cgroup/memory/drwatch-{os.getpid()}")
    if not group.parent.is_dir():
        # cgroup v2: its own group has the limit, if it has the controller.
        group = pathlib.Path("/sys/fs/cgroup" + pathlib.Path(f"/proc/{number}/cgroup").read_text().strip().split("::")[1])
        limit, freed = group / "memory.max", "max"
        limit.write_text("1M")
    else:
        group.mkdir()
        limit, freed = group / "memory.limit_in_bytes", "-1"
        limit.write_text("4096")
        (group / "cgroup.procs").write_text(number)
    try:
        # What it has is not counted against a limit of cgroup v1: it must ask for more.
        wait_for(lambda: machine.try_sh(f"{DRWATCH} incident list") and main_pid(machine) not in ("0", pid), "a process killed for its memory", BACK)
        kills = group / "memory.oom_control"
        check(not kills.exists() or "oom_kill 0" not in kills.read_text(), "it was the kernel that killed it")
    finally:
        if limit.exists():
            limit.write_text(freed)
        if "drwatch-" in group.name:
            wait_for(lambda: not (group / "cgroup.procs").read_text().strip(), "an empty group")
            group.rmdir()


def full(state):
    for size in ("64k", "1"):
        subprocess.run(["dd", "if=/dev/zero", f"of={state / 'ballast'}", f"bs={size}", "count=65536", "oflag=append", "conv=notrunc"],
                       stderr=subprocess.DEVNULL)
    check(shutil.disk_usage(state).free == 0, "the disk is full")


def out_of_disk(machine, state):
    full(state)
    noted = []
    # There may be room in the journal's own files.
    for number in range(200):
        noted.append(f"without disk {number} " + "x" * 4000)
        if not note(machine, noted[-1])["durable"]:
            break
    wait_for(lambda: "DrwatchJournalFailing" in names(machine), "an alert on the journal", BACK)
    check(len(noted) < 200, f"note {len(noted)} was answered as not on the disk, and the journal's alert fires")
    (state / "ballast").unlink()
    wait_for(lambda: asked(machine, "status")["durable"] and "DrwatchJournalFailing" not in names(machine), "a journal that is mended", BACK)
    return noted


def killed_without_disk(machine, state):
    full(state)
    killed(machine)
    ready(machine, BACK)
    check(True, "it has begun without room")
    (state / "ballast").unlink()
    wait_for(lambda: asked(machine, "status")["durable"], "a journal that is mended", BACK)


def clock_says(machine, offset):
    """Of drwatch alone; the machine's is everybody's."""
    machine.sh(f"echo {offset} > /opt/clock.new && mv /opt/clock.new /opt/clock")


def own_clock(machine):
    clock_says(machine, "+0")
    library = machine.sh("ls /usr/lib/*/faketime/libfaketime.so.1").strip()
    (machine.root / "etc/systemd/system/drwatch.service.d/clock.conf").write_text(
        f"[Service]\nEnvironment=LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE=/opt/clock FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1\n")
    machine.sh("systemctl daemon-reload && systemctl restart drwatch")


def stepped(machine, offset):
    count = "journalctl --no-pager -o cat DRWATCH_EVENT=clock.jumped | wc -l"
    jumps = int(machine.sh(count))
    clock_says(machine, offset)
    wait_for(lambda: int(machine.sh(count)) > jumps, "a clock that was seen to step", BACK)


def log_not_read(machine):
    reader = machine.sh("systemctl show -p MainPID --value systemd-journald").strip()
    machine.sh(f"kill -STOP {reader}")
    machine.sh("python3 /opt/fill.py")
    noted = ["while nobody reads the log"]
    note(machine, noted[0])
    killed(machine)
    ready(machine, BACK)
    noted.append("begun while nobody reads the log")
    note(machine, noted[1])
    machine.sh(f"kill -CONT {reader}")
    wait_for(lambda: noted[1] in machine.sh("journalctl --no-pager -u drwatch -n 500"), "the log of what was meanwhile", BACK)
    return noted


def log_away(machine):
    machine.sh("systemctl stop systemd-journald.socket systemd-journald-dev-log.socket systemd-journald-audit.socket systemd-journald")
    check(machine.try_sh("systemctl is-active -q systemd-journald").returncode != 0, "journald is away")
    noted = ["while there was no log"]
    note(machine, noted[0])
    killed(machine)
    ready(machine, BACK)
    machine.sh("systemctl start systemd-journald.socket systemd-journald-dev-log.socket systemd-journald")
    noted.append("with a log again")
    note(machine, noted[1])
    wait_for(lambda: noted[1] in machine.sh("journalctl --no-pager -u drwatch -n 500"), "a log that goes on", BACK)
    return noted


def configure(machine, *lines):
    with open(machine.root / "etc/drwatch/drwatch.toml", "a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def components(machine):
    return {each["name"]: each["health"] for each in asked(machine, "status")["components"]}


def reloaded(machine):
    pid = main_pid(machine)
    configure(machine, "[component.mail]", "[probe.mail-port]", 'component = "mail"', 'kind = "tcp"', 'target = "127.0.0.1:9093"')
    machine.sh("systemctl reload drwatch")
    check("mail" in components(machine), "a good configuration is taken")
    machine.sh("cp /etc/drwatch/drwatch.toml /opt/good.toml; echo '[sever]' >> /etc/drwatch/drwatch.toml")
    check(machine.try_sh("systemctl reload drwatch").returncode != 0 and "mail" in components(machine), "a bad one is refused, and the good one stays")
    machine.sh("cp /opt/good.toml /etc/drwatch/drwatch.toml")
    check(main_pid(machine) == pid, "it is the same process")


def put(machine):
    for name, text in FILES.items():
        path = machine.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"))
    (machine.root / "etc/drwatch/credentials/oncall-token").chmod(0o600)


def begin(machine, deb):
    shutil.copy(deb, machine.root / "opt/drwatch.deb")
    machine.sh("dpkg -i /opt/drwatch.deb")
    put(machine)
    machine.sh("drwatch check --config /etc/drwatch/drwatch.toml")
    machine.sh("systemctl daemon-reload && systemctl enable pager prometheus-alertmanager && "
               "systemctl restart pager prometheus-alertmanager drwatch")
    ready(machine)
    wait_for(lambda: asked(machine, "incident list")["incidents"], "an incident", BACK)
    machine.sh(f"{DRWATCH} incident ack")
    machine.sh(f"{DRWATCH} incident step look done")
    wait_for(lambda: pages(machine) if machine.try_sh("test -e /var/lib/pages").returncode == 0 else None, "a page", BACK)


def spared(machine):
    # Not what the unit asks for: systemd-nspawn leaves no machine the capability for that.
    score = int(machine.sh(f"cat /proc/{main_pid(machine)}/oom_score_adj"))
    configure(machine, "[component.commands]", "[probe.score]", 'component = "commands"', 'kind = "command"', 'interval = "10s"', 'timeout = "10s"',
              'run = ["sh", "-c", "sleep 1; cat /proc/self/oom_score_adj"]', f'output_matches = "^{score + 500}"')
    machine.sh("systemctl reload drwatch")
    wait_for(lambda: components(machine)["commands"] == "up", "a command that the kernel kills before drwatch", BACK)
    check(True, "short of memory the kernel kills a command before drwatch")


def story(machine, deb, state):
    begin(machine, deb)
    spared(machine)
    hurt(machine, "reloaded", reloaded)
    hurt(machine, "killed", killed)
    hurt(machine, "out of memory", out_of_memory)
    hurt(machine, "out of disk", lambda machine: out_of_disk(machine, state))
    hurt(machine, "killed without disk", lambda machine: killed_without_disk(machine, state))
    hurt(machine, "without a reader of its log", log_not_read)
    hurt(machine, "without a log", log_away)
    hurt(machine, "rebooted", lambda machine: machine.reboot())
    hurt(machine, "hung", hung)
    hurt(machine, "given a clock of its own", own_clock)
    hurt(machine, "an hour ahead", lambda machine: stepped(machine, "+3600"))
    hurt(machine, "an hour back", lambda machine: stepped(machine, "+0"))
    hurt(machine, "without power", lambda machine: (machine.lose_power(), machine.boot())[1])


def tell(deb, folder):
    state = folder / "state"
    state.mkdir()
    # From outside, so that it outlives a reboot.
    run("mount", "-t", "tmpfs", "-o", f"size={ROOM}m,mode=700", "tmpfs", str(state))
    machine = None
    try:
        began = time.monotonic()
        machine = Machine(folder, [*needed(deb), "prometheus-alertmanager", "libfaketime"], [f"--bind={state}:/var/lib/drwatch"])
        machine.boot()
        print(f"a minimal Debian 12, booted: {time.monotonic() - began:.0f} s")
        story(machine, deb, state)
        print(f"unit: hurt in every way, and the same afterwards: {time.monotonic() - began:.0f} s")
    finally:
        if machine:
            machine.stop()
        run("umount", "--lazy", str(state))


if __name__ == "__main__":
    prove(tell)
