// SPDX-License-Identifier: Apache-2.0
#include "probes/archiver_verdict.hpp"

#include "probes/complaint.hpp"
#include "probes/excerpt.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr std::int64_t usual_backlog = 3;  // segments; more is stalled or too slow

// What a name in last_archived_wal claims to hold in full: archiving goes in the order of names, so a .backup file comes after the segment
// it begins in, a .partial one after the segment before. nullopt: nothing (a .history file).
std::optional<Segment> claimed(const std::string& name, std::uint64_t size) {
  auto segment = parse_segment(std::string_view(name).substr(0, 24), size);
  if (!segment) return std::nullopt;
  if (name.ends_with(".partial")) {
    if (segment->number == 0) return std::nullopt;
    --segment->number;
  }
  return segment;
}

bool archives(const ArchiverAccount& a) { return a.archive_mode == "on" || a.archive_mode == "always"; }
bool does_nothing(const ArchiverAccount& a) { return a.archive_library.empty() && is_no_op(a.archive_command); }
bool has_nothing_to_run(const ArchiverAccount& a) { return a.archive_library.empty() && a.archive_command.empty(); }

// What the source itself says, by its settings and its statistics.
void complain_of_settings(const ArchiverAccount& a, Complaints& complaints) {
  if (!archives(a)) {
    complaints.push_back({Health::down, Reason::assertion, "archive_mode is off: nothing is archived"});
  } else if (has_nothing_to_run(a)) {
    complaints.push_back({Health::down, Reason::assertion, "archive_command is empty: nothing is archived and segments pile up in pg_wal"});
  } else if (does_nothing(a)) {
    complaints.push_back({Health::down, Reason::assertion,
                          "archive_command is '" + excerpt(a.archive_command, 40) + "': it says that it archived and stores nothing"});
  }
  if (a.failing && archives(a))
    complaints.push_back({Health::down, Reason::assertion,
                          "archiving fails" + (a.last_failed_wal.empty() ? "" : " at " + a.last_failed_wal) + " (" +
                              std::to_string(a.failed_count) + " failures), nothing behind it can be archived"});
  if (a.backlog && *a.backlog > usual_backlog)
    complaints.push_back({Health::degraded, Reason::stale, std::to_string(*a.backlog) + " segments wait to be archived"});
  if (archives(a) && a.archive_timeout == seconds{0})
    complaints.push_back(
        {Health::degraded, Reason::assertion, "archive_timeout is 0: on a quiet database a commit may wait without bound to be archived"});
}

bool holds(const SeenArchive& archive, const std::string& claim) {
  if (const auto segment = parse_segment(claim, archive.segment_size)) return archive.listing.held.contains(*segment);
  const auto found = archive.names.lower_bound(claim);  // .backup, .history: perhaps compressed
  return found != archive.names.end() && found->starts_with(claim);
}

std::string held_text(const SeenArchive& archive) {
  const auto& chain = archive.reading.chain;
  return chain ? "it holds " + segment_name(chain->first, archive.segment_size) + " to " + segment_name(chain->last, archive.segment_size)
               : "it holds no whole segment";
}

// A gap counts when what is missing was claimed: an archiver that works on several segments at once may store a later one first.
std::vector<Segment> gap(const SeenArchive& archive, const std::optional<Segment>& claim) {
  std::vector<Segment> missing = archive.reading.missing;
  if (claim) std::erase_if(missing, [&](const Segment& s) { return s.number > claim->number; });
  return missing;
}

void complain_of_archive(const SeenArchive& archive, const std::string& claim, Complaints& complaints) {
  const auto size = archive.segment_size;
  const auto missing = gap(archive, claimed(claim, size));
  if (!missing.empty())
    complaints.push_back({Health::down, Reason::assertion,
                          "the archive has a gap: " + segments_text(missing, size) +
                              " missing; nothing behind it can be restored, a new base backup is needed"});
  if (!claim.empty() && !claim.ends_with(".partial") && !holds(archive, claim)) {
    const auto segment = parse_segment(claim, size);
    const bool broken = segment && archive.listing.broken.contains(*segment);
    complaints.push_back({Health::down, Reason::assertion,
                          "the archiver says that it archived " + claim + ", but in the archive it is " +
                              (broken ? "empty or of the wrong size" : "not there") + "; " + held_text(archive)});
  }
  if (archive.reading.orphan)
    complaints.push_back({Health::down, Reason::assertion,
                          "no base backup leads to the archive's segments of timeline " + std::to_string(*archive.reading.orphan) +
                              ": its .history file is missing, or a new base backup is needed"});
  if (archive.listing.held.empty())
    complaints.push_back({Health::degraded, Reason::absent, "the archive holds no segment yet"});
  else if (archive.reading.chain && !archive.reading.chain->base)
    complaints.push_back({Health::degraded, Reason::absent, "no base backup is to be seen in the archive; segments alone restore nothing"});
}

RecoveryReading recovery_of(const Chain& chain, std::uint64_t size) {
  RecoveryReading reading;
  reading.safe = WalPosition{chain.last.timeline, end_lsn(chain.last, size)};
  reading.time = chain.written;
  return reading;
}

void add_facts(const ArchiverAccount& a, Outcome& outcome) {
  auto& facts = outcome.facts;
  facts["last_archived_wal"] = a.last_archived_wal.empty() ? "none" : a.last_archived_wal;
  facts["failed_count"] = std::to_string(a.failed_count);
  facts["archive_mode"] = a.archive_mode;
  facts["archive_command"] = !a.archive_library.empty() ? "library " + a.archive_library : command_name(a.archive_command);
  facts["archive_timeout_seconds"] = std::to_string(a.archive_timeout.count());
  facts["wal_segment_size"] = std::to_string(a.segment_size);
  facts["system_identifier"] = a.system_identifier;
  if (a.last_archived_at) facts["last_archived_time"] = time_text(*a.last_archived_at);
  if (a.stats_reset_at) facts["stats_reset"] = time_text(*a.stats_reset_at);
  if (a.backlog) facts["backlog"] = std::to_string(*a.backlog);
  if (a.current) {
    facts["lsn"] = lsn_text(a.current->lsn);
    facts["timeline"] = std::to_string(a.current->timeline);
  }
}

void add_facts(const SeenArchive& archive, const std::optional<Segment>& claim, Outcome& outcome) {
  const auto size = archive.segment_size;
  if (!archive.listing.held.empty()) outcome.facts["oldest_segment"] = segment_name(archive.listing.held.begin()->first, size);
  const auto missing = gap(archive, claim);
  if (!missing.empty()) outcome.facts["gap"] = segments_text(missing, size);
  if (!archive.reading.chain) return;
  if (archive.reading.chain->base) outcome.facts["base_backup"] = archive.reading.chain->base->name;
  outcome.facts["restorable_to"] = segment_name(archive.reading.chain->last, size);
}

// The point that the source proves. A command that stores nothing proves nothing, whatever the statistics say.
std::optional<RecoveryReading> proven(const ArchiverAccount& a, const SeenArchive* archive, bool listed) {
  std::optional<RecoveryReading> reading;
  if (archive && archive->reading.chain) reading = recovery_of(*archive->reading.chain, archive->segment_size);
  if (!archive && listed && !does_nothing(a) && archives(a))
    if (const auto segment = claimed(a.last_archived_wal, a.segment_size)) {
      reading.emplace();
      reading->safe = WalPosition{segment->timeline, end_lsn(*segment, a.segment_size)};
      reading->time = a.last_archived_at;
    }
  const bool failing = !archives(a) || has_nothing_to_run(a) || does_nothing(a) || a.failing;
  if (failing && !reading) reading.emplace();
  if (reading) reading->failing = failing;
  return reading;
}

}  // namespace

Outcome judge_archiver(const ArchiverAccount& account, const SeenArchive* archive, const std::optional<Failure>& unlisted) {
  if (account.standby && account.archive_mode != "always") {
    Outcome outcome = outcome_of(Health::unknown, Reason::protocol, "", "this is a standby: only the primary knows how archiving goes");
    if (archive && archive->reading.chain) outcome.recovery = recovery_of(*archive->reading.chain, archive->segment_size);
    add_facts(account, outcome);
    return outcome;
  }
  Complaints complaints;
  complain_of_settings(account, complaints);
  if (archive) complain_of_archive(*archive, account.last_archived_wal, complaints);

  std::string good =
      account.last_archived_wal.empty() ? "archiving is on, nothing was archived yet" : "archived up to " + account.last_archived_wal;
  if (!archive && !unlisted) good += " (as the archiver says)";
  Outcome outcome = verdict(std::move(complaints), good);
  if (unlisted && outcome.outcome != Health::down)
    outcome = outcome_of(Health::unknown, unlisted->reason == Reason::own_fault ? Reason::own_fault : Reason::internal, unlisted->code,
                         "the archive can't be seen: " + unlisted->message);
  outcome.recovery = proven(account, archive, !unlisted);
  if (outcome.outcome == Health::unknown) outcome.recovery.reset();
  add_facts(account, outcome);
  if (archive) add_facts(*archive, claimed(account.last_archived_wal, archive->segment_size), outcome);
  return outcome;
}

Outcome unasked(const Failure& database, const SeenArchive* archive) {
  Outcome outcome = outcome_of(Health::unknown, database.reason, database.code, "the archiver could not be asked: " + database.message);
  if (!archive) return outcome;
  add_facts(*archive, std::nullopt, outcome);
  if (!archive->reading.chain) return outcome;
  outcome.recovery = recovery_of(*archive->reading.chain, archive->segment_size);
  outcome.message += "; the archive can be restored up to " + segment_name(archive->reading.chain->last, archive->segment_size);
  return outcome;
}

}  // namespace drwatch
