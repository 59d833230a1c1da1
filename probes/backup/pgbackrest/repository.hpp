// SPDX-License-Identifier: Apache-2.0
// Asks the pgbackrest program: for its own account, and folder by folder for the segments that are really in the repository.
#pragma once

#include "probes/backup/pgbackrest/info.hpp"
#include "probes/backup/wal/verdict.hpp"
#include "probes/seams/world.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace drwatch {

struct PgbackrestAccess {
  std::vector<std::string> command = {"pgbackrest"};
  std::string stanza;
  std::string config;     // empty: pgbackrest's own default
  std::int64_t repo = 0;  // 0: the only one
  friend bool operator==(const PgbackrestAccess&, const PgbackrestAccess&) = default;
};

class PgbackrestRepository {
 public:
  explicit PgbackrestRepository(PgbackrestAccess access) : access_(std::move(access)) {}

  // What pgBackRest's catalogue says, less the backups whose folders are not in the repository: it never looks at them itself.
  Task<Result<PgbackrestInfo>> info(World& world);

  // The segments from the newest good backup on (from an older one where that one's are not whole), and the chain that they make.
  // `timeline`: the one that the database writes, when it is known. Folders that lie behind the end are listed once an hour; what could not
  // be listed before `until` (boottime) is listed by the next call, and until all have been it fails. `claim`: the name that was last said
  // to be archived; empty: none is known.
  Task<Result<SeenArchive>> list(World& world, PgbackrestInfo info, std::uint64_t segment_size, std::optional<std::uint32_t> timeline,
                                 std::string claim, std::chrono::nanoseconds until);

 private:
  struct Folder {
    std::vector<FileEntry> entries;
    std::chrono::nanoseconds listed_at;
  };
  ExecRequest request(std::vector<std::string> arguments) const;
  std::string below_archive(const PgbackrestInfo& info, const std::string& name) const;
  Task<Result<PgbackrestInfo>> told(World& world);
  Task<Result<std::vector<FileEntry>>> list_folder(World& world, std::string path);
  Task<Result<void>> refresh(World& world, PgbackrestInfo info, std::vector<std::string> wanted, std::chrono::nanoseconds until);
  Task<Result<void>> read_histories(World& world, PgbackrestInfo info, std::vector<FileEntry> top);

  PgbackrestAccess access_;
  std::string archive_id_;                                                 // whose folders these are
  std::map<std::string, Folder> folders_;                                  // by name: timeline and log
  std::map<std::string, std::optional<std::vector<Ancestor>>> histories_;  // by name, size and time
};

}  // namespace drwatch
