#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the documents say to type, typed; what they name, looked for: docs.py PROGRAM [DOCUMENT...].

A document's blocks run in their order in a folder of its own:
    ```toml  beginning with `# FILE` writes that file, with `# more of FILE` adds to it
    ```sh    runs in bash; beginning with `# exit N` it has to end with that
    ```console  is typed on a machine that systemd has booted (tests/proof/package.py): each line has to be found there
    ```         without a language is shown and not typed; a line that begins with drwatch is held to the program's help
What a document shows only in part (a table of a scenario, a probe's script, a drill's evidence) is put into a whole: shown(). Beside that: commands in `backticks` exist with their options, links lead somewhere, alerts.md has every alert and rule, security.md names tests that
are there, writing-a-scenario.md has every key that daemon/story/file.cpp reads, and docs/runbook is what the program prints."""
import importlib.util
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
GENERATED = {"configuration.md", "http.md", "metrics.md"}
TYPED = {"getting-started.md", "connecting-postgresql.md", "connecting-supabase.md", "connecting-vercel.md", "writing-a-scenario.md", "working-an-incident.md",
         "running.md"}
ELSEWHERE = {"restore-drill.md": "tests/drills/guide.py"}  # typed by a test of its own
PARTS = {"drills.md", "configuration.md"}  # shown() makes wholes of what they show
PORT = "9780"  # in the documents; another one in the test
# Taken from a deed's table and not looked at: a document must not promise it.
UNUSED_KEYS = {"ping": {"code"}, "note": {"note"}}


def blocks(text):
    """(language, text) of each; a block without a language is no part of it."""
    return [(kind, block) for kind, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.S | re.M) if kind]


def block_of(name, kind, begins):
    """The one block of a document that begins so."""
    return next(block for k, block in blocks((ROOT / name).read_text()) if k == kind and block.startswith(begins))


def untyped(name, text):
    """Blocks of a document that nothing types."""
    if name in TYPED | PARTS or not blocks(text):
        return []
    if name in ELSEWHERE and name in (ROOT / ELSEWHERE[name]).read_text():
        return []
    return [f"{name}: it has blocks, and nothing types them: TYPED, ELSEWHERE and PARTS say what does"]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def run_blocks(name, text, program, machine):
    """What is wrong with the document's blocks."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="drwatch-docs-"))
    programs = folder / ".bin"
    programs.mkdir()
    (programs / "drwatch").symlink_to(program)
    work = folder / "work"
    work.mkdir()
    port = free_port()
    wrong, script, expected = [], [], []
    try:
        for number, (kind, block) in enumerate(blocks(text), 1):
            first, _, rest = block.partition("\n")
            if kind == "toml":
                found = re.fullmatch(r"# (more of )?([\w./-]+\.toml)", first)
                if not found:
                    wrong.append(f"{name}: block {number} does not say which file it is")
                    continue
                script.append(f"mkdir -p $(dirname {found[2]}); cat {'>>' if found[1] else '>'} {found[2]} <<'END_OF_BLOCK'\n{block.replace(PORT, port)}END_OF_BLOCK")
            elif kind == "sh":
                code = re.fullmatch(r"# exit (\d)", first)
                body = block.replace(PORT, port)
                if code:
                    script.append(f"code=0\n( {body}\n) || code=$?\n[ $code = {code[1]} ] || {{ echo \"block {number}: exit code $code\" >&2; exit 99; }}")
                else:
                    script.append(f"at={number}\n{body}")
            elif kind == "console":
                for line in block.splitlines():
                    if not line.startswith("$ ") or line[2:].replace("drwatch.deb", "/opt/first.deb") not in machine:
                        wrong.append(f"{name}: `{line}` is not typed in tests/proof/package.py")
            else:
                wrong.append(f"{name}: a block of the kind {kind}: nobody runs it")
        if script:
            # One shell for all blocks, since a daemon that one starts is asked by the next.
            text = "set -euo pipefail\ntrap 'code=$?; kill $(jobs -p) 2>/dev/null || true; exit $code' EXIT\n" + "\n".join(script)
            environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(work), "LC_ALL": "C.UTF-8", "DRWATCH_SERVER": f"http://127.0.0.1:{port}"}
            done = subprocess.run(["bash", "-c", text], cwd=work, env=environment, capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL)
            if done.returncode:
                log = work / "log"
                wrong.append(f"{name}: {done.stdout[-1500:]}{done.stderr[-1500:]}" + (f"\nlog: {log.read_text()[-1500:]}" if log.exists() else ""))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return wrong


helps = {}


def help_of(program, words):
    if words not in helps:
        done = subprocess.run([program, *words, "--help"], capture_output=True, text=True)
        helps[words] = done.stdout if done.returncode == 0 else None
    return helps[words]


def commands(name, text, program):
    """Commands in backticks that the program does not know."""
    wrong, top = [], help_of(program, ())
    shown_only = [line.split("  ")[0] for block in re.findall(r"^```\n(.*?)^```$", text, re.S | re.M) for line in block.splitlines() if line.startswith("drwatch ")]
    for command in re.findall(r"`(drwatch [^`]+)`", text) + shown_only:
        words = command.split()[1:]
        if not words or not re.fullmatch(r"[a-z-]+", words[0]) or words[0].startswith("-"):
            continue
        path = (words[0],)
        shown = help_of(program, path)
        if shown and "Subcommands:" in shown and len(words) > 1:
            path = (words[0], words[1])
            shown = help_of(program, path)
        if shown is None:
            wrong.append(f"{name}: `{command}`: there is no such command")
            continue
        for option in re.findall(r"(--[a-z-]+)", command):
            if option not in shown and option not in top:
                wrong.append(f"{name}: `{command}`: it has no {option}")
    return wrong


def anchors(text):
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.M)}


def links(name, text):
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        path = (DOCS / name).parent / file if file else DOCS / name
        if not path.exists():
            wrong.append(f"{name}: the link {target} leads nowhere")
        elif anchor and path.suffix == ".md" and anchor not in anchors(path.read_text(encoding="utf-8")):
            wrong.append(f"{name}: {target}: no such heading")
    return wrong


def alerts_page():
    names = re.findall(r'\{AlertName::\w+, "(\w+)"', (ROOT / "daemon/recovery/alerts/names.hpp").read_text())
    rules = [rule for file in sorted((ROOT / "config/prometheus").glob("*.yml")) for rule in re.findall(r"^\s*- alert: (\w+)", file.read_text(), re.M)]
    found = re.findall(r"^### (\w+)$", (DOCS / "alerts.md").read_text(), re.M)
    wrong = [f"alerts.md has no page of {name}" for name in names + rules if name not in found]
    return wrong + [f"alerts.md: there is no alert {name}" for name in found if name not in names + rules]


def dashboard():
    """The dashboard is what make.py writes, and asks only for metrics that there are."""
    spec = importlib.util.spec_from_file_location("grafana", ROOT / "config/grafana/make.py")
    grafana = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(grafana)
    made = grafana.dashboard()
    known = set(re.findall(r"^\| `(\w+)` \|", (DOCS / "metrics.md").read_text(), re.M))
    asked = {re.sub(r"_bucket$", "", name) for panel in made["panels"] for target in panel.get("targets", [])
             for name in re.findall(r"\b(?:drwatch|process)_\w+", target["expr"])}
    wrong = [f"the dashboard asks for {name}, which metrics.md has not" for name in sorted(asked - known)]
    if json.loads((ROOT / "config/grafana/drwatch.json").read_text()) != made:
        wrong.append("config/grafana/drwatch.json is not what config/grafana/make.py writes: run it")
    return wrong


def security_page():
    text = (DOCS / "security.md").read_text()
    # Every promise, and not only those whose last cell reads like a test.
    rows = [line for line in text.partition("| against |")[2].partition("\n\n")[0].splitlines()[2:]]
    wrong = [f"security.md: no test shows: {row}" for row in rows if not re.search(r"\| `tests/[\w/.]+`: [^|]+ \|$", row)]
    wrong += ["security.md has no table of promises"] if len(rows) < 10 else []
    for file, words in re.findall(r"\| `(tests/[\w/.]+)`: (.*?) \|$", (DOCS / "security.md").read_text(), re.M):
        path = ROOT / file
        if not path.exists() or words not in re.sub(r'"\s*\n\s*"', "", path.read_text()):
            wrong.append(f"security.md: {file} has no test '{words}'")
    return wrong


def story_keys():
    """Every key that a scenario test may have, by what it is a key of; and each deed's own."""
    source = (ROOT / "daemon/story/file.cpp").read_text()
    keys, tables = {}, {}
    for part in ("deed", "change", "expect"):
        body = re.search(rf"std::vector<Row> {part}_rows\(\) \{{(.*?)^\}}", source, re.S | re.M)[1]
        found = re.findall(r'row(?:_with<\w+>)?\(\s*"(\w+)"', body) + re.findall(r'list\(&\w+::\w+, "(\w+)"\)', body)
        for listed in re.findall(r'for \(const char\* what : \{([^}]*)\}\)', body):
            found += re.findall(r'"(\w+)"', listed)
        keys[part] = set(found)
    for function, listed in re.findall(r"void read_(\w+)\([^)]*\) \{\n(?:[^}]*?)known_keys\(value, \{([^}]*)\}", source):
        tables[function] = set(re.findall(r'"(\w+)"', listed))
    # A drill's keys depend on what is done to it.
    body = re.search(r"bool known_keys_of_drill\(.*?^\}", source, re.S | re.M)[0]
    tables["drill"] = {key for listed in re.findall(r"known_keys\(value, \{([^}]*)\}", body) for key in re.findall(r'"(\w+)"', listed)}
    # About one scenario: which of them a deed looks at.
    lines = re.findall(r'if \(what == "(\w+)"\) deed.inputs.push_back\((.*)\);', source)
    for what, line in lines:
        tables[what] = {"scenario"} | set(re.findall(r't, "(\w+)"', line)) | ({"note"} if "note" in line else set())
    tables.pop("scenario_deed", None)
    return keys, tables


def story_page():
    text = (DOCS / "writing-a-scenario.md").read_text()
    keys, tables = story_keys()
    wrong = []
    chapters = {part: re.search(rf"^`\[\[{word}\]\]`(.*?)(?=^`\[\[|\nMore examples)", text, re.S | re.M)[1]
                for part, word in (("change", "change"), ("deed", "do"), ("expect", "expect"))}
    for part, chapter in chapters.items():
        said = set(re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in chapter.splitlines() if line.startswith("| `"))))
        extra = set(re.findall(r"`(\w+)", chapter.split("\n\n")[0]))
        missing = keys[part] - said - extra
        wrong += [f"writing-a-scenario.md: [[{part}]] has a key {key} that is not told" for key in sorted(missing)]
        wrong += [f"writing-a-scenario.md: [[{part}]] has no key {key}" for key in sorted(said - keys[part])]
    rows = {key: cells[2] for line in chapters["deed"].splitlines() if line.startswith("| `") and (cells := line.split("|"))
            for key in re.findall(r"`(\w+)`", cells[1])}
    for deed, known in tables.items():
        if deed not in rows:
            continue
        told = {word for word in re.findall(r"`(\w+)`", rows[deed])}
        for key in sorted(known - told - UNUSED_KEYS.get(deed, set())):
            wrong.append(f"writing-a-scenario.md: the deed {deed} has a key {key} that is not told")
    if len(tables) < 12:
        wrong.append(f"daemon/story/file.cpp is written otherwise than this test reads it: {sorted(tables)}")
    return wrong


def runbook(program):
    with tempfile.TemporaryDirectory(prefix="drwatch-runbook-") as folder:
        subprocess.run([program, "runbook", "export", folder, "--config", str(ROOT / "config/drwatch.toml")], check=True, capture_output=True)
        if os.environ.get("DRWATCH_WRITE_REFERENCE"):
            shutil.rmtree(DOCS / "runbook", ignore_errors=True)
            shutil.copytree(folder, DOCS / "runbook")
        made = {path.name: path.read_text() for path in pathlib.Path(folder).iterdir()}
    kept = {path.name: path.read_text() for path in (DOCS / "runbook").glob("*")}
    how = "DRWATCH_WRITE_REFERENCE=1 tests/docs/docs.py PROGRAM writes it anew"
    return [f"docs/runbook/{name} is not what the program prints; {how}" for name in sorted(made.keys() | kept.keys()) if made.get(name) != kept.get(name)]


SMALL = """# drwatch.toml
[server]
listen = "127.0.0.1:9780"
[server.tokens.oncall]
role   = "responder"
secret = { env = "ONCALL_TOKEN" }
[journal]
path = "journal.db"
[component.database]
[probe.primary]
component = "database"
kind      = "tcp"
target    = "127.0.0.1:9780"
[scenarios]
path = "scenarios"
"""
DRILLED = """# scenarios/database-outage.toml
title   = "Database outage"
affects = ["database"]
[[step]]
id       = "restore"
title    = "Restore it"
critical = true
"""
HANDED_IN = """
export ONCALL_TOKEN=oncall-token-0123456789 DRWATCH_TOKEN=oncall-token-0123456789
drwatch serve --config drwatch.toml > log 2>&1 &
for second in $(seq 300); do drwatch drill list > list 2>/dev/null && break; sleep 0.2; done
grep database-outage list
drwatch drill record database-outage --evidence evidence.json | tee said
grep 'passed, took 10 min, lost 10 s' said
"""
ONE_SCREEN = """
mkdir scenarios credentials
for name in oncall-token primary-dsn; do echo host=127.0.0.1 password=not-a-real-one > credentials/$name; done
drwatch check --config drwatch.toml | tee said
if grep -E 'error|credential' said; then exit 1; fi
"""


def shown(program, machine):
    """What documents show in part, as wholes that are run."""
    evidence = "cat > evidence.json <<'END_OF_JSON'\n" + block_of("docs/drills.md", "json", "{") + "END_OF_JSON"
    wholes = {"drills.md": [("toml", SMALL), ("toml", DRILLED + block_of("docs/drills.md", "toml", "[drill]")), ("sh", evidence + HANDED_IN)],
              "README.md": [("toml", "# drwatch.toml\n" + block_of("README.md", "toml", "[server]")), ("sh", ONE_SCREEN)]}
    wrong = []
    for name, parts in wholes.items():
        wrong += run_blocks(name, "".join(f"```{kind}\n{block.strip()}\n```\n" for kind, block in parts), program, machine)
    return wrong + mail_script(program)


def mail_script(program):
    """The script of the reference, run against a mail server that offers STARTTLS."""
    if subprocess.run(["/usr/bin/python3", "-c", "import aiosmtpd"], capture_output=True).returncode:
        print("SKIPPED documents: Debian's Python has no aiosmtpd; '.ci/install .ci/packages.txt' installs it")
        return []
    with tempfile.TemporaryDirectory(prefix="drwatch-mail-") as name:
        folder, port = pathlib.Path(name), free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=mail",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
        (folder / "drwatch.toml").write_text(f"""
[server]
listen = "127.0.0.1:9780"
[component.mails]
[probe.mail]
component = "mails"
kind      = "tcp"
target    = "127.0.0.1:{port}"
timeout   = "60s"
interval  = "5m"
tls       = {{ ca = "cert.pem" }}
""" + block_of("docs/configuration.md", "toml", "script = "))
        server = subprocess.Popen(["/usr/bin/python3", ROOT / "tests/alerting/mail_server.py", port, folder, folder / "cert.pem", folder / "key.pem", "user", "word"],
                                  stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 60
            while time.monotonic() < end and server.poll() is None:
                done = subprocess.run([program, "probe", "--config", folder / "drwatch.toml", "mail"], capture_output=True, text=True)
                if done.returncode == 0 or "refused" not in done.stdout:
                    break
                time.sleep(0.2)
        finally:
            server.terminate()
            server.wait()
    return [] if done.returncode == 0 else [f"configuration.md: the script for a mail server: {done.stdout}{done.stderr}"]


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    chosen = sys.argv[2:]
    machine = (ROOT / "tests/proof/package.py").read_text()
    wrong = runbook(program)
    for path in sorted(DOCS.glob("*.md")):
        if chosen and path.name not in chosen:
            continue
        text = path.read_text(encoding="utf-8")
        wrong += links(path.name, text) + untyped(path.name, text)
        if path.name not in GENERATED:
            wrong += commands(path.name, text, program)
            if path.name in TYPED:
                wrong += run_blocks(path.name, text, program, machine)
    wrong += links("../README.md", (ROOT / "README.md").read_text()) + commands("README.md", (ROOT / "README.md").read_text(), program)
    wrong += [] if chosen else shown(program, machine)
    wrong += alerts_page() + dashboard() + security_page() + story_page()
    print("\n".join(wrong) if wrong else "the documents hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
