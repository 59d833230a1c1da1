// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/prepare_sql.hpp"

namespace drwatch {

// The comments inside are for the operator who reads it before running it. Everything may be run again; nothing that is there is dropped.
std::string prepare_sql() {
  return R"SQL(-- Prepares a PostgreSQL database for drwatch. Run it as a superuser (Supabase: as postgres), in the database that drwatch's dsn names; it may be run again:
--   drwatch sql | psql -X -v ON_ERROR_STOP=1 -d DATABASE
-- Then give the role its password:  \password drwatch
BEGIN;

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'drwatch') THEN
    CREATE ROLE drwatch;
  END IF;
END
$$;
ALTER ROLE drwatch LOGIN;

-- Reads statistics and the archiver's backlog; sees no table of the platform.
GRANT pg_monitor TO drwatch;

-- The canary: one row that drwatch writes again and again, so that a quiet database has a moving recovery point. After a restore it says
-- to which moment the data goes.
CREATE SCHEMA IF NOT EXISTS drwatch;
CREATE TABLE IF NOT EXISTS drwatch.heartbeat (
  id   integer     PRIMARY KEY CHECK (id = 1),
  seq  bigint      NOT NULL DEFAULT 0,
  beat timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
INSERT INTO drwatch.heartbeat (id) VALUES (1) ON CONFLICT (id) DO NOTHING;

-- The sentinel: rows over many pages that never change, with the hash of each beside it. What vanishes or changes here went unnoticed.
CREATE TABLE IF NOT EXISTS drwatch.sentinel (
  id      integer PRIMARY KEY,
  content text    NOT NULL,
  hash    bytea   NOT NULL
);
ALTER TABLE drwatch.sentinel ALTER COLUMN content SET STORAGE PLAIN;
INSERT INTO drwatch.sentinel
  SELECT id, content, sha256(convert_to(content, 'UTF8'))
  FROM (SELECT id, repeat(md5(id::text), 25) AS content FROM generate_series(1, 1000) AS id) AS made
  WHERE NOT EXISTS (SELECT FROM drwatch.sentinel);

REVOKE ALL ON SCHEMA drwatch FROM PUBLIC;
REVOKE ALL ON drwatch.heartbeat, drwatch.sentinel FROM PUBLIC;
GRANT USAGE ON SCHEMA drwatch TO drwatch;
GRANT SELECT, UPDATE ON drwatch.heartbeat TO drwatch;
GRANT SELECT ON drwatch.sentinel TO drwatch;

-- pg_cron, where it is: its tables show a role only its own jobs. These show drwatch all of them, but no command: that may hold secrets.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('cron.job_run_details')) THEN
    CREATE OR REPLACE VIEW drwatch.cron_job AS
      SELECT jobid, jobname, schedule, active, database, username FROM cron.job;
    CREATE OR REPLACE VIEW drwatch.cron_run AS
      SELECT runid, jobid, status, return_message, start_time, end_time FROM cron.job_run_details;
    REVOKE ALL ON drwatch.cron_job, drwatch.cron_run FROM PUBLIC;
    GRANT SELECT ON drwatch.cron_job, drwatch.cron_run TO drwatch;
  END IF;
END
$$;

COMMIT;
)SQL";
}

}  // namespace drwatch
