#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""drwatch serve, killed with SIGKILL at random moments under load, again and again: nothing that it acknowledged is lost, nothing is done twice.
And the other ways in which it starts and ends.

    DRWATCH=build/dev/drwatch [KILLS=120] [SEED=1] tests/end_to_end/kill.py [-v]
"""
import http.client
import http.server
import json
import os
import random
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import PROGRAM, Served, die_with_parent, free_ports  # noqa: E402

KILLS = int(os.environ.get("KILLS", "120"))
SEED = int(os.environ.get("SEED", random.randrange(1 << 30)))
TOKEN = "kill-token-0123456789"
JOBS = ("alpha", "beta", "gamma")
STEPS = ("first", "second")
PATIENCE = 20  # seconds for what takes milliseconds on an idle machine

MAIN = """
[server]
listen = "127.0.0.1:{port}"
[server.tokens.oncall]
role   = "responder"
secret = {{ file = "token" }}
[journal]
path = "{journal}"
[defaults]
interval = "200ms"
retry    = "100ms"
timeout  = "200ms"
[component.web]
[component.cron]
[probe.page]
component = "web"
kind      = "http"
target    = "http://127.0.0.1:{http}/"
[probe.banner]
component = "web"
kind      = "tcp"
target    = "127.0.0.1:{tcp}"
expect    = "ready"
[scenarios]
path = "scenarios"
"""
JOB = """
[probe.{name}]
component = "cron"
kind      = "heartbeat"
period    = "1h"
key       = {{ file = "{name}.key" }}
"""
OUTAGE = """
title   = "{title}"
summary = "It fails."
affects = ["{component}"]
reopen_within = "3s"
[trigger]
any = ["{component} is down"]
for = "100ms"
[exit]
by  = "health"
for = "100ms"
[[step]]
id    = "look"
title = "Look"
"""
WORK = """
title   = "Work for many hands"
summary = "Opened by people."
affects = ["web"]
[exit]
by = "steps"
[[step]]
id       = "never"
title    = "Keeps it open"
critical = true
[[step]]
id    = "first"
title = "First"
after = []
[[step]]
id    = "second"
title = "Second"
after = []
"""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.server.good else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Banner(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"220 ready\r\n" if self.server.good else b"421 out of order\r\n")


class Quiet:
    """The daemon dies in the middle of calls: that is no error of the server that it called."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass


class PageServer(Quiet, socketserver.ThreadingMixIn, http.server.HTTPServer):
    pass


class BannerServer(Quiet, socketserver.ThreadingMixIn, socketserver.TCPServer):
    pass


class Platform:
    """What drwatch watches: both parts flip between good and bad."""

    def __init__(self):
        self.servers = [PageServer(("127.0.0.1", 0), Page), BannerServer(("127.0.0.1", 0), Banner)]
        for server in self.servers:
            server.good = True
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.http, self.tcp = (server.server_address[1] for server in self.servers)

    def flip(self, dice):
        for server in self.servers:
            server.good = dice.random() < 0.5

    def stop(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()


class Drwatch(Served):
    """A configuration in a folder, and the process that runs on it."""

    def __init__(self, folder, platform):
        super().__init__(folder, TOKEN, PATIENCE)
        self.platform = platform
        for job in JOBS:
            self.write(job + ".key", "key-of-" + job)
        self.config = self.write_main("drwatch.toml", self.port, "journal.db")
        self.write("scenarios/web-outage.toml", OUTAGE.format(title="Web outage", component="web"))
        self.write("scenarios/cron-failure.toml", OUTAGE.format(title="Cron failure", component="cron"))
        self.write("scenarios/work.toml", WORK)

    def write_main(self, name, port, journal):
        text = MAIN.format(port=port, journal=journal, http=self.platform.http, tcp=self.platform.tcp)
        return self.write(name, text + "".join(JOB.format(name=job) for job in JOBS))

    def ask(self, method, path, body=None, key=None, patience=None):
        status, headers, text = self.exchange(method, path, body, key, patience)
        if path.startswith("/ping/") and headers.get("Drwatch-Durable") == "false":
            return 0, text
        return status, json.loads(text) if text[:1] in "{[" else text


def run(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60, check=False)


class Load:
    """Hands that work on one drwatch after another. What was not answered is asked again with the same key, until it is."""

    def __init__(self, drwatch):
        self.drwatch = drwatch
        self.lock = threading.Lock()
        self.alive, self.over = threading.Event(), False
        self.incident = None     # the one to work on
        self.texts = {}          # acknowledged text: incident
        self.starts = {}         # acknowledged incident: started_at
        self.pings = dict.fromkeys(JOBS, 0)  # the number of the last acknowledged one
        self.acks = set()
        self.asked_again = self.repeated = self.refused = self.not_durable = 0
        self.wrong = []
        self.threads = [threading.Thread(target=self.work, args=(n,), daemon=True) for n in (self.notes, self.notes, self.acknowledge)]
        self.threads += [threading.Thread(target=self.work, args=(self.steps, step), daemon=True) for step in STEPS]
        self.threads += [threading.Thread(target=self.work, args=(self.ping, job), daemon=True) for job in JOBS]
        for thread in self.threads:
            thread.start()

    def work(self, hand, *what):
        try:
            number = threading.get_ident() % 100000
            for turn in range(1, 1 << 30):
                self.alive.wait()
                if self.over:
                    return
                hand(f"{number}-{turn}", turn, *what)
                time.sleep(0.015)
        except BaseException as error:  # whatever it is, the test must hear of it
            self.wrong.append(f"{hand.__name__}: {type(error).__name__}: {error}")

    def insist(self, method, path, body, key):
        """Until there is an answer, over as many lives as it takes; None when the test is over."""
        tried = 0
        while not self.over:
            self.alive.wait()
            try:
                tried += 1
                status, answer = self.drwatch.ask(method, path, body, key)
            except (OSError, http.client.HTTPException):
                self.asked_again += 1
                time.sleep(0.01)
                continue
            if status == 503:
                continue
            return status, answer
        return None

    def post(self, incident, path, body, key):
        """The answer, when it was good and durable."""
        result = self.insist("POST", f"/api/v1/incidents/{incident}{path}", body, key)
        if result is None:
            return None
        status, answer = result
        if status == 409:
            self.refused += 1
            return None
        if status not in (200, 201):
            raise AssertionError(f"{path}: {status} {answer}")
        if not answer["durable"]:
            self.not_durable += 1
            return None
        with self.lock:
            if self.starts.setdefault(answer["id"], answer["started_at"]) != answer["started_at"]:
                self.wrong.append(f"{answer['id']} started at {answer['started_at']}, was {self.starts[answer['id']]}")
        return answer

    def notes(self, name, _):
        incident, text = self.incident, f"note {name}"
        if self.post(incident, "/notes", {"text": text}, "note-" + name):
            with self.lock:
                self.texts[text] = incident

    def steps(self, name, turn, step):
        incident, text = self.incident, f"step {step} {name}"
        if self.post(incident, "/steps/" + step, {"action": "done" if turn % 2 else "undo", "note": text}, f"step-{step}-{name}"):
            with self.lock:
                if turn % 2:  # an undo of what is open already changes nothing, and says nothing
                    self.texts[text] = incident

    def acknowledge(self, name, _):
        incident = self.incident
        if self.post(incident, "/ack", {}, "ack-" + name):
            with self.lock:
                self.acks.add(incident)

    def ping(self, _, turn, job):
        result = self.insist("POST", f"/ping/key-of-{job}/fail", f"number {turn}.", None)
        if result and result[0] == 200:
            self.pings[job] = turn

    def finish(self):
        self.over = True
        self.alive.set()
        for thread in self.threads:
            thread.join(PATIENCE)


class OnAFolder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="drwatch-kill-")
        self.platform = Platform()
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.addCleanup(self.platform.stop)
        self.drwatch = Drwatch(self.folder, self.platform)
        self.addCleanup(self.kill_left_over)

    def kill_left_over(self):
        self.drwatch.kill()


class Killed(OnAFolder):
    def new_incident(self, load, number):
        """Ends the incident that everybody works on, and opens the next."""
        if load.incident:
            load.post(load.incident, "/resolve", {"force": True, "note": "enough"}, f"resolve-{number}")
        status, answer = self.drwatch.ask("POST", "/api/v1/incidents", {"scenario": "work"}, f"open-{number}")
        self.assertIn(status, (200, 201), answer)
        load.incident = answer["id"]
        if answer["durable"]:
            load.starts[answer["id"]] = answer["started_at"]

    def verify(self, load):
        """All that was acknowledged is there, once."""
        with load.lock:
            texts, starts, acks = dict(load.texts), dict(load.starts), set(load.acks)
        pings = dict(load.pings)
        incidents = self.drwatch.get("incidents")["incidents"]
        opened = [i["scenario"] for i in incidents if i["state"] == "open"]
        self.assertEqual(len(opened), len(set(opened)), f"more than one open incident a scenario: {opened}")
        known = {i["id"]: i for i in incidents}
        for incident, started_at in starts.items():
            self.assertIn(incident, known, "an acknowledged incident is gone")
            self.assertEqual(known[incident]["started_at"], started_at, incident)
        for incident in acks:
            self.assertIsNotNone(known[incident]["acknowledged_at"], f"{incident} is no longer acknowledged")
        said = {i: self.said(i) for i in starts}
        for text, incident in texts.items():
            self.assertEqual(said[incident].count(text), 1, f"'{text}' stands in {incident} so many times")
        for job, number in pings.items():
            if number:
                probe = self.drwatch.get("probes/" + job)
                told = re.search(r"number (\d+)\.", probe["message"] or json.dumps(probe["last"]))
                self.assertIsNotNone(told, f"{job}: {probe['message']}")
                last = re.search(r"number (\d+)\.", json.dumps(probe["last"]))
                self.assertGreaterEqual(int((last or told)[1]), number, f"a ping of {job} is lost")
        return len(texts) + len(starts) + len(acks) + sum(1 for n in pings.values() if n)

    def said(self, incident):
        timeline = self.drwatch.get("incidents/" + incident)["timeline"]
        return [e["body"].get("text") or e["body"].get("note") for e in timeline]

    def test_nothing_acknowledged_is_lost(self):
        dice = random.Random(SEED)
        print(f"seed {SEED}, {KILLS} kills", flush=True)
        began = time.monotonic()
        self.drwatch.start()
        load = Load(self.drwatch)
        self.addCleanup(load.finish)
        for life in range(KILLS):
            if life == 0:
                self.new_incident(load, life)
            load.alive.set()
            if life % 25 == 24:
                self.new_incident(load, life)
            self.platform.flip(dice)
            time.sleep(min(0.7, 0.05 + dice.expovariate(6)))
            self.drwatch.process.kill()
            load.alive.clear()
            self.drwatch.process.wait()
            self.drwatch.start()
            if life % 10 == 9:
                self.verify(load)
            self.assertEqual(load.wrong, [])
        load.finish()
        found = self.verify(load)
        events = self.drwatch.get("incidents")["incidents"]
        print(f"{KILLS} kills in {time.monotonic() - began:.0f} s: {len(load.texts)} notes and steps, {len(load.acks)} acknowledgements, "
              f"{len(load.starts)} incidents and {sum(load.pings.values())} pings were acknowledged, and all are there ({found} looked at); "
              f"{load.asked_again} calls had no answer and were repeated, {load.refused} refused, {load.not_durable} not durable; "
              f"{len(events)} incidents in all", flush=True)
        self.assertEqual(load.wrong, [])
        self.assertGreater(len(load.texts), KILLS, "there was hardly any load")
        self.assertGreater(load.asked_again, KILLS / 4, "hardly any call was killed in the middle")
        self.assertTrue(any(i["scenario"] == "web-outage" for i in events), "the platform's outages were seen")
        self.assertEqual(self.drwatch.end(signal.SIGTERM), 0)
        verified = run("journal", "verify", self.drwatch.path("journal.db"))
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        self.assertNotIn("bug in drwatch", self.drwatch.log())
        self.assertNotIn("damaged", self.drwatch.log())


class StartsAndEnds(OnAFolder):
    def refused(self, config):
        done = run("serve", "--config", config)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        return done.stderr.strip().splitlines()

    def test_a_second_one_does_not_start(self):
        self.drwatch.start()
        lines = self.refused(self.drwatch.write_main("same-journal.toml", free_ports(1)[0], "journal.db"))
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("in use by another drwatch", lines[0])
        os.symlink(self.folder, self.drwatch.path("linked"))
        lines = self.refused(self.drwatch.write_main("linked-journal.toml", free_ports(1)[0], "linked/journal.db"))
        self.assertIn("in use by another drwatch", lines[0])
        os.remove(self.drwatch.path("journal.db.lock"))
        lines = self.refused(self.drwatch.write_main("same-journal.toml", free_ports(1)[0], "journal.db"))
        self.assertIn("in use by another drwatch", lines[0])
        self.assertEqual(run("journal", "verify", self.drwatch.path("journal.db")).returncode, 0)
        self.assertIn("daemon.started", run("journal", "show", self.drwatch.path("journal.db")).stdout)
        copied = run("journal", "backup", self.drwatch.path("copy.db"), "--config", self.drwatch.config)
        self.assertEqual(copied.returncode, 0, copied.stdout + copied.stderr)
        self.assertIn("daemon.started", run("journal", "show", self.drwatch.path("copy.db")).stdout)
        again = run("journal", "backup", self.drwatch.path("copy.db"), "--journal", self.drwatch.path("journal.db"))
        self.assertEqual((again.returncode, again.stderr.count("\n")), (2, 1), again.stderr)
        lines = self.refused(self.drwatch.write_main("same-port.toml", self.drwatch.port, "other.db"))
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(str(self.drwatch.port), lines[0])
        self.assertEqual(self.drwatch.get("status")["durable"], True)
        self.assertEqual(self.drwatch.end(signal.SIGTERM), 0)

    def test_it_ends_when_told(self):
        for how in (signal.SIGTERM, signal.SIGINT) * 3:
            self.drwatch.start()
            self.assertEqual(self.drwatch.end(how), 0, "the moment it listens")
        self.assertEqual(run("journal", "verify", self.drwatch.path("journal.db")).returncode, 0)

    def test_who_reads_events_goes_on_behind_a_restart(self):
        self.drwatch.start()
        self.until(lambda: self.drwatch.get("events?limit=1000")["events"][-1:], "events")
        self.assertEqual(self.drwatch.end(signal.SIGTERM), 0)
        self.drwatch.start()
        page = [e["seq"] for e in self.drwatch.get("events?after=2&limit=1000")["events"]]
        self.assertEqual(page, list(range(3, 3 + len(page))))
        with socket.create_connection(("127.0.0.1", self.drwatch.port), timeout=PATIENCE) as reader:
            reader.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nAccept: text/event-stream\r\n"
                           "Last-Event-ID: 2\r\n\r\n".encode())
            told = ""
            while told.count("id: ") < len(page):
                told += reader.recv(65536).decode(errors="replace")
        self.assertEqual([int(seq) for seq in re.findall(r"^id: (\d+)", told, re.M)][:len(page)], page)
        self.assertEqual(self.drwatch.end(signal.SIGTERM), 0)

    def open_work(self):
        """An incident with a ticked step, on the disk."""
        status, answer = self.drwatch.ask("POST", "/api/v1/incidents", {"scenario": "work"}, "open")
        self.assertIn(status, (200, 201), answer)
        self.note(answer["id"], "before")
        status, ticked = self.drwatch.ask("POST", f"/api/v1/incidents/{answer['id']}/steps/first", {"action": "done"}, "tick")
        self.assertEqual((status, ticked["durable"]), (200, True), ticked)
        return answer["id"]

    def note(self, incident, text):
        status, answer = self.drwatch.ask("POST", f"/api/v1/incidents/{incident}/notes", {"text": text}, text)
        self.assertIn(status, (200, 201), answer)
        return answer["durable"]

    def goes_on(self, incident, started_at):
        there = self.drwatch.get("incidents/" + incident)
        self.assertEqual((there["state"], there["started_at"]), ("open", started_at))
        self.assertEqual({s["id"]: s["state"] for s in there["steps"]}["first"], "done")
        return [e["body"].get("text") for e in there["timeline"]]

    def test_a_journal_that_lost_its_last_page_goes_on(self):
        self.drwatch.start()
        incident = self.open_work()
        started_at = self.drwatch.get("incidents/" + incident)["started_at"]
        self.assertEqual(self.drwatch.end(signal.SIGTERM), 0)
        journal = self.drwatch.path("journal.db")
        for companion in ("-wal", "-shm"):
            if os.path.exists(journal + companion):
                os.remove(journal + companion)
        os.truncate(journal, os.path.getsize(journal) - 4096)
        with open(journal, "rb") as file:
            torn = file.read()
        self.assertEqual(run("journal", "verify", journal).returncode, 1)
        self.assertIn("incident.opened", run("journal", "show", journal).stdout)
        self.drwatch.start()
        self.goes_on(incident, started_at)
        aside = [name for name in os.listdir(self.folder) if re.search(r"\.damaged-[0-9TZ]+$", name)]
        self.assertEqual(len(aside), 1, aside)
        with open(self.drwatch.path(aside[0]), "rb") as file:
            self.assertEqual(file.read(), torn, "the damaged file is not as it was found")
        self.assertIn(aside[0], self.drwatch.log())
        self.assertEqual(self.drwatch.end(signal.SIGTERM), 0)
        self.assertEqual(run("journal", "verify", journal).returncode, 0)

    def test_events_that_were_never_written_are_told(self):
        self.drwatch.start()
        incident = self.open_work()
        os.remove(self.drwatch.path("journal.db"))
        self.assertFalse(self.note(incident, "into nothing"))
        self.until(lambda: not self.drwatch.get("status")["durable"], "it does not say that the journal fails")
        self.assertEqual(self.drwatch.end(signal.SIGTERM), 1)
        told = re.findall(r"^drwatch: (\d+) events were never written: the journal (\S+) could", self.drwatch.log(), re.M)
        self.assertEqual([path for _, path in told], [self.drwatch.path("journal.db")])
        self.assertGreaterEqual(int(told[0][0]), 2)  # the note, that it failed, that it stopped
        self.drwatch.start()
        # The log is written beside the loop.
        self.until(lambda: "there is no journal at " + self.drwatch.path("journal.db") + " any more" in self.drwatch.log(), "it is not told")
        self.assertEqual(self.drwatch.end(signal.SIGTERM), 0)

    def test_a_log_that_is_emptied_under_it_is_written_again(self):
        self.drwatch.start()
        incident = self.open_work()
        started_at = self.drwatch.get("incidents/" + incident)["started_at"]
        os.truncate(self.drwatch.path("journal.db-wal"), 0)
        self.assertTrue(self.note(incident, "behind it"))
        self.drwatch.process.kill()
        self.drwatch.process.wait()
        self.drwatch.start()
        said = self.goes_on(incident, started_at)
        self.assertIn("before", said)
        self.assertIn("behind it", said)
        self.assertEqual(self.drwatch.end(signal.SIGTERM), 0)
        self.assertEqual(run("journal", "verify", self.drwatch.path("journal.db")).returncode, 0)

    def test_a_key_is_for_one_request(self):
        self.drwatch.start()
        incident = self.open_work()
        note = f"/api/v1/incidents/{incident}/notes"

        def taken():
            return [e["kind"] for e in self.drwatch.get("incidents/" + incident)["timeline"]].count("incident.acknowledged")

        before = taken()
        for path, body in ((note, {"text": "another"}), (f"/api/v1/incidents/{incident}/ack", {})):
            self.assertEqual(self.drwatch.ask("POST", note, {"text": "one"}, "a-key")[0], 200)
            status, answer = self.drwatch.ask("POST", path, body, "a-key")
            self.assertEqual(status, 422, answer)
        there = self.drwatch.get("incidents/" + incident)
        self.assertEqual([e["body"]["text"] for e in there["timeline"] if e["kind"] == "incident.noted"].count("one"), 1)
        self.assertEqual(taken(), before)
        self.drwatch.end(signal.SIGKILL)
        self.drwatch.start()
        self.assertEqual(self.drwatch.ask("POST", note, {"text": "another"}, "a-key")[0], 422, "a restart does not forget it")
        self.assertEqual(self.drwatch.ask("GET", "/api/v1/incidents?state=opened")[0], 400)
        with socket.create_connection(("127.0.0.1", self.drwatch.port), timeout=PATIENCE) as reader:
            reader.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nAccept: text/event-stream\r\n"
                           "Last-Event-ID: 999999\r\n\r\n".encode())
            time.sleep(0.3)
            self.note(incident, "after all")
            told = ""
            while "after all" not in told:
                told += reader.recv(65536).decode(errors="replace")
        self.assertEqual(self.drwatch.end(signal.SIGTERM), 0)

    def until(self, holds, what):
        end = time.monotonic() + PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.02)

    def test_all_problems_of_a_configuration_are_told(self):
        with open(self.drwatch.config, encoding="utf-8") as file:
            text = file.read()
        broken = self.drwatch.write("broken.toml", text.replace('kind      = "tcp"', 'kind      = "tpc"').replace('retry    = "100ms"', 'retry    = 5')
                                    + '\n[component.web2]\ndepends_on = ["nowhere"]\n')
        told = "\n".join(self.refused(broken))
        for word in ("tpc", "retry", "nowhere"):
            self.assertIn(word, told)

    def test_a_broken_file_is_refused_while_it_runs(self):
        self.drwatch.start()
        before = self.drwatch.get("status")
        with open(self.drwatch.config, encoding="utf-8") as file:
            text = file.read()
        self.drwatch.write("drwatch.toml", text + "\n[component.web2]\ndepends_on = [\"nowhere\"]\n")
        self.drwatch.process.send_signal(signal.SIGHUP)
        self.reloaded(0)
        after = self.drwatch.get("status")
        self.assertEqual([c["name"] for c in after["components"]], [c["name"] for c in before["components"]])
        self.assertIn("nowhere", self.drwatch.log())
        self.drwatch.write("drwatch.toml", text + "\n[component.web2]\n")
        self.drwatch.process.send_signal(signal.SIGHUP)
        self.reloaded(1)
        self.assertIn("web2", [c["name"] for c in self.drwatch.get("status")["components"]])
        self.assertEqual(self.drwatch.end(signal.SIGTERM), 0)

    def test_a_certificate_that_cannot_be_used_is_refused(self):
        with open(self.drwatch.config, encoding="utf-8") as file:
            plain = file.read()
        text = plain.replace("[server]\n", '[server]\ntls = { certificate = "cert.pem", key = "key.pem" }\n', 1)
        self.drwatch.write("drwatch.toml", text)
        self.assertIn("cert.pem", "\n".join(self.refused(self.drwatch.config)))
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                               "-subj", "/CN=localhost", "-keyout", self.drwatch.path("key.pem"), "-out", self.drwatch.path("cert.pem")],
                              capture_output=True, check=False)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.drwatch.start()
        self.until(lambda: "the page is at https" in self.drwatch.log(), "it serves")
        self.drwatch.write("cert.pem", "rubbish")
        told = run("check", "--config", self.drwatch.config)
        self.assertEqual(told.returncode, 1, told.stdout)
        self.assertIn("cannot use the certificate", told.stdout)
        self.drwatch.process.send_signal(signal.SIGHUP)
        self.until(lambda: "configuration.refused" in self.drwatch.log(), "the log says so")
        self.assertIn("cannot use the certificate", self.drwatch.log())
        self.assertEqual(self.drwatch.end(signal.SIGTERM), 0)

    def reloaded(self, well):
        self.until(lambda: f"drwatch_config_last_reload_successful {well}" in self.drwatch.ask("GET", "/metrics")[1],
                   "the reload is not seen in the metrics")


if __name__ == "__main__":
    unittest.main(verbosity=2)
