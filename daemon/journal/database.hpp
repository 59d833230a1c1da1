// SPDX-License-Identifier: Apache-2.0
// SQLite behind one plain header: a connection and a statement that close themselves, and one error.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace drwatch::journal {

// What SQLite refused. `code` is its extended result code.
class StoreError : public std::runtime_error {
 public:
  StoreError(int result_code, const std::string& what) : std::runtime_error(what), code(result_code) {}
  int code;
  bool damaged() const;  // the file is torn or not a database
  bool no_room() const;  // the disk is full
};

// A prepared statement. Must not outlive its Database. Used as bind, step..., reset.
class Statement {
 public:
  void bind(int index, std::int64_t value);      // from 1
  void bind(int index, std::string_view value);  // copied
  bool step();                                   // true: a row; throws StoreError
  void reset();
  std::int64_t number(int column) const;  // from 0
  // "" for NULL.
  std::string text(int column) const;

 private:
  friend class Database;
  Statement(sqlite3* db, const std::string& sql);
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  sqlite3* db_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  enum class Mode {
    create,  // read and write, made when it is not there
    write,   // read and write
    read,    // never changes the file; works beside a daemon that writes it
    still,   // as read, for a file that nobody writes and whose folder cannot be written (no write-ahead log is read)
  };
  // Throws StoreError. A file that is no database shows only when it is first read from.
  Database(const std::string& path, Mode mode);

  void run(const std::string& sql);  // one or more statements without results
  Statement prepare(const std::string& sql) { return Statement(db_.get(), sql); }
  bool has_table(std::string_view name);
  bool in_transaction() const;
  bool writable() const;
  bool moved() const;  // the file is no longer at its path
  // Commits never checkpoint by themselves: an error of the checkpoint would look like an error of a commit that is durable. pages_in_log()
  // is as of the last commit.
  int pages_in_log() const { return *pages_in_log_; }
  std::int64_t least_log_bytes() const;  // so long its file must be, with that many pages in it
  void forget_log_size() { *pages_in_log_ = 0; }
  // For reading a file that is shorter than it says, which SQLite refuses otherwise before it has read anything: what is there is read, and
  // what is not there is damage only where it is met.
  void read_torn();
  void leave_log(bool leave = true);  // closing must not tidy the write-ahead log into the file: it may be evidence
  // Throws StoreError. Without `truncate` it does what it can beside readers; true: all that was in the log is in the file.
  bool checkpoint(bool truncate);

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  std::unique_ptr<int> pages_in_log_ = std::make_unique<int>(0);
  std::unique_ptr<sqlite3, Close> db_;
  mutable std::int64_t page_bytes_ = 0;
};

}  // namespace drwatch::journal
