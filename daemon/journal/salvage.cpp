// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/salvage.hpp"

#include <algorithm>
#include <filesystem>

namespace drwatch::journal {

namespace fs = std::filesystem;

namespace {

// SQLite's write-ahead log and its shared index.
constexpr const char* companions[] = {"", "-wal", "-shm"};

void remove_all_of(const std::string& path) {
  for (const char* companion : companions) fs::remove(path + companion);
}

// The write-ahead log must go with its file: left behind, SQLite would play it into the new file of that name.
void put_aside(const std::string& path, const std::string& aside) {
  for (const char* companion : companions) {
    if (fs::exists(path + companion)) fs::rename(path + companion, aside + companion);
  }
  sync_folder_of(path);
}

// PATH.damaged-20260131T120000Z, with a number behind it when there is one of that second already.
std::string free_name(const std::string& path, Time now) {
  std::string stamp = time_text(std::chrono::floor<seconds>(now));
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  const std::string name = path + ".damaged-" + stamp;
  std::string free = name;
  for (int i = 2; fs::exists(free) || fs::exists(free + "-wal"); ++i) free = name + "-" + std::to_string(i);
  return free;
}
std::string free_name_now(const std::string& path) {
  return free_name(path, std::chrono::floor<Duration>(std::chrono::system_clock::now()));
}

// Where a crash between two renames of put_aside() has left the damaged file: the newest one kept aside without a write-ahead log. What is
// still here belongs to it: a file without its log is only half of the evidence. nullopt: there is none.
std::optional<std::string> half_put_aside(const std::string& path) {
  const fs::path file(path);
  const std::string begin = file.filename().string() + ".damaged-";
  std::optional<std::string> newest;
  for (const auto& entry : fs::directory_iterator(file.parent_path().empty() ? "." : file.parent_path())) {
    const std::string name = entry.path().filename().string(), found = entry.path().string();
    if (!name.starts_with(begin) || name.ends_with("-wal") || name.ends_with("-shm") || fs::exists(found + "-wal")) continue;
    if (!newest || found > *newest) newest = found;
  }
  return newest;
}

// Copies the good rows with their hashes, so the chain of the new file continues the old one's. Also the kept values and the snapshot that
// fits.
void write_good_part(const std::string& from, const std::string& to, const Found& found) {
  Database db(to, Database::Mode::create);
  make_durable(db);
  make_tables(db);
  db.run("BEGIN IMMEDIATE");
  Inserts inserts(db);
  const Link& end = found.walked.end;
  if (end.seq > found.walked.anchor.seq) {
    Database damaged(from, Database::Mode::write);
    // Reading must not change the damaged file: it is evidence.
    damaged.leave_log();
    if (found.torn) damaged.read_torn();
    each_row(damaged, found.walked.anchor.seq, [&](const Row& row) {
      if (row.seq <= end.seq) inserts.event(row);
      return row.seq < end.seq;
    });
  }
  for (const auto& [key, value] : found.contents.kept) inserts.kept(key, value);
  if (found.snapshot) set_snapshot(db, *found.snapshot);
  set_anchor(db, found.walked.anchor);
  set_head(db, end);
  db.run("COMMIT");
  db.checkpoint(true);
}

std::string good_part_text(const Walked& walked) {
  const std::uint64_t first = walked.anchor.seq + 1, last = walked.end.seq;
  if (last < first) return "nothing of it could be read: drwatch goes on with an empty one";
  return "events " + std::to_string(first) + " to " + std::to_string(last) + " are good and go on in a new file";
}

}  // namespace

// salvage() makes the new file whole under .salvaged, puts the damaged one aside, and renames the new one to `path`. So a .salvaged without
// a journal means that only the last step is missing. With one, the damaged file is still in its place: it is read and salvaged again.
void finish_salvage(const std::string& path) {
  const std::string ready = path + ".salvaged";
  if (!fs::exists(ready)) return;
  if (fs::exists(path)) {  // the damaged file is still in its place: it is read again
    remove_all_of(ready);
    return;
  }
  put_aside(path, half_put_aside(path).value_or(free_name_now(path)));
  fs::rename(ready, path);
  sync_folder_of(path);
}

// Each rename is one step for the file system, and each is made durable before the next: after a crash anywhere in here either the damaged
// file or the whole new one is under `path` or .salvaged.
std::string salvage(const std::string& path, const Found& found, Time now, FileLock& lock) {
  const std::string unready = path + ".salvaging", ready = path + ".salvaged", aside = free_name(path, now);
  remove_all_of(unready);
  write_good_part(path, unready, found);
  lock.hold(unready);  // before it has the name under which others look for it
  fs::rename(unready, ready);
  sync_folder_of(path);
  put_aside(path, aside);
  fs::rename(ready, path);
  sync_folder_of(path);
  return "the journal " + path + " was damaged (" + found.walked.broken->message + "); " + good_part_text(found.walked) +
         "; the damaged file is kept as " + aside + ": keep it until it is clear what happened, drwatch journal show reads what it can";
}

namespace {
bool nothing_in(const std::string& path) {
  std::error_code error;
  return !fs::exists(path, error) || fs::file_size(path, error) == 0;
}
}  // namespace

bool left_by_a_journal(const std::string& path) {
  std::error_code error;
  return fs::exists(path + ".lock", error) || fs::exists(path + "-wal", error);
}

std::string put_remains_aside(const std::string& path) {
  if (!nothing_in(path)) return "";
  std::string what = fs::exists(path) ? "the journal " + path + " is empty" : "there is no journal at " + path + " any more";
  what += ", though a drwatch has had one there: drwatch goes on with a new one and knows nothing of what was before";
  if (!nothing_in(path + "-wal")) {
    const std::string aside = free_name_now(path);
    put_aside(path, aside);
    what += "; its write-ahead log is kept as " + aside + "-wal";
  }
  return what + "; if the file was moved, stop drwatch and put it back";
}

}  // namespace drwatch::journal
