// SPDX-License-Identifier: Apache-2.0
#include "probes/backup/archiver/account.hpp"

#include "config/rows/text.hpp"
#include "probes/backup/wal/archive.hpp"
#include "probes/parts/pg_outcome.hpp"
#include "probes/parts/wal_position.hpp"

#include <algorithm>
#include <charconv>

namespace drwatch {
namespace {

// pg_current_wal_lsn fails on a standby, hence the CASE.
constexpr const char* account_sql =
    "SELECT a.last_archived_wal, (extract(epoch from a.last_archived_time) * 1000)::bigint, a.last_failed_wal, a.failed_count, "
    "coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false), (extract(epoch from a.stats_reset) * "
    "1000)::bigint, "
    "(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_segment_size'), pg_catalog.current_setting('archive_mode'), "
    "pg_catalog.current_setting('archive_command'), coalesce(pg_catalog.current_setting('archive_library', true), ''), "
    "(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'archive_timeout'), r.standby, "
    "CASE WHEN NOT r.standby THEN pg_catalog.pg_current_wal_lsn() END, "
    "CASE WHEN NOT r.standby THEN pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8) END, "
    "(SELECT system_identifier FROM pg_catalog.pg_control_system()) "
    "FROM pg_catalog.pg_stat_archiver AS a, (SELECT pg_catalog.pg_is_in_recovery() AS standby) AS r";
constexpr std::size_t account_columns = 15;
constexpr const char* backlog_sql = "SELECT count(*) FROM pg_catalog.pg_ls_archive_statusdir() WHERE name LIKE '%.ready'";

// 0 for NULL and for anything else.
std::int64_t integer(const std::optional<std::string>& text) {
  std::int64_t made = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), made);
  return made;
}

std::optional<ArchiverAccount> parse_account(const PgResult& result) {
  if (result.rows.size() != 1 || result.rows[0].size() < account_columns) return std::nullopt;
  const auto& row = result.rows[0];
  const auto text = [&](std::size_t i) { return row[i].value_or(""); };
  ArchiverAccount account;
  account.last_archived_wal = text(0);
  account.last_archived_at = database_time(row[1]);
  account.last_failed_wal = text(2);
  account.failed_count = integer(row[3]);
  account.failing = text(4) == "t";
  account.stats_reset_at = database_time(row[5]);
  account.segment_size = static_cast<std::uint64_t>(std::max<std::int64_t>(integer(row[6]), 0));
  account.archive_mode = text(7);
  account.archive_command = text(8);
  account.archive_library = text(9);
  account.archive_timeout = seconds{integer(row[10])};
  account.standby = text(11) == "t";
  const auto lsn = parse_lsn(text(12));
  const auto timeline = parse_timeline(text(13));
  if (lsn && timeline) account.current = WalPosition{*timeline, *lsn};
  account.system_identifier = text(14);
  // A segment's name means nothing without it.
  if (!is_segment_size(account.segment_size)) return std::nullopt;
  return account;
}

}  // namespace

Task<Result<ArchiverAccount>> read_archiver_account(PgConnection& connection) {
  const auto result = co_await connection.query(account_sql);
  if (!result) co_return result.error();
  auto account = parse_account(*result);
  if (!account) co_return Failure{Reason::protocol, "", "pg_stat_archiver was answered in a shape that is not known"};
  // Last, since without pg_monitor it fails and takes the transaction with it.
  const auto backlog = co_await connection.query(backlog_sql);
  if (backlog && !backlog->rows.empty() && !backlog->rows[0].empty()) account->backlog = integer(backlog->rows[0][0]);
  co_return std::move(*account);
}

bool is_no_op(std::string_view command) {
  // "true # TODO" is a way in which archiving is switched off for good.
  command = trimmed(command.substr(0, command.find('#')));
  while (!command.empty() && command.back() == ';') command = trimmed(command.substr(0, command.size() - 1));
  if (command.find_first_of("|&;<>`$(") != std::string_view::npos) return false;  // more goes on than one word can tell
  if (command == "exit 0" || command == "exit") return true;
  const auto word = command.substr(0, command.find_first_of(" \t"));
  return word == ":" || word == "true" || word == "/bin/true" || word == "/usr/bin/true";
}

std::string command_name(std::string_view command) {
  command = trimmed(command);
  auto word = command.substr(0, command.find_first_of(" \t;|&<>\"'"));
  if (word.find('=') != std::string_view::npos) return "a command that sets variables";  // they may be secret
  return std::string(word.substr(word.rfind('/') == std::string_view::npos ? 0 : word.rfind('/') + 1));
}

}  // namespace drwatch
