# SPDX-License-Identifier: Apache-2.0
"""The folder of one drill: made, guarded, and removed with every process that works in it, also when the drill was killed.

A drill holds a lock on its folder. When it dies, its guardian (a child that does nothing else) removes everything at once; should both be killed,
the next drill does. Only folders that a drill has marked as its own are ever removed."""
import ctypes
import errno
import fcntl
import json
import os
import shutil
import signal
import tempfile
import time

PREFIX, NEW, MARK = "drill-", "new-drill-", "drwatch-restore-drill.json"


class Scratch:
    def __init__(self, root):
        """Makes a new folder in `root`, with its guardian. What dead drills left there is removed first."""
        os.makedirs(root, mode=0o700, exist_ok=True)
        self.cleaned = clean(root)
        # Marked and locked under a name that nobody cleans while it is young: from its first moment as a drill's folder it is alive.
        new = tempfile.mkdtemp(prefix=NEW, dir=root)
        self.lock = os.open(os.path.join(new, MARK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        os.write(self.lock, json.dumps({"drill": os.getpid()}).encode())
        self.folder = os.path.join(root, PREFIX + os.path.basename(new).removeprefix(NEW))
        os.rename(new, self.folder)
        self.guarded, self.guardian = guard(self.folder, self.lock)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def remove(self):
        """Returns what is left, which should be nothing: a list of paths and process numbers in words."""
        left = remove(self.folder)
        os.close(self.lock)
        os.write(self.guarded, b"removed" if not left else b"")
        os.close(self.guarded)
        try:
            os.waitpid(self.guardian, 0)
        except ChildProcessError:
            pass
        return left


def guard(folder, lock):
    """Forks the guardian. It holds the lock as well (one open file), so that the folder counts as alive until it has removed it."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child:
        os.close(reading)
        return writing, child
    status = 1
    try:
        os.close(writing)
        os.setsid()  # a terminal's Ctrl-C, or a kill of the drill's group, is not meant for it
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        keep = {reading, lock}
        for handle in (int(name) for name in os.listdir("/proc/self/fd")):
            if handle not in keep:
                try:
                    os.close(handle)
                except OSError:
                    pass
        said = b""
        while True:
            got = os.read(reading, 64)
            if not got:
                break
            said += got
        if b"removed" not in said:
            remove(folder)
        status = 0
    finally:
        os._exit(status)


def clean(root):
    """Removes what dead drills left. Returns the names of their folders."""
    cleaned = []
    for name in sorted(os.listdir(root)):
        folder = os.path.join(root, name)
        if not name.startswith((PREFIX, NEW)) or os.path.islink(folder) or not os.path.isdir(folder):
            continue
        if name.startswith(NEW) and time.time() - os.stat(folder).st_mtime < 60:
            continue
        try:
            lock = os.open(os.path.join(folder, MARK), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            # Killed between making the folder and marking it: then there is nothing in it.
            if error.errno == errno.ENOENT and not os.listdir(folder) and time.time() - os.stat(folder).st_mtime > 60:
                os.rmdir(folder)
            continue
        try:
            if os.fstat(lock).st_uid != os.geteuid():
                continue
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(folder)
            cleaned.append(name)
        except BlockingIOError:
            pass  # that drill is alive
        finally:
            os.close(lock)
    return cleaned


def processes_in(folder):
    """Process numbers of whoever works in the folder: PostgreSQL's processes change into their data directory, ours are started there."""
    found, own = [], os.getpid()
    inside = os.path.realpath(folder)
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == own:
            continue
        try:
            at = os.readlink(f"/proc/{name}/cwd").removesuffix(" (deleted)")
        except OSError:
            continue
        if at == inside or at.startswith(inside + "/"):
            found.append(int(name))
    return found


def shared_memory(folder):
    """The System V segment that a postmaster keeps as its interlock: a killed one leaves it behind, and no folder shows it."""
    found = []
    try:
        with open(os.path.join(folder, "data", "postmaster.pid"), encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        postmaster, number = int(lines[0]), int(lines[6].split()[1])
        # A copy may bring production's own file with it.
        if os.path.realpath(lines[1]) != os.path.realpath(os.path.join(folder, "data")):
            return []
        with open("/proc/sysvipc/shm", encoding="ascii") as file:
            for row in file.read().splitlines()[1:]:
                field = row.split()
                # The number alone could be another's by now; the one who made it tells them apart.
                if int(field[1]) == number and int(field[4]) == postmaster:
                    found.append(number)
    except (OSError, ValueError, IndexError):
        pass
    return found


def remove(folder, patience=20.0):
    """Ends every process that works in the folder, then removes it. Returns what could not be."""
    shared = shared_memory(folder)
    end = time.monotonic() + patience
    while alive := processes_in(folder):
        for process in alive:
            try:
                os.kill(process, signal.SIGKILL)
            except OSError:
                pass
        if time.monotonic() > end:
            break
        time.sleep(0.02)
    for number in shared:
        ctypes.CDLL(None).shmctl(number, 0, None)  # 0: IPC_RMID
    for _ in range(3):
        shutil.rmtree(folder, onerror=_writable)
        if not os.path.lexists(folder):
            break
        time.sleep(0.05)
    return [f"process {p}" for p in alive] + ([folder] if os.path.lexists(folder) else [])


def _writable(function, path, _error):
    """A copy may hold folders without the right to write: they are ours, so they get it."""
    try:
        os.chmod(os.path.dirname(path), 0o700)
        os.chmod(path, 0o700, follow_symlinks=True) if not os.path.islink(path) else None
        function(path)
    except OSError:
        pass
