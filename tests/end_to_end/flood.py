#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""drwatch serve, watching fifty targets every second while it is flooded, dripped at and read from in every way that needs no token: no run is
lost, none turns bad or unknown, a heartbeat and a responder get through, and what is truly down is found in time.

    DRWATCH=build/dev/drwatch [SECONDS=4] tests/end_to_end/flood.py [-v]

What it prints is what `make bench` shows: how long the loop kept somebody waiting under each attack, beside nobody's in the same run.

Each attack runs in a process of its own (this file with its name), gently enough for a small machine: the point is what waits for whom, not how
much two processors can take. Every GET row of docs/http.md is flooded, so that a new page joins by itself.
"""
import http.client
import json
import os
import re
import resource
import selectors
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from served import PROGRAM, Served, die_with_parent, free_ports  # noqa: E402

SECONDS = float(os.environ.get("SECONDS", "4"))
TOKEN, KEY = "flood-token-0123456789", "flood-key-0123456789"
TARGETS = 50
PATIENCE = 30
MEMORY = 300 << 20  # 64 MiB of unsent answers (docs/http.md), what 1024 connections take, and the program's own

MAIN = """
[server]
listen = "127.0.0.1:{port}"
{tls}
[server.tokens.oncall]
role   = "responder"
secret = {{ file = "token" }}
[journal]
path = "journal.db"
[defaults]
interval = "1s"
retry    = "500ms"
timeout  = "1s"
[component.web]
[component.spare]
[component.cron]
[signal.drill-signal]
[probe.job]
component = "cron"
kind      = "heartbeat"
period    = "1h"
key       = {{ file = "key" }}
[probe.mortal]
component = "spare"
kind      = "tcp"
target    = "127.0.0.1:{mortal}"
[scenarios]
path = "scenarios"
"""
PROBE = """
[probe.target-{n}]
component = "web"
kind      = "tcp"
target    = "127.0.0.1:{target}"
expect    = "ready"
"""
OUTAGE = """
title   = "{component} outage"
summary = "It fails."
affects = ["{component}"]
[trigger]
any = ["{component} is down"]
for = "1s"
[exit]
by  = "health"
[[step]]
id    = "look"
title = "Look"
guide = \"\"\"
{guide}
\"\"\"
"""
WORK = """
title   = "Work"
summary = "Opened by people."
affects = ["web"]
[exit]
by = "steps"
[[step]]
id       = "never"
title    = "Keeps it open"
critical = true
"""


def routes():
    """The paths of every GET row of the table, with something real in the place of each name."""
    with open(os.path.join(HERE, "..", "..", "docs", "http.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| (\S+) \| `(\S+)` \|", file.read(), re.M)
    real = {"name": "target-1", "scenario": "web-outage", "key": "no-such-key", "what": "log", "step": "never", "component": "web", "badge": "web.svg"}
    return [pattern for methods, pattern in rows if methods.startswith("GET")], real


# ---- the attackers: each runs until it is ended


def ask(path, more="", method="GET"):
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode()


def keep_asking(port, requests, connections, drain=True):
    """So many keep-alive connections, each asking for the next thing as soon as the last was answered (or at once and never reading)."""
    picked = selectors.DefaultSelector()

    def connect(n):
        try:
            one = socket.create_connection(("127.0.0.1", port), timeout=5)
        except OSError:
            return
        one.setblocking(False)
        picked.register(one, selectors.EVENT_READ, [n, b""])
        try:
            one.send(requests[n % len(requests)])
        except OSError:
            pass

    for n in range(connections):
        connect(n)
    while True:
        if not picked.get_map():
            time.sleep(0.05)
            connect(0)
            continue
        for key, _ in picked.select(1):
            if not drain:
                time.sleep(0.01)
                continue
            state = key.data
            try:
                got = key.fileobj.recv(1 << 18)
            except OSError:
                got = b""
            if not got:
                picked.unregister(key.fileobj)
                key.fileobj.close()
                connect(state[0])
                continue
            # The end of an answer is known by its length; a stream has none and is read on.
            state[1] += got
            head, found, body = state[1].partition(b"\r\n\r\n")
            if not found:
                continue
            length = re.search(rb"Content-Length: (\d+)", head)
            if length and len(body) >= int(length[1]):
                state[0] += 1
                state[1] = b""
                try:
                    key.fileobj.send(requests[state[0] % len(requests)])
                except OSError:
                    pass
            elif not length:
                state[1] = head + b"\r\n\r\n"


def drip(port, connections, beginning):
    """Connections that send a byte a second, for ever."""
    open_ones = []
    while True:
        while len(open_ones) < connections:
            try:
                one = socket.create_connection(("127.0.0.1", port), timeout=5)
                one.setblocking(False)
                one.send(beginning)
                open_ones.append(one)
            except OSError:
                break
        for one in list(open_ones):
            try:
                one.send(b"x")
            except OSError:
                open_ones.remove(one)
                one.close()
        time.sleep(1)


def hurry(port, request):
    """Connects, asks, reads a little and goes, again and again."""
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
                one.send(request)
                one.recv(4096)
        except OSError:
            pass


def shake(port, connections):
    """Connections from several addresses that send the first message of TLS and wait for what costs the server a signature, then the next."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    out = ssl.MemoryBIO()
    context = ssl.create_default_context()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = out.read()
    picked = selectors.DefaultSelector()

    def connect(n):
        try:
            one = socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(f"127.0.0.{2 + n % 8}", 0))
            one.send(hello)
        except OSError:
            return
        one.setblocking(False)
        picked.register(one, selectors.EVENT_READ, n)

    for n in range(connections):
        connect(n)
    while True:
        for key, _ in picked.select(1):
            picked.unregister(key.fileobj)
            key.fileobj.close()
            connect(key.data)
        for n in range(connections - len(picked.get_map())):
            connect(n)


def attack(name, port, paths):
    if name == "nobody":
        time.sleep(3600)
    elif name == "readers":
        keep_asking(port, [ask(path) for path in paths], 60)
    elif name == "many readers of one page":
        keep_asking(port, [ask("/runbook")], 300)
    elif name == "histories":
        keep_asking(port, [ask("/api/v1/events", "Accept: text/event-stream\r\nLast-Event-ID: 0\r\n")], 256)
    elif name == "bodies that drip":
        drip(port, 1100, ask("/ping/x", "Content-Length: 60000\r\n", "POST"))
    elif name == "headers that drip":
        drip(port, 1100, b"GET / HTTP/1.1\r\nHost: ")
    elif name == "readers that do not read":
        keep_asking(port, [b"".join(ask(path) for path in paths)], 200, drain=False)
    elif name == "wrong tokens":
        keep_asking(port, [ask("/api/v1/status", f"Authorization: Bearer wrong-{n}\r\n") for n in range(100)], 60)
    elif name == "connections":
        hurry(port, ask("/healthz"))
    elif name == "handshakes":
        shake(port, 1000)


ATTACKS = ("nobody", "readers", "many readers of one page", "histories", "bodies that drip", "headers that drip", "readers that do not read", "wrong tokens",
           "connections")


def greet(ports):
    """What is watched: says "ready" to whoever connects. The first port is free to name; a line on standard input closes the second, a next one
    opens it again."""
    picked = selectors.DefaultSelector()
    servers = []
    for port in ports:
        server = socket.create_server(("127.0.0.1", port), backlog=128)
        server.setblocking(False)
        picked.register(server, selectors.EVENT_READ)
        servers.append(server)
    picked.register(sys.stdin, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in picked.select():
            if key.fileobj is sys.stdin:
                if not sys.stdin.readline():
                    return
                if servers[1].fileno() >= 0:
                    picked.unregister(servers[1])
                    servers[1].close()
                else:
                    servers[1] = socket.create_server(("127.0.0.1", ports[1]), backlog=128)
                    servers[1].setblocking(False)
                    picked.register(servers[1], selectors.EVENT_READ)
                print("ready", flush=True)
                continue
            try:
                one, _ = key.fileobj.accept()
                one.send(b"220 ready\r\n")
                one.close()
            except OSError:
                pass


class Flooded(unittest.TestCase):
    attacks, secure = ATTACKS, False

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="drwatch-flood-")
        cls.processes = []
        cls.served = Served(cls.folder, TOKEN, PATIENCE)
        cls.port = cls.served.port
        target, mortal = free_ports(2)
        cls.targets = cls.spawn([sys.executable, os.path.abspath(__file__), "greet", str(target), str(mortal)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)
        cls.targets.stdout.readline()
        os.makedirs(os.path.join(cls.folder, "scenarios"))

        def write(name, text):
            with open(os.path.join(cls.folder, name), "w", encoding="utf-8") as file:
                file.write(text)

        write("key", KEY)
        tls = ""
        if cls.secure:
            key, certificate = os.path.join(cls.folder, "tls.key"), os.path.join(cls.folder, "tls.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext",
                            "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
            tls = 'tls = { certificate = "tls.pem", key = "tls.key" }'
            cls.served.trust = ssl.create_default_context(cafile=certificate)
        write("drwatch.toml", MAIN.format(port=cls.port, mortal=mortal, tls=tls) + "".join(PROBE.format(n=n, target=target) for n in range(TARGETS)))
        guide = "\n\n".join(f"Paragraph {n} of what a responder reads, *with* `markdown` in it." for n in range(120))
        for component in ("web", "spare", "cron"):
            write(f"scenarios/{component}-outage.toml", OUTAGE.format(component=component, guide=guide))
        for n in range(12):
            write(f"scenarios/page-{n}.toml", OUTAGE.format(component="web", guide=guide).replace("web is down", "web is unknown"))
        write("scenarios/work.toml", WORK)
        cls.log = open(os.path.join(cls.folder, "log"), "wb")
        cls.drwatch = cls.spawn([PROGRAM, "serve", "--config", os.path.join(cls.folder, "drwatch.toml")], stdout=cls.log, stderr=cls.log)
        end = time.monotonic() + PATIENCE
        while cls.status_of("GET", "/readyz") != 200:
            if time.monotonic() > end or cls.drwatch.poll() is not None:
                raise AssertionError("drwatch does not begin: " + cls.said())
            time.sleep(0.1)
        # A long night: an incident with many notes, and a history of thousands of events.
        _, opened = cls.ask("POST", "/api/v1/incidents", {"scenario": "work"})
        cls.incident = opened["id"]
        for n in range(120):
            cls.ask("POST", f"/api/v1/incidents/{cls.incident}/notes", {"text": f"note {n} " + "n" * 9000})
        for n in range(400):
            cls.ask("POST", "/api/v1/signals/drill-signal", {"state": "raised" if n % 2 else "clear"})
        paths, real = routes()
        real["id"] = cls.incident
        # Named by its content, as the pages name it.
        real["file"] = re.search(r"/assets/([^\"]+\.css)", cls.served.exchange("GET", "/login")[2])[1]
        cls.paths = [re.sub(r"\{(\w+)\}", lambda name: real[name[1]], path) for path in paths]

    @classmethod
    def tearDownClass(cls):
        for process in cls.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()
        cls.log.close()
        shutil.rmtree(cls.folder)

    @classmethod
    def spawn(cls, command, **more):
        process = subprocess.Popen(command, preexec_fn=die_with_parent, **more)
        cls.processes.append(process)
        return process

    @classmethod
    def said(cls):
        with open(os.path.join(cls.folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-1500:]

    @classmethod
    def ask(cls, method, path, body=None, patience=PATIENCE):
        return cls.served.ask(method, path, body, patience=patience)

    @classmethod
    def status_of(cls, method, path):
        try:
            return cls.ask(method, path)[0]
        except (OSError, http.client.HTTPException):
            return None

    def flood(self, name):
        return self.spawn(["nice", "-n", "5", sys.executable, os.path.abspath(__file__), "attack", name, str(self.port), *self.paths])

    def stop(self, process):
        process.kill()
        process.wait()

    def runs(self):
        """{(probe, outcome): how many}, of the targets."""
        _, page = self.ask("GET", "/metrics")
        found = re.findall(r'^drwatch_probe_runs_total\{probe="(target-\d+)",outcome="(\w+)"\} (\d+)', page, re.M)
        return {(probe, outcome): int(count) for probe, outcome, count in found}

    def turns(self):
        """[(bound in seconds as text, how many of the loop's turns were not later)]"""
        _, page = self.ask("GET", "/metrics")
        return [(bound, int(count)) for bound, count in re.findall(r'^drwatch_loop_lag_seconds_bucket\{le="([^"]+)"\} (\d+)', page, re.M)]

    def latest_turn(self, before):
        """The bound under which all of the loop's turns since `before` came, in seconds."""
        new = [(bound, count - old) for (bound, count), (_, old) in zip(self.turns(), before)]
        return next(bound for bound, count in new if count == new[-1][1])

    def test_1_under_every_attack_the_watch_goes_on(self):
        print("\nthe slowest, in ms            heartbeat      note   healthz    a turn of the loop", file=sys.stderr)
        for name in self.attacks:
            with self.subTest(name):
                before, turns, began = self.runs(), self.turns(), time.monotonic()
                flood = self.flood(name)
                pings, notes, healths = [], [], []
                try:
                    while time.monotonic() - began < SECONDS:
                        asked = time.monotonic()
                        status, _ = self.ask("POST", f"/ping/{KEY}/log", patience=5)
                        pings.append(time.monotonic() - asked)
                        self.assertEqual(status, 200, "a heartbeat")
                        asked = time.monotonic()
                        status, answer = self.ask("POST", f"/api/v1/incidents/{self.incident}/notes", {"text": f"under {name}"}, patience=10)
                        notes.append(time.monotonic() - asked)
                        self.assertEqual(status, 200, "a responder")
                        self.assertLess(len(json.dumps(answer)), 400_000)
                        asked = time.monotonic()
                        self.assertEqual(self.status_of("GET", "/healthz"), 200)
                        healths.append(time.monotonic() - asked)
                        time.sleep(0.25)
                    self.assertIsNone(flood.poll(), "the attack goes on")
                    after, took = self.runs(), time.monotonic() - began
                finally:
                    self.stop(flood)
                for probe in {probe for probe, _ in before}:
                    seen = {outcome: after[probe, outcome] - before[probe, outcome] for outcome in ("up", "degraded", "down", "unknown")}
                    self.assertEqual(sum(seen.values()), seen["up"], f"{probe}: {seen}")
                    self.assertGreaterEqual(seen["up"], int(took) - 1, f"{probe}: runs lost in {took:.1f} s")
                print(f"{name:26} {max(pings) * 1000:9.0f} {max(notes) * 1000:9.0f} {max(healths) * 1000:9.0f}    <= "
                      f"{float(self.latest_turn(turns)) * 1000:.0f}", file=sys.stderr)
        with open(f"/proc/{self.drwatch.pid}/status", encoding="ascii") as file:
            peak = int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) << 10
        print(f"peak memory {peak >> 20} MB", file=sys.stderr)
        self.assertLess(peak, MEMORY)
        _, incidents = self.ask("GET", "/api/v1/incidents?state=open")
        self.assertEqual([each["id"] for each in incidents["incidents"]], [self.incident])

    def opens_after(self):
        """Ends the mortal target; how long until its incident is open. Then it comes back, and the incident is resolved."""
        began = time.monotonic()
        self.toggle()
        scenario = "spare-outage"
        while True:
            _, found = self.ask("GET", "/api/v1/incidents?state=open")
            opened = [each["id"] for each in found["incidents"] if each["scenario"] == scenario]
            if opened:
                break
            self.assertLess(time.monotonic() - began, PATIENCE, "it never opens")
            time.sleep(0.05)
        took = time.monotonic() - began
        self.toggle()
        end = time.monotonic() + PATIENCE
        while self.ask("GET", "/api/v1/probes/mortal")[1]["health"] != "up":
            self.assertLess(time.monotonic(), end, "it does not come back")
            time.sleep(0.1)
        self.ask("POST", f"/api/v1/incidents/{opened[0]}/resolve", {"force": True, "note": "it was the test"})
        return took

    def toggle(self):
        self.targets.stdin.write(b"\n")
        self.targets.stdin.flush()
        self.targets.stdout.readline()

    def test_2_what_is_truly_down_is_found_in_time(self):
        usual = self.opens_after()
        flood = self.flood("readers")
        try:
            flooded = self.opens_after()
        finally:
            self.stop(flood)
        print(f"an incident opens after {usual:.1f} s, in a flood after {flooded:.1f} s", file=sys.stderr)
        self.assertLess(flooded, 2 * usual + 1)

    def test_3_it_ends_when_told_to(self):
        flood = self.flood("many readers of one page")
        try:
            time.sleep(1)
            began = time.monotonic()
            self.drwatch.send_signal(signal.SIGTERM)
            self.assertEqual(self.drwatch.wait(PATIENCE), 0, self.said())
            self.assertLess(time.monotonic() - began, 15)
        finally:
            self.stop(flood)


class FloodedOverTls(Flooded):
    """The same under TLS, where each connection costs the server a signature before anything was asked."""
    attacks, secure = ("nobody", "handshakes", "headers that drip"), True
    test_2_what_is_truly_down_is_found_in_time = test_3_it_ends_when_told_to = None


if __name__ == "__main__":
    if sys.argv[1:2] == ["attack"]:
        attack(sys.argv[2], int(sys.argv[3]), sys.argv[4:])
    elif sys.argv[1:2] == ["greet"]:
        greet([int(port) for port in sys.argv[2:]])
    else:
        unittest.main()
