// SPDX-License-Identifier: Apache-2.0
// Only one drwatch may use a journal. The lock is on "PATH.lock", beside the journal: closing a second descriptor of the journal's own file
// would drop SQLite's POSIX locks on it (SQLite, How To Corrupt An SQLite Database File: advisory locks canceled by close()).
#pragma once

#include <string>

namespace drwatch::journal {

class FileLock {
 public:
  explicit FileLock(const std::string& journal_path);  // throws std::runtime_error: who holds it, what to do
  ~FileLock();
  FileLock(FileLock&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  FileLock& operator=(FileLock&&) = delete;

 private:
  int descriptor_ = -1;
};

// Makes names in the folder of `path` (new files, renames) outlive a power cut. Errors are ignored: not every file system can.
void sync_folder_of(const std::string& path);

}  // namespace drwatch::journal
