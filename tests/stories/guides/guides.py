#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the guides tell people to type, typed: on a PostgreSQL of its own, as an owner without superuser, as a hosted database gives one.

Reads the code blocks (```sql, ```sh) and the commands in backticks out of config/scenarios. A block runs in the order of its file, in one database per
file. What cannot be run here has to say `documented, not tried` in the same paragraph, with where. Beside that, that the blocks do what the guides say."""
import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCENARIOS = ROOT / "config" / "scenarios"
SQL = r"(select|alter|revoke|grant|reindex|set|begin|create|drop|delete|insert|vacuum|checkpoint)\b"
HERE_TOO = r"(pg_amcheck|pg_dump|pg_dumpall|pg_restore|pg_basebackup|pg_checksums|psql) "
ELSEWHERE = r"(supabase|vercel|rclone|pg_ctl) "
SUPERUSER = ("checkpoint", "select pg_reload_conf()", "pg_basebackup", "select count(*) from pg_ls_archive_statusdir()")
REFUSED = {"pg_dumpall --roles-only": "permission denied"}  # the guide says that it is
PLACES = {"DATABASE": "{db}", "TABLE": "public.appointments", "SUSPECT": "suspect", "ROLE": "suspect", "'NEW'": "'not-a-secret'", "JOBID": "1",
          "NEW": "{db}_new", "SUPERUSER": "postgres", "FILE": "off-site.dump", "index NAME": "index public.appointments_pkey", "--table NAME": "--table public.appointments",
          "--database NAME": "--database {db}"}
FIXTURE = """
create role owner login createrole createdb;
grant pg_monitor, pg_signal_backend to owner;
grant set on parameter session_replication_role to owner;
create role drwatch login; create role suspect login; create role anon; create role authenticated; create role service_role login;
"""
PLATFORM = """
create schema storage; create schema auth; create schema drwatch; create schema rescued; create schema cron;
create table public.appointments (id serial primary key, patient text not null);
insert into public.appointments (patient) select 'patient ' || n from generate_series(1, 500) n;
create table rescued.appointments as select 1000 + n as id, 'rescued' as patient from generate_series(1, 3) n;
create table storage.objects (id int primary key, bucket_id text, name text);
create table auth.sessions (id int primary key); insert into auth.sessions values (1);
create table drwatch.heartbeat (id int primary key, beat timestamptz not null); insert into drwatch.heartbeat values (1, now());
create table cron.job (jobid bigint, jobname text, schedule text, active boolean); insert into cron.job values (1, 'expire', '* * * * *', true);
create function cron.alter_job(job_id bigint, schedule text default null, command text default null, database text default null,
  username text default null, active boolean default null) returns void language sql
  as $$ update cron.job set active = coalesce(alter_job.active, job.active) where jobid = job_id $$;
grant usage on schema public, drwatch to drwatch, anon, authenticated, service_role;
grant select, insert, update, delete, truncate on all tables in schema public to anon, authenticated, service_role;
grant usage on all sequences in schema public to service_role;
grant all on drwatch.heartbeat to drwatch;
"""


class Server:
    """A PostgreSQL in a folder of its own, reached by a socket there; ended by leaving."""

    def __init__(self):
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]))
        if not programs or not os.path.exists(programs[-1] + "/initdb"):
            print("SKIPPED guides: there is no PostgreSQL server; 'make test' installs it")
            sys.exit(0)
        self.bin = programs[-1]
        self.folder = tempfile.mkdtemp(prefix="drwatch-guides-", dir="/tmp")
        self.owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.owner:
            shutil.chown(self.folder, "postgres", "postgres")
        self.environment = dict(os.environ, PATH=self.bin + ":" + os.environ["PATH"], PGHOST=self.folder, PGUSER="owner", LC_ALL="C.UTF-8")

    def __enter__(self):
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off -c wal_level=replica"
        self.must(["initdb", "-A", "trust", "-U", "postgres", "-k", "-D", "data"])
        self.must(["pg_ctl", "-w", "-D", "data", "-l", "log", "-o", options, "start"])
        self.running = True
        self.sql(FIXTURE, user="postgres", db="postgres")
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self):
        if self.running:
            self.run(["pg_ctl", "-w", "-m", "immediate" if sys.exc_info()[0] else "fast", "-D", "data", "stop"])
        self.running = False

    def run(self, command, **more):
        more.setdefault("env", self.environment)
        return subprocess.run(self.owner + ["env", *(f"{k}={v}" for k, v in more["env"].items() if k.startswith("PG") or k == "PATH"), *command],
                              cwd=self.folder, capture_output=True, text=True, errors="replace", timeout=120, **more)

    def must(self, command, **more):
        done = self.run(command, **more)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def sql(self, text, user="owner", db=None, check=True):
        done = self.run(["psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1"], input=text, env=dict(self.environment, PGUSER=user, PGDATABASE=db))
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.strip() if check else done

    def platform(self, name):
        self.must(["createdb", name])
        self.sql(PLATFORM, db=name)


def filled(text, db):
    for word, meaning in PLACES.items():
        text = re.sub(r"\b" + re.escape(word) + r"\b" if word[0].isalpha() else re.escape(word), meaning.format(db=db), text)
    return text


def blocks(guide):
    return [(kind, textwrap.dedent(text)) for kind, text in re.findall(r"^ *```(\w*)\n(.*?)^ *```", guide, re.S | re.M)]


def commands(guide):
    """Commands in backticks, each with the sentence-like surroundings in which its `documented, not tried` may stand."""
    prose = re.sub(r"^ *```.*?^ *```", "", guide, flags=re.S | re.M)
    for paragraph in re.split(r"\n\n|\n(?=\d\. |- |\|)", prose):
        for command in re.findall(r"`([^`]+)`", paragraph):
            command = " ".join(command.split())
            if "..." not in command and " " in command or command == "checkpoint":
                yield command, "documented, not tried" in " ".join(paragraph.split())


def guides():
    for path in sorted(SCENARIOS.glob("**/*.toml")):
        for step in tomllib.loads(path.read_text()).get("step", []):
            yield path.stem, step["id"], step.get("guide", "")


def run_guides(server):
    wrong, run = [], 0
    dbs = {}
    for file, step, guide in guides():
        found, inline = blocks(guide), list(commands(guide))
        if not found and not inline:
            continue
        db = dbs.setdefault(file, "db_" + file.replace("-", "_"))
        if db not in server.made:
            server.platform(db)
            server.made.add(db)
        env = dict(server.environment, PGDATABASE=db)
        for kind, text in found:
            run += 1
            text = filled(text, db)
            if kind == "sql":
                done = server.sql(text, db=db, check=False)
            elif kind == "sh":
                server.must(["pg_dump", "-Fc", "-f", "off-site.dump", db])
                if db + "_new" in text:
                    server.must(["createdb", db + "_new"])
                done = server.run(["bash", "-euc", text], env=env)
            else:
                done = subprocess.CompletedProcess([], 1, "", "a block says sql or sh")
            if done.returncode or "ERROR" in done.stderr:
                wrong.append(f"{file} {step}: {text.strip()}\n    {done.stderr.strip()}{done.stdout[-300:]}")
        for command, excused in inline:
            if re.match(ELSEWHERE, command) and not excused:
                wrong.append(f"{file} {step}: `{command}` cannot be tried here and does not say `documented, not tried`")
            if excused or not re.match(f"{SQL}|{HERE_TOO}", command):
                continue
            run += 1
            user = "postgres" if command.startswith(SUPERUSER) else "owner"
            text = filled(command, db)
            if re.match(SQL, command):
                opened = "" if re.match("alter|begin|set|checkpoint|create|select cron|reindex", command) is None else "set default_transaction_read_only = off; set transaction_read_only = off;"
                done = server.sql(opened + text, user=user, db=db, check=False)
            else:
                done = run_program(server, text, db, dict(env, PGUSER=user))
            refusal = REFUSED.get(command)
            if refusal and (done.returncode == 0 or refusal not in done.stderr):
                wrong.append(f"{file} {step}: `{command}` was expected to be refused: {refusal}")
            elif not refusal and done.returncode:
                wrong.append(f"{file} {step}: `{command}`\n    {done.stderr.strip()[-400:]}")
    return run, wrong


def run_program(server, text, db, env):
    """A program of PostgreSQL's as it stands in the text, with the output that people choose themselves."""
    words = text.split()
    if words[0] == "pg_restore":
        server.must(["pg_dump", "-Fc", "-f", "off-site.dump", db])
    if words[0] == "pg_basebackup":
        words += ["-c", "fast", "-D", tempfile.mktemp(prefix="base-", dir=server.folder)]
    if words[0] == "pg_amcheck":
        server.sql("create extension if not exists amcheck", user="postgres", db="postgres")
        server.sql("begin read write; create extension if not exists amcheck; commit", user="postgres", db=db)
        env = dict(env, PGUSER="postgres")
    if words[0] == "pg_checksums":
        server.stop()
        words += ["-D", "data"]
    done = server.run(words, env=env)
    if words[0] == "pg_checksums":
        options = f"-k {server.folder} -c listen_addresses= -c fsync=off"
        server.must(["pg_ctl", "-w", "-D", "data", "-l", "log", "-o", options, "start"])
        server.running = True
    return done


def steps_of(file):
    return {step: guide for name, step, guide in guides() if name == file}


def run_step(server, db, file, step):
    for kind, text in blocks(steps_of(file)[step]):
        server.sql(filled(text, db), db=db)


def writes(server, db, user, statement):
    return server.sql(f"begin isolation level read committed read write; {statement}; commit", user=user, db=db, check=False)


def what_they_say(server):
    """The claims: writers are stopped also where they ask for READ WRITE, drwatch goes on, vacuum is off, and all of it can be taken back."""
    server.sql("alter role service_role login", user="postgres", db="postgres")  # fencing took it
    for file, stop, on in (("accidental-deletion", "stop-writers", "writers-on"), ("database-corruption", "stop-writes", "resume")):
        db = "claims_" + on.replace("-", "_")
        server.platform(db)
        insert, beat = "insert into public.appointments (patient) values ('x')", "update drwatch.heartbeat set beat = now()"
        assert writes(server, db, "service_role", insert).returncode == 0
        run_step(server, db, file, stop)
        refused = writes(server, db, "service_role", insert)
        assert refused.returncode and "permission denied" in refused.stderr, f"{file}: the data API's way of writing is open: {refused.stderr}"
        assert "read-only" in server.sql("insert into auth.sessions values (9)", db=db, check=False).stderr, f"{file}: the owner still writes"
        assert server.sql(beat, user="drwatch", db=db, check=False).returncode == 0, f"{file}: drwatch's row is refused"
        assert "autovacuum_enabled=off" in server.sql("select reloptions from pg_class where relname = 'appointments' and relnamespace = 'public'::regnamespace", db=db)
        if file == "accidental-deletion":
            run_step(server, db, file, "merge")
            assert server.sql("select count(*) from public.appointments where patient = 'rescued'", db=db) == "3"
        run_step(server, db, file, on)
        again = writes(server, db, "service_role", insert)
        assert again.returncode == 0, f"{file}: not taken back: {again.stderr}"
        assert server.sql("select reloptions is null from pg_class where relname = 'appointments' and relnamespace = 'public'::regnamespace", db=db) == "t"


def unknown_names():
    """Probes and components that a guide's own commands name and the shipped configuration has not."""
    shipped = tomllib.loads((ROOT / "config" / "drwatch.toml").read_text())
    wrong = []
    for file, step, guide in guides():
        for what, known, names in ((f"drwatch {verb}", shipped[kind], found) for verb, kind in (("probe", "probe"), ("maintenance start", "component"))
                                   for found in re.findall(rf"`drwatch {verb} ([a-z][^`]*)`", guide)):
            for name in names.split("--")[0].split():
                if name not in known:
                    wrong.append(f"{file} {step}: `{what} {name}`: there is none")
    isolate = re.search(r"`drwatch maintenance start ([^`]*)--for", steps_of("security-breach")["isolate"])[1].split()
    closed = {"auth", "database", "connections", "storage", "api", "hosting", "security", "credentials", "content", "cron"}
    return wrong + [f"security-breach isolate: closes {name} and does not say so" for name in sorted(closed - set(isolate))]


def main():
    names = unknown_names()
    if names:
        print("\n".join(names))
        return 1
    with Server() as server:
        server.made = set()
        run, wrong = run_guides(server)
        what_they_say(server)
        count = server.sql("select count(*) from public.appointments", db="db_region_outage_new")
        assert count == "500", f"region-outage restore: {count} rows came back of 500"
    print("\n".join(wrong) if wrong else f"{run} blocks and commands of the guides, typed as they stand")
    return 1 if wrong or run < 30 else 0


if __name__ == "__main__":
    sys.exit(main())
