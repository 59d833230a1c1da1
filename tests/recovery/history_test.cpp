// SPDX-License-Identifier: Apache-2.0
// What is learned over the years stays small, so that looking ahead costs the same after ten years as after one month.
#include "daemon/recovery/outlook/measured.hpp"

#include <doctest/doctest.h>

namespace history_test {

using namespace drwatch;

namespace {

const Time begin = *parse_time("2026-01-01T00:00:00Z");

Incident resolved(const std::string& scenario, Time at) {
  Incident i;
  i.id = i.scenario = scenario;
  i.opened_by = "drwatch";
  i.started_at = i.detected_at = at;
  i.opened_at = at + minutes{1};
  i.acknowledged_at = at + minutes{5};
  i.recovered_at = at + minutes{50};
  IncidentStep step;
  step.plan.id = "restore";
  step.plan.title = "Restore " + scenario;
  step.state = StepState::done;
  step.started_at = at + minutes{10};
  step.ended_at = at + minutes{40};
  i.steps = {step};
  return i;
}

}  // namespace

TEST_CASE("five thousand incidents of one scenario leave as much as thirty-two, and the one of another stays known") {
  Measured measured;
  learn(measured, resolved("rare", begin));
  for (int n = 1; n <= 5000; ++n) learn(measured, resolved("often", begin + hours{n}));
  const Time now = begin + hours{5000};
  CHECK(measured.of_step("rare", "restore", "", now).size() == 1);
  CHECK(measured.of_noticing("rare", now).size() == 1);
  CHECK(measured.of_step("often", "restore", "", now).size() == 32);
  CHECK(measured.of_step("often", "restore", "", now).back().at == begin + hours{5000} + minutes{40});  // the newest
  CHECK(measured.of_acknowledging(now).size() == 33);
  CHECK(measured.of_fixing(now).size() == 33);
  std::size_t kept = 0;
  for (const auto& [step, samples] : measured.samples) kept += samples.size();
  CHECK(kept == 4 * 33);
  SUBCASE("and it is forgotten after four quarters") {
    learn(measured, resolved("often", begin + hours{24 * 370}));
    for (const auto& [step, samples] : measured.samples)
      for (const Sample& s : samples) CHECK(s.scenario == "often");
  }
}

}  // namespace history_test
