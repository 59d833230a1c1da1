// SPDX-License-Identifier: Apache-2.0
#include "probes/postgres/canary.hpp"

#include "probes/parts/pg_answer.hpp"
#include "probes/parts/pg_outcome.hpp"
#include "probes/parts/wal_position.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr Duration most_skew = seconds{2};  // more would bias every recovery point

constexpr const char* beat_sql =
    "UPDATE drwatch.heartbeat SET beat = pg_catalog.clock_timestamp(), seq = seq + 1 WHERE id = 1 "
    "RETURNING seq, (extract(epoch from beat) * 1000)::bigint";
// The insert position, read after the commit: the canary's commit record is before it.
constexpr const char* position_sql =
    "SELECT l, pg_catalog.left(pg_catalog.pg_walfile_name(l), 8), (extract(epoch from pg_catalog.pg_postmaster_start_time()) * "
    "1000)::bigint "
    "FROM pg_catalog.pg_current_wal_insert_lsn() AS l";
constexpr const char* read_only_sql =
    "SELECT pg_catalog.pg_is_in_recovery(), source FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only'";

std::string first_row_text(const PgResult& result, std::size_t column) {
  return !result.rows.empty() && column < result.rows[0].size() ? result.rows[0][column].value_or("") : "";
}

Outcome unprepared(const std::string& code, const std::string& why) {
  return outcome_of(Health::degraded, Reason::assertion, code,
                    "the database answers, but the canary can't be written (" + why + "): run the SQL that `drwatch sql` prints");
}

// Why it is read-only. Of a standby, or of a setting that is only drwatch's own, it isn't known that nobody can write.
Task<Outcome> read_only(PgConnection& connection, Failure failure) {
  Outcome outcome = database_outcome(failure);
  (void)co_await connection.query("ROLLBACK");
  const auto why = co_await connection.query(read_only_sql);
  if (!why) co_return outcome;
  const std::string source = first_row_text(*why, 1);
  if (first_row_text(*why, 0) == "t") {
    outcome.takes_no_writes = false;
    outcome.message = "this is a standby, it takes no writes: " + failure.message;
  } else if (source == "user" || source == "database user" || source == "client" || source == "session") {
    outcome.takes_no_writes = false;
    outcome.message = "drwatch's own session is read-only (default_transaction_read_only): " + failure.message;
  } else if (source == "configuration file" || source == "database") {
    outcome.message = failure.message +
                      " (the database was made read-only: a hosted one is when its disk is full; make room, then set "
                      "default_transaction_read_only off)";
  }
  co_return outcome;
}

Task<Outcome> refused(PgConnection& connection, Failure failure) {
  if (failure.code == "25006") co_return co_await read_only(connection, failure);
  if (!is_missing_or_forbidden(failure.code)) {
    Outcome outcome = database_outcome(failure);
    // Of one row's update it can only be said for want of a transaction id, in whatever language.
    outcome.takes_no_writes = outcome.takes_no_writes || failure.code == "54000";
    co_return outcome;
  }
  (void)co_await connection.query("ROLLBACK");
  co_return unprepared(failure.code, failure.message);
}

struct Beat {
  std::string seq;
  Time at{};
  Duration skew{0};  // of the database's clock against ours, as far as the round trip lets know
};

// What the clock of the database is ahead (or behind, negative) of the interval in which it must have been read.
Duration skew_of(Time beat, Time before, Time after) {
  // Inside the round trip nothing can be said.
  if (beat < before) return beat - before;
  return beat > after ? beat - after : Duration{0};
}

Outcome beaten(const Beat& beat, const PgResult& position) {
  const auto lsn = parse_lsn(first_row_text(position, 0));
  const auto timeline = parse_timeline(first_row_text(position, 1));
  if (!lsn || !timeline)
    return outcome_of(Health::degraded, Reason::protocol, "",
                      "the canary was written, but the write-ahead log's position could not be read");
  Outcome outcome = outcome_of(Health::up, Reason::none, "", "canary " + beat.seq + " committed at " + lsn_text(*lsn));
  outcome.canary = CanaryBeat{{*timeline, *lsn}, beat.at};
  outcome.facts["lsn"] = lsn_text(*lsn);
  outcome.facts["timeline"] = std::to_string(*timeline);
  outcome.facts["canary"] = beat.seq;
  if (position.rows[0].size() > 2)
    if (const auto started = database_time(position.rows[0][2])) outcome.facts["server_started"] = time_text(*started);
  if (std::chrono::abs(beat.skew) > most_skew) {
    outcome.facts["clock_skew_seconds"] = std::to_string(std::chrono::duration_cast<seconds>(beat.skew).count());
    outcome.message += "; the database's clock is " + duration_words(std::chrono::abs(beat.skew)) +
                       (beat.skew.count() > 0 ? " ahead of" : " behind") + " drwatch's: recovery points are wrong by as much";
  }
  return outcome;
}

constexpr const char* standby_sql = "SELECT seq, beat, pg_catalog.pg_is_in_recovery() FROM drwatch.heartbeat WHERE id = 1";

// The primary is well; only what would take its place is not.
Outcome standby_lags(const std::string& why) { return outcome_of(Health::degraded, Reason::stale, "", "on the standby: " + why); }

Outcome of_standby(const Failure& failure) {
  Outcome outcome = database_outcome(failure);
  outcome.takes_no_writes = false;
  outcome.message = "the standby can't be asked: " + outcome.message;
  if (outcome.outcome == Health::down) outcome.outcome = Health::degraded;
  // The primary did not refuse: the canary there must not be written less often for it.
  if (outcome.reason == Reason::auth) outcome.reason = Reason::assertion;
  return outcome;
}

}  // namespace

Task<Outcome> write_canary(World& world, PgConnection& connection, Duration timeout) {
  if (auto problem = co_await begin_bounded(connection, timeout)) co_return *problem;
  const Time before = world.clock.now();
  const auto written = co_await connection.query(beat_sql);
  const Time after = world.clock.now();
  if (!written) co_return co_await refused(connection, written.error());
  const auto committed = co_await connection.query("COMMIT");
  if (!committed) co_return database_outcome(committed.error());

  const auto at = written->rows.empty() || written->rows[0].size() < 2 ? std::nullopt : database_time(written->rows[0][1]);
  if (!at) co_return unprepared("", "drwatch.heartbeat has no row to write");
  const auto position = co_await connection.query(position_sql);
  if (!position) co_return co_await refused(connection, position.error());
  co_return beaten(Beat{first_row_text(*written, 0), *at, skew_of(*at, before, after)}, *position);
}

Task<Outcome> see_canary(World& world, Secret standby, std::string seq, Duration within) {
  const auto began = world.clock.boottime();
  Phases phases;  // the standby's own are not those of the run
  auto connection = co_await world.postgres.connect(std::move(standby), phases);
  if (!connection) co_return of_standby(connection.error());
  while (true) {
    const auto seen = co_await (*connection)->query(standby_sql);
    if (!seen) co_return of_standby(seen.error());
    const auto waited = std::chrono::duration_cast<Duration>(world.clock.boottime() - began);
    if (seen->rows.empty()) co_return standby_lags("drwatch.heartbeat has no row there");
    if (first_row_text(*seen, 2) != "t") co_return standby_lags("it is no standby: it takes writes of its own");
    if (whole(seen->rows[0][0]).value_or(0) >= whole(seq).value_or(0)) {
      Outcome outcome = outcome_of(Health::up, Reason::none, "", "seen on the standby");
      outcome.facts["standby_seen_after"] = duration_text(std::max(waited, Duration{1}));
      co_return outcome;
    }
    if (waited >= within)
      co_return standby_lags("the canary is not there after " + duration_words(within) + "; it has " + first_row_text(*seen, 0) + ", not " +
                             seq);
    co_await world.clock.sleep_for(std::chrono::milliseconds{100});
  }
}

}  // namespace drwatch
