// SPDX-License-Identifier: Apache-2.0
// Only one drwatch may use a journal, by whatever name it calls it. Two locks: one on "PATH.lock", which says who holds it and is there
// before the journal is; one on the journal's own file, which counts when the other was deleted, or when the file has a second name.
//
// Both are flock(2), which SQLite does not use: it is in nobody's way who only reads. It belongs to the open file, ends with the process
// however that ends, and is not lost when something else closes the file. But closing a descriptor of the journal's own file drops SQLite's
// POSIX locks on it (SQLite, How To Corrupt An SQLite Database File: advisory locks canceled by close()), so that one is closed last.
#pragma once

#include <string>

namespace drwatch::journal {

// `path` behind its symbolic links: the lock, the write-ahead log and what is kept aside lie beside the file itself, under its own name.
std::string behind_links(const std::string& path);

class FileLock {
 public:
  explicit FileLock(const std::string& journal_path);  // PATH.lock; throws std::runtime_error: who holds it, what to do
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

  // Holds the file at `path` as well, in the place of the one held before; makes it when it is not there. Not while SQLite has the one
  // before open. Throws std::runtime_error.
  void hold(const std::string& path);

 private:
  int descriptor_ = -1, own_ = -1;  // of PATH.lock; of the journal
};

// Makes names in the folder of `path` (new files, renames) outlive a power cut. Errors are ignored: not every file system can.
void sync_folder_of(const std::string& path);

}  // namespace drwatch::journal
