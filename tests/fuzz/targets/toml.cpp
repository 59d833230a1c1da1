// SPDX-License-Identifier: Apache-2.0
#include "config/rows/document.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace toml_target {

using namespace drwatch;
using namespace drwatch::fuzz;

namespace {

void places_lie_in(const config::Value& value, int lines, int depth) {
  must(depth <= 70, "nesting is bounded");
  must(value.place.line >= 0 && value.place.line <= lines, "a value stands in a line of the file");
  if (const auto* table = value.table())
    for (const auto& entry : *table) places_lie_in(entry.value, lines, depth + 1);
  if (const auto* array = value.array())
    for (const auto& element : *array) places_lie_in(element, lines, depth + 1);
}

}  // namespace

FUZZ_TARGET(toml)(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  config::Problems problems;
  const auto document = config::parse_toml("drwatch.toml", text, problems);
  must(document.has_value() != problems.any_error(), "either a table or a problem");
  const int lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1;
  if (document) places_lie_in(*document, lines, 0);
  for (const auto& problem : problems.all()) must(!has_control(config::problem_text(problem)), "a problem is one line");
  return 0;
}

}  // namespace toml_target
