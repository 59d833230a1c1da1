#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tarball on machines without its libraries: tarball.py [TARBALL]. In a minimal Debian 12, and a minimal Debian 13 where the mirror has it, it is
unpacked into /opt; drwatch says its version, takes its libraries from there, writes a configuration, finds it good, serves, answers, and ends when
told to. As root. TARBALL: build/release-files/drwatch-*-linux-*.tar.gz when not given."""
import glob
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from elsewhere import NAMESPACES, ROOT, Daemon, Proof  # noqa: E402

import parts  # noqa: E402

# Of no minimal Debian: were they there, the tarball's might not be needed, and the proof would be none. (SQLite is in that of 13.)
ABSENT = ("libpq.so*", "libboost_url.so*", "libcares.so*", "libtomlplusplus.so*", "libspdlog.so*", "libprometheus-cpp-core.so*")
HOME = "/opt/drwatch"


def there(root, *command, **environment):
    # With /proc, as on every machine that runs: the loader knows from it where a program lies. The environment is set in there: chroot itself is
    # not to be traced.
    given = ["/usr/bin/env", "-i", "PATH=/usr/bin:/bin", *(f"{name}={value}" for name, value in environment.items())]
    return subprocess.run([*NAMESPACES, "sh", "-c", f"mount -t proc proc '{root}/proc' && exec \"$@\"", "sh", "chroot", str(root), *given, *command],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)


def unpacked(proof, root, tarball):
    """In /opt, as a person would: the folder under its own name, and a link that a next version moves."""
    parts.run("tar", "-xzf", tarball, "-C", root / "opt")
    (name,) = (path.name for path in (root / "opt").iterdir())
    (root / HOME[1:]).symlink_to(name)
    proof.check(name == f"drwatch-{parts.version()}-linux-{parts.architecture()}", f"it is one folder, {name}")
    owners = {(path.lstat().st_uid, path.lstat().st_mode & 0o022) for path in (root / "opt" / name).rglob("*") if not path.is_symlink()}
    proof.check(owners == {(0, 0)}, "everything in it is root's, and nobody else may write to it")


def runs(proof, root, folder):
    said = there(root, f"{HOME}/bin/drwatch", "--version")
    proof.check(said.returncode == 0 and f"{parts.version()}" in said.stdout, f"it says its version: {said.stdout.strip() or said.stderr.strip()}")
    trace = there(root, f"{HOME}/bin/drwatch", LD_TRACE_LOADED_OBJECTS="1").stdout
    elsewhere = {name for name, path in re.findall(r"(\S+) => (\S+)", trace) if not path.startswith(HOME.removesuffix("drwatch"))}
    own = len(re.findall(r" => /opt/", trace))
    proof.check(own > 30 and elsewhere <= {"libc.so.6", "libm.so.6", "libresolv.so.2", "libpthread.so.0", "libdl.so.2"},
                f"{own} libraries are its own; the machine's are {', '.join(sorted(elsewhere))}")
    units = list((root / HOME[1:] / "lib/systemd/system").resolve().glob("*"))
    named = {path for unit in units for path in re.findall(r"^Exec\w+=[-+!@:]*(/\S+)", unit.read_text(), re.M)}
    proof.check(any(path.endswith("/bin/drwatch") for path in named) and all((root / path[1:]).exists() for path in named if "drwatch" in path),
                "what its units start is there")

    done = there(root, f"{HOME}/bin/drwatch", "init", "--to", "/root/here", "--endpoint", "http://127.0.0.1:8/", "--heartbeat", "nightly=15m")
    proof.check(done.returncode == 0, f"init writes a configuration{': ' + done.stderr if done.returncode else ''}")
    done = there(root, f"{HOME}/bin/drwatch", "check", "--config", "/root/here/drwatch.toml")
    proof.check(done.returncode == 0, f"check finds it good{': ' + done.stdout + done.stderr if done.returncode else ''}")
    (root / "var/lib/drwatch").mkdir()
    daemon = Daemon(proof, folder, f"mount -t proc proc '{root}/proc'",
                    ["chroot", root, "/usr/bin/env", "-i", "PATH=/usr/bin:/bin", f"{HOME}/bin/drwatch", "serve", "--config", "/root/here/drwatch.toml"])
    try:
        daemon.answer("/healthz")
        proof.check(True, "/healthz answers")
        proof.check("<html" in daemon.answer("/").lower(), "its page answers")
        proof.check(daemon.end() == 0, "told to end, it ends well")
    finally:
        daemon.stop()
    proof.check((root / "var/lib/drwatch/journal.db").exists(), "its journal is there")


def main():
    proof = Proof("tarball")
    found = sys.argv[1:] or sorted(glob.glob(str(ROOT / "build/release-files/drwatch-*-linux-*.tar.gz")))
    if not found:
        proof.fail("there is no tarball; 'make tarball' makes it")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="drwatch-tarball-"))
    try:
        for number, suite in ((12, "bookworm"), (13, "trixie")):
            root = folder / suite
            print(f"a minimal Debian {number}")
            if refusal := parts.minimal_debian(root, suite, "minbase"):
                if number == 12:
                    proof.fail(f"a minimal Debian 12 could not be made: {refusal}")
                proof.skip(f"no minimal Debian {number} can be made from this machine's mirror: {(refusal.strip().splitlines() or ['?'])[-1]}")
                continue
            proof.check(not [path for pattern in ABSENT for path in root.glob(f"usr/lib/**/{pattern}")], "it has no library of PostgreSQL, Boost, c-ares, toml++, spdlog or Prometheus")
            unpacked(proof, root, pathlib.Path(found[-1]).resolve())
            runs(proof, root, folder)
            shutil.rmtree(root)
        print("tarball: it runs where its libraries are not")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
