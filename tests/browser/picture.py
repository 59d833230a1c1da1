#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the README's picture of the page anew, docs/pictures/page.png: a small platform whose database has just gone, seen by Debian's Chromium.

    DRWATCH=build/dev/drwatch tests/browser/picture.py
"""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/end_to_end"))
from served import Served, die_with_parent, free_ports  # noqa: E402

MAIN = """
[server]
listen = "127.0.0.1:{port}"
[server.tokens.oncall]
role   = "responder"
secret = {{ file = "token" }}
[journal]
path = "journal.db"
[defaults]
interval = "1s"
retry    = "1s"
timeout  = "1s"
[recovery]
rpo = "2h"
[alertmanager]
urls = ["http://127.0.0.1:{alertmanager}"]
[witness]
probes = ["internet"]
[probe.internet]
kind   = "tcp"
target = "127.0.0.1:{alive}"
[component.database]
title = "Database"
[component.login]
title      = "Login"
depends_on = ["database"]
[component.website]
title = "Website"
[component.files]
title = "Stored files"
[component.backups]
title = "Backups"
[probe.dumps]
component = "backups"
kind      = "backup"
reads     = "file"
folder    = "dumps"
read      = false
every     = "1h"
protects  = "database"
survives  = ["host", "logical"]
[scenarios]
path = "scenarios"
"""
PROBE = """
[probe.{name}]
component = "{component}"
kind      = "tcp"
target    = "127.0.0.1:{target}"
"""
SCENARIO = """
title   = "Database outage"
summary = "The database answers nobody; what needs it fails."
affects = ["database"]
rto     = "2h"
[trigger]
any = ["database is down"]
for = "1s"
[[step]]
id       = "scope"
title    = "See whether the machine, the network or the database is gone"
critical = true
owner    = "on call"
expect   = "5m"
[[step]]
id       = "fail-over"
title    = "Let the standby take over"
critical = true
owner    = "database lead"
expect   = "20m"
[[step]]
id       = "answers"
title    = "The database answers again"
critical = true
verify   = "database is up"
expect   = "2m"
"""


def answering():
    """A port at which somebody answers."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                listener.accept()[0].close()
            except OSError:
                return

    threading.Thread(target=answer, daemon=True).start()
    return listener


def main():
    folder = tempfile.mkdtemp(prefix="drwatch-picture-")
    served = Served(folder, "picture-token-0123456789", 120)
    alive, mortal = answering(), answering()
    port = [listener.getsockname()[1] for listener in (alive, mortal)]
    paging = free_ports(1)[0]
    served.write("alertmanager.yml", "route: {receiver: all}\nreceivers: [{name: all}]\n")
    with open(served.path("alertmanager.log"), "wb") as log:
        alertmanager = subprocess.Popen(["prometheus-alertmanager", "--config.file=" + served.path("alertmanager.yml"), "--storage.path=" + served.path("data"),
                                         f"--web.listen-address=127.0.0.1:{paging}", "--cluster.listen-address="], stdout=log, stderr=log, preexec_fn=die_with_parent)
    written = time.time() - 41 * 60
    os.utime(served.write("dumps/nightly.dump", "a dump"), (written, written))
    text = MAIN.format(port=served.port, alive=port[0], alertmanager=paging)
    for name, component, target in (("primary", "database", port[1]), ("sign-in", "login", port[0]), ("front-page", "website", port[0]), ("bucket", "files", port[0])):
        text += PROBE.format(name=name, component=component, target=target)
    served.write("drwatch.toml", text)
    served.write("scenarios/database-outage.toml", SCENARIO)
    try:
        served.start()
        served.until(lambda: all(one["health"] == "up" for one in served.get("components")["components"]), "all is up")
        mortal.shutdown(socket.SHUT_RDWR)
        mortal.close()
        served.until(lambda: served.get("incidents")["incidents"], "an incident opens")
        served.until(lambda: served.get("status")["alerts"]["undelivered"] == 0, "its alert is taken")
        picture = ROOT / "docs/pictures/page.png"
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1100,900", f"--user-data-dir={folder}/browser",
                        "--virtual-time-budget=2000", f"--screenshot={picture}", f"http://127.0.0.1:{served.port}/"], check=True, capture_output=True, timeout=400)
        print(f"{picture}: {picture.stat().st_size} bytes")
    finally:
        served.kill()
        alertmanager.kill()
        alertmanager.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
