# SPDX-License-Identifier: Apache-2.0
"""The command: reads what is asked, holds the drill within its bounds, and whatever happens removes it and says what was seen."""
import os
import re
import sys

from . import control, options, unit, words
from .copies import NoCopy
from .drill import Drill
from .evidence import EXIT, Evidence, Progress
from .real import Restore
from .runner import Bounds, Runner, Stopped, TimedOut
from .scratch import Scratch
from .server import Failed


def main(arguments):
    os.umask(0o077)
    progress = Progress()
    evidence = Evidence(progress)
    asked = None
    try:
        asked = options.checked(options.read(arguments))
        if asked.unit:
            return unit.hand_on(asked, progress)
        if os.geteuid() == 0:
            raise words.Unusable("PostgreSQL does not run as root: run the drill as the user of its unit, or with runuser -u postgres --")
        evidence.mandatory, evidence.optional = set(asked.mandatory), set(asked.optional)
        if asked.evidence not in (None, "-") and not os.access(os.path.dirname(os.path.abspath(asked.evidence)), os.W_OK):
            raise words.Unusable(f"{asked.evidence} can't be written: its folder is not there, or not ours")
        within_bounds(asked, evidence, progress)
    except (words.Unusable, Stopped) as error:
        evidence.stopped = str(error)
    except Exception as error:  # a fault of the drill's own says nothing about the copy, and must not look as if it did
        evidence.stopped = f"a fault of the drill itself: {type(error).__name__}: {error}"
    evidence.ended_at = words.now()
    verdict = evidence.verdict()
    if evidence.stopped:
        progress.say(f"stopped: {words.shown(evidence.stopped)}")
    progress.say(summary(evidence, verdict))
    where = asked.evidence if asked else evidence_of(arguments)
    try:
        if where:
            evidence.write(where)
    except OSError as error:
        progress.say(f"the evidence can't be written: {error}")
        return EXIT["aborted"]
    return EXIT[verdict]


def within_bounds(asked, evidence, progress):
    bounds = Bounds(asked.max_time, asked.max_disk, asked.leave_free, asked.max_memory)
    bounds.catch_signals()
    root = asked.scratch or os.environ.get("STATE_DIRECTORY") or "/var/tmp/drwatch-restore-drill-" + str(os.geteuid())
    if not re.fullmatch(r"[\w./@:+,-]+", os.path.abspath(root)):
        raise words.Unusable(f"{root!r}: a path that a shell may misread; choose another --scratch")
    try:
        scratch = Scratch(os.path.abspath(root))
    except OSError as error:
        raise words.Unusable(f"no scratch folder can be made in {root}: {error.strerror}")
    for name in scratch.cleaned:
        progress.say(f"removed {name}, which a drill that was killed had left")
    bounds.folder = scratch.folder
    runner = Runner(bounds, scratch.folder)
    drill = None
    try:
        drill = Restore(asked, evidence, runner, scratch.folder) if asked.for_real else Drill(asked, evidence, runner, scratch.folder)
        if asked.control:
            evidence.control = {"planted": control.chosen(asked.control, not asked.dump), "where": "not planted"}
        drill.run()
    except NoCopy as error:
        evidence.check("copy", "failed", str(error))
    except TimedOut as error:
        evidence.stopped = str(error)
    except Stopped as stopped:
        stopped_by(asked, evidence, drill, stopped)
    except OSError as error:
        evidence.stopped = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
    except Failed as failed:
        evidence.check("readable", "failed", f"the restored database does not answer: {failed}")
    finally:
        end(evidence, drill, scratch, bounds)
    if evidence.control:
        control.judge(evidence)


def stopped_by(asked, evidence, drill, stopped):
    """A restore that is not done when its time objective is over has shown something, however it was ended."""
    over = drill is not None and evidence.took is None and asked.rto is not None and evidence.found("rto") is None and drill.elapsed() > asked.rto
    if stopped.by == "time" and over:
        evidence.check("rto", "failed", f"not restored after {words.in_words(drill.elapsed())}, {words.in_words(asked.rto)} is the most")
        return
    evidence.stopped = str(stopped)


def end(evidence, drill, scratch, bounds):
    """Removal is no part of what was measured, and happens whatever happened before."""
    bounds.end, bounds.signal = None, None
    bounds.also.clear()
    with evidence.phase("remove"):
        if drill is not None:
            try:
                drill.close()
            except Stopped as stopped:
                evidence.stopped = evidence.stopped or str(stopped)
            except Exception as error:  # whatever it is, the removal goes on
                evidence.check("protection", "failed", f"could not be compared: {error}")
        left = scratch.remove()
    evidence.check("removed", "failed" if left else "passed", f"left: {', '.join(left)}" if left else "files, processes and sockets of the drill are gone")


def evidence_of(arguments):
    """Where the evidence belongs, also when the rest of the command line is wrong."""
    for word, following in zip(arguments, [*arguments[1:], None]):
        if word == "--evidence":
            return following
        if word.startswith("--evidence="):
            return word.partition("=")[2]
    return None


def summary(evidence, verdict):
    text = f"{verdict}"
    if evidence.copy["label"]:
        text += f": {evidence.copy['reads']} {evidence.copy['label']}"
    if evidence.took is not None:
        text += f", {words.in_words(evidence.took)} until it took writes"
    if evidence.lost is not None:
        text += f", {words.in_words(evidence.lost)} lost"
    if evidence.control and "found" in evidence.control:
        text += f"; the planted fault was {'found by ' + ', '.join(evidence.control['by']) if evidence.control['found'] else 'NOT found'}"
    failed = [check["name"] for check in evidence.checks if check["verdict"] in ("failed", "timed-out") or check["mandatory"] and check["verdict"] == "skipped"]
    return text + (f"; {', '.join(failed)}" if failed else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
