# SPDX-License-Identifier: Apache-2.0
"""Which copy: of those that there are, as of a moment, the newest, the oldest, a random one, or the one that a point in time needs."""
import dataclasses
import datetime
import random

from . import words


@dataclasses.dataclass
class Copy:
    label: str
    taken_at: datetime.datetime  # the earliest moment that it can be restored to: the end of a base backup, the beginning of a dump
    bytes: int | None = None     # once restored
    place: str | None = None
    wrong: str | None = None     # what its maker already knows to be wrong with it
    system_identifier: str | None = None


HOWS = ("newest", "oldest", "random", "moment")


SECOND = datetime.timedelta(seconds=1)  # what tells when a copy was finished tells whole seconds, cut off


def choose(copies, how, as_of, seed=None, point_in_time=True, until=None):
    """(the copy, the target or None, `chosen` for the evidence). Copies made after `as_of` are not there yet. `until`: a random moment is before it."""
    there = sorted((copy for copy in copies if copy.taken_at <= as_of), key=lambda copy: copy.taken_at)
    if not there:
        raise NoCopy(f"of {len(copies)} copies none was there at {words.stamp(as_of)}" if copies else "there is no copy at all")
    chance = random.Random(seed)
    if how == "newest":
        return there[-1], None, "newest"
    if how == "oldest":
        return there[0], None, "oldest"
    if how == "random":
        return chance.choice(there), None, "random"
    if not point_in_time:
        raise words.Unusable("a dump has one moment, its own: --copy newest, oldest or random")
    if how == "moment":
        first = there[0].taken_at + SECOND
        span = (min(as_of, until or as_of) - first).total_seconds()
        if span <= 0:
            raise words.Unusable(f"the oldest copy is of {words.stamp(there[0].taken_at)}, and there is no moment behind it to choose")
        target = first + datetime.timedelta(seconds=chance.uniform(0, span))
    else:
        target = words.time_of(how)
    before = [copy for copy in there if copy.taken_at + SECOND <= target]
    if not before:
        raise NoCopy(f"the oldest copy can be restored to {words.stamp(there[0].taken_at)} at the earliest, and {words.stamp(target)} is before it")
    return before[-1], target, "point-in-time"


class NoCopy(Exception):
    """Nothing to restore: the drill fails, for so would the restore."""
