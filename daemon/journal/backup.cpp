// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/backup.hpp"

#include "daemon/journal/lock.hpp"
#include "daemon/journal/reading.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include <fcntl.h>
#include <unistd.h>

namespace drwatch {

namespace {

namespace fs = std::filesystem;

// Removes what was begun and did not become a copy.
struct Unfinished {
  std::string path;
  ~Unfinished() {
    std::error_code ignored;
    if (!path.empty()) fs::remove(path, ignored);
  }
};

void sync(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) throw std::runtime_error("cannot write " + path + ": " + std::strerror(error));
}

// As the journal's own: a timeline names people and systems. SQLite takes an empty file for one that is to be made.
void make(const std::string& path) {
  const int made = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (made < 0)
    throw std::runtime_error(
        "cannot write " + path + ": " + std::strerror(errno) +
        (errno == EEXIST ? "; another backup is at it, or one was ended: remove it then, or give another FILE" : "; give another FILE"));
  ::close(made);
}

// By SQLite itself: one read transaction, beside whoever writes, into a file of its own without a write-ahead log. False: it was read
// without locks while a daemon began to write, and is worth nothing.
bool copied(const std::string& path, const std::string& to) {
  try {
    journal::ReadOnly file(path);
    if (file.overtaken()) return false;
    if (!file.torn().empty()) throw std::runtime_error("journal " + path + " is damaged: " + file.torn() + "; copy its files as they are");
    try {
      auto vacuum = file.database().prepare("VACUUM INTO ?");
      vacuum.bind(1, std::string_view(to));
      vacuum.step();
    } catch (const journal::StoreError&) {
      if (!file.overtaken()) throw;
    }
    return !file.overtaken();
  } catch (const journal::StoreError& error) {
    throw std::runtime_error("cannot copy the journal " + path + " to " + to + ": " + error.what() +
                             "; make room, or run drwatch journal verify " + path);
  }
}

}  // namespace

JournalVerdict backup_journal(const std::string& path, const std::string& file) {
  std::error_code error;
  if (fs::exists(file, error)) throw std::runtime_error(file + " is there already; give another FILE");
  const std::string beside = file + ".part";
  make(beside);
  Unfinished part{beside};  // not before it is ours: another backup may be at it
  // The second time there is a write-ahead log, and it is read with locks.
  if (!copied(path, part.path)) {
    fs::resize_file(part.path, 0);
    if (!copied(path, part.path)) throw std::runtime_error("the journal " + path + " was begun anew while it was copied; try again");
  }
  const JournalVerdict verdict = verify_journal(part.path);
  if (verdict.broken)  // nobody is to take it for a copy
    throw std::runtime_error("journal " + path + " is damaged: its copy is broken at event " + std::to_string(verdict.broken->seq) + ": " +
                             verdict.broken->message + "; copy its files as they are");
  sync(part.path);
  fs::rename(part.path, file, error);
  if (error) throw std::runtime_error("cannot write " + file + ": " + error.message());
  part.path.clear();
  journal::sync_folder_of(file);
  return verdict;
}

}  // namespace drwatch
