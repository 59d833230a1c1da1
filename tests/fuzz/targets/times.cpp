// SPDX-License-Identifier: Apache-2.0
#include "config/rows/time.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace times_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(times)(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  if (const auto duration = parse_duration(text)) {
    must(*duration >= Duration{0}, "a duration is not negative");
    must(parse_duration(duration_text(*duration)) == duration, "a duration survives being written");
    must(duration_words(*duration).size() < 40, "a duration is said briefly");
  }
  if (const auto time = parse_time(text)) {
    must(parse_time(time_text(*time)) == time, "a time survives being written");
    must(time_words(*time).size() < 40, "a time is said briefly");
  }
  return 0;
}

}  // namespace times_target
