// SPDX-License-Identifier: Apache-2.0
#include "probes/postgres/checks.hpp"

#include "probes/parts/pg_answer.hpp"
#include "probes/parts/pg_outcome.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr const char* checksums_sql =
    "SELECT pg_catalog.current_setting('data_checksums'), sum(checksum_failures), "
    "(extract(epoch FROM max(checksum_last_failure)) * 1000)::bigint, pg_catalog.current_setting('ignore_checksum_failure'), "
    "pg_catalog.current_setting('zero_damaged_pages'), "
    "string_agg(coalesce(datname, 'shared tables'), ', ' ORDER BY datname) FILTER (WHERE checksum_failures > 0) "
    "FROM pg_catalog.pg_stat_database";

// The wide column, not count(*): an index alone could answer that.
constexpr const char* sentinel_sql =
    "SELECT count(*), count(*) FILTER (WHERE pg_catalog.sha256(pg_catalog.convert_to(content, 'UTF8')) IS DISTINCT FROM hash), "
    "min(id) FILTER (WHERE pg_catalog.sha256(pg_catalog.convert_to(content, 'UTF8')) IS DISTINCT FROM hash) FROM drwatch.sentinel";

// Who may SET ROLE to a superuser, through other roles as well, may do anything: since PostgreSQL 16 a member may be barred from it.
constexpr const char* roles_sql =
    "SELECT rolname, mighty, rolcanlogin FROM (SELECT r.rolname, r.rolcanlogin, r.rolsuper OR EXISTS (SELECT FROM pg_catalog.pg_roles s "
    "WHERE s.rolsuper AND pg_catalog.pg_has_role(r.oid, s.oid, CASE WHEN pg_catalog.current_setting('server_version_num')::int < 160000 "
    "THEN 'MEMBER' ELSE 'SET' END)) AS mighty FROM pg_catalog.pg_roles r) AS roles WHERE mighty OR rolcanlogin ORDER BY rolname";

constexpr const char* connections_sql =
    "SELECT (SELECT sum(numbackends) FROM pg_catalog.pg_stat_database), pg_catalog.current_setting('max_connections')::int, "
    "pg_catalog.current_setting('superuser_reserved_connections')::int";

constexpr const char* canceled = "57014";  // by the statement's time limit
constexpr std::size_t most_named = 5;      // in a sentence

std::string named(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < most_named; ++i) text += (i ? ", " : "") + quote(names[i], 63);
  if (names.size() > most_named) text += " and " + std::to_string(names.size() - most_named) + " more";
  return text;
}

Outcome bad(std::string message) { return outcome_of(Health::down, Reason::assertion, "", std::move(message)); }

Outcome unread(const Failure& failure, const std::string& what) {
  Outcome outcome = database_outcome(failure);
  if (!is_missing_or_forbidden(failure.code)) return outcome;
  outcome.outcome = Health::unknown;
  outcome.message = what + " can't be read (" + failure.message + "): run the SQL that `drwatch sql` prints";
  return outcome;
}

Outcome checksums_outcome(const std::vector<std::optional<std::string>>& row) {
  Outcome outcome = outcome_of(Health::up, Reason::none, "", "no checksum failure");
  const auto failures = whole(cell(row, 1));
  outcome.facts["checksums"] = text_of(row, 0);
  if (text_of(row, 3) == "on" || text_of(row, 4) == "on")
    return bad(std::string(text_of(row, 3) == "on" ? "ignore_checksum_failure" : "zero_damaged_pages") +
               " is on: the server hands out damaged data without a word");
  if (text_of(row, 0) != "on") {
    outcome.facts["checksums"] = "off, no coverage";
    outcome.outcome = Health::unknown;
    outcome.reason = Reason::absent;
    outcome.message = "data checksums are off: nothing would be noticed (no coverage); pg_checksums --enable, while the server is stopped";
    return outcome;
  }
  outcome.facts["checksum_failures"] = std::to_string(failures.value_or(0));
  if (!failures || *failures == 0) return outcome;
  const auto last = database_time(cell(row, 2));
  outcome.message = std::to_string(*failures) + " checksum failures in " + text_of(row, 5) + ", the last at " +
                    (last ? time_text(*last) : "an unknown time");
  outcome.facts["checksum_last_failure"] = last ? time_text(*last) : "";
  // Latched: the counter is reset with the statistics, the damage is not mended by that.
  outcome.latches.push_back({"checksums", last.value_or(Time{}), outcome.message});
  return outcome;
}

bool lists(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Outcome worse(Outcome first, Outcome second) {
  if (severity_seen(second.outcome) > severity_seen(first.outcome)) std::swap(first, second);
  if (second.outcome != Health::up && !second.message.empty()) first.message += "; " + second.message;
  first.facts.merge(second.facts);
  if (!first.canary) first.canary = second.canary;
  if (!first.data_bytes) first.data_bytes = second.data_bytes;
  first.latches.insert(first.latches.end(), second.latches.begin(), second.latches.end());
  first.takes_no_writes = first.takes_no_writes || second.takes_no_writes;
  return first;
}

std::string sql_array(const std::vector<std::string>& words) {
  std::string text = "ARRAY[";
  for (const std::string& word : words) text += (text.back() == '[' ? "" : ",") + sql_literal(word);
  return text + "]::text[]";
}

Task<Outcome> look_at_checksums(PgConnection& connection) {
  const auto answer = co_await connection.query(checksums_sql);
  if (!answer) co_return unread(answer.error(), "pg_stat_database");
  co_return answer->rows.empty() ? outcome_of(Health::unknown, Reason::protocol, "", "pg_stat_database is empty")
                                 : checksums_outcome(answer->rows[0]);
}

Task<Outcome> read_sentinel(PgConnection& connection) {
  const auto answer = co_await connection.query(sentinel_sql);
  if (!answer) co_return unread(answer.error(), "drwatch.sentinel");
  const auto rows = answer->rows.empty() ? std::nullopt : whole(cell(answer->rows[0], 0));
  if (!rows) co_return outcome_of(Health::unknown, Reason::protocol, "", "drwatch.sentinel answers nothing");
  const auto changed = whole(cell(answer->rows[0], 1)).value_or(0);
  Outcome outcome = outcome_of(Health::up, Reason::none, "", std::to_string(*rows) + " sentinel rows as they were written");
  if (changed > 0)
    outcome = bad(std::to_string(changed) + " sentinel rows are not what was written, the first with id " + text_of(answer->rows[0], 2));
  else if (*rows < sentinel_rows)
    outcome = bad(std::to_string(sentinel_rows - *rows) + " of " + std::to_string(sentinel_rows) +
                  " sentinel rows are gone, and nothing told of it");
  outcome.facts["sentinel_rows"] = std::to_string(*rows);
  outcome.facts["sentinel_changed"] = std::to_string(changed);
  co_return outcome;
}

Task<Outcome> look_at_roles(PgConnection& connection, std::optional<std::vector<std::string>> superusers,
                            std::optional<std::vector<std::string>> logins) {
  const auto answer = co_await connection.query(roles_sql);
  if (!answer) co_return unread(answer.error(), "pg_roles");
  std::vector<std::string> supers, strangers;
  for (const auto& row : answer->rows) {
    const std::string name = text_of(row, 0);
    if (superusers && text_of(row, 1) == "t" && !lists(*superusers, name)) supers.push_back(name);
    // Who may do anything is no stranger.
    const bool expected = (logins && lists(*logins, name)) || (superusers && lists(*superusers, name));
    if (logins && text_of(row, 2) == "t" && !expected) strangers.push_back(name);
  }
  Outcome outcome = outcome_of(Health::up, Reason::none, "", "no unknown role");
  if (!supers.empty()) outcome = bad("unknown superuser " + named(supers));
  if (!strangers.empty()) outcome = worse(std::move(outcome), bad("unknown role that may log in: " + named(strangers)));
  if (superusers) outcome.facts["unknown_superusers"] = std::to_string(supers.size());
  if (logins) outcome.facts["unknown_roles"] = std::to_string(strangers.size());
  co_return outcome;
}

Task<Outcome> look_at_row_security(PgConnection& connection, std::vector<std::string> tables) {
  const std::string list = sql_array(tables);
  const auto answer = co_await connection.query(
      "SELECT n.nspname || '.' || c.relname, c.relrowsecurity FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
      "c.relnamespace WHERE c.relkind IN ('r', 'p') AND (n.nspname || '.' || c.relname = ANY (" +
      list + ") OR n.nspname || '.*' = ANY (" + list + ")) ORDER BY 1");
  if (!answer) co_return unread(answer.error(), "pg_class");
  std::vector<std::string> open, found, missing;
  for (const auto& row : answer->rows) {
    found.push_back(text_of(row, 0));
    if (text_of(row, 1) != "t") open.push_back(found.back());
  }
  for (const std::string& table : tables) {
    const bool all_of_a_schema = table.ends_with(".*");
    const auto covered = [&](const std::string& name) {
      return all_of_a_schema ? name.starts_with(table.substr(0, table.size() - 1)) : name == table;
    };
    if (std::none_of(found.begin(), found.end(), covered)) missing.push_back(table);
  }
  Outcome outcome = outcome_of(Health::up, Reason::none, "", "row level security is on for " + std::to_string(found.size()) + " tables");
  if (!open.empty()) outcome = bad("row level security is off for " + named(open));
  if (!missing.empty())
    outcome = worse(std::move(outcome), outcome_of(Health::unknown, Reason::absent, "", "there is no table " + named(missing)));
  outcome.facts["row_security_off"] = std::to_string(open.size());
  co_return outcome;
}

Task<Outcome> look_at_connections(PgConnection& connection, ConnectionBounds bounds) {
  const auto answer = co_await connection.query(connections_sql);
  if (!answer) co_return unread(answer.error(), "pg_stat_database");
  const auto row = answer->rows.empty() ? std::vector<std::optional<std::string>>() : answer->rows[0];
  const auto used = whole(cell(row, 0)), most = whole(cell(row, 1)), reserved = whole(cell(row, 2));
  if (!used || !most || *most <= reserved.value_or(0))
    co_return outcome_of(Health::unknown, Reason::protocol, "", "the connections could not be counted");
  const auto room = *most - reserved.value_or(0);
  const double part = static_cast<double>(*used) / static_cast<double>(room);
  const std::string words = std::to_string(*used) + " of " + std::to_string(room) + " connections are in use";
  Outcome outcome = outcome_of(Health::up, Reason::none, "", words);
  if (bounds.degraded && part >= *bounds.degraded) outcome = outcome_of(Health::degraded, Reason::assertion, "", words);
  if (bounds.down && part >= *bounds.down) outcome = bad(words);
  outcome.facts["connections"] = std::to_string(*used);
  outcome.facts["connections_room"] = std::to_string(room);
  co_return outcome;
}

// An aside: that it could not be read says nothing of the database's health.
Task<Outcome> look_at_size(PgConnection& connection) {
  const auto answer = co_await connection.query("SELECT pg_catalog.pg_database_size(pg_catalog.current_database())");
  Outcome outcome = outcome_of(Health::up, Reason::none, "", "");
  if (!answer) {
    const bool lost = answer.error().code != canceled && !is_missing_or_forbidden(answer.error().code);
    if (lost) co_return database_outcome(answer.error());
    outcome.facts["size_bytes"] = "could not be read: " + answer.error().message;
    co_return outcome;
  }
  const auto bytes = answer->rows.empty() ? std::nullopt : whole(cell(answer->rows[0], 0));
  if (!bytes || *bytes <= 0) co_return outcome;
  outcome.facts["size_bytes"] = std::to_string(*bytes);
  outcome.data_bytes = static_cast<double>(*bytes);
  co_return outcome;
}

}  // namespace drwatch
