// SPDX-License-Identifier: Apache-2.0
// What a listed archive of write-ahead log is worth, wherever it lies: gaps, claims that it does not bear out, segments that no base backup
// leads to. Pure.
#pragma once

#include "probes/backup/wal/archive.hpp"
#include "probes/parts/complaint.hpp"

#include <set>
#include <string>

namespace drwatch {

// The archive as it was listed, after whatever claims were taken: what they claim must be in it.
struct SeenArchive {
  std::uint64_t segment_size = 0;
  std::set<std::string, std::less<>> names;
  ArchiveListing listing;
  ArchiveReading reading;
  bool gone = false;      // the folder itself is not there
  bool complete = true;   // every file whose text counts could be read
  bool had_base = false;  // a base backup was in it once: without one now, its segments lead to nothing
};

// What a name in last_archived_wal claims to hold in full; nullopt: nothing (a .history file).
std::optional<Segment> claimed_segment(const std::string& name, std::uint64_t size);

// What is missing within the chain. It counts up to `settled`: an archiver that works on several segments at once may store a later one
// first. Without it everything counts.
std::vector<Segment> gap_of(const SeenArchive& archive, const std::optional<Segment>& settled);

// `claim`: the name that was last said to be archived; empty: none is known.
void complain_of_archive(const SeenArchive& archive, const std::string& claim, const std::optional<Segment>& settled, Time now,
                         Complaints& complaints);

// What the archive proves: a point, or (whole, and no point) that it holds nothing that could be restored. A time in the future is none.
RecoveryReading recovery_of(const SeenArchive& archive, Time now);

void add_facts(const SeenArchive& archive, const std::optional<Segment>& settled, Outcome& outcome);

}  // namespace drwatch
