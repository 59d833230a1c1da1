// SPDX-License-Identifier: Apache-2.0
// What PostgreSQL itself says of its archiving: statistics, settings, and where it writes now.
#pragma once

#include "probes/outcome.hpp"
#include "probes/seams/world.hpp"

#include <optional>
#include <string>

namespace drwatch {

struct ArchiverAccount {
  std::string last_archived_wal;  // "" none since the statistics began; may name a .backup, .history or .partial file
  std::optional<Time> last_archived_at, stats_reset_at;
  std::string last_failed_wal;
  std::int64_t failed_count = 0;
  bool failing = false;  // the newest attempt failed
  std::uint64_t segment_size = 0;
  std::string archive_mode, archive_command, archive_library;
  seconds archive_timeout{0};
  bool standby = false;
  std::optional<WalPosition> current;   // nullopt on a standby
  std::string system_identifier;        // beyond 2^53: stays text
  std::optional<std::int64_t> backlog;  // segments waiting to be archived; nullopt: not permitted to know
};

// One look at pg_stat_archiver, pg_settings and pg_control_system(). Fails as PgConnection::query does, or with protocol.
Task<Result<ArchiverAccount>> read_archiver_account(PgConnection& connection);

// The command can't archive anything and still says that it did: true, `:`, `exit 0`.
bool is_no_op(std::string_view command);

// The first word of a command, without its folder: what may be shown of it.
std::string command_name(std::string_view command);

}  // namespace drwatch
