// SPDX-License-Identifier: Apache-2.0
#include "probes/pg_outcome.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace drwatch {
namespace {

// ECONNREFUSED, ENOENT (no Unix socket): nothing listens on the database's own address. 57P01 to 57P03: shutting down, crashed, starting
// up. 25006: read-only.
constexpr std::array<std::string_view, 6> takes_none = {"ECONNREFUSED", "ENOENT", "57P01", "57P02", "57P03", "25006"};
constexpr std::string_view query_canceled = "57014";

}  // namespace

Outcome database_outcome(const Failure& failure) {
  Outcome outcome = outcome_of(failure);
  if (outcome.outcome != Health::down) return outcome;
  if (failure.code == query_canceled) outcome.reason = Reason::timeout;
  const bool about_a_file = failure.code == "ENOENT" && failure.reason != Reason::connect;  // a certificate, not a socket
  outcome.takes_no_writes = !about_a_file && std::find(takes_none.begin(), takes_none.end(), failure.code) != takes_none.end();
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

std::optional<Outcome> dsn_problem(const Secret& dsn) {
  if (dsn.present()) return std::nullopt;
  return outcome_of(Health::unknown, Reason::internal, "", "the dsn " + dsn.name() + " is missing");
}

}  // namespace drwatch
