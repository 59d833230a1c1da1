#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `drwatch --version` says: version.py PROGRAM VERSION. The program's own words, and what daemon/version.cmake writes in a checkout, in one that
was changed, in none, and in a folder of somebody else's repository; and that nothing is written when nothing changed."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
wrong = []


def check(holds, what):
    if not holds:
        wrong.append(what)


def git(folder, *words):
    # A hook's GIT_DIR would speak of the repository that the hook runs in.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    settings = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"]
    return subprocess.run(["git", *settings, "-C", str(folder), *words], capture_output=True, text=True, check=True, env=environment).stdout.strip()


def written(source, out, **environment):
    subprocess.run(["cmake", f"-DSOURCE={source}", "-DVERSION=9.8.7", f"-DOUT={out}", "-P", str(ROOT / "daemon/version.cmake")], check=True,
                   env={**os.environ, **environment})
    return re.search(r'"(drwatch .*)"', out.read_text())[1]


def main():
    program, version = sys.argv[1:]
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    check(re.fullmatch(rf"drwatch {re.escape(version)}( \(commit [0-9a-f]{{12,}}(, changed)?\))?\n", said), f"--version says {said!r}")
    with tempfile.TemporaryDirectory(prefix="drwatch-version-") as name:
        # "/tmp" may be a link, of which git does not speak.
        folder = pathlib.Path(name).resolve()
        top, out = folder / "top", folder / "version.cpp"
        top.mkdir()
        check(written(top, out) == "drwatch 9.8.7", "outside a repository a commit is named")
        git(top, "init", "-q")
        check(written(top, out) == "drwatch 9.8.7", "before the first commit one is named")
        (top / "file").write_text("one\n")
        git(top, "add", "file")
        git(top, "commit", "-q", "-m", "first")
        commit = git(top, "rev-parse", "--short=12", "HEAD")
        check(written(top, out) == f"drwatch 9.8.7 (commit {commit})", "the commit is not named")
        check(written(top, out, GIT_DIR=str(ROOT / ".git")) == f"drwatch 9.8.7 (commit {commit})", "inside a hook another repository's commit is named")
        before = out.stat().st_mtime_ns
        (top / "untracked").write_text("")
        written(top, out)
        check(out.stat().st_mtime_ns == before, "the unit is written although nothing changed: everybody would link anew")
        (top / "file").write_text("two\n")
        check(written(top, out) == f"drwatch 9.8.7 (commit {commit}, changed)", "a changed tree passes for its commit")
        (top / "vendored").mkdir()
        check(written(top / "vendored", out) == "drwatch 9.8.7", "another repository's commit is named for the folder in it")
    print("\n".join(wrong) if wrong else f"the version holds: {said.strip()}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
