// SPDX-License-Identifier: Apache-2.0
// Configurations for tests: written into a folder of their own, loaded with the real kinds, and removed again.
#pragma once

#include "config/settings.hpp"
#include "probes/probe.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace drwatch::test {

class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void write(const std::string& name, const std::string& text) const;  // folders of `name` are made
  std::string path(const std::string& name) const { return (root_ / name).string(); }

 private:
  std::filesystem::path root_;
};

struct Loaded {
  std::shared_ptr<const Settings> settings;
  config::Problems problems;
  std::vector<std::string> errors, warnings;  // as text, without the folder
};

Loaded load(const Folder& folder, const config::LoadOptions& options = {});  // FOLDER/drwatch.toml
Loaded load_text(const std::string& main, const config::LoadOptions& options = {});

std::string file_text(const std::filesystem::path& path);
bool contains(const std::vector<std::string>& texts, const std::string& part);

}  // namespace drwatch::test
