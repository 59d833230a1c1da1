# SPDX-License-Identifier: Apache-2.0
"""Runs other programs within the drill's bounds: time, disk, and whoever wants it stopped. All of them work in the scratch folder, so that
whoever cleans up finds them by it."""
import os
import resource
import select
import shutil
import signal
import subprocess
import time

from . import words


class Stopped(Exception):
    """The drill was broken off: by a signal, by its time or by its disk. `by` is "signal", "time" or "disk"."""

    def __init__(self, by, why):
        super().__init__(why)
        self.by = by


class TimedOut(Exception):
    """One program took longer than it may; the drill goes on."""


class Done:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def why(self):
        return words.last_words(self.err if self.err.strip() else self.out)


# What programs get of the environment. Passwords come by PGPASSFILE and service files, to those alone who ask production.
KEPT = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LD_LIBRARY_PATH")
MOST_KEPT = 1 << 20  # of what a program says; a program that floods must not fill the memory


def environment(**more):
    kept = {key: os.environ[key] for key in KEPT if key in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC", **more}


class Bounds:
    """How long and how much; asked again and again while programs run."""

    def __init__(self, seconds=None, disk=None, leave_free=0, memory=None):
        self.end = None if seconds is None else time.monotonic() + seconds
        self.seconds, self.disk, self.leave_free, self.memory = seconds, disk, leave_free, memory
        self.folder, self.signal, self.looked, self.used = None, None, 0.0, 0
        self.also = []  # further conditions to stop: functions that return why, or None

    def catch_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._caught)

    def _caught(self, number, _frame):
        self.signal = self.signal or signal.Signals(number).name

    def ask(self):
        if self.signal:
            raise Stopped("signal", f"stopped by {self.signal}")
        moment = time.monotonic()
        if self.end is not None and moment > self.end:
            raise Stopped("time", f"not done after {words.in_words(self.seconds)}, the longest it may take (--max-time)")
        if self.folder and moment - self.looked > 1:
            self.used = used_by(self.folder)
            self.disk_of(0)
            # A walk over very many files takes its time: it is made less often then.
            self.looked = time.monotonic() + min(30, 10 * (time.monotonic() - moment))
            for condition in self.also:
                if why := condition():
                    raise Stopped("protection", why)

    def disk_of(self, more):
        """Whether `more` bytes still fit in."""
        if self.disk is not None and self.used + more > self.disk:
            raise Stopped("disk", f"{words.bytes_in_words(self.used + more)} are needed, and {words.bytes_in_words(self.disk)} are allowed (--max-disk)")
        free = shutil.disk_usage(self.folder).free
        if free - more < self.leave_free:
            raise Stopped("disk", f"{words.bytes_in_words(more)} more are needed, {words.bytes_in_words(free)} are free in {self.folder}, and "
                                  f"{words.bytes_in_words(self.leave_free)} are to stay free (--leave-free)")


def used_by(folder):
    """Bytes on disk under a folder; files that go while it is walked count as nothing."""
    total, todo = 0, [folder]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    try:
                        if entry.is_dir(follow_symlinks=False):
                            todo.append(entry.path)
                        else:
                            total += entry.stat(follow_symlinks=False).st_blocks * 512
                    except OSError:
                        continue
        except OSError:
            continue
    return total


class Runner:
    def __init__(self, bounds, folder):
        self.bounds, self.folder = bounds, folder

    def run(self, command, within=None, env=None, feed=None, tick=None, cwd=None):
        """Runs a program to its end. `feed`: an iterable of bytes for its standard input. `tick`: called a few times a second. TimedOut after `within`."""
        out, err = bytearray(), bytearray()
        process = self.start(command, env, subprocess.PIPE if feed is not None else subprocess.DEVNULL, cwd)
        reading = {process.stdout.fileno(): out, process.stderr.fileno(): err}
        feeding = iter(feed) if feed is not None else None
        chunk, begun = b"", time.monotonic()
        if feeding is not None:
            os.set_blocking(process.stdin.fileno(), False)
        try:
            while reading or process.poll() is None:
                self.bounds.ask()
                if within is not None and time.monotonic() - begun > within:
                    raise TimedOut(f"not done after {words.in_words(within)}")
                if tick:
                    tick()
                writable = [process.stdin] if feeding is not None else []
                readable, ready, _ = select.select(list(reading), writable, [], 0.2 if reading else 0.02)
                for handle in readable:
                    got = os.read(handle, 65536)
                    if not got:
                        del reading[handle]
                    keep(reading.get(handle, out), got)
                if ready:
                    feeding, chunk = fed(process.stdin, feeding, chunk)
        except BaseException:
            end_group(process)
            raise
        finally:
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    try:
                        pipe.close()
                    except OSError:
                        pass
        return Done(process.wait(), out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    def start(self, command, env=None, stdin=subprocess.DEVNULL, cwd=None):
        try:
            return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd or self.folder,
                                    env=env if env is not None else environment(), start_new_session=True, preexec_fn=no_core)
        except OSError as error:
            raise words.Unusable(f"{os.path.basename(command[0])} can't be run: {error.strerror}")


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold people's data


def keep(buffer, got):
    """The beginning and the end of what a program says stay; the middle of a flood goes."""
    buffer += got
    if len(buffer) > MOST_KEPT:
        del buffer[MOST_KEPT // 4:len(buffer) - MOST_KEPT // 2]


def fed(pipe, feeding, chunk):
    """Writes what the pipe takes. Returns what is still to be fed."""
    try:
        if not chunk:
            chunk = next(feeding, None)
            if chunk is None:
                pipe.close()
                return None, b""
        written = os.write(pipe.fileno(), chunk[:65536])
        return feeding, chunk[written:]
    except BlockingIOError:
        return feeding, chunk
    except BrokenPipeError:
        return None, b""


def end_group(process):
    """A program and what it started, which share its session."""
    for number, patience in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass
        try:
            process.wait(patience)
            break
        except subprocess.TimeoutExpired:
            continue
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
