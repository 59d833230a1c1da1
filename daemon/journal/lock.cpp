// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/lock.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace drwatch::journal {

namespace {

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

// The holder has written its process number into the file; an empty or strange file still gives a sentence.
std::string holder(int descriptor) {
  char text[32] = {};
  const ssize_t length = ::pread(descriptor, text, sizeof text - 1, 0);
  std::string number;
  for (ssize_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; ++i) number += text[i];
  return number.empty() ? "another drwatch" : "another drwatch (process " + number + ")";
}

[[noreturn]] void in_use(const std::string& journal_path, const std::string& by) {
  throw std::runtime_error("journal " + journal_path + " is in use by " + by + "; stop that one, or give another [journal] path");
}

}  // namespace

std::string behind_links(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path file = path;
  // The file itself may not be there yet, so its last name is followed by hand; a circle ends as an error of whoever opens it.
  for (int links = 0; links < 40 && fs::is_symlink(file, error); ++links) file = file.parent_path() / fs::read_symlink(file, error);
  const fs::path folder = fs::canonical(folder_of(file.string()), error);
  return error ? file.string() : (folder / file.filename()).string();
}

FileLock::FileLock(const std::string& journal_path) {
  const std::string path = journal_path + ".lock";
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (descriptor_ < 0) {
    throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno) + "; make the folder " + folder_of(journal_path) +
                             " and let drwatch's user write in it, or give another [journal] path");
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const std::string by = holder(descriptor_);
    ::close(descriptor_);
    in_use(journal_path, by);
  }
  // Only for the message above; on a full disk it stays empty.
  const std::string number = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor_, 0) == 0 && ::pwrite(descriptor_, number.data(), number.size(), 0) < 0) errno = 0;
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), own_(std::exchange(other.own_, -1)) {}

FileLock::~FileLock() {
  if (own_ >= 0) ::close(own_);
  if (descriptor_ >= 0) ::close(descriptor_);
}

void FileLock::hold(const std::string& path) {
  // Made here, before SQLite opens it, for its mode: readable by drwatch's group, not by everybody, since a timeline names people and
  // systems. SQLite gives the companions the same mode.
  const int own = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (own < 0) throw std::runtime_error("cannot open the journal " + path + ": " + std::strerror(errno) + "; let drwatch's user write it");
  if (::flock(own, LOCK_EX | LOCK_NB) != 0) {
    ::close(own);
    in_use(path, "another drwatch, under another name or without its lock file");
  }
  if (own_ >= 0) ::close(own_);
  own_ = own;
  sync_folder_of(path);
}

void sync_folder_of(const std::string& path) {
  const int folder = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

}  // namespace drwatch::journal
