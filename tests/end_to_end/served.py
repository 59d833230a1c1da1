# SPDX-License-Identifier: Apache-2.0
"""A drwatch serve on a configuration in a folder: started, asked, read, and ended. For the tests of this folder."""
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "platform"))
from sample import die_with_parent, free_ports  # noqa: E402

PROGRAM = os.path.abspath(os.environ.get("DRWATCH", "build/dev/drwatch"))


class Served:
    """`token` is what its requests show; it lies in the file `token`. `patience`: seconds for what takes milliseconds on an idle machine."""

    def __init__(self, folder, token, patience):
        self.folder, self.token, self.patience = folder, token, patience
        self.port = free_ports(1)[0]
        self.process = None
        self.trust = None  # an ssl.SSLContext: it is asked over TLS
        self.write("token", token)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def start(self, config="drwatch.toml", stderr=None, wait=True, environment=None):
        """`wait`: until it listens."""
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen([PROGRAM, "serve", "--config", self.path(config)], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=stderr or log, preexec_fn=die_with_parent, env=environment)
        if wait:
            self.until(self.listens, "it listens", often=0.003)

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def until(self, holds, what, often=0.05):
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"drwatch has ended ({self.process.returncode}): {self.log()[-1500:]}")
            if holds():
                return
            time.sleep(often)
        raise AssertionError(f"never: {what}\n{self.log()[-3000:]}")

    def end(self, how=signal.SIGTERM):
        """Its exit code."""
        self.process.send_signal(how)
        try:
            return self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("drwatch did not end: " + self.log()[-1500:]) from None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def exchange(self, method, path, body=None, key=None, patience=None):
        """(status, headers, text); OSError or HTTPException when there was no whole answer."""
        patience = patience or self.patience
        connection = (http.client.HTTPSConnection("127.0.0.1", self.port, timeout=patience, context=self.trust) if self.trust
                      else http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience))
        headers = {"Authorization": "Bearer " + self.token, "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        try:
            connection.request(method, path, body if body is None or isinstance(body, str) else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def ask(self, method, path, body=None, key=None, patience=None):
        """(status, answer), parsed where it is JSON."""
        status, _, text = self.exchange(method, path, body, key, patience)
        return status, json.loads(text) if text[:1] in "{[" else text

    def status_of(self, method, path):
        """None: no whole answer."""
        try:
            return self.ask(method, path)[0]
        except (OSError, http.client.HTTPException):
            return None

    def get(self, path):
        status, answer = self.ask("GET", "/api/v1/" + path)
        if status != 200:
            raise AssertionError(f"GET {path}: {status} {answer}")
        return answer
