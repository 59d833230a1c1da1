// SPDX-License-Identifier: Apache-2.0
// A scenario file beside a fixed main file.
#include "config/settings.hpp"
#include "probes/probe.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/on_disk.hpp"

#include <filesystem>

namespace scenario_target {

using namespace drwatch;
using namespace drwatch::fuzz;

namespace {

constexpr const char* main_file = R"([server]
listen = "127.0.0.1:1"
[journal]
path = "journal.db"
[scenarios]
path = "scenarios"
[component.database]
title = "Database"
[probe.primary]
kind = "tcp"
component = "database"
target = "127.0.0.1:5432"
)";

}  // namespace

FUZZ_TARGET(scenario)(const std::uint8_t* data, std::size_t size) {
  static const auto kinds = kind_schemas();
  static const std::string main_path = [] {
    std::filesystem::create_directories(folder() + "/with-scenarios/scenarios");
    return write_file("with-scenarios/drwatch.toml", main_file);
  }();
  write_file("with-scenarios/scenarios/outage.toml", text_of(data, size));
  config::Problems problems;
  const auto settings = config::load(main_path, kinds, {}, problems);
  must((settings != nullptr) != problems.any_error(), "either settings or an error");
  for (const auto& problem : problems.all()) must(!has_control(config::problem_text(problem)), "a problem is one line");
  if (settings) must(settings->scenarios.size() == 1, "what was accepted is there");
  return 0;
}

}  // namespace scenario_target
