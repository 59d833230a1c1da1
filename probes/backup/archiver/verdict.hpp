// SPDX-License-Identifier: Apache-2.0
// What the archiver's own account and the archive's listing say together. Pure.
#pragma once

#include "probes/backup/archiver/account.hpp"
#include "probes/backup/wal/verdict.hpp"
#include "probes/probe.hpp"

namespace drwatch {

// What the source itself says, by its settings and its statistics.
void complain_of_account(const ArchiverAccount& account, Complaints& complaints);
void add_facts(const ArchiverAccount& account, Outcome& outcome);

// `archive`: nullptr: none is configured (claims are taken as they are); a Failure: it could not be listed.
Outcome judge_archiver(const ArchiverAccount& account, const SeenArchive* archive, const std::optional<Failure>& unlisted, Time now);

// The database could not be asked: unknown, with what the archive holds where it can be seen.
Outcome unasked(const Failure& database, const SeenArchive* archive, Time now);

}  // namespace drwatch
