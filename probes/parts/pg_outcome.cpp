// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/pg_outcome.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace drwatch {
namespace {

// By which a server says that nobody's write goes through (PostgreSQL documentation, Appendix A; src/backend/utils/errcodes.txt).
// ECONNREFUSED, ENOENT (no Unix socket): nothing listens on the database's own address. 57P01 to 57P03: shutting down, crashed, starting
// up. 57P04, 3D000: the database was dropped. 25006: read-only. Not among them is what refuses some writes and lets others through: 53100
// (a full disk: only what needs a new page or file fails), 53300 and 55000 (who is logged in goes on), 42501 (this role alone), 57014.
constexpr std::array<std::string_view, 8> takes_none = {"ECONNREFUSED", "ENOENT", "57P01", "57P02", "57P03", "57P04", "3D000", "25006"};

// varsup.c: no transaction ids are given out any more. 54000 is said of other limits as well (a row, a query that is too long).
bool is_wraparound(std::string_view code, std::string_view message) {
  return code == "54000" && message.find("wraparound") != std::string_view::npos;
}

// What a server says by its SQLSTATE, in words of the person on call. The first that fits; two letters stand for their class.
struct Meaning {
  std::string_view state;
  Reason reason;
  std::string_view words;
};
constexpr Meaning meanings[] = {
    {"XX001", Reason::assertion, "data is corrupt: what is on disk is not what was written"},
    {"XX002", Reason::assertion, "an index is corrupt"},
    {"XX", Reason::assertion, "an internal error of the server"},
    {"58P01", Reason::assertion, "a file of the database is missing on its disk"},
    {"58030", Reason::assertion, "the database's disk fails"},
    {"58", Reason::assertion, "the system that the server runs on fails"},
    {"53100", Reason::assertion, "the database's disk is full"},
    {"53200", Reason::assertion, "the server is out of memory"},
    {"53300", Reason::connect, "all its connections are taken"},
    {"53", Reason::assertion, "the server is short of something"},
    {"57014", Reason::timeout, "the statement took too long, or was cancelled"},
    {"57P01", Reason::connect, "the server is shut down, or an administrator ended the connection"},
    {"57P02", Reason::connect, "the server crashed"},
    {"57P04", Reason::absent, "the database was dropped"},
    {"57P03", Reason::connect, "the server starts, stops or recovers"},
    {"25006", Reason::assertion, "it takes no writes"},
    {"54", Reason::assertion, "a limit of the server"},
    {"28P01", Reason::auth, "the password is wrong, or was rotated without drwatch"},
    {"28", Reason::auth, "this role may not log in, or not in this way: see pg_hba.conf"},
    {"3D000", Reason::absent, "there is no such database"},
    {"08P01", Reason::connect, "the pooler answers, but not the database behind it"},
    {"08", Reason::connect, "the connection broke"},
    {"42P01", Reason::assertion, "a table is not there"},
    {"42501", Reason::assertion, "this role has no right to it"},
};

// Internal errors that are mostly the first sign of damaged files.
constexpr std::array<std::string_view, 3> signs_of_corruption = {"could not read block", "missing chunk number", "before relfrozenxid"};

void explain(Outcome& outcome) {
  const auto meaning =
      std::find_if(std::begin(meanings), std::end(meanings), [&](const Meaning& m) { return outcome.code.starts_with(m.state); });
  if (outcome.code.size() != 5 || meaning == std::end(meanings)) return;
  outcome.reason = meaning->reason;
  std::string_view words = meaning->words;
  const bool suspect = std::any_of(signs_of_corruption.begin(), signs_of_corruption.end(),
                                   [&](std::string_view sign) { return outcome.message.find(sign) != std::string::npos; });
  // PostgreSQL reports these as plain internal errors (elog), not as XX001.
  if (suspect && outcome.code == "XX000") words = "suspect corrupt data";
  if (is_wraparound(outcome.code, outcome.message))
    words = "it takes no writes before every old table and prepared transaction was dealt with";
  outcome.message += " (" + std::string(words) + ")";
}

}  // namespace

bool takes_no_writes(const Failure& failure) {
  const bool about_a_file = failure.code == "ENOENT" && failure.reason != Reason::connect;  // a certificate, not a socket
  if (is_wraparound(failure.code, failure.message)) return true;
  return !about_a_file && std::find(takes_none.begin(), takes_none.end(), failure.code) != takes_none.end();
}

Outcome database_outcome(const Failure& failure) {
  Outcome outcome = outcome_of(failure);
  // Unknown (own-fault, internal): the server said nothing.
  if (outcome.outcome != Health::down) return outcome;
  explain(outcome);
  outcome.takes_no_writes = takes_no_writes(failure);
  return outcome;
}

Task<std::optional<Outcome>> begin_bounded(PgConnection& connection, Duration timeout) {
  const auto begun = co_await connection.query("BEGIN");
  if (!begun) co_return database_outcome(begun.error());
  // A little less than the run has, so that the server's own error arrives before the run is cut off.
  const auto limit = std::max<Duration>(timeout * 9 / 10, Duration{1});
  const auto bounded = co_await connection.query("SET LOCAL statement_timeout = " + std::to_string(limit.count()));
  if (!bounded) co_return database_outcome(bounded.error());
  co_return std::nullopt;
}

std::optional<Time> database_time(const std::optional<std::string>& unix_milliseconds) {
  if (!unix_milliseconds) return std::nullopt;
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(unix_milliseconds->data(), unix_milliseconds->data() + unix_milliseconds->size(), count);
  if (error != std::errc{} || end != unix_milliseconds->data() + unix_milliseconds->size()) return std::nullopt;
  return Time{Duration{count}};
}

Outcome of_content(Outcome outcome) {
  // 3D000 and 57P04: the database is gone, 42P01 the table; XX001, XX002, 58P01: damaged, or a file of it is missing.
  constexpr std::array<std::string_view, 6> seen = {"3D000", "57P04", "42P01", "XX001", "XX002", "58P01"};
  const bool found = (outcome.code.empty() && outcome.reason == Reason::assertion) || !outcome.latches.empty() ||
                     std::find(seen.begin(), seen.end(), outcome.code) != seen.end() ||
                     outcome.message.find("suspect corrupt data") != std::string::npos;
  if (outcome.outcome != Health::down || found) return outcome;
  outcome.outcome = Health::unknown;
  outcome.message += "; what is in it was not seen";
  return outcome;
}

std::optional<Outcome> dsn_problem(const Secret& dsn) {
  if (dsn.present()) return std::nullopt;
  return outcome_of(Health::unknown, Reason::internal, "", "the dsn " + dsn.name() + " is missing");
}

bool is_missing_or_forbidden(const std::string& sqlstate) {
  // undefined_table, invalid_schema_name, undefined_column, undefined_function, insufficient_privilege (PostgreSQL documentation, Appendix
  // A).
  constexpr std::array<std::string_view, 5> states = {"42P01", "3F000", "42703", "42883", "42501"};
  return std::find(states.begin(), states.end(), sqlstate) != states.end();
}

}  // namespace drwatch
