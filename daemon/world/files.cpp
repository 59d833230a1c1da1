// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/files.hpp"

#include "daemon/world/failures.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <memory>

namespace drwatch {
namespace {

// About 100 MB of names at the most: a folder of WAL files that nobody cleans up must not take all of the memory.
constexpr std::size_t max_entries = 1'000'000;

// A missing file or folder is a finding about the platform (absent). One that we may not look at says nothing about the platform: that is
// for the operator of drwatch to mend (own-fault).
Failure failure_of(int number, const std::string& path) {
  Reason reason = Reason::internal;
  if (number == ENOENT || number == ENOTDIR) reason = Reason::absent;
  if (number == EACCES || number == EPERM || number == EMFILE || number == ENFILE) reason = Reason::own_fault;
  return {reason, errno_name(number), path + ": " + errno_words(number)};
}

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

Result<std::vector<FileEntry>> list_now(const std::string& folder) {
  std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(folder.c_str()), &closedir);
  if (!open) return failure_of(errno, folder);
  std::vector<FileEntry> entries;
  while (true) {
    errno = 0;  // the only way to tell the end from an error
    const dirent* entry = readdir(open.get());
    if (!entry && errno != 0) return failure_of(errno, folder);
    if (!entry) break;
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat facts{};
    // An entry that has gone since it was listed, or a link that leads nowhere, is left out. Any other error fails the whole list: were
    // such entries skipped, a folder whose files may not be looked at would seem to be empty, and a backup that is there to be missing.
    if (fstatat(dirfd(open.get()), name.c_str(), &facts, 0) != 0) {
      if (errno == ENOENT || errno == ELOOP) continue;
      return failure_of(errno, folder + "/" + name);
    }
    if (entries.size() == max_entries) return Failure{Reason::protocol, "EFBIG", folder + " has more than a million entries"};
    const auto modified = std::chrono::seconds(facts.st_mtim.tv_sec) + std::chrono::nanoseconds(facts.st_mtim.tv_nsec);
    entries.push_back({name, static_cast<std::uint64_t>(facts.st_size), Time(std::chrono::floor<Duration>(modified))});
  }
  // readdir gives them in the order of the file system, which differs from machine to machine.
  std::sort(entries.begin(), entries.end(), [](const FileEntry& a, const FileEntry& b) { return a.name < b.name; });
  return entries;
}

Result<Listed> look_through(const std::string& folder, const std::function<void(std::vector<FileEntry>)>& look) {
  auto entries = list_now(folder);
  if (!entries) return entries.error();
  Listed listed{entries->size(), std::nullopt};
  const auto newest =
      std::max_element(entries->begin(), entries->end(), [](const FileEntry& a, const FileEntry& b) { return a.modified < b.modified; });
  if (newest != entries->end()) listed.newest = *newest;
  look(std::move(*entries));
  return listed;
}

Result<std::string> read_now(const std::string& path, std::size_t max_bytes) {
  // O_NONBLOCK: opening a named pipe would otherwise wait for a writer, for ever. O_NOCTTY: opening a terminal would make it ours.
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (file.fd < 0) return failure_of(errno, path);
  struct stat facts{};
  if (fstat(file.fd, &facts) != 0) return failure_of(errno, path);
  if (!S_ISREG(facts.st_mode)) return Failure{Reason::protocol, "", path + " is not a regular file"};
  // Read to the end, not to st_size: the file may grow meanwhile, and the files of /proc say that their size is 0.
  std::string text;
  char piece[64 * 1024];
  while (true) {
    const auto n = ::read(file.fd, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure_of(errno, path);
    if (n == 0) return text;
    text.append(piece, static_cast<std::size_t>(n));
    if (text.size() > max_bytes) {
      return Failure{Reason::protocol, "EFBIG", path + " is larger than " + std::to_string(max_bytes) + " bytes"};
    }
  }
}

}  // namespace

Task<Result<Listed>> RealFiles::list(std::string folder, std::function<void(std::vector<FileEntry>)> look) {
  // Shared with the worker, which may still write the answer after this coroutine was cancelled and is gone.
  auto answer = std::make_shared<Result<Listed>>();
  std::function<void()> work = [answer, folder, look = std::move(look)] { *answer = look_through(folder, look); };
  if (auto hangs = co_await disk_.ask(folder, std::move(work))) co_return std::move(*hangs);
  co_return std::move(*answer);
}

Task<Result<std::string>> RealFiles::read(std::string path, std::size_t max_bytes) {
  auto answer = std::make_shared<Result<std::string>>();
  std::function<void()> work = [answer, path, max_bytes] { *answer = read_now(path, max_bytes); };
  if (auto hangs = co_await disk_.ask(path, std::move(work))) co_return std::move(*hangs);
  co_return std::move(*answer);
}

Task<std::optional<Failure>> RealFiles::beside(std::string path, std::function<void()> work) {
  return disk_.ask(std::move(path), std::move(work));
}

}  // namespace drwatch
