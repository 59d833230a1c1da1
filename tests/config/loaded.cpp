// SPDX-License-Identifier: Apache-2.0
#include "tests/config/loaded.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace drwatch::test {
namespace fs = std::filesystem;

Folder::Folder() {
  std::string name = (fs::temp_directory_path() / "drwatch-config-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  root_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

void Folder::write(const std::string& name, const std::string& text) const {
  fs::create_directories((root_ / name).parent_path());
  std::ofstream(root_ / name, std::ios::binary) << text;
}

Loaded load(const Folder& folder, const config::LoadOptions& options) {
  Loaded loaded;
  const auto kinds = kind_schemas();
  loaded.settings = config::load(folder.path("drwatch.toml"), kinds, options, loaded.problems);
  const std::string root = folder.path("");
  for (const auto& problem : loaded.problems.all()) {
    std::string text = config::problem_text(problem);
    if (const auto at = text.find(root); at != text.npos) text.erase(at, root.size());
    (problem.level == config::Problem::Level::error ? loaded.errors : loaded.warnings).push_back(text);
  }
  return loaded;
}

Loaded load_text(const std::string& main, const config::LoadOptions& options) {
  const Folder folder;
  folder.write("drwatch.toml", main);
  return load(folder, options);
}

std::string file_text(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

bool contains(const std::vector<std::string>& texts, const std::string& part) {
  return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) { return text.find(part) != text.npos; });
}

}  // namespace drwatch::test
