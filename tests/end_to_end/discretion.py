#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every sort of secret, repeated in every encoding by everybody who learns it; and everything that drwatch says, shows, sends and writes down, searched
for them.

    DRWATCH=build/dev/drwatch tests/end_to_end/discretion.py [-v]
"""
import base64
import html
import http.server
import itertools
import json
import os
import re
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "platform"))
from sample import die_with_parent  # noqa: E402

PROGRAM = os.path.abspath(os.environ.get("DRWATCH", "build/dev/drwatch"))
PATIENCE = 60  # seconds for what takes some on an idle machine
# By the probe (or other part) that has it. The core is of what encodings treat differently; no two begin alike.
CORE = "-S3cr&t+/<1>"
SECRETS = {name: name[::-1] + CORE for name in (
    "target", "body", "header", "bearer", "basic", "apikey", "password", "dsn", "environment", "input", "heartbeat", "token", "channel", "deadman")}
# What may stand in an address: a heartbeat's key, the URLs of a channel and of the deadman.
for plain in ("heartbeat", "channel", "deadman"):
    SECRETS[plain] = plain[::-1] + "-S3cret-0123456789"
BY_PROBE = {"page": ("target", "body", "header"), "bearer": ("bearer",), "basic": ("basic",), "prom": ("basic",), "login": ("apikey", "password"),
            "primary": ("dsn",), "plugin": ("environment", "input")}
ECHOES = itertools.count()


def in_base64(text, letters=None):
    """The letters that depend on the text alone, at each of the three alignments."""
    cores = []
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + text.encode(), letters).decode()
        cores.append(whole[(8 * before + 5) // 6:8 * (before + len(text.encode())) // 6])
    return cores


def encodings(secret):
    yield secret
    yield urllib.parse.quote(secret, safe="")
    yield re.sub("%..", lambda escape: escape[0].lower(), urllib.parse.quote(secret, safe=""))
    yield urllib.parse.quote_plus(secret)
    yield "".join(f"%{byte:02x}" for byte in secret.encode())
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret)[1:-1].replace("/", "\\/")
    yield "".join(f"\\u{ord(c):04x}" for c in secret)
    yield html.escape(secret)
    yield "".join(f"&#x{ord(c):x};" for c in secret)
    yield secret.encode().hex()
    yield secret.encode().hex().upper()


def echo_of(secrets):
    """All of them in all encodings, as a server might repeat them; in base64 within a longer text. Each time others come first: of an answer only the
    beginning is shown."""
    words = []
    for secret in secrets:
        words += encodings(secret)
        for before in ("u:", "us:", "usr:"):
            words.append(base64.b64encode((before + secret + "@db").encode()).decode())
            words.append(base64.urlsafe_b64encode((before + secret + "@db").encode()).decode())
    first = next(ECHOES) * 5 % len(words)
    return " ".join(words[first:] + words[:first])


def traces_of(secret):
    """What must be nowhere."""
    return [*encodings(secret), *in_base64(secret), *in_base64(secret, b"-_")]


class World:
    """An HTTP server and a PostgreSQL server that repeat what they should not know, and remember what they are told."""

    def __init__(self):
        self.received = []
        world = self

        class Page(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                place = self.path.split("/")[1].split("?")[0]
                if place in ("api", "hook"):  # an Alertmanager, a channel
                    world.received.append(body.decode(errors="replace"))
                echo = echo_of(SECRETS[name] for name in BY_PROBE.get(place, ("channel", "deadman", "token")))
                text = json.dumps({"error_code": "refused", "msg": echo, "message": echo}) if place != "page" else f"<p>{self.path} not found: {echo}</p>"
                self.send_response(404 if place == "page" else 400 if place == "api" else 500)
                self.send_header("Content-Type", "application/json")
                self.send_header("Server", echo[:3000])
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        class Database(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.recv(4096)
                fields = b"SFATAL\0C28P01\0M" + echo_of([SECRETS["dsn"]]).encode() + b"\0\0"
                self.request.sendall(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.database = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Database)
        for server in (self.http, self.database):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http.server_address[1]}"


MAIN = """
[server]
listen = "127.0.0.1:{port}"
[server.tokens.oncall]
role   = "admin"
secret = {{ file = "token" }}
[journal]
path = "{journal}"
[alertmanager]
urls     = ["{url}"]
resend   = "2s"
fallback = ["pager", "script"]
fallback_after = "1s"
[channel.pager]
kind = "webhook"
url  = {{ file = "channel" }}
[channel.script]
kind    = "command"
command = ["/bin/sh", "-c", "cat '{folder}/echo-channel' >&2; exit 1"]
[deadman]
url      = {{ file = "deadman" }}
interval = "1s"
[defaults]
interval = "1s"
retry    = "500ms"
timeout  = "1s"
fall     = 1
[component.web]
[component.cron]
[probe.page]
component = "web"
kind      = "http"
target    = {{ file = "target" }}
method    = "POST"
body      = {{ file = "body" }}
headers   = {{ x-key = {{ file = "header" }} }}
[probe.bearer]
component = "web"
kind      = "http"
target    = "{url}/bearer"
status    = [500]
bearer    = {{ file = "bearer" }}
json      = [{{ pointer = "/msg", equals = "fine" }}]
[probe.basic]
component = "web"
kind      = "http"
target    = "{url}/basic"
status    = [500]
basic     = {{ user = "u", password = {{ file = "basic" }} }}
body_matches = "^fine$"
[probe.prom]
component = "web"
kind      = "prometheus"
target    = "{url}/prom"
query     = "up"
min       = 1
basic     = {{ user = "us", password = {{ file = "basic" }} }}
[probe.login]
component = "web"
kind      = "auth"
target    = "{url}/login"
user      = "u@example.org"
password  = {{ file = "password" }}
api_key   = {{ file = "apikey" }}
[probe.primary]
component = "web"
kind      = "postgres"
dsn       = {{ file = "dsn" }}
[probe.plugin]
component   = "web"
kind        = "command"
run         = ["/bin/sh", "-c", "echo CRITICAL; cat '{folder}/echo-plugin'; exit 2"]
environment = {{ P = {{ env = "DRWATCH_TEST_ENVIRONMENT" }} }}
input       = {{ file = "input" }}
output_matches = "^fine$"
[probe.nightly]
component = "cron"
kind      = "heartbeat"
period    = "1h"
key       = {{ file = "heartbeat" }}
[scenarios]
path = "scenarios"
"""
OUTAGE = """
title   = "Outage"
summary = "It fails."
affects = ["web"]
[trigger]
any = ["web is down"]
for = "100ms"
[exit]
by = "health"
[[step]]
id    = "script"
title = "Run the script"
run   = ["/bin/sh", "-c", "cat '{folder}/echo-step'"]
auto  = true
[[message]]
id       = "first"
audience = "internal"
when     = "opened"
subject  = "{{{{title}}}}"
body     = "{{{{summary}}}}"
"""


class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        folder = tempfile.TemporaryDirectory(prefix="drwatch-secrets-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        cls.url = f"http://127.0.0.1:{port}"
        values = {**SECRETS, "target": cls.world.url + "/page/" + urllib.parse.quote(SECRETS["target"], safe=""),
                  "channel": cls.world.url + "/hook/" + SECRETS["channel"], "deadman": cls.world.url + "/deadman/" + SECRETS["deadman"],
                  "dsn": f"host=127.0.0.1 port={cls.world.database.server_address[1]} user=u sslmode=disable password='{SECRETS['dsn']}'"}
        for name, value in values.items():
            cls.write(name, value + "\n")
        cls.write("echo-plugin", echo_of([SECRETS["environment"], SECRETS["input"]]))
        cls.write("echo-channel", echo_of([SECRETS["channel"], SECRETS["token"]]))
        cls.write("echo-step", echo_of(SECRETS.values()))
        cls.write("drwatch.toml", MAIN.format(port=port, url=cls.world.url, folder=cls.folder, journal=os.path.join(cls.folder, "journal.db")))
        os.mkdir(os.path.join(cls.folder, "scenarios"))
        cls.write("scenarios/outage.toml", OUTAGE.format(folder=cls.folder))
        cls.log = open(os.path.join(cls.folder, "log"), "wb")
        cls.environment = {**os.environ, "DRWATCH_TEST_ENVIRONMENT": SECRETS["environment"], "DRWATCH_SERVER": cls.url, "DRWATCH_TOKEN": SECRETS["token"]}
        cls.daemon = subprocess.Popen([PROGRAM, "serve", "--config", cls.path("drwatch.toml")], stdout=cls.log, stderr=cls.log, env=cls.environment,
                                      preexec_fn=die_with_parent)
        cls.addClassCleanup(cls.end)

    @classmethod
    def end(cls):
        if cls.daemon.poll() is None:
            cls.daemon.kill()
        cls.daemon.wait()
        cls.log.close()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def write(cls, name, text):
        with open(cls.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def ask(self, path, body=None, data=None):
        request = urllib.request.Request(self.url + path, data=data if body is None else json.dumps(body).encode(), headers={
            "Authorization": "Bearer " + SECRETS["token"], "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.read().decode(errors="replace")

    def until(self, condition, what):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                found = condition()
            except (OSError, ValueError, KeyError, IndexError):
                found = None
            if found:
                return found
            time.sleep(0.1)
        self.fail(f"{what} did not come true\n{self.log_text()[-3000:]}")
        return None

    def log_text(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def run_it(self, *words):
        done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60, check=False, env=self.environment)
        return done.stdout + done.stderr

    def test_nothing_that_drwatch_shows_or_keeps_holds_a_secret(self):
        probes = [*BY_PROBE]
        seen = self.until(lambda: {p["name"]: p for p in json.loads(self.ask("/api/v1/probes"))["probes"]
                                   if p["last"]}.keys() >= set(probes), "every probe was run")
        self.assertTrue(seen)
        incident = self.until(lambda: json.loads(self.ask("/api/v1/incidents"))["incidents"][0]["id"], "the incident is open")
        # What jobs and people send may hold secrets as well.
        self.ask(f"/ping/{SECRETS['heartbeat']}/fail", data=("it said " + echo_of([SECRETS["heartbeat"]])).encode())
        self.ask(f"/api/v1/incidents/{incident}/notes", {"text": "the token is " + echo_of([SECRETS["token"]])[:1500]})
        self.until(lambda: json.loads(self.ask(f"/api/v1/incidents/{incident}"))["steps"][0]["state"] == "done", "the step's command has run")
        self.until(lambda: "refuses the alert" in self.log_text() and self.log_text().count("does not take alerts") >= 2,
                   "Alertmanager and both channels failed")
        self.until(lambda: "can't be called" in self.log_text(), "the deadman failed")
        outputs = {path: self.ask(path) for path in (
            "/metrics", "/", f"/incidents/{incident}", "/runbook", "/runbook/outage", "/drills", "/readyz", "/api/v1/status", "/api/v1/components",
            "/api/v1/probes", "/api/v1/incidents", f"/api/v1/incidents/{incident}", f"/api/v1/incidents/{incident}/report", "/api/v1/scenarios",
            "/api/v1/drills", "/api/v1/alerts", "/api/v1/signals", "/api/v1/maintenance",
            *(f"{at}/{name}" for at in ("/probes", "/api/v1/probes") for name in [*probes, "nightly"]))}
        outputs["alert test"] = self.run_it("alert", "test")
        outputs["status"] = self.run_it("status")
        outputs["incident"] = self.run_it("incident", "show", incident)
        outputs["check"] = self.run_it("check", "--config", self.path("drwatch.toml"))
        outputs["probe"] = self.run_it("probe", "--config", self.path("drwatch.toml"))
        outputs["probe --json"] = self.run_it("probe", "--json", "--config", self.path("drwatch.toml"))
        outputs["probe, by the daemon"] = self.run_it("probe", "page", "login")
        self.daemon.terminate()
        self.daemon.wait(20)
        outputs["journal show"] = self.run_it("journal", "show", self.path("journal.db"))
        outputs["log"] = self.log_text()
        outputs["what was sent"] = "\n".join(self.world.received)
        for name in sorted(os.listdir(self.folder)):
            if name.startswith("journal.db"):
                with open(self.path(name), "rb") as file:
                    outputs[name] = file.read().decode("latin-1")
        for output, text in outputs.items():
            for name, secret in SECRETS.items():
                for trace in traces_of(secret):
                    at = text.find(trace)
                    with self.subTest(output=output, secret=name):
                        self.assertEqual(at, -1, f"{trace!r} in {text[max(0, at - 200):at + 200]!r}")
        # They were repeated, and hidden: otherwise all of this would show nothing.
        for output in ("log", "journal show", "probe", "/probes/page", "/api/v1/probes/login", f"/api/v1/incidents/{incident}", "alert test",
                       "what was sent", "/probes/nightly"):
            with self.subTest(output=output):
                self.assertIn("***", outputs[output])

    def test_a_child_can_read_neither_the_environment_nor_the_memory(self):
        # As an ordinary user: root may read everything.
        as_nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            with open(os.path.join(folder, "drwatch.toml"), "w", encoding="utf-8") as file:
                file.write("[component.c]\n" + "".join(
                    f'[probe.{name}]\ncomponent = "c"\nkind = "command"\nrun = ["/bin/sh", "-c", "head -c 1 /proc/$PPID/{name} > /dev/null && echo it was read"]\n'
                    for name in ("environ", "mem", "maps")))
            done = subprocess.run([PROGRAM, "probe", "--json", "--config", file.name], capture_output=True, text=True, timeout=60, check=False,
                                  env={**self.environment, "SECRET": "hunter22"}, **as_nobody)
        outcomes = json.loads(done.stdout)
        outcomes = outcomes["probes"] if isinstance(outcomes, dict) else outcomes
        self.assertEqual(len(outcomes), 3, done.stderr)
        for outcome in outcomes:
            with self.subTest(file=outcome["name"]):
                self.assertIn("Permission denied", json.dumps(outcome))
                self.assertNotIn("it was read", json.dumps(outcome["outcome"]["message"]))


if __name__ == "__main__":
    unittest.main()
