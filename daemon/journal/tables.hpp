// SPDX-License-Identifier: Apache-2.0
// The tables of a journal: events, kept, snapshot, meta.
#pragma once

#include "daemon/journal/chain.hpp"
#include "daemon/journal/database.hpp"
#include "daemon/journal/journal.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace drwatch::journal {

inline constexpr int schema_version = 1;

// Of an empty database, in one transaction: a crash leaves either all of them or none.
void make_tables(Database& db);
// Throws std::runtime_error (what, and what to do) when a newer drwatch wrote it.
void refuse_newer_schema(Database& db, const std::string& path);
// Write-ahead log, and each commit on the disk before it is acknowledged.
void make_durable(Database& db);

// Where the chain begins: older events were exported and cut off. Every journal has one; nullopt: it was lost.
std::optional<Link> anchor_of(Database& db);
void set_anchor(Database& db, const Link& anchor);
// The newest event as the last commit left it: an end that was cut off shows. nullopt: no event yet, or it was lost.
std::optional<Link> head_of(Database& db);
void set_head(Database& db, const Link& head);

// The state's text as of an event; `chain` is that event's hash and `digest` the text's: a snapshot that does not fit is not used.
struct Snapshot {
  std::uint64_t seq = 0;
  std::string text, chain, digest;
};
std::optional<Snapshot> snapshot_of(Database& db);  // as it stands, unchecked
void set_snapshot(Database& db, const Snapshot& snapshot);
std::string hash_at(Database& db, std::uint64_t seq);  // "" when there is no such event
Link newest_row(Database& db);                         // whatever the head says; without any the anchor

// Into `kept`: when it throws, what could be read before is there.
void read_kept(Database& db, std::map<std::string, std::string>& kept);

// Statements that a commit uses again and again.
class Inserts {
 public:
  explicit Inserts(Database& db);
  void event(const Row& row);
  void kept(const std::string& key, const std::string& value);  // an empty value deletes

 private:
  Statement event_, keep_, forget_;
};

// Every row after `after`, in order, in short reads: a long one would keep a running daemon from tidying its write-ahead log.
void each_row(Database& db, std::uint64_t after, const std::function<bool(const Row&)>& each);  // false ends it

// "ok", or the first thing that SQLite finds wrong with the file itself.
std::string quick_check(Database& db);

}  // namespace drwatch::journal
