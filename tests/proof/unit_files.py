# SPDX-License-Identifier: Apache-2.0
"""What unit.py's machine is given: drwatch's configuration and a scenario, the Alertmanager's, and a pager."""

FILES = {
    "etc/drwatch/drwatch.toml": """
[server]
listen = "127.0.0.1:9780"
[server.tokens.oncall]
role   = "responder"
secret = { credential = "oncall-token" }
[journal]
path = "/var/lib/drwatch/journal.db"
[alertmanager]
urls   = ["http://127.0.0.1:9093"]
resend = "30s"
[defaults]
interval = "2s"
timeout  = "1s"
[component.api]
[probe.endpoint]
component = "api"
kind      = "tcp"
target    = "127.0.0.1:8"
[scenarios]
path = "scenarios"
""",
    "etc/drwatch/scenarios/outage.toml": """
title    = "Outage"
summary  = "The endpoint is away."
severity = "critical"
affects  = ["api"]
[trigger]
any = ["api is down"]
for = "1s"
[exit]
by  = "health"
for = "10m"
[[step]]
id       = "look"
title    = "Look"
critical = true
[[step]]
id       = "mend"
title    = "Mend"
critical = true
""",
    "etc/drwatch/credentials/oncall-token": "unit-token-0123456789",
    "etc/systemd/system/drwatch.service.d/credentials.conf": """
[Service]
LoadCredential=oncall-token:/etc/drwatch/credentials/oncall-token
""",
    "etc/prometheus/alertmanager.yml": """
route:
  receiver: pager
  group_by: [alertname, scenario]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 4h
receivers:
  - name: pager
    webhook_configs:
      - url: http://127.0.0.1:9099/
        send_resolved: true
""",
    # It writes down whom it told every second, so that it remembers after a reboot and without power.
    "etc/default/prometheus-alertmanager": 'ARGS="--web.listen-address=127.0.0.1:9093 --cluster.listen-address= --data.maintenance-interval=1s"\n',
    # A line for each page: what it was about, and whether it came or went.
    "opt/pager.py": """
import http.server, json
class Page(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        page = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open("/var/lib/pages", "a") as pages:
            print(page["groupLabels"]["alertname"], page["status"], file=pages)
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 9099), Page).serve_forever()
""",
    "etc/systemd/system/pager.service": """
[Service]
ExecStart=/usr/bin/python3 /opt/pager.py
[Install]
WantedBy=multi-user.target
""",
    # Fills journald's socket until it takes no more. What one sender may have on the way is bounded as well: another goes on.
    "opt/fill.py": """
import socket
senders, sent = [], 1
while sent > 0:
    log, sent = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), 0
    log.setblocking(False)
    log.connect("/run/systemd/journal/socket")
    senders.append(log)
    try:
        while True:
            log.send(b"MESSAGE=one of many\\n")
            sent += 1
    except BlockingIOError:
        pass
""",
}
