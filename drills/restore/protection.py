# SPDX-License-Identifier: Apache-2.0
"""A drill never lowers protection: production's archiving, timeline and slots are looked at before, during and after."""
import json
import os
import subprocess
import time

from . import words
from .runner import environment

STATE = """select json_build_object(
  'system', (select system_identifier::text from pg_catalog.pg_control_system()),
  'timeline', (select timeline_id from pg_catalog.pg_control_checkpoint()),
  'archived', last_archived_wal, 'failures', failed_count, 'reset', stats_reset,
  'failing', coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false),
  'ever', last_archived_time is not null,
  'age', extract(epoch from pg_catalog.now() - coalesce(last_archived_time, stats_reset, pg_catalog.pg_postmaster_start_time())),
  'mode', pg_catalog.current_setting('archive_mode'),
  'slots', coalesce((select json_object_agg(slot_name, json_build_object('active', active, 'status', coalesce(wal_status, '')))
                     from pg_catalog.pg_replication_slots), '{}'),
  'roles', (select json_agg(rolname order by rolname) from pg_catalog.pg_roles where rolname !~ '^pg_'),
  'extensions', (select json_agg(extname order by extname) from pg_catalog.pg_extension)) from pg_catalog.pg_stat_archiver"""
PASSED_ON = ("PGPASSFILE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLMODE")
OFTEN = 10.0  # seconds between two looks while the drill runs


class Production:
    def __init__(self, programs, dsn, folder, most=None):
        """`most`: the longest in seconds that nothing may have been archived."""
        self.most = most
        self.command = [programs.path("psql"), "-X", "-A", "-t", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-c", STATE, "-d", dsn]
        self.env = environment(PGCONNECT_TIMEOUT="10", PGAPPNAME="drwatch-restore-drill", PGOPTIONS="-c statement_timeout=10s -c default_transaction_read_only=on",
                               **{key: os.environ[key] for key in PASSED_ON if key in os.environ})
        self.folder, self.looked = folder, time.monotonic()
        self.before, self.why = self.look()

    def look(self):
        """(what it says, None) or (None, why it could not be asked)."""
        try:
            done = subprocess.run(self.command, env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=25)
            if done.returncode:
                return None, words.last_words(done.stderr)
            return json.loads(done.stdout), None
        except subprocess.TimeoutExpired:
            return None, "it does not answer within 25 s"
        except (OSError, ValueError) as error:
            return None, words.shown(str(error))

    def exposed(self, at):
        # Where it has archived nothing at all, it is exposed at least since it began to count.
        if self.most is not None and at and at["age"] > self.most:
            never = "" if at["ever"] else ", which is since it counts,"
            return f"production has archived nothing for {words.in_words(at['age'])}{never} and {words.in_words(self.most)} is the most (--max-exposure)"
        return None

    def stop_condition(self):
        """Why the drill has to stop: production's archiving fails since it began, or its exposure is too high. Asked every few seconds."""
        if self.before is None or time.monotonic() - self.looked < OFTEN:
            return None
        self.looked = time.monotonic()
        at, _ = self.look()
        if at and at["failing"] and not self.before["failing"]:
            return "production's archiving began to fail while the drill ran: its exposure grows"
        return self.exposed(at)

    def compare(self, evidence):
        if self.before is None:
            evidence.check("protection", "skipped", f"production could not be asked before: {self.why}")
            return
        after, why = self.look()
        if after is None:
            evidence.check("protection", "failed", f"production answered before the drill and does not after it: {why}")
            return
        lowered = list(worse(self.before, after))
        evidence.check("protection", "failed" if lowered else "passed",
                       "; ".join(lowered) if lowered else
                       f"timeline {after['timeline']}, archived up to {self.before['archived']} before and {after['archived']} after, {len(after['slots'])} slots as before")


def worse(before, after):
    for key, name in (("system", "system identifier"), ("timeline", "timeline"), ("mode", "archive_mode")):
        if before[key] != after[key]:
            yield f"the {name} was {before[key]} and is {after[key]}"
    if after["failing"] and not before["failing"]:
        yield "archiving fails since"
    if before["reset"] == after["reset"] and before["archived"] and len(before["archived"]) == 24 and (after["archived"] or "")[:24] < before["archived"]:
        yield f"{before['archived']} had been archived, now {after['archived']} is the last"
    for slot, was in before["slots"].items():
        now = after["slots"].get(slot)
        if now is None:
            yield f"the slot {slot} is gone"
        elif was["active"] and not now["active"]:
            yield f"nobody reads from the slot {slot} any more"
        elif now["status"] in ("unreserved", "lost") and was["status"] != now["status"]:
            yield f"the slot {slot} is {now['status']}"
    for slot in after["slots"].keys() - before["slots"].keys():
        yield f"the slot {slot} is new: it holds write-ahead log back"
