// SPDX-License-Identifier: Apache-2.0
#include "probes/backup/wal/verdict.hpp"

#include <algorithm>

namespace drwatch {
namespace {

std::string held_text(const SeenArchive& archive) {
  const auto& chain = archive.reading.chain;
  return chain ? "it holds " + segment_name(chain->first, archive.segment_size) + " to " + segment_name(chain->last, archive.segment_size)
               : "it holds no whole segment";
}

// Segments alone restore nothing. Where none was ever seen, its files may be kept elsewhere; where one was, it is gone.
bool lost_its_base(const SeenArchive& archive) { return archive.had_base && !(archive.reading.chain && archive.reading.chain->base); }

}  // namespace

void sum_up(const ArchiveListing& listing, const std::vector<FileEntry>& entries, const std::string& claim, SeenArchive& seen) {
  seen.oldest = listing.held.empty() ? std::nullopt : std::optional(listing.held.begin()->first);
  const auto segment = parse_segment(claim, seen.segment_size);
  seen.claim_broken = segment && listing.broken.contains(*segment);
  seen.claim_held =
      segment ? listing.held.contains(*segment)
              // .backup, .history: perhaps compressed
              : std::any_of(entries.begin(), entries.end(), [&](const FileEntry& entry) { return entry.name.starts_with(claim); });
}

// Archiving goes in the order of names, so a .backup file comes after the segment it begins in, a .partial one after the segment before.
std::optional<Segment> claimed_segment(const std::string& name, std::uint64_t size) {
  auto segment = parse_segment(std::string_view(name).substr(0, 24), size);
  if (!segment) return std::nullopt;
  if (name.ends_with(".partial")) {
    if (segment->number == 0) return std::nullopt;
    --segment->number;
  }
  return segment;
}

std::vector<Segment> gap_of(const SeenArchive& archive, const std::optional<Segment>& settled) {
  std::vector<Segment> missing = archive.reading.missing;
  if (settled) std::erase_if(missing, [&](const Segment& s) { return s.number > settled->number; });
  return missing;
}

void complain_of_archive(const SeenArchive& archive, const std::string& claim, const std::optional<Segment>& settled, Time now,
                         Complaints& complaints) {
  const auto size = archive.segment_size;
  const auto missing = gap_of(archive, settled);
  if (!missing.empty())
    complaints.push_back({Health::down, Reason::assertion,
                          "the archive has a gap: " + segments_text(missing, size) +
                              " missing; nothing behind it can be restored, a new base backup is needed"});
  if (!claim.empty() && !claim.ends_with(".partial") && !archive.claim_held)
    complaints.push_back({Health::down, Reason::assertion,
                          "the archiver says that it archived " + claim + ", but in the archive it is " +
                              (archive.claim_broken ? "empty or of the wrong size" : "not there") + "; " + held_text(archive)});
  if (archive.reading.orphan)
    complaints.push_back({Health::down, Reason::assertion,
                          "no base backup leads to the archive's segments of timeline " + std::to_string(*archive.reading.orphan) +
                              ": its .history file is missing, or a new base backup is needed"});
  if (archive.gone)
    complaints.push_back({Health::down, Reason::absent, "the archive's folder is not there"});
  else if (lost_its_base(archive))
    complaints.push_back(
        {Health::down, Reason::absent,
         "the base backup that the archive's segments start from is gone from it: nothing can be restored until a new one"});
  else if (!archive.oldest)
    complaints.push_back({Health::degraded, Reason::absent, "the archive holds no segment yet"});
  else if (archive.reading.chain && !archive.reading.chain->base)
    complaints.push_back({Health::degraded, Reason::absent, "no base backup is to be seen in the archive; segments alone restore nothing"});
  if (archive.reading.chain && is_future(archive.reading.chain->written, now))
    complaints.push_back({Health::unknown, Reason::protocol,
                          "the archive's newest segment, " + segment_name(archive.reading.chain->last, size) + ", is from the future (" +
                              time_words(archive.reading.chain->written) + "): up to when can be restored is not known"});
}

RecoveryReading recovery_of(const SeenArchive& archive, Time now) {
  const auto& chain = archive.reading.chain;
  RecoveryReading reading;
  reading.whole = archive.complete;
  if (!chain || lost_its_base(archive)) return reading;
  reading.safe = WalPosition{chain->last.timeline, end_lsn(chain->last, archive.segment_size)};
  if (!is_future(chain->written, now)) reading.time = chain->written;
  reading.continuous = true;
  return reading;
}

void add_facts(const SeenArchive& archive, const std::optional<Segment>& settled, Outcome& outcome) {
  const auto size = archive.segment_size;
  if (archive.oldest) outcome.facts["oldest_segment"] = segment_name(*archive.oldest, size);
  const auto missing = gap_of(archive, settled);
  if (!missing.empty()) outcome.facts["gap"] = segments_text(missing, size);
  if (!archive.reading.chain) return;
  if (archive.reading.chain->base) outcome.facts["base_backup"] = archive.reading.chain->base->name;
  outcome.facts["restorable_to"] = segment_name(archive.reading.chain->last, size);
}

}  // namespace drwatch
