// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/writer.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <boost/asio/post.hpp>

namespace drwatch::journal {

namespace {

// Bounds how long one commit takes and how much it writes at once.
constexpr std::size_t most_events_per_commit = 10'000;
constexpr Duration first_pause{20}, longest_pause{1000};
// close(): how long a disk that refuses is tried (then what is left is given up), and how long the thread is waited for (it may hang in the
// kernel).
constexpr seconds close_within{5}, leave_behind_after{10};
constexpr int pages_between_checkpoints = 1000;  // of 4 KiB, as SQLite's own default
// More of what stands in the log alone is not remembered beside it: only a reader that never ends keeps the log so long.
constexpr std::size_t most_rest = 64u << 20;

constexpr const char* cut_words =
    "the file or its write-ahead log was cut while drwatch runs; restart drwatch, which goes on with what can be read";

// Of the first `count`.
std::size_t bytes_of(const std::deque<Event>& events, std::size_t count) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) bytes += drwatch::bytes_of(events[i]);
  return bytes;
}

// 0 when it is not there.
std::int64_t size_of(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<std::int64_t>(size);
}

}  // namespace

void Batch::append(Batch&& later) {
  std::move(later.events.begin(), later.events.end(), std::back_inserter(events));
  for (auto& [key, value] : later.kept) kept[key] = std::move(value);
  if (later.snapshot) snapshot = std::move(later.snapshot);
  std::move(later.done.begin(), later.done.end(), std::back_inserter(done));
  later = Batch{};
}

Writer::Writer(std::string path, Link end, boost::asio::any_io_executor loop, FileLock lock)
    : path_(std::move(path)), loop_(std::move(loop)), lock_(std::move(lock)), end_(std::move(end)) {
  rest_.before = end_;
}

void Writer::start(const std::shared_ptr<Writer>& writer) {
  writer->thread_ = std::thread([writer] { writer->run(); });
}

void Writer::add(Batch batch) {
  waiting_ += batch.events.size();
  waiting_bytes_ += bytes_of(batch.events, batch.events.size());
  {
    const std::lock_guard lock(mutex_);
    pending_.append(std::move(batch));
  }
  wake_.notify_one();
}

void Writer::close() {
  std::unique_lock lock(mutex_);
  if (stopping_) return;
  stopping_ = true;
  give_up_at_ = Steady::now() + close_within;
  wake_.notify_one();
  const bool over = ended_.wait_for(lock, leave_behind_after, [this] { return over_; });
  left_behind_ = !over;
  lock.unlock();
  if (over) {
    thread_.join();
    lock_.reset();
  } else {
    thread_.detach();  // it keeps this writer, and with it the lock on the file, alive
  }
}

void Writer::run() {
  Batch batch;
  while (wait_for_work(batch)) {
    while (!batch.empty() && try_commit(batch)) {
    }
  }
  // The log of a file that is gone may be all that is left of it, and by its name it may be another one's by now.
  if (db_ && db_->moved()) db_->leave_log();
  inserts_.reset();
  db_.reset();
  const std::lock_guard lock(mutex_);
  // What was not written is let go of by whoever lets go of the writer: the callbacks belong to the loop's thread.
  batch.append(std::move(pending_));
  pending_ = std::move(batch);
  over_ = true;
  ended_.notify_all();
}

bool Writer::wait_for_work(Batch& batch) {
  std::unique_lock lock(mutex_);
  if (batch.empty()) {
    wake_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
    // The disk refuses while closing: tried again quickly, until give_up_at_.
  } else if (stopping_) {
    wake_.wait_for(lock, first_pause);
  } else {
    wake_.wait_for(lock, pause_, [this] { return stopping_; });
  }
  batch.append(std::move(pending_));
  pending_ = Batch{};
  if (stopping_ && batch.empty()) return false;
  return !stopping_ || Steady::now() < give_up_at_;
}

bool Writer::try_commit(Batch& batch) {
  try {
    commit_some(batch);
  } catch (const std::exception& error) {
    take_back();
    // 20 ms at first, doubled up to 1 s.
    pause_ = std::clamp(pause_ * 2, first_pause, longest_pause);
    const auto* store = dynamic_cast<const StoreError*>(&error);
    const char* advice = store && store->no_room() ? "free space on its disk" : "look at its disk and its folder";
    if (store && store->no_room()) make_do(batch.events.size());
    // Said once when it begins to fail; try_commit says the end as well. Every failed try would be a line a second.
    if (!std::exchange(failing_, true)) {
      say("cannot write the journal " + path_ + ": " + error.what() + "; " + advice + ": what waits is kept in memory and written then");
    }
    return false;
  }
  pause_ = Duration{0};
  // There is room again: back to large commits.
  events_per_commit_ = std::min(events_per_commit_ * 2, most_events_per_commit);
  if (batch.empty() && std::exchange(failing_, false)) say("");
  if (batch.empty()) tidy();
  return true;
}

void Writer::take_back() {
  try {
    if (db_ && db_->in_transaction()) db_->run("ROLLBACK");
  } catch (const StoreError&) {  // the connection is of no use any more
    inserts_.reset();
    db_.reset();
  }
}

// The disk is full. A checkpoint moves what is in the write-ahead log into the file, so that the log's room can be used again, without more
// disk. And the next commit is half as large: perhaps a small one fits.
void Writer::make_do(std::size_t waiting) {
  events_per_commit_ = std::max<std::size_t>(std::min(events_per_commit_, waiting) / 2, 1);
  try {
    if (db_ && db_->checkpoint(false)) forget_rest();
  } catch (const StoreError&) {
  }
}

void Writer::commit_some(Batch& batch) {
  const auto began = Steady::now();
  if (db_) look_at_files();
  if (!db_) open();
  db_->run("BEGIN IMMEDIATE");
  Link end = end_;
  std::deque<Row> rows;
  const std::size_t count = std::min(batch.events.size(), events_per_commit_);
  for (std::size_t i = 0; i < count; ++i) {
    const Event& event = batch.events[i];
    // A gap would break the chain for good, so it is refused, and what waits stays in memory.
    if (event.seq != end.seq + 1) {
      throw StoreError(0, "a bug in drwatch: event " + std::to_string(event.seq) + " was to follow event " + std::to_string(end.seq));
    }
    rows.push_back(row_of(event, end));
    inserts_->event(rows.back());
    end = Link{rows.back().seq, rows.back().hash};
  }
  const bool all = count == batch.events.size();
  if (all) {  // kept values never run ahead of the events they belong to
    for (const auto& [key, value] : batch.kept) inserts_->kept(key, value);
    if (batch.snapshot && batch.snapshot->first <= end.seq) set_snapshot(*db_, prove(*batch.snapshot, end));
  }
  if (count > 0) set_head(*db_, end);
  db_->run("COMMIT");

  remember(std::move(rows), all ? batch.kept : std::map<std::string, std::string>{});
  end_ = end;
  waiting_bytes_ -= bytes_of(batch.events, count);
  batch.events.erase(batch.events.begin(), batch.events.begin() + static_cast<std::ptrdiff_t>(count));
  waiting_ -= count;
  auto done = all ? std::exchange(batch, Batch{}).done : std::vector<std::function<void()>>{};
  const auto took = std::chrono::ceil<Duration>(Steady::now() - began);
  // Only now are the writes acknowledged: COMMIT has returned, so the disk has them.
  on_loop([done = std::move(done), listeners = listeners_, took, count] {
    if (listeners->commit) listeners->commit(took, count);
    for (const auto& each : done) {
      if (each) each();
    }
  });
}

// Opens the file at the start, and again after a connection was given up. A commit that failed (an fsync error) may still have left its
// events in the write-ahead log, acknowledged to nobody and perhaps never synced. So the log is emptied into the file first, and events
// beyond the last acknowledged one are deleted; they are in the batch still and are written again.
void Writer::open() {
  // SQLite takes an empty file for a new one and deletes the log beside it, which may be all that is left.
  if (size_of(path_) == 0) throw StoreError(0, cut_words);
  auto db = std::make_unique<Database>(path_, Database::Mode::write);
  if (!db->writable()) throw StoreError(0, "the file cannot be written");
  // What was cut may all be in the log as well; if not, nothing is written over what is left.
  db->leave_log(cut_);
  make_durable(*db);
  if (cut_ && quick_check(*db) != "ok") throw StoreError(0, cut_words);
  db->leave_log(false);
  db->checkpoint(true);
  const std::string beyond = std::to_string(end_.seq);
  if (hash_at(*db, end_.seq + 1) != "") {
    db->run("BEGIN IMMEDIATE; DELETE FROM events WHERE seq > " + beyond + "; DELETE FROM snapshot WHERE seq > " + beyond);
    set_head(*db, end_);
    db->run("COMMIT");
  }
  inserts_ = std::make_unique<Inserts>(*db);
  db_ = std::move(db);
  file_bytes_ = size_of(path_);
  try {
    const Link there = newest_row(*db_);
    if (there.seq != end_.seq || there.hash != end_.hash)
      put_back(there);
    else
      forget_rest();
    cut_ = false;
  } catch (...) {  // nothing may be written behind a gap
    inserts_.reset();
    db_.reset();
    throw;
  }
}

// Linux lets an open file be deleted, cut or emptied; commits would go on succeeding into a file that nobody can ever read again. So before
// each commit both files are held against what they have been. Smaller may also mean well (somebody's VACUUM or checkpoint): a second
// connection, which has none of it in memory, reads all of it then.
void Writer::look_at_files() {
  if (db_->moved()) throw StoreError(0, "the file was moved or deleted while drwatch runs; put it back, or restart drwatch");
  const std::int64_t now = size_of(path_), log = size_of(path_ + "-wal");
  if (now >= file_bytes_ && log >= db_->least_log_bytes()) {
    file_bytes_ = now;
    return;
  }
  if (now > 0) try {
      Database look(path_, Database::Mode::read);
      if (quick_check(look) == "ok" && (end_.seq == 0 || hash_at(look, end_.seq) == end_.hash)) {
        file_bytes_ = now;
        db_->forget_log_size();
        return;
      }
    } catch (const StoreError&) {
    }
  // A checkpoint would move what is not there any more over what still is.
  db_->leave_log();
  inserts_.reset();
  db_.reset();
  cut_ = true;
  throw StoreError(0, cut_words);
}

// The write-ahead log was emptied under way, and the file is what it was at the last checkpoint. What had been durable since is written
// again, with the kept values: from here on it is durable again.
void Writer::put_back(Link there) {
  const auto& rows = rest_.rows;
  const std::uint64_t first = rest_.before.seq;
  const bool known = there.seq >= first && there.seq <= end_.seq &&
                     there.hash == (there.seq == first ? rest_.before.hash : rows[there.seq - first - 1].hash);
  if (!known) {
    throw StoreError(0, "events that were written, up to " + std::to_string(end_.seq) +
                            ", are not in the file any more (it ends with event " + std::to_string(there.seq) +
                            "); restart drwatch, which goes on with what is there");
  }
  db_->run("BEGIN IMMEDIATE");
  for (const Row& row : rows)
    if (row.seq > there.seq) inserts_->event(row);
  for (const auto& [key, value] : rest_.kept) inserts_->kept(key, value);
  set_head(*db_, end_);
  db_->run("COMMIT");
}

void Writer::remember(std::deque<Row> rows, const std::map<std::string, std::string>& kept) {
  for (const auto& [key, value] : kept) rest_.kept[key] = value;
  for (Row& row : rows) {
    rest_.bytes += row.json.size();
    rest_.rows.push_back(std::move(row));
  }
  for (; rest_.bytes > most_rest; rest_.rows.pop_front()) {
    rest_.bytes -= rest_.rows.front().json.size();
    rest_.before = {rest_.rows.front().seq, rest_.rows.front().hash};
  }
}

// All of it is in the file itself.
void Writer::forget_rest() { rest_ = {end_, {}, {}, 0}; }

// Adds the two proofs by which reading tells whether the snapshot fits (fitting_snapshot).
Snapshot Writer::prove(std::pair<std::uint64_t, std::string> snapshot, const Link& head) {
  Snapshot proven{snapshot.first, std::move(snapshot.second), {}, {}};
  proven.chain = proven.seq == head.seq ? head.hash : hash_at(*db_, proven.seq);
  proven.digest = sha256_hex(proven.text);
  return proven;
}

// A checkpoint now and then, so that the write-ahead log does not grow for ever. Everything is durable already: an error here loses
// nothing, and is met again by the next commit if it matters. After an error it waits for another thousand pages.
void Writer::tidy() {
  if (db_->pages_in_log() < tidy_at_pages_) return;
  try {
    if (db_->checkpoint(false)) forget_rest();
    tidy_at_pages_ = pages_between_checkpoints;
  } catch (const StoreError&) {
    tidy_at_pages_ = db_->pages_in_log() + pages_between_checkpoints;
  }
}

void Writer::say(const std::string& health) {
  on_loop([listeners = listeners_, health] {
    if (listeners->health) listeners->health(health);
  });
}

void Writer::on_loop(std::function<void()> does) {
  // Under the lock: the loop is there for as long as nobody has gone on without this thread.
  const std::lock_guard lock(mutex_);
  if (!left_behind_) boost::asio::post(loop_, std::move(does));
}

}  // namespace drwatch::journal
