#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sample Alertmanager configuration, run: a real drwatch tells a real Alertmanager, which pages by PagerDuty's and Slack's interfaces and writes to a real
mail server.

    DRWATCH=build/dev/drwatch tests/alerting/receivers.py [-v]
"""
import email
import email.policy
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "end_to_end"), str(HERE.parent)]
from served import PROGRAM, Served, die_with_parent, free_ports  # noqa: E402
import skipped  # noqa: E402

SAMPLE = HERE.parents[1] / "config/alertmanager/alertmanager.yml"
PATIENCE = 60
PASSWORD, ROUTING_KEY = "mail-pass-0123456789", "pagerduty-routing-key-000000000000"
TOKEN = "receivers-token-0123456789"
MAIN = """
[server]
listen = "127.0.0.1:{port}"
[server.tokens.oncall]
role   = "responder"
secret = {{ file = "token" }}
[journal]
path = "journal.db"
[alertmanager]
urls = ["{alertmanager}"]
[component.shop]
[probe.front]
component = "shop"
kind      = "tcp"
target    = "127.0.0.1:{port}"
[scenarios]
path = "scenarios"
"""
SCENARIO = """
title    = "The {name} is gone"
severity = "{severity}"
affects  = ["shop"]
[[step]]
id       = "restore"
title    = "Restore the {name}"
critical = true
expect   = "5m"
"""


class Fake:
    """PagerDuty, Slack and whoever is called by the watchdog: takes what is posted and keeps it."""

    def __init__(self):
        self.taken = taken = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                taken.append((self.path, body))
                pagerduty = self.path == "/v2/enqueue"
                answer = b'{"status": "success", "message": "Event processed", "dedup_key": "x"}' if pagerduty else b"ok"
                self.send_response(202 if pagerduty else 200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def sent(self, path):
        return [body for at, body in list(self.taken) if at == path]

    def pages(self, action, words):
        return [body for body in self.sent("/v2/enqueue") if body["event_action"] == action and words in json.dumps(body)]

    def chat(self, channel, words):
        return [one["attachments"][0] for one in self.sent("/slack") if one.get("channel") == channel and words in one["attachments"][0]["title"]]


class Receivers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if subprocess.run(["/usr/bin/python3", "-c", "import aiosmtpd"], capture_output=True).returncode:
            skipped.skip_here("receivers", "Debian's Python has no aiosmtpd; '.ci/install .ci/packages.txt' installs it")
            raise unittest.SkipTest("no aiosmtpd")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="drwatch-receivers-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.fake = Fake()
        cls.addClassCleanup(cls.fake.server.shutdown)
        cls.mails = cls.folder / "mails"
        cls.mails.mkdir()
        cls.smtp, cls.port = free_ports(2)
        cls.certificate()
        cls.spawn("mail", ["/usr/bin/python3", str(HERE / "mail_server.py"), str(cls.smtp), str(cls.mails), cls.at("cert.pem"), cls.at("key.pem"),
                           "drwatch@example.org", PASSWORD], cls.smtp)
        cls.configure()
        cls.url = f"http://127.0.0.1:{cls.port}"
        cls.spawn("alertmanager", ["prometheus-alertmanager", "--config.file=" + cls.at("alertmanager.yml"), "--storage.path=" + cls.at("data"),
                                   f"--web.listen-address=127.0.0.1:{cls.port}", "--cluster.listen-address="], cls.port)
        cls.served = Served(str(cls.folder / "drwatch"), TOKEN, PATIENCE)
        cls.served.write("drwatch.toml", MAIN.format(port=cls.served.port, alertmanager=cls.url))
        cls.served.write("scenarios/loss.toml", SCENARIO.format(name="shop", severity="critical"))
        cls.served.write("scenarios/nuisance.toml", SCENARIO.format(name="bell", severity="warning"))
        cls.served.start()
        cls.addClassCleanup(cls.served.kill)

    @classmethod
    def at(cls, name):
        return str(cls.folder / name)

    @classmethod
    def certificate(cls):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=mail",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", cls.at("key.pem"), "-out", cls.at("cert.pem")], check=True, capture_output=True)

    @classmethod
    def configure(cls):
        """The shipped file with other addresses and files; and it does not wait a minute before it says that something is over."""
        text = SAMPLE.read_text()
        for before, after in (("https://events.pagerduty.com/v2/enqueue", cls.fake.url + "/v2/enqueue"), ("smtp.example.org:587", f"127.0.0.1:{cls.smtp}"),
                              ("https://deadman.example.org/ping", cls.fake.url + "/deadman"), ("/etc/prometheus/secrets/", cls.at("") + "/"),
                              ("group_interval: 1m", "group_interval: 1s"),
                              ("- to: oncall@example.org\n", f"- to: oncall@example.org\n        tls_config: {{ca_file: {cls.at('cert.pem')}}}\n")):
            assert before in text, before
            text = text.replace(before, after)
        (cls.folder / "alertmanager.yml").write_text(text)
        (cls.folder / "smtp-password").write_text(PASSWORD)
        (cls.folder / "pagerduty-routing-key").write_text(ROUTING_KEY)
        (cls.folder / "slack-webhook").write_text(cls.fake.url + "/slack")

    @classmethod
    def spawn(cls, name, command, port):
        with open(cls.folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent)
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.kill)
        end = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"{name} does not listen: " + (cls.folder / f"{name}.log").read_text()[-1500:])

    def drwatch(self, *words):
        done = subprocess.run([PROGRAM, "--server", f"http://127.0.0.1:{self.served.port}", "--token-file", self.served.path("token"), *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def open(self, scenario):
        self.drwatch("incident", "open", scenario)
        self.addCleanup(self.drwatch, "incident", "resolve", scenario, "--note", "it was never gone", "--force")

    def letters(self, words):
        found = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in self.mails.glob("*.eml")]
        return [one for one in found if words in one["Subject"]]

    def until(self, holds, what):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := holds():
                return found
            time.sleep(0.05)
        log = (self.folder / "alertmanager.log").read_text()
        raise AssertionError(f"never: {what}; taken: {[path for path, _ in self.fake.taken]}\n{log[-1000:]}")

    def post(self, *alerts):
        body = [{"labels": labels, "annotations": {"summary": labels["alertname"] + " " + labels.get("scenario", labels.get("component", ""))}} for labels in alerts]
        request = urllib.request.Request(self.url + "/api/v2/alerts", json.dumps(body).encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=PATIENCE).close()

    def test_a_critical_incident_pages_is_shown_and_written_and_so_is_its_end(self):
        self.drwatch("incident", "open", "loss")
        page = self.until(lambda: self.fake.pages("trigger", "The shop is gone"), "PagerDuty is told")[0]
        self.assertEqual((page["routing_key"], page["payload"]["severity"], page["payload"]["group"]), (ROUTING_KEY, "critical", "loss"))
        self.assertIn("Restore the shop", page["payload"]["custom_details"]["first_steps"])
        self.assertIn("/incidents/", page["client_url"])
        shown = self.until(lambda: self.fake.chat("#incidents", "The shop is gone"), "Slack shows it")[0]
        self.assertIn("Restore the shop", shown["text"])
        letter = self.until(lambda: self.letters("[firing] The shop is gone"), "a letter is written")[0]
        self.assertIn("Restore the shop", letter.get_body(("plain",)).get_content())
        self.assertIsNone(letter.get_body(("html",)))
        self.drwatch("incident", "resolve", "loss", "--note", "it was never gone", "--force")
        end = self.until(lambda: self.fake.pages("resolve", ""), "PagerDuty is told of the end")
        self.assertIn(page["dedup_key"], [one["dedup_key"] for one in end])
        self.until(lambda: self.fake.chat("#incidents", "Over: The shop is gone"), "Slack shows the end")
        self.until(lambda: self.letters("[resolved] The shop is gone"), "the end is written")

    def test_a_warning_is_shown_and_written_and_pages_nobody(self):
        self.open("nuisance")
        self.until(lambda: self.fake.chat("#incidents", "The bell is gone") and self.letters("[firing] The bell is gone"), "it is shown and written")
        self.assertEqual(self.fake.pages("trigger", "The bell is gone"), [])

    def test_a_drill_is_shown_where_drills_are_and_nowhere_else(self):
        self.drwatch("drill", "start", "loss")
        self.addCleanup(self.drwatch, "drill", "abort", "loss", "--note", "shown")
        self.until(lambda: self.fake.chat("#drills", "DRILL: The shop is gone"), "the drill is shown")
        self.assertEqual(self.fake.pages("trigger", "DRILL"), [])
        self.assertEqual(self.fake.chat("#incidents", "DRILL"), [])

    def test_a_test_alert_takes_every_way_and_the_watchdog_its_own(self):
        self.assertIn("accepted and read back", self.drwatch("alert", "test"))
        self.until(lambda: self.fake.pages("trigger", "test alert") and self.fake.chat("#incidents", "test alert") and self.letters("test alert"), "all are told")
        self.until(lambda: self.fake.sent("/deadman"), "the watchdog calls")
        self.assertEqual(self.fake.pages("trigger", "drwatch is alive"), [])

    def test_a_breach_silences_its_own_at_risk_and_nothing_else(self):
        of = {"component": "ledger", "class": "host"}
        # As in life: the breach stands before what it silences would be told. In one batch that would be a race in Alertmanager.
        self.post({"alertname": "DrwatchRpoBreached", "severity": "critical", **of}, {"alertname": "DrwatchRtoBreached", "severity": "critical", "scenario": "one"})
        self.until(lambda: self.fake.pages("trigger", "DrwatchRpoBreached ledger") and self.fake.pages("trigger", "DrwatchRtoBreached one"), "the breaches page")
        self.post({"alertname": "DrwatchRpoAtRisk", "severity": "warning", **of}, {"alertname": "DrwatchRtoAtRisk", "severity": "critical", "scenario": "one"},
                  {"alertname": "DrwatchRpoAtRisk", "severity": "warning", "component": "photos", "class": "host"},
                  {"alertname": "DrwatchRtoAtRisk", "severity": "critical", "scenario": "another"})
        self.until(lambda: self.fake.chat("#incidents", "DrwatchRpoAtRisk photos") and self.fake.pages("trigger", "DrwatchRtoAtRisk another"), "others are told")

        def states():
            with urllib.request.urlopen(self.url + "/api/v2/alerts", timeout=PATIENCE) as answer:
                return {(one["labels"]["alertname"], one["labels"].get("scenario", one["labels"].get("component"))): one["status"]["state"]
                        for one in json.load(answer)}

        self.until(lambda: states().get(("DrwatchRpoAtRisk", "ledger")) == states().get(("DrwatchRtoAtRisk", "one")) == "suppressed", "both are silenced")
        self.assertEqual(states()["DrwatchRpoAtRisk", "photos"], "active")
        self.assertEqual(self.fake.chat("#incidents", "DrwatchRpoAtRisk ledger"), [])
        self.assertEqual(self.fake.pages("trigger", "DrwatchRtoAtRisk one"), [])


if __name__ == "__main__":
    unittest.main()
