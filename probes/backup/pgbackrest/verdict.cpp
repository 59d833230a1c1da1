// SPDX-License-Identifier: Apache-2.0
#include "probes/backup/pgbackrest/verdict.hpp"

#include "probes/backup/archiver/verdict.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>

namespace drwatch {
namespace {

const ArchiverAccount* account_of(const PgbackrestSight& sight) {
  return sight.account && *sight.account && !(**sight.account).standby ? &**sight.account : nullptr;
}
const SeenArchive* archive_of(const PgbackrestSight& sight) { return sight.archive && *sight.archive ? &**sight.archive : nullptr; }

// Up to where everything must be there: what the archiver claims, else what has been there for a while.
Segment settled(const PgbackrestSight& sight, const SeenArchive& archive) {
  if (const auto* account = account_of(sight))
    if (const auto claim = claimed_segment(account->last_archived_wal, archive.segment_size)) return *claim;
  return archive.long_there;
}

// Codes: https://github.com/pgbackrest/pgbackrest, `info` command; 0 ok, 99 other.
void complain_of_status(const PgbackrestInfo& info, Complaints& complaints) {
  const std::string told = info.message.empty() ? "status " + std::to_string(info.code) : quote(info.message, 80);
  switch (info.code) {
    case 0:
      return;
    case 1:
    case 3:
      complaints.push_back({Health::down, Reason::absent, "the stanza is not in the repository (" + told + ")"});
      return;
    case 2:
      complaints.push_back({Health::down, Reason::absent, "the repository holds no backup that can be restored (" + told + ")"});
      return;
    case 5:
      complaints.push_back({Health::down, Reason::assertion, "the repositories are of different databases (" + told + ")"});
      return;
    default:
      complaints.push_back({Health::unknown, Reason::protocol, "pgbackrest could not read the repository (" + told + ")"});
  }
}

void complain_of_backups(const PgbackrestInfo& info, const PgbackrestWanted& wanted, Time now, Complaints& complaints) {
  const auto good = good_backups(info);
  if (!info.gone.empty())
    complaints.push_back({Health::down, Reason::assertion,
                          "pgbackrest lists backups whose files are not in the repository, the newest " + quote(info.gone.back(), 80)});
  if (!info.backups.empty() && !is_good(info.backups.back(), info))
    complaints.push_back({Health::down, Reason::assertion,
                          "the newest backup, " + quote(info.backups.back().label, 80) +
                              ", has page checksum errors or rests on one that has or is gone: it is not chosen, and the database's own "
                              "pages should be checked"});
  if (good.empty() && info.code == 0)
    complaints.push_back(
        {Health::down, Reason::absent,
         info.backups.empty() && info.not_understood > 0 ? "none of the backups is understood" : "there is no good backup"});
  if (!good.empty() && is_future(good.back().stopped, now))
    complaints.push_back(
        {Health::unknown, Reason::protocol,
         "the newest good backup, " + quote(good.back().label, 80) + ", is from the future (" + time_words(good.back().stopped) + ")"});
  if (!good.empty() && wanted.max_backup_age && now - good.back().stopped > *wanted.max_backup_age)
    complaints.push_back(
        {Health::degraded, Reason::stale,
         "the newest good backup is " + duration_words(now - good.back().stopped) + " old (" + time_words(good.back().stopped) + ")"});
}

void complain_of_repository(const PgbackrestSight& sight, Time now, Complaints& complaints) {
  if (!sight.archive) {
    if (sight.info.code == 0 && !good_backups(sight.info).empty())
      complaints.push_back({Health::unknown, Reason::protocol, "where the archive lies and how long its segments are is not understood"});
    return;
  }
  if (!*sight.archive) {
    const Failure failure = sight.archive->error();
    complaints.push_back({Health::unknown, failure.reason, "the repository could not be listed: " + failure.message});
    return;
  }
  const SeenArchive* archive = archive_of(sight);
  const auto* account = account_of(sight);
  if (!archive->reading.chain || !archive->reading.chain->base)
    complaints.push_back({Health::down, Reason::assertion,
                          "no backup can be restored: what the newest one needs of the write-ahead log, " +
                              quote(sight.info.backups.back().start_wal, 24) + " to " + quote(sight.info.backups.back().stop_wal, 24) +
                              ", is not whole in the repository"});
  else
    complain_of_archive(*archive, account ? account->last_archived_wal : "", settled(sight, *archive), now, complaints);
}

bool other_cluster(const PgbackrestSight& sight) {
  const auto* account = account_of(sight);
  return account && !account->system_identifier.empty() && !sight.info.system_identifier.empty() &&
         account->system_identifier != sight.info.system_identifier;
}

void complain_of_archiver(const PgbackrestSight& sight, Complaints& complaints) {
  const auto* account = account_of(sight);
  if (!account) return;
  if (other_cluster(sight))
    complaints.push_back(
        {Health::down, Reason::assertion,
         "the repository is of another database cluster (" + sight.info.system_identifier + ", not " + account->system_identifier + ")"});
  complain_of_account(*account, complaints);
}

// pgBackRest read the repository, and there is nothing in it (1 and 3: no stanza, 2: no backup) or nothing that is good.
bool holds_nothing(const PgbackrestInfo& info) {
  if (info.not_understood > 0) return false;
  return info.code == 1 || info.code == 2 || info.code == 3 || (info.code == 0 && good_backups(info).empty());
}

// Only a chain from a good backup is a point.
std::optional<RecoveryReading> proven(const PgbackrestSight& sight, Time now) {
  RecoveryReading nothing;
  nothing.whole = true;
  if (other_cluster(sight) || holds_nothing(sight.info)) return nothing;
  const SeenArchive* archive = archive_of(sight);
  if (!archive) return std::nullopt;
  if (!archive->reading.chain || !archive->reading.chain->base) return nothing;
  auto reading = recovery_of(*archive, now);
  reading.oldest = good_backups(sight.info).front().stopped;
  return reading;
}

void add_facts(const PgbackrestSight& sight, Outcome& outcome) {
  auto& facts = outcome.facts;
  const auto& info = sight.info;
  const auto good = good_backups(info);
  facts["status"] = std::to_string(info.code) + (info.message.empty() ? "" : " " + excerpt(info.message, 60));
  facts["backups_good"] = std::to_string(good.size());
  if (good.size() < info.backups.size()) facts["backups_faulty"] = std::to_string(info.backups.size() - good.size());
  if (!info.gone.empty()) facts["backups_gone"] = std::to_string(info.gone.size());
  if (info.not_understood > 0) facts["backups_not_understood"] = std::to_string(info.not_understood);
  if (!good.empty()) {
    facts["newest_backup"] = excerpt(good.back().label, 80);
    facts["newest_backup_type"] = excerpt(good.back().type, 20);
    facts["newest_backup_at"] = time_text(good.back().stopped);
    facts["oldest_backup_at"] = time_text(good.front().stopped);
    if (good.back().bytes > 0) {
      facts["size_bytes"] = std::to_string(good.back().bytes);
      outcome.data_bytes = static_cast<double>(good.back().bytes);
    }
  }
  facts["backup_running"] = info.backup_running ? "yes" : "no";
  facts["archive_id"] = excerpt(info.archive_id, 40);
  facts["system_identifier"] = info.system_identifier;
  if (const auto* account = account_of(sight)) add_facts(*account, outcome);
  if (const auto* archive = archive_of(sight)) {
    facts["wal_segment_size"] = std::to_string(archive->segment_size);
    add_facts(*archive, settled(sight, *archive), outcome);
  }
}

std::string good_text(const PgbackrestSight& sight) {
  const SeenArchive* archive = archive_of(sight);
  std::string text = archive && archive->reading.chain
                         ? "the repository can be restored up to " + segment_name(archive->reading.chain->last, archive->segment_size)
                         : "the repository was read";
  if (archive && archive->reading.chain && archive->reading.chain->base) text += " from " + archive->reading.chain->base->name;
  if (sight.account && !*sight.account) text += " (the archiver could not be asked: " + sight.account->error().message + ")";
  return text;
}

}  // namespace

Outcome judge_pgbackrest(const PgbackrestSight& sight, const PgbackrestWanted& wanted, Time now) {
  Complaints complaints;
  if (sight.info.repositories > 1 && sight.info.code == 4)
    complaints.push_back({Health::unknown, Reason::internal, "the stanza has several repositories that differ: name one with `repo`"});
  else
    complain_of_status(sight.info, complaints);
  complain_of_backups(sight.info, wanted, now, complaints);
  complain_of_archiver(sight, complaints);
  complain_of_repository(sight, now, complaints);
  Outcome outcome = verdict(std::move(complaints), good_text(sight));
  const bool failing = outcome.outcome == Health::down;
  outcome.recovery = proven(sight, now);
  if (failing && !outcome.recovery) outcome.recovery.emplace();
  if (outcome.recovery) outcome.recovery->failing = failing;
  if (outcome.outcome == Health::unknown) outcome.recovery.reset();
  add_facts(sight, outcome);
  return outcome;
}

}  // namespace drwatch
