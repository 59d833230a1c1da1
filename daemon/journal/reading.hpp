// SPDX-License-Identifier: Apache-2.0
// What a journal's file holds, as far as it can be trusted.
#pragma once

#include "daemon/journal/tables.hpp"

#include <functional>
#include <optional>
#include <string>

namespace drwatch::journal {

struct Walked {
  Link anchor, end;                    // `anchor`: the last event before the first row; `end`: the last row that can be trusted
  std::optional<JournalBreak> broken;  // why nothing after `end` can be trusted; nullopt: the file is good
};
// What is wrong with a file as a whole that SQLite refused: that it is shorter than it says, if so, else SQLite's own words.
std::string whole_file_damage(const std::string& path, const StoreError& refused);

// Follows the whole chain; events after `read_after` are read as well and handed to `each`, with their row. Damage is never thrown: it is
// `broken`.
Walked walk_chain(Database& db, std::uint64_t read_after, const std::function<void(Event, const Row&)>& each);

// What the chain does not cover: a snapshot that is not the one that was written. Of a chain that holds.
std::optional<JournalBreak> doctored_snapshot(Database& db, const Walked& walked);

struct Found {
  JournalContents contents;          // what is before the break; without notice
  std::optional<Snapshot> snapshot;  // the one in contents, with its proofs
  Walked walked;
  bool torn = false;  // it can be read only so (Database::read_torn)
};
// Never throws StoreError: what is damaged is in `walked.broken`.
Found find_contents(Database& db);

// Opens a file for reading only, whatever state its folder and its companions are in. Throws std::runtime_error when it is no journal,
// StoreError when it is too damaged to be opened.
class ReadOnly {
 public:
  explicit ReadOnly(const std::string& path);
  ~ReadOnly();
  ReadOnly(const ReadOnly&) = delete;
  Database& database() { return *db_; }
  // A daemon began to write the file after it was opened as one that nobody writes: what was read is worth nothing.
  bool overtaken() const;
  // Not empty: the file is damaged as a whole, and only what is left of it can be read.
  const std::string& torn() const { return torn_; }

 private:
  bool open_as(Database::Mode mode);  // false: it is no journal

  std::string path_;
  bool still_ = false;
  std::string torn_;
  std::optional<Database> db_;
  std::string copy_folder_;  // a copy was made to read its write-ahead log; empty: none
};

}  // namespace drwatch::journal
