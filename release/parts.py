# SPDX-License-Identifier: Apache-2.0
"""What the tools of a release share: the version, the moment that stands in its files, the libraries of a program, a minimal Debian, a steady tar."""
import email.utils
import functools
import glob
import gzip
import os
import pathlib
import re
import subprocess
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
FILES = ROOT / "build/release-files"
# The program's own C library has to be the one of the kernel's loader, so it is never carried along.
C_LIBRARY = "libc6"


def run(*command, **more):
    """What a command printed; ends the program when it fails. Mirrors' names are left out: what this prints may be kept."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **more)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: {re.sub(r'[a-z+]+://[^ ]*', '(a mirror)', done.stderr or done.stdout)[-2000:]}")
    return done.stdout


def version():
    return re.search(r"^project\(drwatch VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"), re.M)[1]


@functools.cache
def epoch():
    """Seconds since 1970 that stand in every file of a release: SOURCE_DATE_EPOCH, or the last entry of debian/changelog."""
    signed = re.search(r"^ -- .*>  (.*)$", (ROOT / "debian/changelog").read_text(encoding="utf-8"), re.M)[1]
    return int(os.environ.get("SOURCE_DATE_EPOCH") or email.utils.parsedate_to_datetime(signed).timestamp())


def architecture():
    return run("dpkg", "--print-architecture").strip()


def libraries(program):
    """{name that is asked for: file} of every shared library that the program loads, the loader and the kernel's part left out."""
    found = re.findall(r"^\s+(\S+) => (\S+|not found)", run("ldd", program), re.M)
    missing = [name for name, path in found if path == "not"]
    if missing:
        raise SystemExit(f"{program}: these libraries are not installed here: {', '.join(missing)}")
    return {name: pathlib.Path(path).resolve() for name, path in found}


def packages(files):
    """{file: the package that brought it}. dpkg knows a file by the name it was unpacked under: with or without /usr."""
    asked = {}
    for file in files:
        bare = str(file).removeprefix("/usr")
        asked[bare] = asked["/usr" + bare] = file
    said = subprocess.run(["dpkg-query", "-S", *asked], capture_output=True, text=True).stdout
    found = {asked[path]: names.split(",")[0].split(":")[0] for names, path in re.findall(r"^(\S+(?:, \S+)*): (\S+)$", said, re.M)}
    unknown = [str(file) for file in files if file not in found]
    if unknown:
        raise SystemExit(f"of no Debian package: {', '.join(unknown)}")
    return found


def minimal_debian(root, suite, variant, include=()):
    """A minimal Debian in a folder, from this machine's own apt sources. Says why not, or nothing: a mirror may lack the suite."""
    sources = []
    for pattern in ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources"):
        for name in glob.glob(pattern):
            text = pathlib.Path(name).read_text(encoding="utf-8")
            if re.search(r"^(?:deb |Suites:)[^#\n]*\bbookworm(-updates|-security)?(\s|$)", text, re.M):
                changed = root.parent / f"{suite}-{pathlib.Path(name).name}"
                changed.write_text(re.sub(r"\bbookworm\b", suite, text), encoding="utf-8")
                sources.append(changed)
    if not sources:
        return "this machine's apt has no source of Debian 12 (bookworm)"
    settings = root.parent / f"{suite}-apt.conf"
    found = run("apt-config", "dump", "Acquire")
    settings.write_text("".join(line + "\n" for line in found.splitlines() if re.match(r"Acquire::(https?|Check|Retries)", line)))
    done = subprocess.run(["mmdebstrap", "--mode=root", f"--variant={variant}", "--format=directory", "--dpkgopt=force-unsafe-io", f"--aptopt={settings}",
                           *([f"--include={','.join(include)}"] if include else []), suite, str(root), *map(str, sources)],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch())})
    return re.sub(r"[a-z+]+://[^ ]*", "(a mirror)", done.stderr)[-2000:] if done.returncode else ""


def write_tar(folder, out, inside=""):
    """The folder as a tar that says nothing of when, where, by whom and with which umask it was made; compressed when it is to be called .gz."""
    def steady(member):
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = epoch()
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        return member

    with open(out, "wb") as raw, (gzip.GzipFile("", "wb", 6, raw, mtime=epoch()) if str(out).endswith(".gz") else raw) as file, \
            tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted([folder, *folder.rglob("*")]):
            tar.add(path, os.path.join(inside, path.relative_to(folder)).rstrip("./") or ".", recursive=False, filter=steady)
