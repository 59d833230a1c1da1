// SPDX-License-Identifier: Apache-2.0
// No file, however broken, does more than produce problems: the sample is damaged at random, again and again.
#include "tests/config/loaded.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

namespace drwatch::test::odd_files_test {
namespace {

class Damage {
 public:
  explicit Damage(unsigned seed) : dice_(seed) {}

  std::string of(std::string text) {
    for (int i = below(4); i >= 0; --i) one(text);
    return text;
  }

 private:
  int below(std::size_t n) { return std::uniform_int_distribution<int>(0, static_cast<int>(n) - 1)(dice_); }

  // A line twice, a line gone, a line's value changed, a bracket more, a byte changed.
  void one(std::string& text) {
    static const char* const values[] = {"1",  "-1",        "\"\"",       "\"x\"", "true",      "[]",         "[1]",
                                         "{}", "{ a = 1 }", "2026-03-01", "1e999", "[[\"a\"]]", "{ env = 1 }"};
    const auto start = text.rfind('\n', static_cast<std::size_t>(below(text.size()))) + 1;
    const auto end = std::min(text.find('\n', start), text.size() - 1);
    const std::string line = text.substr(start, end - start + 1);
    switch (below(6)) {
      case 0:
        text.insert(end + 1, line);
        break;
      case 1:
        text.erase(start, line.size());
        break;
      case 2:
      case 3:
        if (const auto equals = line.find('='); equals != line.npos)
          text.replace(start + equals + 1, line.size() - equals - 2, values[below(std::size(values))]);
        break;
      case 4:
        if (line.starts_with('[')) text.replace(start, line.size(), "[" + line.substr(0, line.size() - 1) + "]\n");
        break;
      default:
        text[static_cast<std::size_t>(below(text.size()))] = static_cast<char>(below(256));
        break;
    }
    if (text.empty()) text = "\n";
  }

  std::mt19937 dice_;
};

TEST_CASE("damaged files only produce problems, each with its place") {
  const std::filesystem::path sample = drwatch::testing::source_dir("/tests/config/sample");
  const char* const names[] = {"drwatch.toml", "scenarios/database-corruption.toml", "scenarios/shared/opening.toml"};
  const Folder folder;
  for (const char* name : {"drwatch.toml", "scenarios/database-corruption.toml", "scenarios/database-outage.toml",
                           "scenarios/shared/opening.toml", "scenarios/shared/closing.toml"})
    folder.write(name, file_text(sample / name));
  const char* rounds = std::getenv("DRWATCH_DAMAGE_ROUNDS");
  int refused = 0;
  for (unsigned seed = 0; seed < (rounds ? static_cast<unsigned>(std::atoi(rounds)) : 150u); ++seed) {
    const char* name = names[seed % std::size(names)];
    const std::string sound = file_text(sample / name);
    CAPTURE(seed);
    folder.write(name, Damage(seed).of(sound));
    Loaded loaded;
    CHECK_NOTHROW(loaded = load(folder));
    CHECK((loaded.settings == nullptr) == loaded.problems.any_error());
    refused += loaded.settings == nullptr;
    for (const auto& problem : loaded.problems.all()) {
      CHECK(problem.place.line >= 1);
      CHECK(problem.place.column >= 1);
      CHECK_FALSE(problem.message.empty());
    }
    folder.write(name, sound);
  }
  CHECK(refused > 20);  // the damage is damage
}

TEST_CASE("a folder that cannot be read is told") {
  const Folder folder;
  folder.write("drwatch.toml", "[[scenarios]]\npath = \"x\"\n");
  CHECK(contains(load(folder).errors, "scenarios: expected a table, found a list"));
  folder.write("drwatch.toml", "[scenarios]\npath = \"drwatch.toml\"\n");
  CHECK(contains(load(folder).errors, "there is no folder 'drwatch.toml'"));
}

}  // namespace
}  // namespace drwatch::test::odd_files_test
