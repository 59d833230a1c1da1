// SPDX-License-Identifier: Apache-2.0
// First line: the expression; second: the zone.
#include "config/rows/cron.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace cron_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(cron)(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  const auto expression = take_line(text), zone = take_line(text);
  std::string error;
  const auto cron = Cron::parse(expression, zone.empty() ? "UTC" : zone, &error);
  must(cron.has_value() == error.empty(), "either an expression or an error");
  if (!cron) {
    must(!has_control(error), "an error is one line");
    return 0;
  }
  const auto again = Cron::parse(cron->text(), cron->zone(), &error);
  must(again && *again == *cron, "an expression means what its text says");
  Time at = *parse_time("2026-03-28T12:00:00Z");
  for (int i = 0; i < 3; ++i) {
    const Time next = cron->next_after(at);
    if (next == Time::max()) break;
    must(next > at, "the next is later");
    must(cron->last_until(next) == next, "what is due is the newest that was due");
    must(cron->next_after(next - milliseconds{1}) == next, "nothing lies between");
    at = next;
  }
  return 0;
}

}  // namespace cron_target
