// SPDX-License-Identifier: Apache-2.0
// What pgBackRest's own account, the walk through its repository and the archiver's claims say together. Pure.
#pragma once

#include "probes/backup/archiver/account.hpp"
#include "probes/backup/pgbackrest/info.hpp"
#include "probes/backup/wal/verdict.hpp"
#include "probes/probe.hpp"

#include <optional>

namespace drwatch {

struct PgbackrestSight {
  PgbackrestInfo info;
  std::optional<Result<ArchiverAccount>> account;  // nullopt: no dsn is configured. Taken before the repository was listed
  std::optional<Result<SeenArchive>> archive;      // nullopt: there was no reason to list it
};

// `max_backup_age`: an older newest good backup is degraded; nullopt: any age is good.
struct PgbackrestWanted {
  std::optional<Duration> max_backup_age;
};
Outcome judge_pgbackrest(const PgbackrestSight& sight, const PgbackrestWanted& wanted, Time now);

}  // namespace drwatch
