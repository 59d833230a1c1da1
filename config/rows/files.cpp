// SPDX-License-Identifier: Apache-2.0
#include "config/rows/files.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace drwatch::config {
namespace {

// Of the thread, since everything that reads files is called from there, by ways that need not know of it.
thread_local std::function<void(const std::string&)> watching;

}  // namespace

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
