# SPDX-License-Identifier: Apache-2.0
"""What the proofs of the tarball and the image share: a daemon in another root and in namespaces of its own, and how it is asked."""
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "release"))
PATIENCE = 120  # seconds that a daemon may take to answer or to end on a busy machine; a moment on an idle one
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private"]


class Proof:
    """Prints what holds, ends with what does not."""

    def __init__(self, name):
        self.name = name
        sys.stdout.reconfigure(line_buffering=True)
        if os.geteuid() != 0:
            self.fail("needs root, to make another root and namespaces")
        tried = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True)
        if tried.returncode:
            self.skip(f"no namespaces can be made here: {tried.stderr.strip()}")
            sys.exit(0)

    def fail(self, text):
        sys.exit(f"{self.name}: {text}")

    def skip(self, reason):
        if os.environ.get("DRWATCH_NO_SKIPS") == "1":
            self.fail(f"nothing may be skipped here (DRWATCH_NO_SKIPS=1): {reason}")
        print(f"SKIPPED {self.name}: {reason}")

    def check(self, holds, what):
        if not holds:
            self.fail(f"does not hold: {what}")
        print(f"  {what}")


class Daemon:
    """drwatch in another root: `prepare` is run first, as root and in the same namespaces, then `command` in its place."""

    def __init__(self, proof, folder, prepare, command):
        self.proof, self.log = proof, folder / "daemon.log"
        script = f"set -e\nip link set lo up\n{prepare}\nexec \"$@\""
        with open(self.log, "wb") as log:
            self.outer = subprocess.Popen([*NAMESPACES, "sh", "-c", script, "sh", *map(str, command)], stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=subprocess.STDOUT)

    def said(self):
        return self.log.read_text(errors="replace")[-3000:]

    def process(self):
        """Its number out here."""
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()
        return children[0] if children else None

    def answer(self, path):
        """What it answers on its own loopback, as soon as it does."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.outer.poll() is not None:
                break
            if inner := self.process():
                done = subprocess.run(["nsenter", "-t", inner, "-n", "curl", "-fsS", "--max-time", "10", f"http://127.0.0.1:9780{path}"],
                                      capture_output=True, text=True)
                if done.returncode == 0:
                    return done.stdout
            time.sleep(0.3)
        self.proof.fail(f"{path} was not answered: {self.said()}")
        return ""

    def status(self, field):
        lines = pathlib.Path(f"/proc/{self.process()}/status").read_text().splitlines()
        return next(line.split()[1] for line in lines if line.startswith(field + ":"))

    def end(self):
        """Told to end; its exit code."""
        if inner := self.process():
            os.kill(int(inner), 15)
        try:
            return self.outer.wait(PATIENCE)
        finally:
            self.stop()

    def stop(self):
        if self.outer.poll() is None:
            self.outer.kill()
            self.outer.wait()
