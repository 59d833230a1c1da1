// SPDX-License-Identifier: Apache-2.0
#include "probes/backup/standby/account.hpp"

#include "probes/backup/wal/archive.hpp"
#include "probes/parts/pg_outcome.hpp"
#include "probes/parts/wal_position.hpp"

#include <algorithm>
#include <charconv>

namespace drwatch {
namespace {

// pg_last_wal_receive_lsn is what was flushed, and stays when the receiver is gone. Without pg_monitor the receiver's row has only its pid.
constexpr const char* standby_sql =
    "SELECT s.standby, coalesce(r.received_tli, (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint())), "
    "(SELECT min_recovery_end_timeline FROM pg_catalog.pg_control_recovery()), "
    "pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn(), "
    "(extract(epoch from pg_catalog.pg_last_xact_replay_timestamp()) * 1000)::bigint, "
    "(extract(epoch from pg_catalog.clock_timestamp()) * 1000)::bigint, "
    "CASE WHEN s.standby THEN pg_catalog.pg_is_wal_replay_paused() END, "
    "(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'recovery_min_apply_delay'), "
    "(SELECT system_identifier FROM pg_catalog.pg_control_system()), "
    "r.pid IS NOT NULL, r.status, r.latest_end_lsn, (extract(epoch from r.last_msg_send_time) * 1000)::bigint "
    "FROM (SELECT pg_catalog.pg_is_in_recovery() AS standby) AS s LEFT JOIN pg_catalog.pg_stat_wal_receiver AS r ON true";
constexpr std::size_t standby_columns = 14;
constexpr const char* canary_sql = "SELECT (extract(epoch from beat) * 1000)::bigint FROM drwatch.heartbeat WHERE id = 1";

// statement_timestamp: whatever was committed before it is in front of the position, which is read after it.
std::string sender_sql(const std::string& name, const std::string& slot) {
  return "SELECT CASE WHEN NOT s.standby THEN pg_catalog.pg_current_wal_lsn() END, "
         "CASE WHEN NOT s.standby THEN pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8) END, "
         "(extract(epoch from pg_catalog.statement_timestamp()) * 1000)::bigint, "
         "(SELECT system_identifier FROM pg_catalog.pg_control_system()), "
         "(SELECT count(*) FROM pg_catalog.pg_stat_replication WHERE application_name = '" +
         name +
         "'), r.state, r.flush_lsn, r.replay_lsn, r.sync_state, (extract(epoch from r.reply_time) * 1000)::bigint, "
         "(extract(epoch from r.flush_lag) * 1000)::bigint, (extract(epoch from r.replay_lag) * 1000)::bigint, t.active, t.wal_status "
         "FROM (SELECT pg_catalog.pg_is_in_recovery() AS standby) AS s "
         "LEFT JOIN (SELECT * FROM pg_catalog.pg_stat_replication WHERE application_name = '" +
         name +
         "' ORDER BY flush_lsn DESC NULLS LAST LIMIT 1) AS r ON true "
         "LEFT JOIN pg_catalog.pg_replication_slots AS t ON t.slot_name = '" +
         slot + "'";
}
constexpr std::size_t sender_columns = 14;

using Cell = std::optional<std::string>;

std::optional<std::int64_t> integer(const Cell& text) {
  std::int64_t made = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), made);
  return error == std::errc{} && end == text->data() + text->size() ? std::optional(made) : std::nullopt;
}
std::optional<std::uint64_t> position(const Cell& text) { return text ? parse_lsn(*text) : std::nullopt; }
std::optional<Duration> lag(const Cell& text) {
  const auto count = integer(text);
  return count ? std::optional(Duration{std::max<std::int64_t>(*count, 0)}) : std::nullopt;
}
std::uint32_t timeline(const Cell& text) {
  const auto number = integer(text).value_or(0);
  return number > 0 && number <= UINT32_MAX ? static_cast<std::uint32_t>(number) : 0;
}

std::optional<StandbyAccount> parse_standby(const PgResult& result) {
  if (result.rows.size() != 1 || result.rows[0].size() < standby_columns) return std::nullopt;
  const auto& row = result.rows[0];
  const auto now = database_time(row[6]);
  if (!row[0] || !now) return std::nullopt;
  StandbyAccount account;
  account.in_recovery = *row[0] == "t";
  // The control file may lag behind what was received, and what was received is forgotten at a restart.
  account.timeline = std::max(timeline(row[1]), timeline(row[2]));
  account.received = position(row[3]);
  account.replayed = position(row[4]);
  account.last_commit = database_time(row[5]);
  account.now = *now;
  account.paused = row[7] == "t";
  account.apply_delay = Duration{std::max<std::int64_t>(integer(row[8]).value_or(0), 0)};  // pg_settings shows it in milliseconds
  account.system_identifier = row[9].value_or("");
  account.receiver = row[10] == "t";
  account.receiver_status = row[11].value_or("");
  account.latest_end = position(row[12]);
  account.last_message = database_time(row[13]);
  return account;
}

std::optional<SenderAccount> parse_sender(const PgResult& result) {
  if (result.rows.size() != 1 || result.rows[0].size() < sender_columns) return std::nullopt;
  const auto& row = result.rows[0];
  const auto asked_at = database_time(row[2]);
  const auto count = integer(row[4]);
  if (!asked_at || !count) return std::nullopt;
  SenderAccount account;
  const auto lsn = position(row[0]);
  const auto at_timeline = row[1] ? parse_timeline(*row[1]) : std::nullopt;
  if (lsn && at_timeline) account.current = WalPosition{*at_timeline, *lsn};
  account.asked_at = *asked_at;
  account.system_identifier = row[3].value_or("");
  account.count = *count;
  account.state = row[5].value_or("");
  account.flushed = position(row[6]);
  account.replayed = position(row[7]);
  account.sync_state = row[8].value_or("");
  account.replied_at = database_time(row[9]);
  account.flush_lag = lag(row[10]);
  account.replay_lag = lag(row[11]);
  if (row[12]) account.slot_active = *row[12] == "t";
  account.slot_status = row[13].value_or("");
  return account;
}

constexpr const char* another_shape = "replication was answered in a shape that is not known";

}  // namespace

std::optional<std::uint64_t> StandbyAccount::held() const {
  if (received && replayed) return std::max(*received, *replayed);
  return received ? received : replayed;
}

Task<Result<StandbyAccount>> read_standby_account(PgConnection& connection) {
  const auto result = co_await connection.query(standby_sql);
  if (!result) co_return result.error();
  auto account = parse_standby(*result);
  if (!account) co_return Failure{Reason::protocol, "", another_shape};
  // Last, since without the canary's table it fails and takes the transaction with it.
  const auto canary = co_await connection.query(canary_sql);
  if (canary && !canary->rows.empty() && !canary->rows[0].empty()) account->canary = database_time(canary->rows[0][0]);
  co_return std::move(*account);
}

Task<Result<SenderAccount>> read_sender_account(PgConnection& connection, std::string name, std::string slot) {
  const auto result = co_await connection.query(sender_sql(name, slot));
  if (!result) co_return result.error();
  auto account = parse_sender(*result);
  if (!account) co_return Failure{Reason::protocol, "", another_shape};
  co_return std::move(*account);
}

}  // namespace drwatch
