// SPDX-License-Identifier: Apache-2.0
// Is a p90 a p90? Hundreds of recoveries by a simulated responder whose work takes what it takes, and not what was planned: after a few
// incidents the projection made at the opening holds in about nine of ten of the next ones.
#include "rehearsal.hpp"
#include "tests/simulation/chance.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace recoveries_test {

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

// What was projected, as it was told.
struct Projected {
  Time at{};
  double p50 = 0, p90 = 0;
};
using ProjectedBy = std::map<std::string, std::vector<Projected>>;  // by incident

struct Recovery {
  std::string incident;
  Time opened{}, over{};
  double took() const { return in_seconds(over - opened); }
};

// One incident, from its opening to its end.
Recovery recover(Rehearsal& rehearsal, Chance& chance) {
  const Time opened = rehearsal.now();
  const std::string id = rehearsal.feed(OpenIncident{"by-hand", "responder", ""}).subject;
  const Time taken = opened + noticed_by_people.drawn(chance);
  rehearsal.at(taken, Acknowledge{id, "responder", ""});
  std::map<std::string, Time> ends;
  for (const Work& work : works) {
    Time begin = taken;
    for (const std::string& before : work.after) begin = std::max(begin, ends.at(before));
    ends[work.id] = begin + work.takes.drawn(chance);
    // One in two says when he begins; of the others it is known from when they could.
    if (chance.one_in(2)) rehearsal.at(begin + Duration{1}, StepAction{id, work.id, OnStep::start, "responder", ""});
    rehearsal.at(ends[work.id], StepAction{id, work.id, OnStep::done, "responder", ""});
  }
  rehearsal.run_until(ends.at(works.back().id) + hours{30});
  return {id, opened, ends.at(works.back().id)};
}

struct Share {
  int of = 0, within_p50 = 0, within_p90 = 0;
  double p50() const { return static_cast<double>(within_p50) / of; }
  double p90() const { return static_cast<double>(within_p90) / of; }
};

// Of the recoveries that were not over so long after they opened: what was projected then, against what it took in the end. Counted here,
// and not by what drwatch says of itself.
Share share_after(Duration waited, const std::vector<Recovery>& all, const ProjectedBy& projected) {
  Share share;
  for (const Recovery& each : all) {
    const Projected* standing = nullptr;
    for (const Projected& p : projected.at(each.incident))
      if (p.at <= each.opened + waited) standing = &p;
    if (each.over <= each.opened + waited || !standing) continue;
    ++share.of;
    share.within_p50 += each.took() <= standing->p50;
    share.within_p90 += each.took() <= standing->p90;
  }
  return share;
}

struct Lived {
  std::vector<Recovery> recovered;  // after the first few
  ProjectedBy projected;
  Share scored;  // as drwatch has it
};
Lived live(std::uint64_t seed) {
  const Settings settings = by_hand();
  Chance chance(seed);
  Lived lived;
  Rehearsal rehearsal(settings, Time(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)), {}, [&](const Event& e) {
    if (e.kind != "incident.projected") return;
    lived.projected[e.incident].push_back({e.at, e.body.number("p50_seconds").value(), e.body.number("p90_seconds").value()});
  });
  for (int n = 0; n < learning; ++n) recover(rehearsal, chance);
  const Measured& measured = rehearsal.state().record.measured;
  const auto p50_before = measured.within_p50, p90_before = measured.within_p90, before = measured.scored;
  REQUIRE(before == learning);
  for (int n = 0; n < recoveries; ++n) lived.recovered.push_back(recover(rehearsal, chance));
  lived.scored = {static_cast<int>(measured.scored - before), static_cast<int>(measured.within_p50 - p50_before),
                  static_cast<int>(measured.within_p90 - p90_before)};
  return lived;
}

}  // namespace

// With 300 recoveries the share of a true p90 has a standard deviation of 0.017, that of a true p50 one of 0.029. The bounds leave three of
// them, and two points for what was learned from few: a p50 in the place of the p90 is 15 of them away.
TEST_CASE("the projected p90 holds in about nine of ten recoveries") {
  for (std::uint64_t seed : {1, 2, 3}) {
    CAPTURE(seed);
    const Lived lived = live(seed);
    const Share opening = share_after(Duration{0}, lived.recovered, lived.projected);
    REQUIRE(opening.of == recoveries);
    CHECK(opening.p90() > 0.83);
    CHECK(opening.p90() < 0.97);
    CHECK(opening.p50() > 0.39);
    CHECK(opening.p50() < 0.61);
    // What drwatch says of its own projections is what they were.
    CHECK(lived.scored.of == recoveries);
    CHECK(lived.scored.within_p50 == opening.within_p50);
    CHECK(lived.scored.within_p90 == opening.within_p90);
  }
}

// Knowing what has already passed: of those that last longer than an hour, and that is most, the projection of that moment holds as well.
TEST_CASE("a projection in the middle of a recovery holds as well as the one at its opening") {
  Share hour;
  for (std::uint64_t seed : {1, 2, 3}) {
    const Lived lived = live(seed);
    const Share share = share_after(hours{1}, lived.recovered, lived.projected);
    hour.of += share.of, hour.within_p50 += share.within_p50, hour.within_p90 += share.within_p90;
  }
  CAPTURE(hour.of);
  REQUIRE(hour.of > 400);
  CHECK(hour.p90() > 0.83);
  CHECK(hour.p90() < 0.97);
  CHECK(hour.p50() > 0.39);
  CHECK(hour.p50() < 0.61);
}

}  // namespace recoveries_test
