#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checklist of a release, which a machine runs: release.py [--check]. Says what is missing, all of it at once, and what to do about each; with
nothing missing it makes the package, the tarball and the image, tries the last two on their machines, and writes the hashes. --check only looks."""
import argparse
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import parts  # noqa: E402


def git(root, *words):
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def text(root, name):
    return (root / name).read_text(encoding="utf-8")


def version(root):
    return re.search(r"^project\(drwatch VERSION (\S+)", text(root, "CMakeLists.txt"), re.M)[1]


# Each answers with what is missing and what to do, or with nothing.

def on_main(root):
    branch = git(root, "branch", "--show-current")
    return None if branch == "main" else f"this is the branch '{branch}'; releases are made of main: git switch main"


def clean(root):
    changed = git(root, "status", "--porcelain")
    names = [line.split(maxsplit=1)[-1] for line in ("?" if changed is None else changed).splitlines()]
    return f"the tree is not its commit; commit, or remove: {', '.join(names[:5])}" if names else None


def in_changelog(root):
    found = re.search(r"^## (\S+) \((.*)\)$", text(root, "CHANGELOG.md"), re.M)
    if not found or found[1] != version(root):
        return f"the top section of CHANGELOG.md is not '## {version(root)} (DATE)'"
    return None if re.fullmatch(r"\d{4}-\d\d-\d\d", found[2]) else f"CHANGELOG.md says ({found[2]}): write the day of the release, YYYY-MM-DD"


def in_debian(root):
    found = re.match(r"drwatch \((\S+)\) (\S+);", text(root, "debian/changelog"))
    if not found or found[1] != version(root):
        return f"the top entry of debian/changelog is not drwatch ({version(root)})"
    return "debian/changelog says UNRELEASED" if found[2] == "UNRELEASED" else None


def not_yet(root):
    tag = f"v{version(root)}"
    return f"the tag {tag} is there already: raise the version in CMakeLists.txt" if git(root, "tag", "--list", tag) else None


def proven(root):
    """A row can only be committed after the commit that it speaks of: it may be the parent's, when nothing but rows came since."""
    rows = re.findall(r"^\| ([0-9a-f]{12}) \| \S+ \| (.*?) \|", text(root, "tests/PROOFS.md"), re.M)
    verdicts = {}
    for commit, verdict in reversed(rows):  # the newest are above
        verdicts[commit] = verdict
    head, parent = git(root, "rev-parse", "HEAD") or "", git(root, "rev-parse", "HEAD^") or ""
    candidates = [head] + ([parent] if parent and git(root, "diff", "--name-only", parent, head) == "tests/PROOFS.md" else [])
    found = [verdicts[commit[:12]] for commit in candidates if commit[:12] in verdicts]
    if not found:
        return f"tests/PROOFS.md has no row of this commit ({head[:12]}): make proof, then commit the row alone"
    return None if found[0] == "holds" else f"the proof of this commit says {found[0]}: mend that first"


CHECKS = {"the branch is main": on_main, "the tree is clean": clean, "CHANGELOG.md has the version and its day": in_changelog,
          "debian/changelog has the version": in_debian, "the version has no tag": not_yet, "the proof of this commit holds": proven}


def missing(root):
    found = 0
    for what, check in CHECKS.items():
        problem = check(root)
        print(f"{'missing' if problem else 'ok     '}  {what}" + (f"\n         {problem}" if problem else ""))
        found += bool(problem)
    return found


def make(root):
    shutil.rmtree(parts.FILES, ignore_errors=True)
    subprocess.run(["make", "tarball", "image"], cwd=root, check=True)
    for proof in ("tarball.py", "image.py"):
        subprocess.run([root / "tests/proof" / proof], check=True)
    (deb,) = (root / "build/package").glob(f"drwatch_{parts.version()}_*.deb")
    shutil.copy(deb, parts.FILES)
    said = subprocess.run([root / "build/release/drwatch", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    wanted = f"drwatch {parts.version()} (commit {git(root, 'rev-parse', '--short=12', 'HEAD')})"
    if said != wanted:
        sys.exit(f"release: the program says '{said}' and not '{wanted}'")
    write_hashes(parts.FILES)
    print(f"{parts.FILES} holds {said}; what is left to do: git tag -s v{parts.version()}, and to put the files where people find them")


def write_hashes(folder):
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(folder.iterdir()) if path.name != "SHA256SUMS"]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--check", action="store_true", help="only look")
    options.add_argument("--root", type=pathlib.Path, default=parts.ROOT, help=argparse.SUPPRESS)
    given = options.parse_args()
    count = missing(given.root)
    if count:
        sys.exit(f"release: {count} missing; nothing was made")
    if not given.check:
        make(given.root)


if __name__ == "__main__":
    main()
