#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pages in a real browser (Debian's Chromium, driven by playwright-core): a platform of sixty components, one of them down, and an incident that
is worked from the paged link to its end.

    DRWATCH=build/dev/drwatch [SHOTS=DIR] tests/browser/pages.py

What is tried, and how, is in pages.mjs; SHOTS keeps a picture of every page, for looking at them.
"""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "..", "end_to_end"))
from served import Served, free_ports  # noqa: E402

TOKEN = "browser-oncall-0123456789"
LONG = "a-name-that-goes-on-and-on-without-any-blank-in-it-" * 3

MAIN = """
[server]
listen     = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"
[server.tokens.oncall]
role   = "responder"
secret = {{ file = "token" }}
[journal]
path = "journal.db"
[defaults]
interval = "10s"
retry    = "2s"
timeout  = "2s"
[component.database]
title = "Database <b>&amp;</b> \\u202Eright-to-left"
[component.api]
title      = "Public API"
depends_on = ["database"]
[probe.primary]
component = "database"
kind      = "tcp"
target    = "127.0.0.1:{mortal}"
[probe.homepage]
component = "api"
kind      = "tcp"
target    = "127.0.0.1:{mortal}"
[scenarios]
path = "scenarios"
"""
PART = """
[component.part-{n}]
title = "{title}"
[probe.look-{n}]
component = "part-{n}"
kind      = "tcp"
target    = "127.0.0.1:{alive}"
interval  = "30s"
"""
OUTAGE = """
title    = "Database outage"
summary  = "The database answers nobody."
affects  = ["database"]
rto      = "4h"
[trigger]
any = ["database is down"]
for = "1s"
[exit]
by  = "steps"
[[step]]
id       = "scope"
title    = "Find out what is lost"
critical = true
owner    = "database lead"
expect   = "20m"
guide    = \"\"\"
Look at the **log** first.

```
journalctl --unit postgresql@15-main --since '2026-03-01 02:00' --output short-iso --no-pager | grep -E 'FATAL|PANIC' | tail -n 200
```
\"\"\"
[[step]]
id    = "restore"
title = "Initiate point-in-time recovery"
run   = ["/bin/echo", "--scenario", "{{{{scenario}}}}", "{long}"]
[[step]]
id       = "tell"
title    = "Tell everybody"
critical = true
[[message]]
id       = "customers"
audience = "customers"
when     = "opened"
subject  = "We are looking into it"
body     = "Since {{{{started_at}}}} parts of the service cannot be reached."
"""


BREACH = """
title    = "Security breach"
summary  = "Somebody is in who should not be."
affects  = ["api"]
[[step]]
id       = "look"
title    = "Find out who it is"
critical = true
"""


def node_modules():
    """Installed once in the build's folder, as package-lock.json says."""
    folder = os.path.join(ROOT, "build", "browser")
    os.makedirs(folder, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(HERE, name), folder)
    if not os.path.isdir(os.path.join(folder, "node_modules", "playwright-core")):
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder


def take_in(listener):
    """Until it is closed."""
    while True:
        try:
            listener.accept()[0].close()
        except OSError:
            return


def missing():
    return next((name for name in ("node", "npm", "chromium") if not shutil.which(name)), None)


def main():
    if name := missing():
        if os.environ.get("DRWATCH_NO_SKIPS"):
            sys.exit(f"{name} is missing: .ci/install .ci/packages-proof.txt")
        print(f"SKIPPED browser: {name} is not installed")
        return 0
    modules = node_modules()
    with tempfile.TemporaryDirectory(prefix="drwatch-browser-") as folder:
        alive = socket.socket()
        alive.bind(("127.0.0.1", 0))
        alive.listen(512)
        threading.Thread(target=take_in, args=(alive,), daemon=True).start()
        served = Served(folder, TOKEN, 60)
        titles = [f"Part {n}" if n % 9 else LONG + str(n) for n in range(60)]
        parts = "".join(PART.format(n=n, title=title, alive=alive.getsockname()[1]) for n, title in enumerate(titles))
        served.write("drwatch.toml", MAIN.format(port=served.port, mortal=free_ports(1)[0]) + parts)
        served.write("scenarios/database-outage.toml", OUTAGE.format(long=LONG))
        served.write("scenarios/security-breach.toml", BREACH)
        try:
            served.start()
            served.until(lambda: served.get("incidents?state=open")["incidents"], "the incident is open", often=0.3)
            incident = served.get("incidents")["incidents"][0]["id"]
            shutil.copy(os.path.join(HERE, "pages.mjs"), modules)
            environment = {**os.environ, "DRWATCH_URL": f"http://127.0.0.1:{served.port}", "DRWATCH_TOKEN": TOKEN,
                           "DRWATCH_INCIDENT": incident}
            done = subprocess.run(["node", "pages.mjs"], cwd=modules, env=environment, timeout=900)
            if done.returncode:
                print(served.log()[-2000:])
            return done.returncode
        finally:
            served.kill()
            alive.close()


if __name__ == "__main__":
    sys.exit(main())
