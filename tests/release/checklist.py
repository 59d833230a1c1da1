#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checklist of a release passes a tree that is ready, and names each thing that is missing in one that is not; nothing is made then."""
import hashlib
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = {"CMakeLists.txt": "project(drwatch VERSION 9.8.7 LANGUAGES CXX)\n", "CHANGELOG.md": "# Changes\n\n## 9.8.7 (2026-12-01)\n\n## 9.8.6 (2026-01-01)\n",
         "debian/changelog": "drwatch (9.8.7) bookworm; urgency=medium\n",
         "tests/PROOFS.md": "| commit | date | verdict | tests | parts |\n| --- | --- | --- | --- | --- |\n"}


def git(root, *words):
    # A hook's GIT_DIR would speak of the repository that the hook runs in.
    settings = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"]
    return subprocess.run(["git", *settings, "-C", str(root), *words], capture_output=True, text=True, check=True, env=environment()).stdout.strip()


def environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def commit(root, **changed):
    for name, text in changed.items():
        (root / name).write_text(text)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "one more")
    return git(root, "rev-parse", "--short=12", "HEAD")


def proof(root, number, verdict="holds"):
    with open(root / "tests/PROOFS.md", "a", encoding="utf-8") as file:
        file.write(f"| {number} | 2026-12-01 | {verdict} | 1 passed | all of it |\n")
    commit(root)


def ready(root):
    """A tree that can be released."""
    root.mkdir()
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    git(root, "init", "-q", "-b", "main")
    return commit(root)


def other_branch(root):
    git(root, "switch", "-q", "-c", "feature")


def replaced(name, old, new):
    """A file that says something else, with a proof of it."""
    def change(root):
        path = root / name
        path.write_text(path.read_text().replace(old, new))
        proof(root, commit(root))
    return change


def unclean(root):
    (root / "left-over").write_text("")


def unproven(root):
    commit(root, LICENSE="another one\n")


def beside_its_row(root):
    number = commit(root)
    (root / "code").write_text("changed with the row\n")
    proof(root, number)


def not_held(root):
    proof(root, commit(root), "FAILED")


# What is done to a tree that is ready, and what has to be said of it.
CASES = ((other_branch, "this is the branch 'feature'"), (unclean, "the tree is not its commit; commit, or remove: left-over"),
         (replaced("CHANGELOG.md", "9.8.7 (2026-12-01)", "9.8.7 (unreleased)"), "CHANGELOG.md says (unreleased)"),
         (replaced("CHANGELOG.md", "9.8.7", "9.8.5"), "the top section of CHANGELOG.md is not '## 9.8.7"),
         (replaced("debian/changelog", "9.8.7", "9.8.6"), "the top entry of debian/changelog is not drwatch (9.8.7)"),
         (replaced("debian/changelog", "bookworm", "UNRELEASED"), "debian/changelog says UNRELEASED"),
         (lambda root: git(root, "tag", "v9.8.7"), "the tag v9.8.7 is there already"), (unproven, "has no row of this commit"),
         (beside_its_row, "has no row of this commit"), (not_held, "the proof of this commit says FAILED"))


def looked_at(root):
    return subprocess.run([sys.executable, str(ROOT / "release/release.py"), "--check", "--root", str(root)], capture_output=True, text=True, env=environment())


def main():
    wrong = []
    with tempfile.TemporaryDirectory(prefix="drwatch-checklist-") as name:
        folder = pathlib.Path(name)
        for number, (spoil, said) in enumerate(((lambda root: None, None), *CASES)):
            root = folder / str(number)
            proof(root, ready(root))
            spoil(root)
            done = looked_at(root)
            problems = [line.strip() for line in done.stdout.splitlines() if line.startswith("         ")]
            if said is None and (done.returncode != 0 or problems):
                wrong.append(f"a tree that is ready is refused: {problems} {done.stderr}")
            if said is not None and (done.returncode == 0 or len(problems) != 1 or said not in problems[0]):
                wrong.append(f"instead of '{said}' alone: {problems} {done.stderr}")
        specification = importlib.util.spec_from_file_location("release", ROOT / "release/release.py")
        sys.path.insert(0, str(ROOT / "release"))
        sys.dont_write_bytecode = True
        release = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(release)
        files = folder / "files"
        files.mkdir()
        (files / "a.deb").write_text("one\n")
        release.write_hashes(files)
        release.write_hashes(files)  # its own file is not among them
        if (files / "SHA256SUMS").read_text() != f"{hashlib.sha256(b'one' + bytes([10])).hexdigest()}  a.deb\n":
            wrong.append("the hashes are not as sha256sum reads them")
    print("\n".join(wrong) if wrong else "the checklist holds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
