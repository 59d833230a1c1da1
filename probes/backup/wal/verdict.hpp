// SPDX-License-Identifier: Apache-2.0
// What a listed archive of write-ahead log is worth, wherever it lies: gaps, claims that it does not bear out, segments that no base backup
// leads to. Pure.
#pragma once

#include "probes/backup/wal/archive.hpp"
#include "probes/parts/complaint.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drwatch {

// What was seen in a listing that was made after whatever claims were taken: what they claim must be in it. Bounded, however many segments
// there are.
struct SeenArchive {
  std::uint64_t segment_size = 0;
  std::optional<Segment> oldest;  // held; nullopt: no whole segment is
  Segment long_there;             // the newest that was there for a while already; where it matters
  bool claim_held = false;        // what was last said to be archived is in it
  bool claim_broken = false;      // it is, and is empty or of the wrong size
  ArchiveReading reading;
  bool gone = false;      // the folder itself is not there
  bool complete = true;   // every file whose text counts could be read
  bool had_base = false;  // a base backup was in it once: without one now, its segments lead to nothing
};

// Fills in `oldest` and what became of `claim`, the name that was last said to be archived; empty: none is known.
void sum_up(const ArchiveListing& listing, const std::vector<FileEntry>& entries, const std::string& claim, SeenArchive& seen);

// What a name in last_archived_wal claims to hold in full; nullopt: nothing (a .history file).
std::optional<Segment> claimed_segment(const std::string& name, std::uint64_t size);

// What is missing within the chain. It counts up to `settled`: an archiver that works on several segments at once may store a later one
// first. Without it everything counts.
std::vector<Segment> gap_of(const SeenArchive& archive, const std::optional<Segment>& settled);

// `claim`: as sum_up() was told it.
void complain_of_archive(const SeenArchive& archive, const std::string& claim, const std::optional<Segment>& settled, Time now,
                         Complaints& complaints);

// What the archive proves: a point, or (whole, and no point) that it holds nothing that could be restored. A time in the future is none.
RecoveryReading recovery_of(const SeenArchive& archive, Time now);

void add_facts(const SeenArchive& archive, const std::optional<Segment>& settled, Outcome& outcome);

}  // namespace drwatch
