// SPDX-License-Identifier: Apache-2.0
// How a scenario stands follows from its drills: two years of drills that are held, forgotten, late or too slow, against what the dates
// alone say.
#include "config/settings.hpp"
#include "daemon/recovery/outlook/rto.hpp"
#include "probes/probe.hpp"
#include "rehearsal.hpp"
#include "tests/simulation/chance.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace standing_test {

using namespace drwatch;
using namespace drwatch::sim;

namespace {

constexpr Duration day = hours{24};

// The shipped scenarios, and nothing that is looked at: nobody has an outage.
Settings runbook() {
  config::Problems problems;
  auto kinds = kind_schemas();
  auto loaded = config::load(drwatch::testing::source_dir("/config/drwatch.toml"), kinds, {}, problems);
  REQUIRE(loaded);
  Settings settings = *loaded;
  settings.probes.clear();
  settings.witness.probes.clear();
  settings.maintenance.clear();
  for (auto& [name, component] : settings.components) {
    component.probes.clear();
    component.protected_by.clear();
  }
  return settings;
}

struct Drill {
  Time at{};
  double took = 0;
  bool passed = true;
};

struct Held {
  std::optional<Drill> last;      // that passed
  std::optional<double> in_vain;  // the longest of those that failed since
};

// By the calendar, date by date: the drill counts for the first date that is more than half a period behind it, and grace after that.
Standing by_those_that_passed(const Scenario& scenario, const std::vector<Time>& dates, const std::optional<Drill>& last, Time now) {
  if (!last) return Standing::unproven;
  auto next = std::find_if(dates.begin(), dates.end(), [&](Time t) { return t > last->at; });
  Duration half = (*std::next(next) - *next) / 2;
  auto due = std::find_if(dates.begin(), dates.end(), [&](Time t) { return t > last->at + half; });
  if (now > *due + scenario.drill->grace) return Standing::unproven;
  return last->took > in_seconds(scenario.rto) ? Standing::breached : Standing::met;
}

Standing by_the_dates(const Scenario& scenario, const std::vector<Time>& dates, const Held& held, Time now) {
  const Standing passed = by_those_that_passed(scenario, dates, held.last, now);
  if (!held.in_vain) return passed;
  return *held.in_vain > in_seconds(scenario.rto) || passed == Standing::breached ? Standing::breached : Standing::unproven;
}

}  // namespace

TEST_CASE("a scenario's standing follows from its drills") {
  const Settings settings = runbook();
  const Time start(std::chrono::sys_days(std::chrono::year(2026) / 1 / 10)), end = start + day * 730;
  std::map<Standing, int> met;
  for (std::uint64_t seed : {1, 2, 3}) {
    Chance chance(seed);
    std::map<std::string, std::string> told;  // by the journal
    Rehearsal rehearsal(settings, start, {}, [&](const Event& e) {
      if (e.kind == "scenario.changed") told[e.scenario] = e.body.text("standing");
    });
    std::map<std::string, std::vector<Time>> dates;
    std::multimap<Time, std::pair<std::string, Drill>> drills;
    for (const auto& [id, scenario] : settings.scenarios) {
      if (!scenario.drill || !scenario.drill->schedule) continue;
      auto& all = dates[id];
      for (Time t = scenario.drill->schedule->next_after(start); t < end + day * 1500 && t != Time::max();
           t = scenario.drill->schedule->next_after(t))
        all.push_back(t);
      for (Time t : all) {
        if (t > end || chance.one_in(3)) continue;  // forgotten
        Time held = t + chance.between(-day * 40, day * 25);
        // One that failed shows nothing but that it takes longer, and what was shown before is not shown any more.
        if (held > start)
          drills.emplace(held, std::pair{id, Drill{held, in_seconds(scenario.rto) * (0.2 + chance.unit()), !chance.one_in(5)}});
      }
    }
    REQUIRE(dates.size() > 5);
    std::map<std::string, Held> known;
    for (Time now = start + day; now < end; now += chance.between(hours{1}, day * 3)) {
      for (; !drills.empty() && drills.begin()->first <= now; drills.erase(drills.begin())) {
        const auto& [id, drill] = drills.begin()->second;
        rehearsal.run_until(drill.at);
        RecordDrill held;
        held.scenario = id;
        held.passed = drill.passed;
        held.took = Duration{static_cast<std::int64_t>(drill.took * 1000)};
        held.by = "responder";
        REQUIRE_FALSE(rehearsal.feed(held).refused);
        if (drill.passed)
          known[id] = {drill, std::nullopt};
        else
          known[id].in_vain = std::max(known[id].in_vain.value_or(0), drill.took);
      }
      rehearsal.run_until(now);
      for (const auto& [id, all] : dates) {
        const Scenario& scenario = settings.scenarios.at(id);
        Standing expected = by_the_dates(scenario, all, known[id], now), is = scenario_standing(rehearsal.state(), scenario);
        CHECK(told[id] == standing_name(is));
        ++met[expected];
        CHECK_MESSAGE(is == expected, "seed " << seed << ", " << time_text(now) << ": " << id << " is " << standing_name(is) << " and not "
                                              << standing_name(expected));
      }
    }
  }
  for (Standing s : {Standing::met, Standing::breached, Standing::unproven}) CHECK(met[s] > 100);
}

}  // namespace standing_test
