#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The OCI image without an engine: image.py [ARCHIVE]. Unpacked by umoci, it is started as its configuration says: the user, the words, the
environment; with a configuration mounted over /etc/drwatch, everything else read-only but the volume, and no capability. It says its version,
/healthz answers, and it ends when told to. As root. ARCHIVE: build/release-files/drwatch-*-image-*.tar when not given."""
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

sys.dont_write_bytecode = True
from elsewhere import ROOT, Daemon, Proof  # noqa: E402

import parts  # noqa: E402


def prepared(root, configuration, state, user):
    """The mounts that an engine makes, in shell."""
    return "\n".join([f"mount --bind '{root}' '{root}'", f"mount -o remount,bind,ro '{root}'", f"mount -t proc proc '{root}/proc'",
                      f"mount --rbind /dev '{root}/dev'", f"mount --bind '{configuration}' '{root}/etc/drwatch'", f"mount -o remount,bind,ro '{root}/etc/drwatch'",
                      f"chown {user} '{state}'", f"mount --bind '{state}' '{root}/var/lib/drwatch'"])


def started(proof, bundle, folder):
    config = json.loads((bundle / "config.json").read_text())["process"]
    user = f"{config['user']['uid']}:{config['user']['gid']}"
    proof.check(config["user"]["uid"] >= 1000 and not config["user"].get("additionalGids"), f"its user is {user}")
    root = bundle / "rootfs"
    as_it_says = ["/usr/bin/env", "-i", *config["env"], "setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", f"--reuid={user.split(':')[0]}",
                  f"--regid={user.split(':')[1]}", "--clear-groups"]
    # chroot is root's, so the steps down are taken in there, by the image's own setpriv.
    there = ["chroot", root, *as_it_says]
    words = config["args"]
    proof.check(words == ["/usr/bin/drwatch", "serve", "--config", "/etc/drwatch/drwatch.toml"], f"it starts {' '.join(words)}")
    said = subprocess.run([*map(str, there), words[0], "--version"], capture_output=True, text=True)
    proof.check(said.returncode == 0 and parts.version() in said.stdout, f"it says its version: {said.stdout.strip() or said.stderr.strip()}")

    configuration, state = folder / "etc", folder / "state"
    state.mkdir()
    state.chmod(0o700)
    done = subprocess.run([str(root / "usr/bin/drwatch"), "init", "--to", str(configuration), "--endpoint", "http://127.0.0.1:8/", "--heartbeat", "nightly=15m"],
                          capture_output=True, text=True)
    proof.check(done.returncode == 0, f"a configuration is written{': ' + done.stderr if done.returncode else ''}")
    for path in [configuration, *configuration.rglob("*")]:
        os.chown(path, config["user"]["uid"], config["user"]["gid"])
    daemon = Daemon(proof, folder, prepared(root, configuration, state, user), [*there, *words])
    try:
        daemon.answer("/healthz")
        proof.check(True, "/healthz answers")
        proof.check(daemon.status("Uid") == user.split(":")[0] and int(daemon.status("CapEff"), 16) == 0, "it runs as that user, without a capability")
        proof.check("<html" in daemon.answer("/").lower(), "its page answers")
        proof.check(daemon.end() == 0, "told to end, it ends well")
    finally:
        daemon.stop()
    proof.check((state / "journal.db").exists(), "its journal is in the volume")


def looked_at(proof, root):
    """What the tree says of where it was made, and what it should not have."""
    sources = [line for path in (root / "etc/apt").rglob("*") if path.is_file() and path.name.startswith("sources") for line in path.read_text().splitlines()]
    proof.check(sources and all("//deb.debian.org/" in line for line in sources), "its apt asks Debian's own address")
    settings = [path.name for path in (root / "etc/apt").rglob("*") if path.is_file() and re.search(r"Acquire::(https?|Check)", path.read_text(errors="replace"))]
    proof.check(not settings, f"no setting of this machine's apt is in it{': ' + ', '.join(settings) if settings else ''}")
    proof.check(not any((root / name).exists() for name in ("etc/resolv.conf", "etc/hostname", "etc/machine-id")), "no name of this machine is in it")
    named = {package["name"] for package in json.loads((root / "usr/share/doc/drwatch/sbom.spdx.json").read_text())["packages"]}
    there = set(parts.run("dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${Package}\n").split())
    proof.check(there and there <= named, f"its bill of materials names all of its {len(there)} packages")


def main():
    proof = Proof("image")
    found = sys.argv[1:] or sorted(glob.glob(str(ROOT / "build/release-files/drwatch-*-image-*.tar")))
    if not found:
        proof.fail("there is no image; 'make image' makes it")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="drwatch-image-"))
    try:
        folder.chmod(0o755)  # what is mounted from here has to be reached by the image's user
        layout, bundle = folder / "layout", folder / "bundle"
        layout.mkdir()
        parts.run("tar", "-xf", found[-1], "-C", layout)
        parts.run("umoci", "unpack", "--image", f"{layout}:{parts.version()}", bundle)
        looked_at(proof, bundle / "rootfs")
        started(proof, bundle, folder)
        print("image: it runs as its configuration says")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
