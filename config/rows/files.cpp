// SPDX-License-Identifier: Apache-2.0
#include "config/rows/files.hpp"

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

namespace drwatch::config {
namespace {

// Of the thread, since everything that reads files is called from there, by ways that need not know of it.
thread_local std::function<void(const std::string&)> watching;

// Of the process: paths that owe an answer, whoever asked.
struct Owing {
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::string> paths;
};

}  // namespace

std::optional<bool> asked_within(std::chrono::milliseconds patience, const std::string& path, std::function<bool()> ask) {
  // With the threads, which may outlive what is static here.
  static const auto owing = std::make_shared<Owing>();
  const auto answer = std::make_shared<std::optional<bool>>();
  std::unique_lock lock(owing->mutex);
  if (!owing->paths.insert(path).second) return std::nullopt;
  try {
    std::thread([answer, path, ask = std::move(ask), all = owing] {
      const bool is = ask();
      const std::lock_guard changing(all->mutex);
      *answer = is;
      all->paths.erase(path);
      all->changed.notify_all();
    }).detach();
  } catch (...) {  // no thread is to be had now: nobody was asked
    owing->paths.erase(path);
    throw;
  }
  owing->changed.wait_for(lock, patience, [&] { return answer->has_value(); });
  return *answer;
}

FileWatch::FileWatch(std::function<void(const std::string& path)> tell) : before_(std::exchange(watching, std::move(tell))) {}
FileWatch::~FileWatch() { watching = std::move(before_); }

void about_to_touch(const std::string& path) {
  if (watching) watching(path);
}

FileText read_file(const std::string& path, std::size_t most) {
  about_to_touch(path);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return {{}, "is a folder"};
  std::ifstream file(path, std::ios::binary);
  if (!file) return {{}, std::strerror(errno)};
  std::string text(most + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > most) return {{}, "is larger than " + std::to_string(most >> 20) + " MiB"};
  return {std::move(text), ""};
}

}  // namespace drwatch::config
