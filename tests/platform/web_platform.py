#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sample web platform: endpoints, Supabase-shaped auth, stored files, jobs that call in.

Each part can be broken and repaired with one call, as often as one likes:

    POST /break/PART?how=HOW     POST /repair/PART     GET /parts

    part     how
    web      error (500, the default) | slow (no answer for 30 s) | wrong (200, another page) | close (hangs up)
    api      the same
    auth     the same, and open (accepts any token: what a breach looks like)
    files    the same as web (wrong: other bytes than were stored)
    jobs     skip (no call, the default) | fail (exit code 3) | slow (starts and doesn't come back), with &job=NAME for one job

Only the Python 3 standard library. Everything listens on loopback.
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import subprocess
import threading
import time
import urllib.parse
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOWS = {
    "web": ["error", "slow", "wrong", "close"],
    "api": ["error", "slow", "wrong", "close"],
    "auth": ["error", "slow", "wrong", "close", "open"],
    "files": ["error", "slow", "wrong", "close"],
    "jobs": ["skip", "fail", "slow"],
}
SLOW_SECONDS = 30
TOKEN_SECONDS = 3600


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Platform:
    """What is broken, who may log in, and the jobs."""

    def __init__(self, options):
        self.options = options
        self.broken = {}  # part, or "jobs/NAME" -> how
        self.lock = threading.Lock()
        self.signing_key = os.urandom(32)
        self.base = f"http://127.0.0.1:{options.port}"

    def how(self, part):
        with self.lock:
            return self.broken.get(part)

    def change(self, part, how, job):
        key = f"jobs/{job}" if part == "jobs" and job else part
        with self.lock:
            if how:
                self.broken[key] = how
                return
            for name in [n for n in self.broken if n == key or n.startswith(key + "/")]:
                del self.broken[name]

    # ---- auth, as GoTrue does it with a symmetric key
    def issue(self):
        now = int(time.time())
        claims = {"iss": self.base + "/auth/v1", "aud": "authenticated", "role": "authenticated",
                  "sub": "00000000-0000-4000-8000-000000000001", "email": self.options.user, "iat": now, "exp": now + TOKEN_SECONDS}
        head = encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()) + "." + encode(json.dumps(claims).encode())
        return head + "." + self.sign(head)

    def sign(self, head):
        return encode(hmac.new(self.signing_key, head.encode(), hashlib.sha256).digest())

    def claims_of(self, token):
        """The claims of a token that this platform signed and that has not expired; None otherwise."""
        try:
            head, signature = token.rsplit(".", 1)
            claims = json.loads(decode(head.split(".")[1]))
        except (ValueError, IndexError):
            return None
        good = hmac.compare_digest(signature, self.sign(head)) and claims.get("exp", 0) > time.time()
        return claims if good or self.how("auth") == "open" else None

    # ---- the endpoint that needs the database
    def appointments_stored(self):
        """The number of stored appointments, or the error of a database that did not answer within 2 s."""
        asked = subprocess.run([self.options.psql, "-XAtc", "select count(*) from appointments"], capture_output=True, text=True, timeout=5,
                               env={**os.environ, "PGCONNECT_TIMEOUT": "2", "PGOPTIONS": "-c statement_timeout=2000"}, check=False)
        if asked.returncode:
            raise ConnectionError(asked.stderr.strip().splitlines()[-1] if asked.stderr.strip() else "no answer")
        return int(asked.stdout)

    # ---- the job runner
    def run_job(self, name, key, period):
        while True:
            began = time.monotonic()
            self.run_once(name, key)
            time.sleep(max(0.1, period - (time.monotonic() - began)))

    def run_once(self, name, key):
        how = self.how(f"jobs/{name}") or self.how("jobs")
        if how == "skip":
            return
        rid = str(uuid.uuid4())
        self.call_in(f"{key}/start?rid={rid}")
        if how == "slow":
            while (self.how(f"jobs/{name}") or self.how("jobs")) == "slow":
                time.sleep(0.1)
        time.sleep(0.2)  # the work
        if how == "fail":
            self.call_in(f"{key}/3?rid={rid}", b"the payment provider answered 503")
        else:
            self.call_in(f"{key}?rid={rid}")

    def call_in(self, path, body=b""):
        if not self.options.pings:
            return
        try:
            request = urllib.request.Request(f"{self.options.pings}/ping/{path}", data=body, method="POST")
            urllib.request.urlopen(request, timeout=3).close()
        except OSError:
            pass  # a job does its work whether or not somebody listens


def handler_of(platform):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "sample-platform"
        sys_version = ""

        def do_GET(self):
            self.serve("GET")

        def do_POST(self):
            self.serve("POST")

        def serve(self, method):
            url = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(url.query))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            for verb in ("break", "repair"):
                if url.path.startswith(f"/{verb}/") and method == "POST":
                    return self.change(verb, url.path.split("/")[2], query)
            for (wanted, path), (part, make) in ROUTES.items():
                if (wanted, path) == (method, url.path):
                    return self.perhaps_broken(part, lambda: make(self, query, body))
            return self.answer(404, {"message": "no such page"})

        def perhaps_broken(self, part, make):
            how = platform.how(part) if part else None
            if how == "slow":
                time.sleep(SLOW_SECONDS)
            elif how == "close":
                self.close_connection = True
                return None
            elif how == "error":
                return self.answer(500, {"code": 500, "error_code": "unexpected_failure", "msg": "Internal Server Error"})
            elif how == "wrong":
                return self.answer(200, "<h1>It works!</h1>", "text/html")
            return make()

        def change(self, verb, part, query):
            if part not in HOWS:
                return self.answer(404, {"message": f"no part '{part}'", "parts": sorted(HOWS)})
            how = query.get("how", HOWS[part][0]) if verb == "break" else None
            if how and how not in HOWS[part]:
                return self.answer(422, {"message": f"{part} can't be broken by '{how}'", "hows": HOWS[part]})
            platform.change(part, how, query.get("job"))
            return self.parts(None, None)

        def parts(self, _query, _body):
            with platform.lock:
                return self.answer(200, {"broken": dict(platform.broken)})

        def home(self, _query, _body):
            return self.answer(200, "<!doctype html><title>Sample clinic</title><h1>Sample clinic</h1><p>Appointments are open.</p>", "text/html")

        def appointments(self, _query, _body):
            return self.answer(200, {"status": "ok", "appointments": [{"at": "09:00", "patient": "Luna"}, {"at": "09:30", "patient": "Toby"}]})

        def stored(self, _query, _body):
            try:
                return self.answer(200, {"status": "ok", "stored": platform.appointments_stored()})
            except (OSError, ValueError, subprocess.TimeoutExpired) as error:
                return self.answer(503, {"status": "error", "message": str(error)})

        def services(self, _query, _body):
            if self.headers.get("apikey") != os.environ.get("SAMPLE_KEY"):
                return self.answer(401, {"message": "Invalid API key"})
            return self.answer(200, [{"id": 1}])

        def canary(self, _query, _body):
            return self.answer(200, "drwatch canary 1", "text/plain")

        def payroll(self, _query, _body):
            return self.answer(200, "name;month;amount\nLuna;1;0\n", "text/csv")

        def health(self, _query, _body):
            return self.answer(200, {"version": "v2.0.0", "name": "GoTrue", "description": "GoTrue is a user registration and authentication API"})

        def settings(self, _query, _body):
            return self.answer(200, {"external": {"email": True, "google": False}, "disable_signup": False, "mailer_autoconfirm": True})

        def keys(self, _query, _body):
            return self.answer(200, {"keys": []})  # a symmetric key is never listed

        def token(self, query, body):
            if not self.headers.get("apikey"):
                return self.answer(401, {"message": "No API key found in request"})
            if query.get("grant_type") != "password":
                return self.answer(400, {"error": "unsupported_grant_type"})
            try:
                asked = json.loads(body)
            except ValueError:
                return self.answer(400, {"code": 400, "error_code": "bad_json", "msg": "Could not parse request body as JSON"})
            if (asked.get("email"), asked.get("password")) != (platform.options.user, os.environ.get("SAMPLE_PASSWORD")):
                return self.answer(400, {"code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials"})
            return self.answer(200, {"access_token": platform.issue(), "token_type": "bearer", "expires_in": TOKEN_SECONDS,
                                     "refresh_token": uuid.uuid4().hex, "user": {"email": platform.options.user, "role": "authenticated"}})

        def user(self, _query, _body):
            claims = platform.claims_of((self.headers.get("Authorization") or "").removeprefix("Bearer "))
            if not claims:
                return self.answer(403, {"code": 403, "error_code": "bad_jwt", "msg": "invalid JWT: unable to parse or verify signature"})
            return self.answer(200, {"id": claims.get("sub"), "email": claims.get("email"), "role": claims.get("role")})

        def answer(self, status, body, kind="application/json"):
            raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def handle(self):
            try:
                super().handle()
            except (ConnectionError, TimeoutError):
                pass  # the other side went away: its right

        def log_message(self, *_arguments):
            pass

    # (method, path) -> the part that breaks it (None: none), the method that answers
    ROUTES = {
        ("GET", "/"): ("web", Handler.home),
        ("GET", "/api/appointments"): ("api", Handler.appointments),
        ("GET", "/api/db"): ("api", Handler.stored),
        ("GET", "/rest/v1/services"): ("api", Handler.services),
        ("GET", "/storage/v1/object/public/canary/canary.txt"): ("files", Handler.canary),
        ("GET", "/storage/v1/object/public/archive/payroll-2019.csv"): ("files", Handler.payroll),
        ("GET", "/auth/v1/health"): ("auth", Handler.health),
        ("GET", "/auth/v1/settings"): ("auth", Handler.settings),
        ("GET", "/auth/v1/.well-known/jwks.json"): ("auth", Handler.keys),
        ("POST", "/auth/v1/token"): ("auth", Handler.token),
        ("GET", "/auth/v1/user"): ("auth", Handler.user),
        ("GET", "/parts"): (None, Handler.parts),
    }
    return Handler


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    parser = argparse.ArgumentParser(description="The sample web platform, on loopback.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--psql", default="psql", help="the psql that /api/db asks; PGHOST, PGPORT, ... say where")
    parser.add_argument("--user", default="probe@example.org", help="who may log in, with the password in SAMPLE_PASSWORD")
    parser.add_argument("--pings", help="the drwatch that the jobs call, http://HOST:PORT")
    parser.add_argument("--job", action="append", default=[], metavar="NAME=KEYFILE=SECONDS", help="a job, its ping key and period")
    options = parser.parse_args()
    platform = Platform(options)
    server = Server(("127.0.0.1", options.port), handler_of(platform))
    for job in options.job:
        name, key_file, period = job.split("=")
        with open(key_file, encoding="utf-8") as file:
            key = file.read().strip()
        threading.Thread(target=platform.run_job, args=(name, key, float(period)), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
