// SPDX-License-Identifier: Apache-2.0
// tests/config/invalid: one mistake a file. Its first line is the one error that must come of it, to the letter.
#include "tests/config/loaded.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <set>

namespace drwatch::test::invalid_test {
namespace {

namespace fs = std::filesystem;
const fs::path invalid = drwatch::testing::source_dir("/tests/config/invalid");

std::set<fs::path> files(const char* folder) {
  std::set<fs::path> found;
  for (const auto& entry : fs::directory_iterator(invalid / folder)) found.insert(entry.path());
  return found;
}

std::string expected(const std::string& text) {
  REQUIRE(text.starts_with("# "));
  return text.substr(2, text.find('\n') - 2);
}

// What stands around the broken file and is right.
constexpr const char* sound_main = R"([component.database]
[probe.primary]
component = "database"
kind = "tcp"
target = "192.0.2.1:5432"
)";
constexpr const char* sound_scenario = R"(title = "Other"
affects = ["database"]
[trigger]
all = ["primary is down"]
supersedes = ["broken"]
)";
constexpr const char* sound_shared = R"([[step]]
id = "acknowledge"
title = "Take it"
)";
constexpr const char* sound_user = R"(title = "User"
affects = ["database"]
include = ["opening"]
)";

void check_one(const fs::path& file, const Folder& folder) {
  const Loaded loaded = load(folder);
  const std::string name = file.stem();
  CAPTURE(name);
  CHECK(loaded.settings == nullptr);
  REQUIRE(loaded.errors.size() >= 1);
  CHECK(loaded.errors[0] == expected(file_text(file)));
  for (std::size_t i = 1; i < loaded.errors.size(); ++i) FAIL_CHECK("one more: " << loaded.errors[i]);
  for (const auto& text : loaded.errors) CHECK(text.find("hunter2") == text.npos);
}

TEST_CASE("each mistake in the main file is told where it is and what to do") {
  setenv("DRWATCH_TEST_KEY", "a-key", 1);
  CHECK(files("main").size() >= 30);
  for (const auto& file : files("main")) {
    const Folder folder;
    folder.write("drwatch.toml", file_text(file));
    check_one(file, folder);
  }
}

TEST_CASE("each mistake in a scenario is told where it is and what to do") {
  CHECK(files("scenario").size() >= 30);
  for (const auto& file : files("scenario")) {
    const Folder folder;
    folder.write("drwatch.toml", sound_main);
    folder.write("scenarios/broken.toml", file_text(file));
    folder.write("scenarios/other.toml", sound_scenario);
    folder.write("scenarios/shared/opening.toml", sound_shared);
    check_one(file, folder);
  }
}

TEST_CASE("a mistake in shared steps is told once, in the shared file") {
  for (const auto& file : files("shared")) {
    const Folder folder;
    folder.write("drwatch.toml", sound_main);
    folder.write("scenarios/one.toml", sound_user);
    folder.write("scenarios/two.toml", sound_user);
    folder.write("scenarios/shared/opening.toml", file_text(file));
    check_one(file, folder);
  }
}

}  // namespace
}  // namespace drwatch::test::invalid_test
