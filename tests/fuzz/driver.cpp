// SPDX-License-Identifier: Apache-2.0
// Runs every fuzz target without libFuzzer: over its seeds (corpus/NAME/) and over the same few thousand mutations of them each time.
//   test_fuzz [NAME [MUTATIONS|FILE]]
// What makes a target fail is left in fuzz-NAME.input.
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/mutation.hpp"
#include "tests/source_dir.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#define FUZZ_ROW(name) extern "C" int fuzz_##name(const std::uint8_t* data, std::size_t size);
#include "fuzz_targets.inc"
#undef FUZZ_ROW

extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

using namespace drwatch::fuzz;
namespace fs = std::filesystem;

struct Target {
  const char* name;
  int (*run)(const std::uint8_t*, std::size_t);
};
const Target targets[] = {
#define FUZZ_ROW(name) {#name, &fuzz_##name},
#include "fuzz_targets.inc"
#undef FUZZ_ROW
};

// Those that open files or inflate: fewer of them, or all would not be done in a few seconds.
std::size_t mutations_of(std::string_view name) {
  if (name == "journal") return 30;
  if (name == "config" || name == "scenario" || name == "story" || name == "template_text" || name == "auth") return 200;
  return 2000;
}

const char* now_name = "";
const std::string* now_input = nullptr;

void keep_input() {
  if (!now_input) return;
  const std::string path = std::string("fuzz-") + now_name + ".input";
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file >= 0 && ::write(file, now_input->data(), now_input->size()) >= 0) ::close(file);
  std::fprintf(stderr, "target %s; its input is in %s: test_fuzz %s %s\n", now_name, path.c_str(), now_name, path.c_str());
  now_input = nullptr;
}

void on_signal(int number) {
  keep_input();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

std::string file_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> seeds_of(const std::string& name) {
  std::vector<fs::path> files;
  const fs::path folder = drwatch::testing::source_dir("/tests/fuzz/corpus/") + name;
  if (fs::is_directory(folder))
    for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> seeds;
  for (const auto& file : files) seeds.push_back(file_text(file));
  return seeds;
}

void feed(const Target& target, const std::string& input) {
  now_name = target.name;
  now_input = &input;
  ::alarm(20);  // longer is hanging
  target.run(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  ::alarm(0);
  now_input = nullptr;
}

bool run(const Target& target, std::size_t mutations) {
  const auto seeds = seeds_of(target.name);
  if (seeds.empty()) {
    std::fprintf(stderr, "target %s has no seeds in tests/fuzz/corpus\n", target.name);
    return false;
  }
  const auto began = std::chrono::steady_clock::now();
  feed(target, "");
  for (const std::string& seed : seeds) feed(target, seed);
  Mutation mutation(seeds.size());
  for (std::size_t i = 0; i < mutations; ++i) {
    const std::string input = mutation.of(seeds);
    feed(target, input);
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  std::printf("%-16s %3zu seeds, %zu mutations, %lld ms\n", target.name, seeds.size(), mutations, static_cast<long long>(took.count()));
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGALRM}) std::signal(number, &on_signal);
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(&keep_input);
  const std::string only = argc > 1 ? argv[1] : "", more = argc > 2 ? argv[2] : "";
  bool good = true, known = only.empty();
  for (const Target& target : targets) {
    if (!only.empty() && only != target.name) continue;
    known = true;
    if (fs::is_regular_file(more))
      feed(target, file_text(more));
    else
      good = run(target, more.empty() ? mutations_of(target.name) : std::strtoul(more.c_str(), nullptr, 10)) && good;
  }
  if (!known) std::fprintf(stderr, "there is no target %s\n", only.c_str());
  return good && known ? 0 : 1;
}
