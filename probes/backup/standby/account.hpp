// SPDX-License-Identifier: Apache-2.0
// Streaming replication as its two ends tell it: the standby what it holds, the primary whom it sends to.
#pragma once

#include "probes/outcome.hpp"
#include "probes/seams/world.hpp"

#include <optional>
#include <string>

namespace drwatch {

// What the standby says of itself.
struct StandbyAccount {
  bool in_recovery = false;
  std::uint32_t timeline = 0;                       // of what it received last, else of its control file
  std::optional<std::uint64_t> received, replayed;  // flushed to its disk (NULL after a restart without a primary); applied
  std::optional<Time> last_commit;                  // of the newest transaction that was replayed, by the primary's clock
  Time now;                                         // by its own clock
  bool paused = false;
  Duration apply_delay{0};  // recovery_min_apply_delay
  std::string system_identifier;
  bool receiver = false;                    // a WAL receiver runs
  std::string receiver_status;              // "" : not permitted to know, as all below
  std::optional<std::uint64_t> latest_end;  // the primary's end, as it last said
  std::optional<Time> last_message;         // when that was, by the primary's clock
  std::optional<Time> canary;               // the replayed canary's beat, where there is one

  std::optional<std::uint64_t> held() const;  // what outlives the primary
};

// What the primary says of the standbys that go by this name.
struct SenderAccount {
  std::optional<WalPosition> current;  // nullopt: it is a standby itself
  Time asked_at;                       // before `current` was read, by its clock
  std::string system_identifier;
  std::int64_t count = 0;  // connected standbys of this name; the fields below are those of the one that is furthest
  std::string state;       // startup, catchup, streaming, backup, stopping; "": not permitted to know
  std::optional<std::uint64_t> flushed, replayed;
  std::string sync_state;
  std::optional<Time> replied_at;
  std::optional<Duration> flush_lag, replay_lag;  // nullopt: nothing to measure
  // The replication slot, where one is named.
  std::optional<bool> slot_active;  // nullopt: no such slot
  std::string slot_status;          // reserved, extended, unreserved, lost
};

// Both fail as PgConnection::query does, or with protocol when the answer has another shape.
Task<Result<StandbyAccount>> read_standby_account(PgConnection& connection);
// `name`: as in pg_stat_replication.application_name; `slot`: may be empty. Neither may hold quotes or backslashes.
Task<Result<SenderAccount>> read_sender_account(PgConnection& connection, std::string name, std::string slot);

}  // namespace drwatch
