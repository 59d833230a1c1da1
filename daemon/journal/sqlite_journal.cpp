// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/lock.hpp"
#include "daemon/journal/reading.hpp"
#include "daemon/journal/salvage.hpp"
#include "daemon/journal/writer.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace drwatch {

namespace {

using namespace journal;

class SqliteJournal final : public Journal {
 public:
  explicit SqliteJournal(std::shared_ptr<Writer> writer) : writer_(std::move(writer)) { Writer::start(writer_); }
  ~SqliteJournal() override { writer_->close(); }

  void write(JournalWrite write, std::function<void()> done) override {
    Batch batch;
    batch.events.assign(std::make_move_iterator(write.events.begin()), std::make_move_iterator(write.events.end()));
    batch.kept = std::move(write.kept);
    batch.done.push_back(std::move(done));
    writer_->add(std::move(batch));
  }
  void snapshot(std::uint64_t seq, std::string text) override {
    Batch batch;
    batch.snapshot.emplace(seq, std::move(text));
    writer_->add(std::move(batch));
  }
  void on_health(std::function<void(std::string)> callback) override { writer_->listeners()->health = std::move(callback); }
  void on_commit(std::function<void(Duration, std::size_t)> callback) override { writer_->listeners()->commit = std::move(callback); }
  std::size_t waiting() const override { return writer_->waiting(); }
  std::size_t waiting_bytes() const override { return writer_->waiting_bytes(); }
  void close() override { writer_->close(); }

 private:
  std::shared_ptr<Writer> writer_;
};

// A path that is mistyped must not add our tables to another program's database.
void refuse_foreign(Database& db, const std::string& path) {
  auto tables = db.prepare("SELECT count(*) FROM sqlite_master");
  if (tables.step() && tables.number(0) > 0 && !db.has_table("events")) {
    throw std::runtime_error(path + " is another program's database, not a drwatch journal; give another [journal] path");
  }
}

// A doctored snapshot is only a cache, so the file stays; but it is said, and the next verification must not find it again.
void throw_away_doctored_snapshot(Database& db, const std::string& path, Found& found) {
  if (found.walked.broken || !doctored_snapshot(db, found.walked)) return;
  found.contents.notice = "the snapshot in the journal " + path +
                          " is not the one that was written; it was thrown away, and the state is made from all events, which are good";
  db.run("DELETE FROM snapshot");
}

// What is left of a file that SQLite refuses as a whole.
Found read_torn(const std::string& path, const StoreError& refused) {
  Found found;
  const std::string damage = whole_file_damage(path, refused);
  try {
    Database db(path, Database::Mode::write);
    db.leave_log();
    db.read_torn();
    refuse_foreign(db, path);
    found = find_contents(db);
    found.torn = true;
    if (!found.walked.broken)
      found.walked.broken = JournalBreak{found.walked.end.seq + 1, damage};
    else
      found.walked.broken->message = damage + ": " + found.walked.broken->message;
  } catch (const StoreError&) {
    found.walked.broken = JournalBreak{1, damage};
  }
  return found;
}

// Reads a journal, making its tables first when it is new.
Found open_and_read(const std::string& path) {
  try {
    Database db(path, Database::Mode::write);
    if (!db.writable()) throw std::runtime_error("the journal " + path + " cannot be written; let drwatch's user write it and its folder");
    // A damaged file must stay as it is found until it is put aside.
    db.leave_log();
    refuse_foreign(db, path);
    if (db.has_table("events")) {
      refuse_newer_schema(db, path);
    } else {
      make_durable(db);
      make_tables(db);
    }
    Found found = find_contents(db);
    throw_away_doctored_snapshot(db, path, found);
    return found;
  } catch (const StoreError& error) {
    if (!error.damaged()) throw;
    return read_torn(path, error);
  }
}

// On a full disk SQLite cannot even make the index of the write-ahead log (-shm). With the exclusive locking mode it keeps that index in
// memory (SQLite, Write-Ahead Logging: Use of WAL Without Shared-Memory), so the daemon can read its past and start; the writer then waits
// for room.
Found read_without_room(const std::string& path) {
  Database db(path, Database::Mode::write);
  db.leave_log();
  db.run("PRAGMA locking_mode = EXCLUSIVE");
  if (!db.has_table("events"))
    throw std::runtime_error("no room for a journal at " + path + "; free space on its disk, or give another [journal] path");
  refuse_newer_schema(db, path);
  return find_contents(db);
}

Found read_or_explain(const std::string& path) {
  try {
    try {
      return open_and_read(path);
    } catch (const StoreError& error) {
      if (!error.no_room()) throw;
      return read_without_room(path);
    }
  } catch (const StoreError& error) {
    throw std::runtime_error("cannot open the journal " + path + ": " + error.what() +
                             "; look at its disk and its folder, or give another [journal] path");
  }
}

}  // namespace

std::unique_ptr<Journal> open_sqlite_journal(const std::string& named, boost::asio::any_io_executor loop, JournalContents& contents) {
  const std::string path = behind_links(named);
  const bool was_here = left_by_a_journal(path);
  // First of all: a salvage of a file that another drwatch writes would destroy it.
  FileLock lock(path);
  try {
    finish_salvage(path);
    const std::string gone = was_here ? put_remains_aside(path) : "";
    lock.hold(path);
    Found found = read_or_explain(path);
    if (found.contents.notice.empty()) found.contents.notice = gone;
    if (found.walked.broken) {
      found.contents.notice = salvage(path, found, std::chrono::floor<Duration>(std::chrono::system_clock::now()), lock);
    }
    contents = std::move(found.contents);
    return std::make_unique<SqliteJournal>(std::make_shared<Writer>(path, std::move(found.walked.end), std::move(loop), std::move(lock)));
  } catch (const StoreError& error) {
    throw std::runtime_error("the journal " + path + " is damaged and its good part cannot be written anew: " + error.what() +
                             "; make room beside it");
  } catch (const std::filesystem::filesystem_error& error) {
    throw std::runtime_error(std::string("cannot put the journal in order: ") + error.what() + "; let drwatch's user write the folder");
  }
}

}  // namespace drwatch
