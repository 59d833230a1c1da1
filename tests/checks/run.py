#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `make test` and `make proof` run: run.py test | run.py proof.

test    what every landing must show. Unit suites run once, under AddressSanitizer and UndefinedBehaviorSanitizer; what must be plain (bounds on
        time or memory, end to end, quiet months, kills) runs plain, while the sanitized programs are still being compiled. Of each long proof
        some seeds, drawn from the commit.
proof   everything: a fresh machine, both builds with every suite, all seeds, months and kills, the package and its unit, the separate build. Writes
        tests/PROOFS.md. What passed in the fresh machine's `make test` is not run a second time by the same build here, unless it skipped
        anything or the seeds govern it. It takes more than an hour, so it goes on where it was ended: what held on this commit is not run
        again, and the row says in how many runs it was made and what failed in the first.

Labels of a test, given where it is declared: `plain` runs plain in `make test`, `unit` sanitized. What has neither is for `make proof` alone.
`seeds`: what it runs is told by seeds() and by the proof, which runs more.
"""
import glob
import json
import os
import re
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as xml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "build", "checks")
FRESH = os.path.join(FOLDER, "fresh")  # what the fresh machine leaves to the proof: its compiler cache and the results of its tests
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
started = time.monotonic()


def say(text):
    minutes, seconds = divmod(int(time.monotonic() - started), 60)
    print(f"[{minutes:2}:{seconds:02}] {text}", flush=True)


def budgets():
    with open(os.path.join(ROOT, "tests/checks/budgets.txt"), encoding="utf-8") as file:
        rows = [line.split("#")[0].rsplit(None, 1) for line in file]
    return {row[0].strip(): int(row[1]) for row in rows if len(row) == 2}


def commit():
    """The commit's number as 40 hex digits; zeros outside a repository."""
    found = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True)
    return found.stdout.strip() if found.returncode == 0 else "0" * 40


def drawn(count, of):
    """The first of `count` seeds among 1..of, drawn from the commit: every landing shows others, and a failure comes back with its commit."""
    return int(commit()[:8], 16) % (of - count + 1) + 1


class Case:
    """What ctest's results say of one test."""

    def __init__(self, case):
        self.name, self.seconds, self.output = case.get("name"), float(case.get("time") or 0), case.findtext("system-out") or ""
        self.skipped = [line[8:] for line in self.output.splitlines() if line.startswith("SKIPPED ")]
        failure, left_out = case.find("failure") is not None, case.find("skipped")
        self.passed = case.get("status") in ("run", "passed") and not failure
        self.failed = not self.passed and (failure or left_out is None)
        if not self.passed and not self.failed:
            self.skipped.append(left_out.get("message") or "skipped")


def cases(result):
    return [Case(case) for case in xml.parse(result).getroot().iter("testcase")]


class Part:
    """One step, with how long it took and what became of it."""

    def __init__(self, name):
        self.name, self.seconds, self.failed = name, None, False
        self.passed, self.failures, self.skipped, self.times = 0, [], [], {}
        self.held, self.unsteady = [], []  # names of those that passed; of those that failed in an earlier run on this commit
        self.shown, self.elsewhere = {}, []  # by build, names that passed on the fresh machine; those that were not run here for that

    def run(self, commands, environment=None, shown=False):
        """Runs the commands one after the other until one fails; what they print is shown, or kept and shown only when one failed."""
        begun = time.monotonic()
        log = os.path.join(FOLDER, self.name.replace(" ", "-") + ".log")
        with open(log, "w", encoding="utf-8") as out:
            for command in commands:
                done = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(environment or {})}, text=True, errors="replace",
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                for line in done.stdout:
                    out.write(line)
                    if line.startswith("SKIPPED "):
                        self.skipped.append(f"{self.name}: {line[8:].strip()}")
                    if shown and (step := re.match(r"\[(\d+)/(\d+)\]", line)):
                        progress(self.name, int(step[1]), int(step[2]))
                if done.wait() != 0:
                    self.failed = True
                    break
        self.seconds = (self.seconds or 0) + time.monotonic() - begun
        if self.failed:
            with open(log, encoding="utf-8") as text:
                lines = text.read().splitlines()
            say(f"{self.name} FAILED; the end of what it said:")
            print("\n".join(lines[-80:]), flush=True)
        else:
            say(f"{self.name}: {self.seconds:.0f} s")
        return not self.failed

    def build(self, preset, environment=None):
        """Compiles a preset; says every tenth of the way."""
        return self.run([["cmake", "--build", f"build/{preset}", "-j2"]], environment, shown=True)

    def tests(self, preset, selection, jobs, environment=None, elsewhere=()):
        """Runs tests of a build by ctest and counts them; the output of those that fail is shown. Those that passed in an earlier run of this
        part, or elsewhere, are not run again; but what failed here has to pass here."""
        # Every call has a file of its own: the fresh machine's are read afterwards.
        result = os.path.join(FOLDER, re.sub(r"\W+", "-", " ".join([preset, self.name, *selection])) + ".xml")
        self.elsewhere = [name for name in elsewhere if name not in self.held and name not in self.unsteady]
        if self.held or self.elsewhere:
            selection = [*selection, "-E", "^(" + "|".join(re.escape(name) for name in [*self.held, *self.elsewhere]) + ")$"]
        if os.path.exists(result):
            os.remove(result)
        begun = time.monotonic()
        command = ["ctest", "--test-dir", f"build/{preset}", "--output-on-failure", "--no-tests=error", f"-j{jobs}",
                   "--test-output-size-passed", "100000000",  # of a kilobyte, which is what ctest keeps, most lines "SKIPPED " would be missing
                   "--output-junit", result, *selection]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(environment or {})}, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.seconds = (self.seconds or 0) + time.monotonic() - begun
        if not os.path.exists(result):
            self.failed = True
            print(done.stdout[-8000:], flush=True)
            return False
        for case in cases(result):
            self.times[f"{case.name} ({preset})"] = case.seconds
            self.skipped += [f"{case.name}: {reason}" for reason in case.skipped]
            if case.passed:
                self.passed += 1
                self.held.append(case.name)
            elif case.failed:
                self.fail(case, preset)
        self.failed = self.failed or bool(self.failures) or done.returncode != 0
        say(f"{self.name}: {self.seconds:.0f} s, {self.passed} passed, {len(self.failures)} failed" +
            (f"; {len(self.elsewhere)} passed on the fresh machine" if self.elsewhere else ""))
        return not self.failed

    def fail(self, case, where):
        self.failures.append(f"{case.name} ({where})")
        self.unsteady.append(case.name)
        say(f"FAILED {case.name} ({where})")
        print(case.output[-30000:], flush=True)

    def fresh_machine(self, counts):
        """The two commands on a machine that has nothing; counts: whether what passed there holds of this tree, and not only of its commit."""
        governed = labelled("seeds")
        os.makedirs(FRESH, exist_ok=True)
        for earlier in glob.glob(os.path.join(FRESH, "*.xml")):
            os.remove(earlier)
        self.shown = {}
        self.run([["tests/proof/fresh_machine.sh"]], {"DRWATCH_FRESH": FRESH})
        for preset in ("dev", "asan"):
            found = [case for file in glob.glob(os.path.join(FRESH, f"{preset}-*.xml")) for case in cases(file)]
            for case in found:
                if case.failed:
                    self.fail(case, f"{preset}, fresh machine")
            if counts:
                self.shown[preset] = sorted(case.name for case in found if case.passed and not case.skipped and case.name not in governed)


def labelled(label):
    """The names of the tests that have a label. It is an error if none has: then they have lost it."""
    found = subprocess.run(["ctest", "--test-dir", "build/dev", "-L", f"^{label}$", "--show-only=json-v1"], cwd=ROOT, capture_output=True, text=True,
                           check=True)
    names = [test["name"] for test in json.loads(found.stdout)["tests"]]
    if not names:
        sys.exit(f"no test has the label `{label}`")
    return names


def filled_cache():
    """The compiler cache that the fresh machine filled, for what compiles the same; one's own, if it came to nothing."""
    cache = os.path.join(FRESH, "ccache")
    return {"CCACHE_DIR": cache} if os.path.isdir(cache) and os.listdir(cache) else {}


last_told = {}


def progress(name, done, of):
    """Every tenth of the way, so that nobody wonders whether it still goes on."""
    tenth = 10 * done // of
    if tenth > last_told.get(name, 0):
        last_told[name] = tenth
        say(f"{name}: {done} of {of}")


def configure(*presets):
    part = Part("configure")
    part.run([["cmake", "--preset", preset] for preset in presets])
    return part


def style():
    """The formatter's one version, the rules of the rooms, and that each rule can fail."""
    part = Part("style")
    files = subprocess.run(["git", "ls-files", "*.cpp", "*.hpp"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    part.run([["clang-format-19", "--dry-run", "-Werror", *files], ["python3", "tests/architecture/check.py"],
              ["python3", "tests/architecture/check.py", "--self-test"]])
    return part


def counted(parts, failed):
    shown = sum(len(p.elsewhere) for p in parts)
    return (f"{sum(p.passed for p in parts) + shown} passed" + (f" (of them {shown} on the fresh machine)" if shown else "") +
            f", {failed} failed, {sum(len(p.skipped) for p in parts)} skipped")


def report(parts):
    """The table of parts, what took longer than its budget, the slowest tests, and the counts. Returns the exit code."""
    allowed, took = budgets(), time.monotonic() - started
    print("\npart                      seconds   budget")
    over = []
    for name, seconds in [*((p.name, p.seconds or 0) for p in parts), ("all", took)]:
        budget = allowed.get(name)
        print(f"{name:24} {seconds:8.0f} {budget if budget else '-':>8}")
        if budget and seconds > budget:
            over.append(f"{name} ({seconds:.0f} s instead of {budget})")
    for line in sorted({line for p in parts for line in p.skipped}):
        print(f"skipped: {line}")
    if over:
        print("over its budget: " + ", ".join(over))
    times = sorted(((seconds, name) for p in parts for name, seconds in p.times.items()), reverse=True)
    failures = [name for p in parts for name in p.failures] + [p.name for p in parts if p.failed and not p.failures]
    if failures:
        print("FAILED: " + ", ".join(failures))
    if times:
        print("slowest: " + ", ".join(f"{name} {seconds:.0f} s" for seconds, name in times[:10]))
    print("\n" + counted(parts, len(failures)), flush=True)
    return 1 if failures else 0


def seeds(simulated, months):
    """What the long proofs are told: so many seeds of the simulation, so many quiet months, from a first one on."""
    return {"DRWATCH_FIRST_SEED": str(drawn(simulated, 10)), "DRWATCH_SEEDS": str(simulated), "DRWATCH_MONTHS": str(months),
            "DRWATCH_FIRST_MONTH": str(drawn(months, 30))}


def real_machine():
    """As root outside a container everything can be had, and no test may skip itself."""
    found = subprocess.run(["systemd-detect-virt", "--container"], capture_output=True, text=True)
    return os.geteuid() == 0 and found.stdout.strip() == "none"


def test():
    say("Builds drwatch twice and runs every test: about 20 minutes on two cores with an empty compiler cache, a few with a full one.")
    parts = [style(), configure("dev", "asan")]
    if any(p.failed for p in parts):
        return report(parts)
    parts.append(Part("build dev"))
    if not parts[-1].build("dev"):
        return report(parts)
    # The plain tests that mostly wait run while the sanitized programs are compiled; those that a busy machine would disturb run afterwards.
    asan, plain, sanitized = Part("build asan"), Part("plain tests"), Part("sanitized tests")
    compiling = threading.Thread(target=lambda: asan.run([["nice", "-n", "10", "cmake", "--build", "build/asan", "-j2"]], shown=True))
    compiling.start()
    plain.tests("dev", ["-L", "plain", "-LE", "alone"], 2, seeds(3, 3))
    compiling.join()
    plain.tests("dev", ["-L", "alone"], 1)
    if not asan.failed:
        sanitized.tests("asan", ["-L", "unit"], 2, {**SANITIZERS, **seeds(1, 1)})
    return report([*parts, asan, plain, sanitized])


def proof():
    say("Everything that drwatch claims of itself: more than an hour on two cores.")
    parts = [style(), configure("dev", "asan", "separate")]
    if any(p.failed for p in parts):
        return report(parts)
    kept, fresh = Kept(), Part("fresh machine")
    steps = [
        (fresh, lambda part: part.fresh_machine(kept.path is not None)),
        (Part("build dev"), lambda part: part.build("dev", filled_cache())),
        (Part("build asan"), lambda part: part.build("asan", filled_cache())),
        (Part("plain proofs"), lambda part: part.tests("dev", [], 2, {"DRWATCH_SEEDS": "10", "DRWATCH_MONTHS": "30"}, fresh.shown.get("dev", []))),
        (Part("sanitized proofs"), lambda part: part.tests("asan", ["-LE", "once"], 2, {**SANITIZERS, "DRWATCH_SEEDS": "2", "DRWATCH_MONTHS": "1"},
                                                           fresh.shown.get("asan", []))),
        (Part("package"), lambda part: part.run([["make", "tarball", "image"], ["tests/proof/package.py"]])),
        (Part("unit"), lambda part: part.run([["tests/proof/unit.py"]])),
        (Part("tarball and image"), lambda part: part.run([["tests/proof/tarball.py"], ["tests/proof/image.py"]])),
        (Part("reproducible"), lambda part: part.run([["tests/proof/reproducible.sh"]])),
        (Part("build separate"), lambda part: part.build("separate")),
    ]
    for part, run in steps:
        parts.append(part)
        if kept.held(part):
            say(f"{part.name}: held on this commit before, after {part.seconds:.0f} s")
            # Its programs are needed all the same, and are there unless the folder is another.
            if part.name in ("build dev", "build asan"):
                run(part)
        else:
            kept.begun(part)
            run(part)
            kept.keep(part)
        if part.failed and part.name.startswith("build"):
            break
    code = report(parts)
    write_proof(parts, code, kept.runs)
    return code


class Kept:
    """The parts of a proof that held on this commit, over several runs. Nothing is kept of a tree that is not the commit."""

    def __init__(self):
        changed = subprocess.run(["git", "-C", ROOT, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!tests/PROOFS.md"],
                                 capture_output=True, text=True)
        self.path = None if changed.returncode or changed.stdout else os.path.join(FOLDER, f"proof-{commit()}.json")
        self.parts, self.runs = {}, 1
        if self.path and os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                found = json.load(file)
            self.parts, self.runs = found["parts"], found["runs"] + 1
        self.save()

    def held(self, part):
        if part.name not in self.parts or self.parts[part.name]["failed"]:
            return False
        vars(part).update(self.parts[part.name])
        return True

    def begun(self, part):
        """What an earlier run of a part that failed showed all the same: its tests that passed."""
        if part.name in self.parts:
            vars(part).update({**self.parts[part.name], "failed": False, "failures": []})

    def keep(self, part):
        self.parts[part.name] = vars(part)
        self.save()

    def save(self):
        if self.path:
            with open(self.path, "w", encoding="utf-8") as file:
                json.dump({"runs": self.runs, "parts": self.parts}, file)


def write_proof(parts, code, runs):
    """One row for this commit at the top of the table of tests/PROOFS.md; runs: in how many its parts were made."""
    path = os.path.join(ROOT, "tests/PROOFS.md")
    with open(path, encoding="utf-8") as file:
        head, line, rows = file.read().partition("| --- | --- | --- | --- | --- |\n")
    times = ", ".join(f"{p.name} {p.seconds:.0f} s" for p in parts if p.seconds) + (f" (in {runs} runs)" if runs > 1 else "")
    failed = sum(len(p.failures) for p in parts)
    unsteady = sorted({name for p in parts for name in p.unsteady})
    if unsteady and code == 0:
        times += "; failed at first: " + ", ".join(unsteady)
    row = (f"| {commit()[:12]} | {time.strftime('%Y-%m-%d', time.gmtime())} | {'holds' if code == 0 else 'FAILED'} | "
           f"{counted(parts, failed)} | {times} |\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + line + row + rows)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    if sys.argv[1:] not in (["test"], ["proof"]):
        sys.exit("usage: run.py test | proof")
    if real_machine():
        os.environ["DRWATCH_NO_SKIPS"] = "1"
    sys.exit(test() if sys.argv[1] == "test" else proof())


if __name__ == "__main__":
    main()
