#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every single failure and every pair of the shipped components and signals, as stories: what opens is what table.txt says, and nothing else.

pairs.py DRWATCH [NAME [NAME]]    with names: those stories only, and they are kept; --self-test: the table covers the configuration, and a wrong page is seen"""
import itertools
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
SHIPPED = HERE.parent.parent.parent / "config" / "drwatch.toml"


def read(text):
    """What fails (name: changes and deeds, pages), the pairs that have pages of their own, and those that are not compared yet."""
    singles, pairs, waiting = {}, {}, set()
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        if line.startswith("waits "):
            waiting.add(frozenset(line.split()[1:]))
            assert waiting and all(len(pair) == 2 and pair <= set(singles) for pair in waiting), f"line {number}"
            continue
        left, pages = line.split("->")
        words, wanted = left.split(), set(pages.split()) - {"none"}
        assert pages.split(), f"line {number}: no page"
        if words[0] == "fails":
            assert words[1] not in singles, f"line {number}: {words[1]} twice"
            singles[words[1]] = (words[2:], wanted)
        else:
            assert words[0] == "with" and len(words) == 3, f"line {number}"
            pair = frozenset(words[1:])
            assert len(pair) == 2 and pair <= set(singles) and pair not in pairs, f"line {number}: {left}"
            pairs[pair] = wanted
    return singles, pairs, waiting


def failing(what):
    if what[0] == "signal":
        return f'[[do]]\nat = "5m"\nsignal = {{ name = "{what[1]}", state = "raised" }}\n'
    text = ""
    for each in what:
        probe, seen = each.split("=")
        outcome, reason, *code = seen.split(":")
        text += f'[[change]]\nat = "5m"\nprobes = ["{probe}"]\noutcome = "{outcome}"\nreason = "{reason}"\nmessage = "it fails"\n'
        text += f'code = "{code[0]}"\n' if code else ""
    return text


def story(singles, names, wanted):
    """A quarter of an hour is longer than the longest `for`, and than the interval of the slowest probe that a parent is asked by."""
    text = f'config = "{SHIPPED}"\nstart = "2026-03-02T10:00:00Z"\n'
    text += '[[do]]\nat = "0s"\nevery = "10m"\nping = { probe = "reminders", what = "success" }\n'
    text += "".join(failing(singles[name][0]) for name in names)
    return text + f'[[expect]]\nat = "25m"\nincidents = [{", ".join(repr(page) for page in sorted(wanted))}]\n'


def told(singles, pairs):
    for name, (_, wanted) in singles.items():
        yield (name,), wanted
    for two in itertools.combinations(singles, 2):
        yield two, pairs.get(frozenset(two), singles[two[0]][1] | singles[two[1]][1])


def run(drwatch, singles, cases, folder):
    files = []
    for names, wanted in cases:
        files.append(folder / ("+".join(names) + ".toml"))
        files[-1].write_text(story(singles, names, wanted))
    wrong = []
    for start in range(0, len(files), 100):
        out = subprocess.run([drwatch, "test", *files[start : start + 100]], capture_output=True, text=True)
        assert out.returncode in (0, 1), out.stdout + out.stderr
        at = re.split(r"(?m)^(?=ok |FAIL )", out.stdout)
        for part in at:
            if part.startswith("FAIL"):
                lines = [" ".join(x.split()) for x in part.splitlines() if "expected:" in x or "actual:" in x]
                wrong.append(pathlib.Path(part.split()[1]).stem + ": " + ", ".join(lines))
    return len(files), wrong


def uncovered(singles):
    """Components and signals of the configuration that nothing in the table fails."""
    shipped = tomllib.loads(SHIPPED.read_text())
    touched = set()
    for what, _ in singles.values():
        touched |= {what[1]} if what[0] == "signal" else {shipped["probe"][each.split("=")[0]]["component"] for each in what}
    return sorted((set(shipped["component"]) | set(shipped["signal"])) - touched)


def main():
    singles, pairs, waiting = read((HERE / "table.txt").read_text())
    missing = uncovered(singles)
    if missing:
        print("the table fails none of: " + ", ".join(missing))
        return 1
    drwatch, *names = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        if names == ["--self-test"]:
            _, wrong = run(drwatch, singles, [(("hosting",), {"auth-outage"}), (("region",), {"region-outage"}), (("hosting",), {"hosting-failure"})][:2], pathlib.Path(folder))
            print("\n".join(wrong))
            return 0 if len(wrong) == 2 else 1
        cases = [case for case in told(singles, pairs) if not names or set(case[0]) == set(names)]
        if names:
            folder = pathlib.Path(tempfile.mkdtemp())
            print(folder)
        count, wrong = run(drwatch, singles, cases, pathlib.Path(folder))
    later = [each for each in wrong if frozenset(each.split(":")[0].split("+")) in waiting]
    wrong = [each for each in wrong if each not in later]
    if later:
        print(f"{len(later)} pairs wait for signals that always open an incident of their own")
    print("\n".join(wrong) if wrong else f"{count - len(later)} failures and pairs of failures, each opens what the table says")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main())
