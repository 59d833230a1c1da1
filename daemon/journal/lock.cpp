// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/lock.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

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

}  // namespace

FileLock::FileLock(const std::string& journal_path) {
  const std::string path = journal_path + ".lock";
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (descriptor_ < 0) {
    throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno) + "; make the folder " + folder_of(journal_path) +
                             " and let drwatch's user write in it, or give another [journal] path");
  }
  // flock, not fcntl: it belongs to the open file, ends with the process however that ends, and is not lost when something else closes the
  // file.
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const std::string message =
        "journal " + journal_path + " is in use by " + holder(descriptor_) + "; stop that one, or give another [journal] path";
    ::close(descriptor_);
    throw std::runtime_error(message);
  }
  // Only for the message above; on a full disk it stays empty.
  const std::string number = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor_, 0) == 0 && ::pwrite(descriptor_, number.data(), number.size(), 0) < 0) errno = 0;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void sync_folder_of(const std::string& path) {
  const int folder = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

}  // namespace drwatch::journal
