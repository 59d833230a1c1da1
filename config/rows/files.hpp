// SPDX-License-Identifier: Apache-2.0
// The files that configuration is read from. Each is named before it is touched: one on a network mount may hang, and whoever waits for the
// reading wants to say which.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace drwatch::config {

// Exactly one of the two.
struct FileText {
  std::optional<std::string> text;
  std::string error;  // in words, without the path: "is a folder", "No such file or directory"
};
// The whole of a file of at most `most` bytes (1 << 20 and the like: it is said in MiB). A path that leads to something endless (/dev/zero)
// must not fill the memory.
FileText read_file(const std::string& path, std::size_t most);

// For as long as it lives, `tell` is called with each path that this thread is about to touch, on this thread.
class FileWatch {
 public:
  explicit FileWatch(std::function<void(const std::string& path)> tell);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;

 private:
  std::function<void(const std::string&)> before_;
};
void about_to_touch(const std::string& path);

// Asks about `path` on a thread and waits no longer than `patience`; nullopt: it does not answer. Then it is not asked again before it has.
// For paths that configuration only names: that a folder of backups hangs is no reason not to start. `ask` owns all that it touches.
// Throws std::system_error when there is no thread to be had.
std::optional<bool> asked_within(std::chrono::milliseconds patience, const std::string& path, std::function<bool()> ask);

}  // namespace drwatch::config
