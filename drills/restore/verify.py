# SPDX-License-Identifier: Apache-2.0
"""Whether what was restored is what was there: each question a check with its verdict. `skipped` says why; nothing is found well that was not
looked at."""
import re

from . import words
from .runner import TimedOut, environment
from .server import UNHINDERED, Failed

SENTINELS = 1000
HAS = "select to_regclass('drwatch.{}') is not null"
BEAT = "select to_char(beat at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), seq from drwatch.heartbeat where id = 1"
SENTINEL = ("select count(*), count(*) filter (where pg_catalog.sha256(pg_catalog.convert_to(content, 'UTF8')) is distinct from hash) "
            "from drwatch.sentinel")
MISSING_EXTENSIONS = ("select e.extname from pg_catalog.pg_extension e left join pg_catalog.pg_available_extensions a on a.name = e.extname "
                      "where a.name is null order by 1")
COLLATIONS = ("select datname, datcollate, coalesce(datcollversion, ''), coalesce(pg_catalog.pg_database_collation_actual_version(oid), '') "
              "from pg_catalog.pg_database where datallowconn and not datistemplate order by 1")


def attempt(evidence, name, question, mandatory=True):
    """Asks; a question that is refused has failed, one that takes too long is timed out. `question` returns (verdict, detail)."""
    try:
        verdict, detail = question()
    except TimedOut as late:
        verdict, detail = "timed-out", str(late)
    except Failed as failed:
        verdict, detail = "failed", str(failed)
    evidence.check(name, verdict, detail, mandatory)
    return verdict


class Questions:
    """`server` is asked: the scratch one, or in earnest the real one."""

    def __init__(self, asked, evidence, server, within):
        self.asked, self.evidence, self.server, self.within = asked, evidence, server, within
        self.home = None  # the database with the canary

    def value(self, sql, database=None):
        return self.server.value(sql, database or self.home or "postgres", self.within)

    def find_home(self):
        """Where drwatch's tables are; --database decides where invariants look."""
        names = self.server.databases()
        with_canary = [name for name in names if self.server.value(HAS.format("heartbeat"), name, self.within) == "t"]
        self.canary = next((name for name in with_canary if name == self.asked.database), with_canary[0] if with_canary else None)
        self.home = self.asked.database or self.canary or next((name for name in names if name != "postgres"), "postgres")

    def describe(self):
        e = self.evidence
        e.postgresql = {"version": self.value("show server_version", "postgres"),
                        "system_identifier": self.value("select system_identifier::text from pg_control_system()", "postgres"),
                        "checksums": self.value("show data_checksums", "postgres") == "on"}
        if int(re.match(r"\d+", e.postgresql["version"])[0]) >= 15:
            rows = self.server.ask(COLLATIONS, "postgres", self.within)
            mine = next((row for row in rows if row[0] == self.home), rows[0])
            e.postgresql["collation"] = f"{mine[1]} {mine[3]}".strip()
            other = [f"{name} was sorted by {was}, here {now} is at work" for name, _, was, now in rows if was and now and was != now]
            e.check("collation", "failed" if other else "passed",
                    "; ".join(other) + ": its indexes over texts may be in another order, and need a REINDEX" if other else e.postgresql["collation"])
        else:
            e.postgresql["collation"] = self.value("show lc_collate", "postgres")
            e.check("collation", "skipped", "before PostgreSQL 15 the version of the collation is not kept", mandatory=False)

    def system_identifier(self, copy, production):
        it = self.evidence.postgresql["system_identifier"]
        wanted = self.asked.system_identifier or (production or {}).get("system") or copy.system_identifier
        if wanted is None:
            self.evidence.check("system-identifier", "skipped", f"it is {it}; nobody said which it has to be (--system-identifier, --protects)", mandatory=False)
        else:
            self.evidence.check("system-identifier", "passed" if wanted == it else "failed", f"it is {it}" + ("" if wanted == it else f", and has to be {wanted}"))

    def beat(self, fallback, replayed=None):
        """The newest beat that came back: to which moment the data go. `fallback`: (moment, by what) where there is no canary. `replayed`: the commit
        that was replayed last, where others may have written since."""
        e, asked = self.evidence, self.asked
        if self.canary is None:
            e.check("beat", "skipped", "there is no drwatch.heartbeat in the copy: nothing says of itself to which moment it goes (drwatch sql prints what makes it)")
            e.restored_to, e.restored_by = fallback
        else:
            def question():
                rows = self.server.ask(BEAT, self.canary, self.within)
                if not rows:
                    return "failed", "drwatch.heartbeat has no row"
                e.restored_to, e.restored_by = words.time_of(rows[0][0]), "beat"
                said = f"beat {rows[0][1]} of {words.stamp(e.restored_to)}"
                if replayed is not None and e.restored_to > replayed:
                    said += f" was written since; the last commit that came back is of {words.stamp(replayed)}"
                    e.restored_to, e.restored_by = replayed, "transaction"
                if e.target is not None:
                    off = (e.target - e.restored_to).total_seconds()
                    if off < 0:
                        return "failed", f"{said}, which is behind the target {words.stamp(e.target)}"
                    if off > asked.beat_every + 1:
                        return "failed", f"{said}, which is {words.in_words(off)} before the target, and the canary beats every {words.in_words(asked.beat_every)}"
                return "passed", said
            attempt(e, "beat", question)
        if e.restored_to is None:
            return
        off = (e.disaster_at - e.restored_to).total_seconds()
        if e.target is None and asked.disaster_at is not None and off < -asked.beat_every:
            # Behind a --restore-command, or in an archive whose files lie about their times: what came later could not be left away.
            e.check("beat", "skipped", f"{words.stamp(e.restored_to)} came back, which is after the disaster of {words.stamp(e.disaster_at)}: what would have been lost then was not measured")
        else:
            e.lost = max(0.0, off)

    def claims(self):
        """What was claimed, and what was promised, against what came back."""
        e, asked = self.evidence, self.asked
        if e.claim:
            claimed = words.time_of(e.claim["recovery_point"])
            claimed = min(claimed, e.target or claimed)  # nobody claims what was not asked for
            if e.lost is None:
                e.check("claim", "skipped", "nothing says to which moment the copy goes" if e.restored_to is None else "what came back is of after the disaster")
            else:
                off = (claimed - e.restored_to).total_seconds()
                kept = off <= asked.beat_every
                e.check("claim", "passed" if kept else "failed",
                        f"{e.claim['source']} claimed {words.stamp(claimed)}, and {words.stamp(e.restored_to)} came back" +
                        ("" if kept else f": {words.in_words(off)} less than claimed"))
        if asked.rpo is not None:
            if e.lost is None:
                e.check("rpo", "skipped", "nothing says to which moment the copy goes" if e.restored_to is None else "what came back is of after the disaster")
            else:
                e.check("rpo", "passed" if e.lost <= asked.rpo else "failed", f"{words.in_words(e.lost)} lost, {words.in_words(asked.rpo)} may be")

    def sentinel(self):
        if self.canary is None or self.value(HAS.format("sentinel"), self.canary) != "t":
            self.evidence.check("sentinel", "skipped", "there is no drwatch.sentinel in the copy", mandatory=False)
            return

        def question():
            count, changed = (int(text) for text in self.server.ask(SENTINEL, self.canary, self.within)[0])
            if count != SENTINELS or changed:
                return "failed", f"{count} of {SENTINELS} sentinel rows are there, {changed} of them changed"
            return "passed", f"all {SENTINELS} sentinel rows, hashed anew, are as they were written"
        attempt(self.evidence, "sentinel", question)

    def extensions(self, known_missing=(), production=()):
        def question():
            missing = [f"{name} (this machine has no such extension)" for name in known_missing]
            for database in self.server.databases():
                missing += [f"{row[0]} in {database} (this machine has no such extension)" for row in self.server.ask(MISSING_EXTENSIONS, database, self.within)]
            there = {row[0] for row in self.server.ask("select extname from pg_catalog.pg_extension", self.home, self.within)}
            missing += [f"{name} in {self.home}" for name in [*self.asked.extension, *production] if name not in there and not any(name in m for m in missing)]
            return ("failed", "missing: " + ", ".join(missing)) if missing else ("passed", f"{', '.join(sorted(there))} in {self.home}")
        attempt(self.evidence, "extensions", question)

    def roles(self, known_missing=(), production=()):
        def question():
            there = {row[0] for row in self.server.ask("select rolname from pg_catalog.pg_roles where rolname !~ '^pg_'", "postgres", self.within)}
            missing = sorted(set(known_missing) | {name for name in [*self.asked.role, *production] if name not in there})
            return ("failed", "missing: " + ", ".join(missing)) if missing else ("passed", f"{len(there)} roles")
        attempt(self.evidence, "roles", question)

    def invariants(self):
        for name, sql in self.asked.check:
            def question(sql=sql):
                rows = self.server.ask(sql, self.home, self.within)
                said = " ".join(rows[0]) if rows else "no row"
                good = len(rows) == 1 and len(rows[0]) == 1 and rows[0][0] == "t"
                return ("passed", "true") if good else ("failed", f"it answers {said}")
            attempt(self.evidence, f"invariant-{name}", question)
        for table, least in self.asked.at_least:
            def counted(table=table, least=least):
                if not re.fullmatch(r"[\w.\"$ -]+", table):
                    return "failed", f"{table!r} is no table's name"
                count = int(self.server.value(f"select count(*) from {table}", self.home, self.within))
                return ("passed" if count >= least else "failed"), f"{count} rows, at least {least} are expected"
            attempt(self.evidence, f"count-{table}", counted)


def amcheck(evidence, server, within):
    """Every heap page and every index against its heap, read from the restored files: on production the cache would hide what is broken."""
    if not server.programs.has("pg_amcheck"):
        evidence.check("amcheck", "skipped", "pg_amcheck is not here; it comes with PostgreSQL 14")
        return

    def question():
        # As a replica no event trigger of production's fires when the extension is made.
        done = server.runner.run(server.client("pg_amcheck", "--all", "--install-missing", "--heapallindexed", "--parent-check", "--no-strict-names", database=None),
                                 within=within, env=environment(PGOPTIONS=UNHINDERED + " -c session_replication_role=replica"))
        # A heap that is broken is told on standard output, what could not be looked at on standard error.
        found = [line for line in (done.out + "\n" + done.err).splitlines() if line.strip() and not line.startswith(" ")]
        if done.code == 2:
            return "failed", f"{len(found)} complaints, the first: {words.shown(' '.join((done.out or done.err).split()), 260)}"
        if done.code:
            return ("skipped" if "amcheck" in done.err and "not available" in done.err else "failed"), done.why()
        passed_over = [line for line in found if "skipping database" in line]
        return ("skipped", "; ".join(passed_over)) if passed_over else ("passed", "every table and every B-tree of every database, with their heap")
    attempt(evidence, "amcheck", question)


def checksums(evidence, server, enabled, within):
    """Every page of the stopped cluster; needs no query to touch it."""
    if not enabled:
        evidence.check("checksums", "skipped", "the cluster has none (initdb -k, pg_checksums --enable): changed bytes would go unseen", mandatory=False)
        return

    def question():
        done = server.runner.run([server.programs.path("pg_checksums"), "--check", "-D", server.data], within=within)
        bad = re.search(r"Bad checksums:\s+(\d+)", done.out)
        blocks = re.search(r"Blocks scanned:\s+(\d+)", done.out)
        if done.code == 0 and bad and bad[1] == "0":
            return "passed", f"{blocks[1] if blocks else 'all'} pages"
        return "failed", (f"{bad[1]} pages with a wrong checksum; " if bad else "") + done.why()
    attempt(evidence, "checksums", question)
