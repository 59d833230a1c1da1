#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The OCI image: image.py DEB. A minimal Debian 12 from this machine's apt sources, no registry: the essential packages with apt, so that others can
build on it, the certificates, the time zones, the libraries that the package asks for, and the program. It runs as a user of its own and writes to
/var/lib/drwatch alone. One archive of an OCI layout, as skopeo and podman read it. As root."""
import datetime
import os
import pathlib
import re
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
import parts  # noqa: E402
import sbom  # noqa: E402

USER = 10001  # a number, so that an engine can see that it is not root
# Of the package, what has no use in a container: units, the drill that restores into a PostgreSQL of the machine, and its Python.
LEFT_OUT = ("usr/bin/drwatch-restore-drill", "usr/lib", "lib", "usr/share/man", "usr/share/bash-completion")
# Of Debian, what differs from one making to the next, is of this machine, or nobody reads in a container.
EMPTIED = ("var/lib/apt/lists", "var/cache", "var/log", "tmp", "run", "dev", "usr/share/man", "usr/share/info", "usr/share/locale")
REMOVED = ("etc/hostname", "etc/resolv.conf", "etc/machine-id", "var/lib/dbus/machine-id", "usr/sbin/policy-rc.d", "etc/.pwd.lock", "etc/passwd-",
           "etc/group-", "etc/shadow-", "etc/gshadow-", "var/lib/dpkg/status-old", "etc/dpkg/dpkg.cfg.d/99mmdebstrap")


def needed(deb):
    """The packages that the program needs: of what the package depends on, not what its maintainer scripts and the drill do."""
    names = [re.split(r"[ (|:]", each.strip())[0] for each in parts.run("dpkg-deb", "-f", deb, "Depends").split(",")]
    return [name for name in names if name not in ("python3", "systemd", "init-system-helpers", "adduser")]


def fill(root, deb, folder):
    """The program and its user, in a tree that says nothing of the machine it was made on."""
    package = folder / "package"
    parts.run("dpkg-deb", "-x", deb, package)
    for name in LEFT_OUT:
        path = package / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.copytree(package, root, symlinks=True, dirs_exist_ok=True)
    bill = parts.FILES / f"drwatch-{parts.version()}-image.spdx.json"
    sbom.write(root / "usr/bin/drwatch", bill, root)
    shutil.copy(bill, root / "usr/share/doc/drwatch/sbom.spdx.json")
    for name, line in (("passwd", f"drwatch:x:{USER}:{USER}::/var/lib/drwatch:/usr/sbin/nologin"), ("group", f"drwatch:x:{USER}:"),
                       ("shadow", "drwatch:!:1::::::")):
        with open(root / "etc" / name, "a", encoding="utf-8") as file:
            file.write(line + "\n")
    for name in EMPTIED:
        for path in (root / name).glob("*"):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name in REMOVED:
        (root / name).unlink(missing_ok=True)
    for path in (root / "etc/apt").rglob("*"):
        if path.is_file() and (path.name.startswith("sources.") or path.suffix in (".list", ".sources") or path.parent.name == "apt.conf.d" and "mmdebstrap" in path.name):
            path.unlink()
    address = "http://deb.debian.org/debian"
    (root / "etc/apt/sources.list").write_text(f"deb {address} bookworm main\ndeb {address} bookworm-updates main\ndeb {address}-security bookworm-security main\n",
                                               encoding="utf-8")
    state = root / "var/lib/drwatch"
    state.mkdir(mode=0o700)
    os.chown(state, USER, USER)
    (root / "etc/drwatch").chmod(0o755)


def pack(root, folder, out):
    """The tree as the one layer of an image."""
    stamp = datetime.datetime.fromtimestamp(parts.epoch(), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    layout, layer = folder / "layout", folder / "layer.tar"
    image = f"{layout}:{parts.version()}"
    parts.run("tar", "--create", "--file", layer, "--directory", root, "--one-file-system", "--sort=name", "--numeric-owner", f"--mtime=@{parts.epoch()}",
              "--format=gnu", ".")
    parts.run("umoci", "init", "--layout", layout)
    parts.run("umoci", "new", "--image", image)
    parts.run("umoci", "raw", "add-layer", "--image", image, "--history.created", stamp, "--history.created_by", "release/image.py", layer)
    said = parts.run(root / "usr/bin/drwatch", "--version")
    commit = re.search(r"commit ([0-9a-f]+)", said)
    labels = {"title": "drwatch", "version": parts.version(), "licenses": "Apache-2.0", **({"revision": commit[1]} if commit else {})}
    words = [f"--config.label=org.opencontainers.image.{name}={value}" for name, value in labels.items()]
    parts.run("umoci", "config", "--no-history", "--image", image, f"--created={stamp}", f"--config.user={USER}:{USER}", "--config.workingdir=/var/lib/drwatch",
              "--config.entrypoint=/usr/bin/drwatch", "--config.cmd=serve", "--config.cmd=--config", "--config.cmd=/etc/drwatch/drwatch.toml",
              "--config.exposedports=9780/tcp", "--config.volume=/var/lib/drwatch", "--config.stopsignal=SIGTERM",
              "--config.env=PATH=/usr/local/bin:/usr/bin:/bin", *words)
    parts.run("umoci", "gc", "--layout", layout)
    parts.write_tar(layout, out)


def main():
    deb = pathlib.Path(sys.argv[1]).resolve()
    if os.geteuid() != 0:
        sys.exit("image: needs root, to make a Debian with everybody's files in it")
    parts.FILES.mkdir(parents=True, exist_ok=True)
    out = parts.FILES / f"drwatch-{parts.version()}-image-{parts.architecture()}.tar"
    with tempfile.TemporaryDirectory(prefix="drwatch-image-") as name:
        folder = pathlib.Path(name)
        if refusal := parts.minimal_debian(folder / "root", "bookworm", "apt", needed(deb)):
            sys.exit(f"image: a minimal Debian 12 could not be made: {refusal}")
        fill(folder / "root", deb, folder)
        pack(folder / "root", folder, out)
    print(f"{out}: {out.stat().st_size >> 20} MiB")


if __name__ == "__main__":
    main()
