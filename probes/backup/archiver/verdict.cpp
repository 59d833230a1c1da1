// SPDX-License-Identifier: Apache-2.0
#include "probes/backup/archiver/verdict.hpp"

#include "probes/parts/wal_position.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// Segments that wait for the archiver at once; with more it is stalled, or too slow for what is written.
constexpr std::int64_t usual_backlog = 3;

bool archives(const ArchiverAccount& a) { return a.archive_mode == "on" || a.archive_mode == "always"; }
// A library (archive_library, PostgreSQL 15) takes the command's place.
bool does_nothing(const ArchiverAccount& a) { return a.archive_library.empty() && is_no_op(a.archive_command); }
bool has_nothing_to_run(const ArchiverAccount& a) { return a.archive_library.empty() && a.archive_command.empty(); }

// The point that the source proves. With a listed archive: what is in it. Without one: the archiver's word, unless its command stores
// nothing, whatever the statistics say. An archive that is configured and could not be listed proves nothing.
std::optional<RecoveryReading> proven(const ArchiverAccount& a, const SeenArchive* archive, bool listed, Time now) {
  std::optional<RecoveryReading> reading;
  if (archive) reading = recovery_of(*archive, now);
  if (!archive && listed && !does_nothing(a) && archives(a))
    if (const auto segment = claimed_segment(a.last_archived_wal, a.segment_size)) {
      reading.emplace();
      reading->safe = WalPosition{segment->timeline, end_lsn(*segment, a.segment_size)};
      if (a.last_archived_at && !is_future(*a.last_archived_at, now)) reading->time = a.last_archived_at;
      reading->continuous = true;
    }
  const bool failing = !archives(a) || has_nothing_to_run(a) || does_nothing(a) || a.failing;
  if (failing && !reading) reading.emplace();
  if (reading) reading->failing = failing;
  return reading;
}

}  // namespace

void complain_of_account(const ArchiverAccount& a, Complaints& complaints) {
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

Outcome judge_archiver(const ArchiverAccount& account, const SeenArchive* archive, const std::optional<Failure>& unlisted, Time now) {
  // A standby archives only with `always` (PostgreSQL documentation, archive_mode); its statistics are those of its own archiver, which is
  // idle.
  if (account.standby && account.archive_mode != "always") {
    Outcome outcome = outcome_of(Health::unknown, Reason::protocol, "", "this is a standby: only the primary knows how archiving goes");
    if (archive) outcome.recovery = recovery_of(*archive, now);
    add_facts(account, outcome);
    return outcome;
  }
  Complaints complaints;
  complain_of_account(account, complaints);
  if (archive)
    complain_of_archive(*archive, account.last_archived_wal, claimed_segment(account.last_archived_wal, archive->segment_size), now,
                        complaints);
  else if (account.last_archived_at && is_future(*account.last_archived_at, now))
    complaints.push_back({Health::unknown, Reason::protocol,
                          "the archiver says that it last archived in the future (" + time_words(*account.last_archived_at) + ")"});

  std::string good =
      account.last_archived_wal.empty() ? "archiving is on, nothing was archived yet" : "archived up to " + account.last_archived_wal;
  if (!archive && !unlisted) good += " (as the archiver says)";
  Outcome outcome = verdict(std::move(complaints), good);
  if (unlisted && outcome.outcome != Health::down)
    outcome = outcome_of(Health::unknown, unlisted->reason == Reason::own_fault ? Reason::own_fault : Reason::internal, unlisted->code,
                         "the archive can't be seen: " + unlisted->message);
  outcome.recovery = proven(account, archive, !unlisted, now);
  // What is not known must not move the recovery point.
  if (outcome.outcome == Health::unknown) outcome.recovery.reset();
  add_facts(account, outcome);
  if (archive) add_facts(*archive, claimed_segment(account.last_archived_wal, archive->segment_size), outcome);
  return outcome;
}

Outcome unasked(const Failure& database, const SeenArchive* archive, Time now) {
  Outcome outcome = outcome_of(Health::unknown, database.reason, database.code, "the archiver could not be asked: " + database.message);
  if (!archive) return outcome;
  add_facts(*archive, std::nullopt, outcome);
  outcome.recovery = recovery_of(*archive, now);
  if (!outcome.recovery->safe) return outcome;
  outcome.message += "; the archive can be restored up to " + segment_name(archive->reading.chain->last, archive->segment_size);
  return outcome;
}

}  // namespace drwatch
