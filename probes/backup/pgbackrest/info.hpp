// SPDX-License-Identifier: Apache-2.0
// What `pgbackrest info --output=json` and `pgbackrest repo-ls --output=json` say (shapes of 2.45; keys that are not known are passed over,
// keys that are missing make nothing good). Pure. Exit codes say nothing: `info` ends with 0 whatever the status.
#pragma once

#include "probes/backup/wal/archive.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

struct PgbackrestBackup {
  std::string label, type;              // type: full, diff, incr
  bool faulty = false;                  // page checksum errors were found while it was taken (`error`), or that can't be told
  std::vector<std::string> references;  // other backups that hold a part of it
  Time started, stopped;                // it is consistent from `stopped` on
  std::string start_wal, stop_wal;      // names of segments
  std::uint64_t start_lsn = 0, stop_lsn = 0;
  std::uint64_t bytes = 0;  // of the database that it brings back, whatever lies in the repository; 0: it does not say
};

struct PgbackrestInfo {
  std::int64_t code = 99;  // of the repository that was asked for, else of the stanza: 0 ok, 1 to 6, 99 other
  std::string message;
  std::size_t repositories = 0;
  bool encrypted = false;
  bool backup_running = false;
  std::string system_identifier, version;  // of the newest database that the stanza has known
  std::string archive_id;                  // its folder, "15-1"; empty: nothing was archived
  std::vector<PgbackrestBackup> backups;   // of that database, oldest first
  std::size_t not_understood = 0;          // backups in another shape
  std::vector<std::string> gone;           // labels of backups that are in the catalogue and not in the repository; not among `backups`
};
// `repo`: 0: whichever there is. nullopt: another shape, or the stanza is not in it.
std::optional<PgbackrestInfo> parse_pgbackrest_info(std::string_view text, std::string_view stanza, std::int64_t repo);

// Neither faulty itself nor resting on one that is faulty or gone.
bool is_good(const PgbackrestBackup& backup, const PgbackrestInfo& info);
std::vector<PgbackrestBackup> good_backups(const PgbackrestInfo& info);  // oldest first

// From what the backups say of positions and names; nullopt: they say nothing. Where several sizes fit, 16 MB if it is among them.
std::optional<std::uint64_t> segment_size_of(const PgbackrestInfo& info);

// The files and folders of one listing, the folder itself left out; a folder has size 0. nullopt: another shape (cut short, an error).
std::optional<std::vector<FileEntry>> parse_repo_ls(std::string_view text);

// Archived segments as pgBackRest names them: 24 digits, "-", a SHA-1, perhaps a compression. Two of one segment count as broken:
// pgBackRest refuses to choose.
ArchiveListing sort_repository(const std::vector<FileEntry>& entries, std::uint64_t size, bool encrypted);

}  // namespace drwatch
