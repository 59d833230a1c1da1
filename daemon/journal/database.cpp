// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/database.hpp"

#include <sqlite3.h>

#include <cstring>

namespace drwatch::journal {

namespace {

// Throws StoreError with SQLite's own words, and with the system's words behind them when the system refused ("disk I/O error (No space
// left on device)").
[[noreturn]] void refuse(sqlite3* db, int code) {
  std::string what = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  const int system = db ? sqlite3_system_errno(db) : 0;
  const int family = code & 0xff;
  if (system != 0 && (family == SQLITE_IOERR || family == SQLITE_CANTOPEN)) what += std::string(" (") + std::strerror(system) + ")";
  throw StoreError(code, what);
}

// As SQLite's documentation describes URI file names; "?", "#" and "%" of a path would end it or be decoded.
std::string as_uri(const std::string& path, const char* parameters) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '?' || c == '#' || c == '%') {
      static constexpr char digits[] = "0123456789abcdef";
      uri += {'%', digits[static_cast<unsigned char>(c) >> 4], digits[c & 15]};
    } else {
      uri += c;
    }
  }
  return uri + parameters;
}

// SQLite's write-ahead-log hook: called after each commit with the pages in the log. Set instead of the default hook, which would
// checkpoint.
int remember_pages(void* into, sqlite3*, const char*, int pages) {
  *static_cast<int*>(into) = pages;
  return SQLITE_OK;
}

}  // namespace

bool StoreError::damaged() const {
  const int family = code & 0xff;
  // A short read: the file ends in the middle of a page.
  return family == SQLITE_CORRUPT || family == SQLITE_NOTADB || code == SQLITE_IOERR_SHORT_READ;
}
bool StoreError::no_room() const {
  // The index of the write-ahead log (-shm) is made on the disk as well; without room these three errors come instead of SQLITE_FULL.
  return (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE || code == SQLITE_IOERR_SHMMAP || code == SQLITE_IOERR_SHMOPEN;
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement::Statement(sqlite3* db, const std::string& sql) : db_(db) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(db, sql.c_str(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) refuse(db, sqlite3_extended_errcode(db));
  statement_.reset(statement);
}

void Statement::bind(int index, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_.get(), index, value);
  if (code != SQLITE_OK) refuse(db_, code);
}

void Statement::bind(int index, std::string_view value) {
  const int code =
      // A null pointer would be bound as NULL.
      sqlite3_bind_text64(statement_.get(), index, value.data() ? value.data() : "", value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) refuse(db_, code);
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  refuse(db_, sqlite3_extended_errcode(db_));
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))) : std::string();
}

void Database::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

Database::Database(const std::string& path, Mode mode) {
  // NOMUTEX: each connection is used by one thread only.
  int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
  flags |= mode == Mode::create  ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
           : mode == Mode::write ? SQLITE_OPEN_READWRITE
                                 : SQLITE_OPEN_READONLY;
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(as_uri(path, mode == Mode::still ? "?immutable=1" : "").c_str(), &db, flags, nullptr);
  db_.reset(db);
  if (code != SQLITE_OK) refuse(db, db ? sqlite3_extended_errcode(db) : code);
  sqlite3_extended_result_codes(db, 1);
  // Milliseconds. Another process (sqlite3, a backup) may hold the lock for a moment.
  sqlite3_busy_timeout(db, 5000);
  // SQLite's advice for files that are not trusted: SQL that stands in a damaged or doctored schema cannot corrupt anything further.
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_wal_hook(db, remember_pages, pages_in_log_.get());
}

void Database::run(const std::string& sql) {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) refuse(db_.get(), sqlite3_extended_errcode(db_.get()));
}

bool Database::has_table(std::string_view name) {
  auto find = prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?");
  find.bind(1, name);
  return find.step();
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }

bool Database::writable() const { return sqlite3_db_readonly(db_.get(), "main") == 0; }

bool Database::moved() const {
  int moved = 0;
  return sqlite3_file_control(db_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

void Database::read_torn() {
  // With a schema that may be written, SQLite trusts it to be mended later and reads on (as its own tools for recovery do); it allows that
  // only without DEFENSIVE. What SQL a doctored schema brings along is still not trusted.
  sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_DEFENSIVE, 0, nullptr);
  sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, nullptr);
}

std::int64_t Database::least_log_bytes() const {
  if (*pages_in_log_ == 0) return 0;
  if (page_bytes_ == 0) {
    Statement size(db_.get(), "PRAGMA page_size");
    page_bytes_ = size.step() ? size.number(0) : 512;
  }
  // SQLite, WAL-mode File Format: 32 bytes, and 24 before each page.
  return 32 + *pages_in_log_ * (24 + page_bytes_);
}

void Database::leave_log(bool leave) { sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leave ? 1 : 0, nullptr); }

bool Database::checkpoint(bool truncate) {
  int in_log = 0, moved = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(db_.get(), "main", truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
  if (code != SQLITE_OK) refuse(db_.get(), sqlite3_extended_errcode(db_.get()));
  if (truncate) *pages_in_log_ = 0;
  return in_log == moved;
}

}  // namespace drwatch::journal
