// SPDX-License-Identifier: Apache-2.0
// Is a p90 a p90? Hundreds of recoveries by a simulated responder whose work takes what it takes, and not what was planned: after a few
// incidents the projection made at the opening holds in about nine of ten of the next ones.
#include "rehearsal.hpp"
#include "tests/simulation/chance.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace drwatch;
using namespace drwatch::sim;

namespace {

constexpr int learning = 15, recoveries = 300;

// Lognormal, in seconds.
struct Takes {
  double median, sigma;
  Duration drawn(Chance& chance) const { return Duration{static_cast<std::int64_t>(1000 * median * std::exp(sigma * chance.normal()))}; }
};
struct Work {
  const char* id;
  Duration planned;
  Takes takes;
  std::vector<std::string> after;
};
// People plan what they hope for: half of it, or a third. Two steps run side by side.
const std::vector<Work> works = {{"assess", minutes{5}, {600, 0.5}, {}},
                                 {"restore", minutes{15}, {2400, 0.6}, {"assess"}},
                                 {"tell", minutes{10}, {1200, 0.4}, {"assess"}},
                                 {"verify", minutes{5}, {900, 0.5}, {"restore", "tell"}}};
constexpr Takes noticed_by_people = {180, 0.6};

Settings by_hand() {
  Settings s;
  Scenario& scenario = s.scenarios["by-hand"];
  scenario.id = "by-hand";
  scenario.title = "By hand";
  scenario.rto = hours{4};
  scenario.hash = "by-hand";
  for (const Work& work : works) {
    Step step;
    step.id = step.title = work.id;
    step.critical = true;
    step.expect = work.planned;
    step.after = work.after;
    scenario.steps.push_back(step);
  }
  return s;
}

// One incident, from its opening to its end. Returns when all was done, since the opening.
void recover(Rehearsal& rehearsal, Chance& chance) {
  const std::string id = rehearsal.feed(OpenIncident{"by-hand", "responder", ""}).subject;
  const Time taken = rehearsal.now() + noticed_by_people.drawn(chance);
  rehearsal.at(taken, Acknowledge{id, "responder", ""});
  std::map<std::string, Time> ends;
  for (const Work& work : works) {
    Time begin = taken;
    for (const std::string& before : work.after) begin = std::max(begin, ends.at(before));
    ends[work.id] = begin + work.takes.drawn(chance);
    // One in two says when he begins; of the others it is known from when they could.
    if (chance.one_in(2)) rehearsal.at(begin + Duration{1}, StepAction{id, work.id, "start", "responder", ""});
    rehearsal.at(ends[work.id], StepAction{id, work.id, "done", "responder", ""});
  }
  rehearsal.run_until(ends.at(works.back().id) + hours{30});
}

struct Share {
  double within_p50 = 0, within_p90 = 0;
};
Share of_recoveries(std::uint64_t seed) {
  const Settings settings = by_hand();
  Chance chance(seed);
  Rehearsal rehearsal(settings, Time(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)), {});
  for (int n = 0; n < learning; ++n) recover(rehearsal, chance);
  const Measured& measured = rehearsal.state().record.measured;
  const auto p50_before = measured.within_p50, p90_before = measured.within_p90, before = measured.scored;
  REQUIRE(before == learning);
  for (int n = 0; n < recoveries; ++n) recover(rehearsal, chance);
  REQUIRE(measured.scored - before == recoveries);
  return {static_cast<double>(measured.within_p50 - p50_before) / recoveries,
          static_cast<double>(measured.within_p90 - p90_before) / recoveries};
}

}  // namespace

// With 300 recoveries the share of a true p90 has a standard deviation of 0.017, that of a true p50 one of 0.029. The bounds leave three of
// them, and two points for what was learned from few: a p50 in the place of the p90 is 15 of them away.
TEST_CASE("the projected p90 holds in about nine of ten recoveries") {
  for (std::uint64_t seed : {1, 2, 3}) {
    Share share = of_recoveries(seed);
    CAPTURE(seed);
    CHECK(share.within_p90 > 0.83);
    CHECK(share.within_p90 < 0.97);
    CHECK(share.within_p50 > 0.39);
    CHECK(share.within_p50 < 0.61);
  }
}
