#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tarball: tarball.py DEB. What the package brings, below one folder, with the shared libraries that the program needs beside it. Only the C library
is the machine's own. The package is made first (`make tarball` does), so that both have the same files."""
import pathlib
import re
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
import parts  # noqa: E402
import sbom  # noqa: E402

HOME = "/opt/drwatch"  # where its units look for it


def arrange(deb, top):
    """The package's files as they lie below the tarball's folder: what was in /usr is at the top."""
    parts.run("dpkg-deb", "-x", deb, top)
    shutil.copytree(top / "usr", top, symlinks=True, dirs_exist_ok=True)
    shutil.rmtree(top / "usr")
    for unit in (top / "lib/systemd/system").iterdir():
        unit.write_text(re.sub(r"/usr/(bin|share)/", HOME + r"/\1/", unit.read_text(encoding="utf-8")), encoding="utf-8")
    shutil.copy(parts.ROOT / "LICENSE", top)


def carry(program, top):
    """The libraries, where the program finds them wherever the folder lies, and the terms of each."""
    wanted = parts.libraries(program)
    of = parts.packages(set(wanted.values()))
    folder = top / "lib/drwatch"
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in wanted.items():
        if of[file] == parts.C_LIBRARY:
            continue
        shutil.copy(file, folder / name)
        (folder / name).chmod(0o644)
        terms = top / "share/doc/drwatch/libraries" / of[file]
        terms.mkdir(parents=True, exist_ok=True)
        shutil.copy(f"/usr/share/doc/{of[file]}/copyright", terms)
    # RPATH and not RUNPATH: it also counts for what the libraries themselves ask for.
    parts.run("patchelf", "--force-rpath", "--set-rpath", "$ORIGIN/../lib/drwatch", program)


def main():
    deb = pathlib.Path(sys.argv[1]).resolve()
    name = f"drwatch-{parts.version()}-linux-{parts.architecture()}"
    parts.FILES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="drwatch-tarball-") as folder:
        top = pathlib.Path(folder) / name
        top.mkdir()
        arrange(deb, top)
        bill = parts.FILES / f"drwatch-{parts.version()}.spdx.json"
        sbom.write(top / "bin/drwatch", bill)
        shutil.copy(bill, top / "share/doc/drwatch/sbom.spdx.json")
        carry(top / "bin/drwatch", top)
        out = parts.FILES / f"{name}.tar.gz"
        parts.write_tar(top, out, name)
    print(f"{out}: {out.stat().st_size >> 20} MiB")


if __name__ == "__main__":
    main()
