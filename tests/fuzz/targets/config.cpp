// SPDX-License-Identifier: Apache-2.0
// A main file with every kind's rows: settings or an error, and problems that can be read.
#include "config/settings.hpp"
#include "probes/probe.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/on_disk.hpp"

namespace config_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(config)(const std::uint8_t* data, std::size_t size) {
  static const auto kinds = kind_schemas();
  const std::string path = write_file("drwatch.toml", text_of(data, size));
  config::Problems problems;
  const auto settings = config::load(path, kinds, {}, problems);
  must((settings != nullptr) != problems.any_error(), "either settings or an error");
  for (const auto& problem : problems.all()) {
    const std::string text = config::problem_text(problem);
    must(!has_control(text), "a problem is one line");
    must(text.size() < 20'000, "a problem is not longer than a page");
  }
  if (settings)
    for (const auto& [name, probe] : settings->probes)
      if (!probe.calls_in()) must(make_probe(probe) != nullptr, "what was accepted can be made");
  return 0;
}

}  // namespace config_target
