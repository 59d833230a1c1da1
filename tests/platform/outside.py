#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What stands outside the platform: a witness, a pager and a deadman's receiver.

    GET /witness     204 while it is there (POST /blind and POST /see turn it off and on)
    POST /page       what Alertmanager sends its receiver; one line of JSON each is appended to the log
    POST /fallback   the same from drwatch's own fallback channel
    ANY /deadman     drwatch's sign of life
    GET /NAME        200 for what belongs to other companies: registration, payments, neighbour
    GET /api/v2/summary.json   the provider's status page, shaped as Statuspage's; POST /incident and POST /calm change what it says
    GET /calls       {"page": 3, "fallback": 0, "deadman": 12}

A process of its own: when the platform dies, the world around it doesn't.
"""
import argparse
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def summary(troubled):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    incident = {"id": "i1", "name": "Elevated error rates", "status": "investigating", "impact": "major", "created_at": now, "updated_at": now,
                "shortlink": "https://status.example.org/i1", "incident_updates": []}
    return {"page": {"id": "sample", "name": "Sample provider", "url": "https://status.example.org", "time_zone": "Etc/UTC", "updated_at": now},
            "status": {"indicator": "major" if troubled else "none", "description": "Service disruption" if troubled else "All Systems Operational"},
            "components": [{"id": "c1", "name": "Database", "status": "major_outage" if troubled else "operational", "group": False, "group_id": None,
                            "updated_at": now}],
            "incidents": [incident] if troubled else [], "scheduled_maintenances": []}


def main():
    parser = argparse.ArgumentParser(description="A witness, a pager and a deadman's receiver, on loopback.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", required=True, help="what was called, one JSON object a line")
    options = parser.parse_args()
    calls = {"page": 0, "fallback": 0, "deadman": 0}
    sees = threading.Event()
    sees.set()
    troubled = threading.Event()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.strip("/").split("?")[0]
            if path == "witness":
                return self.answer(204 if sees.is_set() else 503)
            if path == "calls":
                with lock:
                    return self.answer(200, json.dumps(calls).encode())
            if path == "api/v2/summary.json":
                return self.answer(200, json.dumps(summary(troubled.is_set())).encode())
            if path in ("registration", "payments", "neighbour"):
                return self.answer(200, b'{"status": "active"}')
            return self.called(path, b"")

        def do_POST(self):
            path = self.path.strip("/").split("?")[0]
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if path in ("blind", "see"):
                (sees.clear if path == "blind" else sees.set)()
                return self.answer(204)
            if path in ("incident", "calm"):
                (troubled.set if path == "incident" else troubled.clear)()
                return self.answer(204)
            return self.called(path, body)

        do_HEAD = do_GET

        def called(self, path, body):
            if path not in calls:
                return self.answer(404)
            with lock:
                calls[path] += 1
                if path != "deadman":
                    line = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "call": path, "body": body.decode(errors="replace")}
                    with open(options.log, "a", encoding="utf-8") as log:
                        log.write(json.dumps(line) + "\n")
            return self.answer(200)

        def answer(self, status, body=b""):
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments):
            pass

    ThreadingHTTPServer(("127.0.0.1", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
