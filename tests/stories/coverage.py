#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every shipped scenario has at least three stories, told by what they expect and not by their names alone:
one in which it opens, another in which it opens and recovers, and one, SCENARIO-not*.toml, in which something near it fails and it stays shut. Every alert is seen by a story, or by a test where none can bring it about.

Run with nothing to check the tree; with --self-test to see that each kind of gap is found."""
import pathlib
import re
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
SHIPPED = TOP / "config" / "drwatch.toml"
ALERTS = TOP / "daemon" / "recovery" / "alerts" / "names.hpp"
OVER = {"recovered", "resolved"}


def stories(folder):
    """The stories about the shipped configuration, by name."""
    found = {}
    for path in sorted(folder.glob("*.toml")):
        story = tomllib.loads(path.read_text())
        if (folder / story["config"]).resolve() == SHIPPED:
            found[path.stem] = story
    return found


def opens(story, scenario):
    return any(scenario in e.get("incidents", []) or e.get("states", {}).get(scenario) == "open" for e in story.get("expect", []))


def recovers(story, scenario):
    return opens(story, scenario) and any(e.get("states", {}).get(scenario) in OVER for e in story.get("expect", []))


def seconds(text):
    return sum(float(n) * {"d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}[unit] for n, unit in re.findall(r"([\d.]+)(ms|[dhms])", text))


def fails(change):
    return change.get("outcome", "up") != "up" or change.get("recovery_point", "follows") != "follows" or "lag" in change


def stays_shut(story, scenario):
    """Something fails, or somebody says so; of a moment behind that it is said that the scenario is shut, and of none that it is not."""
    near = [c["at"] for c in story.get("change", []) if fails(c)]
    near += [d["at"] for d in story.get("do", []) if {"signal", "clock"} & d.keys()]
    shut = [
        e["at"]
        for e in story.get("expect", [])
        if ("incidents" in e and scenario not in e["incidents"]) or e.get("states", {}).get(scenario) == "none"
    ]
    ever = opens(story, scenario) or any(e.get("states", {}).get(scenario, "none") != "none" for e in story.get("expect", []))
    return bool(near and shut) and not ever and max(map(seconds, shut)) > min(map(seconds, near))


def gaps(scenarios, told):
    """What is missing, a line each."""
    missing = []
    for scenario in scenarios:
        opening = {name for name, story in told.items() if opens(story, scenario)}
        ending = {name for name, story in told.items() if recovers(story, scenario)}
        shut = {name for name, story in told.items() if name.startswith(scenario + "-not") and stays_shut(story, scenario)}
        if not opening:
            missing.append(f"{scenario}: no story in which it opens")
        if not ending:
            missing.append(f"{scenario}: no story in which it recovers")
        elif len(opening) < 2:
            missing.append(f"{scenario}: one story opens it and lets it recover; tell them apart, {scenario}-recovers.toml")
        if not shut:
            missing.append(f"{scenario}: no story {scenario}-not.toml in which something near it fails and it never opens")
    return missing


def unseen(names, texts):
    """The alerts that none of the texts names, a line each."""
    return [f"{name}: no story and no test sees this alert" for name in names if not any(f'"{name}' in text for text in texts)]


def self_test():
    assert unseen(["DrwatchX", "DrwatchY"], ['alerts = ["DrwatchX/a"]', "DrwatchY"]) == ["DrwatchY: no story and no test sees this alert"]
    down = {"change": [{"at": "1m", "probes": ["a"], "outcome": "down"}]}
    opening = {**down, "expect": [{"at": "3m", "incidents": ["x"]}]}
    ending = {**down, "expect": [{"at": "3m", "incidents": ["x"]}, {"at": "9m", "states": {"x": "recovered"}}]}
    shut = {**down, "expect": [{"at": "3m", "incidents": ["y"]}]}
    calm = {"change": [], "expect": [{"at": "3m", "incidents": []}]}
    early = {**down, "expect": [{"at": "30s", "incidents": []}]}
    whole = {"x": opening, "x-recovers": ending, "x-not": shut}
    assert gaps(["x"], whole) == []
    for taken, word in (("x", "tell them apart"), ("x-recovers", "recovers"), ("x-not", "x-not.toml")):
        left = gaps(["x"], {name: story for name, story in whole.items() if name != taken})
        assert len(left) == 1 and word in left[0], (taken, left)
    assert len(gaps(["x"], {**whole, "x-not": calm})) == 1, "nothing fails in it"
    assert len(gaps(["x"], {**whole, "x-not": early})) == 1, "it is asked before anything fails"
    assert len(gaps(["x"], {**whole, "x-not": opening})) == 1, "it opens"
    assert len(gaps(["z"], whole)) == 3


def main():
    if "--self-test" in sys.argv[1:]:
        self_test()
        return 0
    scenarios = sorted(path.stem for path in (SHIPPED.parent / "scenarios").glob("*.toml"))
    assert scenarios, "no shipped scenario was found"
    names = re.findall(r'"(\w+)", AlertAbout', ALERTS.read_text())
    assert names, "no alert was found"
    seen = [path.read_text() for path in [*HERE.glob("*.toml"), *TOP.glob("tests/*/*_test.cpp")]]
    missing = gaps(scenarios, stories(HERE)) + unseen(names, seen)
    print("\n".join(missing) if missing else f"{len(scenarios)} scenarios, each opens, stays shut and recovers in a story; {len(names)} alerts")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
