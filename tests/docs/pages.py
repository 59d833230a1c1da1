#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages and the completion that the package brings: pages.py PROGRAM. Every command, option and setting is there; bash takes the completion."""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def complete(completion, *words):
    text = f'source "{completion}"; COMP_WORDS=({" ".join(words)} ""); COMP_CWORD={len(words)}; _drwatch; echo "${{COMPREPLY[@]}}"'
    return subprocess.run(["bash", "-eu", "-c", text], capture_output=True, text=True, check=True).stdout.split()


def main():
    program = sys.argv[1]
    wrong = []
    with tempfile.TemporaryDirectory(prefix="drwatch-pages-") as name:
        folder = pathlib.Path(name)
        subprocess.run([sys.executable, str(ROOT / "debian/pages/make.py"), program, name], check=True)
        pages = {path.name: path.read_text().replace("\\-", "-") for path in folder.iterdir()}
        top = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
        for command in re.findall(r"^  ([a-z]+) +\S", top.split("Subcommands:")[1], re.M):
            if f"drwatch {command}" not in pages["drwatch.1"]:
                wrong.append(f"drwatch.1 does not tell of {command}")
            if command not in complete(folder / "completion", "drwatch"):
                wrong.append(f"the completion does not know {command}")
        reference = (ROOT / "docs/configuration.md").read_text()
        main_part, scenarios = reference.split("## Scenarios\n")
        for part, page in ((main_part, "drwatch.toml.5"), (scenarios, "drwatch-scenarios.5")):
            keys = re.findall(r"^\| `(\w+)` \|", part, re.M)
            wrong += [f"{page} does not have {key}" for key in keys if f"\\fB{key}\\fR (" not in pages[page] and f"\\fB{key}\\fR" not in pages[page]]
        for words, one in ((("drwatch", "incident"), "ack"), (("drwatch", "--json", "journal"), "verify"), (("drwatch", "incident", "step", "x", "y"), "skip"),
                           (("drwatch", "--server", "http://x", "drill"), "list")):
            if one not in complete(folder / "completion", *words):
                wrong.append(f"after {' '.join(words)} the completion does not offer {one}")
        for path in sorted(folder.glob("*.[0-9]")):
            if not re.search(r"^\.SH NAME\n\S+ \\- ", path.read_text(), re.M):
                wrong.append(f"{path.name} has no NAME that whatis reads")
            try:
                done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", str(path)], capture_output=True, text=True)
                wrong += [f"{path.name}: {line}" for line in done.stderr.splitlines() if "can't break" not in line and "cannot adjust" not in line and "cannot break" not in line]
            except FileNotFoundError:
                print("SKIPPED manual_pages: there is no groff to judge them; '.ci/install .ci/packages-package.txt' installs man-db")
    print("\n".join(wrong) if wrong else "the pages hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
