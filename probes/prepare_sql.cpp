// SPDX-License-Identifier: Apache-2.0
#include "probes/prepare_sql.hpp"

namespace drwatch {

std::string prepare_sql() {
  return R"SQL(-- Prepares a PostgreSQL database for drwatch. Run it as a superuser, in the database that drwatch's dsn names; it may be run again:
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

REVOKE ALL ON SCHEMA drwatch FROM PUBLIC;
REVOKE ALL ON drwatch.heartbeat FROM PUBLIC;
GRANT USAGE ON SCHEMA drwatch TO drwatch;
GRANT SELECT, UPDATE ON drwatch.heartbeat TO drwatch;

COMMIT;
)SQL";
}

}  // namespace drwatch
