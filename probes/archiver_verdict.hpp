// SPDX-License-Identifier: Apache-2.0
// What the archiver's own account and the archive's listing say together. Pure.
#pragma once

#include "probes/archiver_account.hpp"
#include "probes/probe.hpp"
#include "probes/wal_archive.hpp"

#include <set>
#include <string>

namespace drwatch {

// The archive as it was listed, after the account was taken: what the account claims must be in it.
struct SeenArchive {
  std::uint64_t segment_size = 0;
  std::set<std::string, std::less<>> names;
  ArchiveListing listing;
  ArchiveReading reading;
};

// `archive`: nullptr: none is configured (claims are taken as they are); a Failure: it could not be listed.
Outcome judge_archiver(const ArchiverAccount& account, const SeenArchive* archive, const std::optional<Failure>& unlisted);

// The database could not be asked: unknown, with what the archive holds where it can be seen.
Outcome unasked(const Failure& database, const SeenArchive* archive);

}  // namespace drwatch
