// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/reading.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <stdlib.h>

namespace drwatch::journal {

namespace fs = std::filesystem;

namespace {

// `newest`: as the last commit wrote it down, if that is known.
JournalBreak unreadable(std::uint64_t seq, const StoreError& error, const std::optional<Link>& newest = {}) {
  if (!newest || newest->seq < seq) return {seq, std::string("the file cannot be read from here on: ") + error.what()};
  return {seq,
          (newest->seq == seq ? "event " + std::to_string(seq) : "events " + std::to_string(seq) + " to " + std::to_string(newest->seq)) +
              " cannot be read: " + error.what()};
}

// What a journal says of itself. Without it the chain is followed from its very beginning, and an end that was cut off does not show.
struct About {
  Link anchor;
  std::optional<Link> head;
  std::string lost;  // not empty: what cannot be relied on any more
};
About about(Database& db) {
  About found;
  try {
    found.head = head_of(db);
    if (const auto anchor = anchor_of(db))
      found.anchor = *anchor;
    else
      found.lost = "where the chain begins is not recorded any more";
  } catch (const StoreError& error) {
    found.lost = std::string("what the journal says of itself cannot be read: ") + error.what();
  }
  return found;
}

// Links the row to the chain; when `read`, its event is handed to `each`. Rows before a snapshot are only hashed and not parsed, which
// saves time.
std::optional<JournalBreak> take_row(ChainCheck& check, const Row& row, bool read, const std::function<void(Event, const Row&)>& each) {
  if (auto broken = check.take(row)) return broken;
  if (!read) return std::nullopt;
  try {
    each(event_of(row), row);
  } catch (const BadRow& bad) {
    return JournalBreak{row.seq, "event " + std::to_string(row.seq) + " cannot be trusted: " + bad.what()};
  }
  return std::nullopt;
}

}  // namespace

std::string whole_file_damage(const std::string& path, const StoreError& refused) {
  // SQLite, Database File Format: the size of a page stands at byte 16 (1 means 65536), the number of pages at byte 28.
  unsigned char header[32] = {};
  std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(header), sizeof header);
  const std::uintmax_t page = header[16] * 256u + header[17] == 1 ? 65536 : header[16] * 256u + header[17];
  std::uintmax_t pages = 0;
  for (int i = 28; i < 32; ++i) pages = pages * 256 + header[i];
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error || page < 512 || size >= page * pages) return std::string("the file cannot be read as a whole: ") + refused.what();
  return "the file ends after " + std::to_string(size / page) + " of its " + std::to_string(pages) + " pages";
}

Walked walk_chain(Database& db, std::uint64_t read_after, const std::function<void(Event, const Row&)>& each) {
  Walked walked;
  // The head is read before the rows: a running daemon writes on meanwhile, and more rows than the head names are no break.
  About file = about(db);
  try {
    walked.anchor = walked.end = file.anchor;
    ChainCheck check(walked.anchor, file.head);
    each_row(db, walked.anchor.seq, [&](const Row& row) {
      walked.broken = take_row(check, row, row.seq > read_after, each);
      if (!walked.broken) walked.end = check.end();
      return !walked.broken;
    });
    if (!walked.broken) walked.broken = check.finish();
    if (walked.broken) return walked;
    const std::uint64_t behind = walked.end.seq + 1;
    // Looked for once more: the first commit of a new journal may have come in between.
    if (walked.end.seq > walked.anchor.seq && !file.head && file.lost.empty() && !about(db).head)
      file.lost = "which event was the newest is not recorded any more: others may be missing behind it";
    if (!file.lost.empty()) {
      walked.broken = JournalBreak{behind, file.lost};
      return walked;
    }
    // Only after the chain, and for the parts of the file that it does not cover (indexes, the other tables).
    std::string verdict = quick_check(db);
    std::replace(verdict.begin(), verdict.end(), '\n', ' ');
    if (verdict != "ok") walked.broken = JournalBreak{behind, "the file is damaged: " + verdict};
  } catch (const StoreError& error) {
    walked.broken = unreadable(walked.end.seq + 1, error, file.head);
  }
  return walked;
}

namespace {

// A snapshot is only a cache. It is used when its text is whole (digest), and when it belongs to this very chain: the hash that it names is
// that of its event.
std::optional<Snapshot> fitting_snapshot(Database& db) {
  try {
    const Link anchor = anchor_of(db).value_or(Link{});
    auto snapshot = snapshot_of(db);
    if (!snapshot || snapshot->seq < anchor.seq || snapshot->digest != sha256_hex(snapshot->text) || !Json::accept(snapshot->text))
      return std::nullopt;
    const std::string chain = snapshot->seq == anchor.seq ? anchor.hash : hash_at(db, snapshot->seq);
    if (snapshot->chain != chain) return std::nullopt;
    return snapshot;
  } catch (const StoreError&) {
    return std::nullopt;
  }
}

bool has_snapshot(Database& db) { return db.prepare("SELECT 1 FROM snapshot").step(); }

// Only says from where on events are worth reading for readers; 0 when that cannot be told.
std::uint64_t newest_of(Database& db) {
  try {
    const auto head = head_of(db);
    return head ? head->seq : 0;
  } catch (const StoreError&) {
    return 0;
  }
}

}  // namespace

std::optional<JournalBreak> doctored_snapshot(Database& db, const Walked& walked) {
  try {
    // One that is there and does not fit is not what drwatch wrote.
    if (fitting_snapshot(db) || !has_snapshot(db)) return std::nullopt;
  } catch (const StoreError& error) {
    return unreadable(walked.end.seq + 1, error);
  }
  return JournalBreak{walked.end.seq + 1,
                      "the snapshot is not the one that was written (it is a cache: drwatch throws it away when it starts)"};
}

Found find_contents(Database& db) {
  Found found;
  found.snapshot = fitting_snapshot(db);
  const std::uint64_t held = found.snapshot ? found.snapshot->seq : 0;
  const std::uint64_t newest = newest_of(db);
  const auto keep = [&](Event event, const Row&) {
    (found.snapshot && event.seq <= held ? found.contents.earlier : found.contents.events).push_back(std::move(event));
  };
  found.walked = walk_chain(db, std::min(held, newest > recent_events ? newest - recent_events : 0), keep);
  if (found.snapshot && found.walked.end.seq < held) {  // the chain breaks before it: it stands on nothing
    found.snapshot.reset();
    found.contents.earlier.clear();
    found.contents.events.clear();
    found.walked = walk_chain(db, 0, keep);
  }
  found.contents.last_seq = found.walked.end.seq;
  if (found.snapshot) found.contents.snapshot.emplace(found.snapshot->seq, found.snapshot->text);
  try {
    read_kept(db, found.contents.kept);
    has_snapshot(db);  // a table that cannot be read could not be written either
  } catch (const StoreError& error) {
    if (!found.walked.broken) found.walked.broken = unreadable(found.walked.end.seq + 1, error);
  }
  return found;
}

namespace {

std::string no_journal(const std::string& path) { return path + " is not a drwatch journal; give the file that [journal] path names"; }

// The first 15 bytes of every SQLite file (SQLite, Database File Format). A new file of ours has them once its tables are made.
bool begins_as_a_database(const std::string& path) {
  std::string magic(15, '\0');
  std::ifstream(path, std::ios::binary).read(magic.data(), static_cast<std::streamsize>(magic.size()));
  return magic == "SQLite format 3";
}

bool nonempty(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return !error && size > 0;
}

// Copies the file and its write-ahead log into a temporary folder and returns that. Needed for a read-only copy of a dead machine's disk:
// SQLite must be able to write beside a file with a log, even to read it.
std::string copy_of(const std::string& path) {
  std::string folder = (fs::temp_directory_path() / "drwatch-journal-XXXXXX").string();
  if (!::mkdtemp(folder.data())) throw std::runtime_error("cannot make a folder in " + fs::temp_directory_path().string() + "; set TMPDIR");
  for (const char* part : {"", "-wal"}) {
    const std::string copy = folder + "/journal.db" + part;
    fs::copy_file(path + part, copy);
    fs::permissions(copy, fs::perms::owner_read | fs::perms::owner_write, fs::perm_options::add);
  }
  return folder;
}

}  // namespace

bool ReadOnly::open_as(Database::Mode mode) {
  db_.emplace(path_, mode);
  try {
    return db_->has_table("events");
  } catch (const StoreError& refused) {
    if (!refused.damaged()) throw;
    torn_ = whole_file_damage(path_, refused);
  }
  db_.emplace(path_, mode);
  db_->read_torn();
  return db_->has_table("events");
}

// Three ways, the gentlest first: `still` when there is no write-ahead log (nobody writes the file then, and nothing is left behind in its
// folder); `read` beside a running daemon; a copy when neither can be opened.
ReadOnly::ReadOnly(const std::string& path) : path_(path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error))
    throw std::runtime_error("there is no journal at " + path + "; give the file that [journal] path names");
  if (!begins_as_a_database(path)) throw std::runtime_error(no_journal(path));
  still_ = !fs::exists(path + "-wal", error);
  bool is_journal = false;
  try {
    is_journal = open_as(still_ ? Database::Mode::still : Database::Mode::read);
  } catch (const StoreError& refused) {
    if (refused.damaged() || still_) throw;
    copy_folder_ = copy_of(path);
    db_.emplace(copy_folder_ + "/journal.db", Database::Mode::write);
    is_journal = db_->has_table("events");
  }
  if (!is_journal) throw std::runtime_error(no_journal(path));
  refuse_newer_schema(*db_, path);
}

bool ReadOnly::overtaken() const { return still_ && nonempty(path_ + "-wal"); }

ReadOnly::~ReadOnly() {
  db_.reset();
  std::error_code ignored;
  if (!copy_folder_.empty()) fs::remove_all(copy_folder_, ignored);
}

}  // namespace drwatch::journal

namespace drwatch {

namespace {

JournalVerdict verify_once(const std::string& path, bool& overtaken) {
  JournalVerdict verdict;
  journal::ReadOnly file(path);
  const auto count = [&](const Event& event, const journal::Row& row) {
    ++verdict.events;
    if (verdict.first_seq == 0) verdict.first_seq = event.seq;
    verdict.last_seq = event.seq;
    verdict.last_hash = row.hash;
  };
  const journal::Walked walked = journal::walk_chain(file.database(), 0, count);
  verdict.broken = walked.broken;
  if (!verdict.broken && !file.torn().empty())
    verdict.broken = JournalBreak{walked.end.seq + 1, file.torn()};
  else if (!file.torn().empty())
    verdict.broken->message += "; " + file.torn();
  if (!verdict.broken) verdict.broken = journal::doctored_snapshot(file.database(), walked);
  overtaken = verdict.broken && file.overtaken();
  return verdict;
}

}  // namespace

JournalVerdict verify_journal(const std::string& path) {
  try {
    bool overtaken = false;
    const JournalVerdict verdict = verify_once(path, overtaken);
    // Read without locks while a daemon began to write: what looks like damage may be that. The second time there is a log, and it is read
    // with locks.
    return overtaken ? verify_once(path, overtaken) : verdict;
  } catch (const journal::StoreError& error) {
    JournalVerdict verdict;
    verdict.broken = JournalBreak{1, std::string("the file cannot be read: ") + error.what()};
    return verdict;
  }
}

void read_journal(const std::string& path, const std::function<void(const Event&)>& each) {
  try {
    journal::ReadOnly file(path);
    journal::each_row(file.database(), 0, [&](const journal::Row& row) {
      each(journal::event_of(row));
      return true;
    });
    if (!file.torn().empty())
      throw std::runtime_error("journal " + path + " is damaged: " + file.torn() + "; run drwatch journal verify " + path);
  } catch (const journal::StoreError& error) {
    throw std::runtime_error("journal " + path + " is damaged: " + error.what() + "; run drwatch journal verify " + path);
  } catch (const journal::BadRow& error) {
    throw std::runtime_error("journal " + path + " is damaged: " + error.what() + "; run drwatch journal verify " + path);
  }
}

}  // namespace drwatch
