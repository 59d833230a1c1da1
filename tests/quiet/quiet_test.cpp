// SPDX-License-Identifier: Apache-2.0
// An ordinary month opens nothing and pages nobody, with the configuration as it is shipped; and one real outage in it opens exactly that.
// DRWATCH_SEED=N runs that month, DRWATCH_MONTHS=N that many; a failure prints its seed and what led there.
#include "config/settings.hpp"
#include "month.hpp"
#include "probes/probe.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <set>

namespace quiet_test {

using namespace drwatch;
using namespace drwatch::sim;

namespace {

constexpr Duration day = hours{24};
constexpr Duration length = day * 30;

const Settings& shipped() {
  static const std::shared_ptr<const Settings> settings = [] {
    config::Problems problems;
    auto kinds = kind_schemas();
    auto loaded = config::load(drwatch::testing::source_dir("/config/drwatch.toml"), kinds, {}, problems);
    for (const config::Problem& p : problems.all())
      if (p.level == config::Problem::Level::error) MESSAGE(config::problem_text(p));
    return loaded;
  }();
  REQUIRE(settings);
  return *settings;
}

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

// Each seed has another month of the year: in two of them the clocks are set.
Time month_of(std::uint64_t seed) {
  return Time(std::chrono::sys_days(std::chrono::year(2026) / std::chrono::month(static_cast<unsigned>(seed % 12) + 1) / 1));
}

struct Told {
  std::vector<Event> opened, paged;
  std::deque<Event> last;
  std::string before_first;  // what led there
  void operator()(const Event& e) {
    last.push_back(e);
    if (last.size() > 25) last.pop_front();
    bool opens = e.kind == "incident.opened" || e.kind == "incident.reopened";
    bool pages = e.kind == "alert.fired" && e.body.text("alert") != "Watchdog";
    if ((opens || pages) && before_first.empty())
      for (const Event& l : last) before_first += "\n  " + time_text(l.at) + " " + l.kind + " " + l.message;
    if (opens) opened.push_back(e);
    if (pages) paged.push_back(e);
  }
};

// The month passes; with an outage of `component` on its twelfth day when one is named.
constexpr Duration outage_at = day * 11 + hours{13}, outage_lasts = minutes{40};
Told pass(std::uint64_t seed, const std::string& component = "") {
  Told told;
  Time start = month_of(seed);
  Month month(shipped(), start, length, seed);
  if (!component.empty()) month.outage(component, start + outage_at, start + outage_at + outage_lasts);
  Rehearsal rehearsal(shipped(), start, [&](const ProbeSettings& p, Time t) { return month.look(p, t); }, std::ref(told));
  month.plan(rehearsal);
  rehearsal.run_until(start + length);
  // A month in which nothing was looked at would be quiet as well.
  REQUIRE(rehearsal.runs() > 100000);
  return told;
}

// The component that most others depend on, and that is backed up: what it takes with it is explained by it.
std::string cornerstone() {
  std::map<std::string, int> children;
  for (const auto& [name, component] : shipped().components)
    for (const std::string& parent : component.depends_on) ++children[parent];
  std::string best;
  for (const auto& [name, n] : children)
    if (!shipped().components.at(name).protected_by.empty() && (best.empty() || n > children[best])) best = name;
  return best;
}

}  // namespace

TEST_CASE("an ordinary month opens nothing and pages nobody") {
  std::uint64_t first = number_from("DRWATCH_SEED", number_from("DRWATCH_FIRST_MONTH", 1)),
                count = std::getenv("DRWATCH_SEED") ? 1 : number_from("DRWATCH_MONTHS", 30);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Told told = pass(seed);
    CHECK_MESSAGE(told.opened.empty(), "seed " << seed << " opened " << told.opened.size() << told.before_first);
    CHECK_MESSAGE(told.paged.empty(), "seed " << seed << " paged " << told.paged.size() << told.before_first);
  }
}

TEST_CASE("one real outage in such a month opens exactly that") {
  const std::string component = cornerstone();
  REQUIRE(!component.empty());
  for (std::uint64_t seed : {1, 2}) {
    Told told = pass(seed, component);
    REQUIRE_MESSAGE(told.opened.size() == 1, "seed " << seed << " opened " << told.opened.size() << told.before_first);
    const Event& opened = told.opened.front();
    CHECK(opened.at > month_of(seed) + outage_at);
    CHECK(opened.at < month_of(seed) + outage_at + minutes{6});
    auto affects = opened.body.json().at("incident").at("affects").get<std::vector<std::string>>();
    CHECK(std::count(affects.begin(), affects.end(), component) == 1);
    for (const Event& page : told.paged) {
      CHECK_MESSAGE(page.at >= opened.at, page.message);
      CHECK_MESSAGE(page.scenario == opened.scenario, page.message);
    }
  }
}

TEST_CASE("after no run is anything left to decide") {
  for (std::uint64_t seed : {3, 4}) {
    Time start = month_of(seed);
    Chance chance(seed);
    Month month(shipped(), start, day * 2, seed);
    for (const auto& [name, component] : shipped().components)
      if (chance.one_in(2)) {
        Time from = start + chance.between(hours{1}, hours{44});
        month.outage(name, from, from + chance.between(minutes{1}, hours{3}));
      }
    Rehearsal rehearsal(shipped(), start, [&](const ProbeSettings& p, Time t) { return month.look(p, t); });
    month.plan(rehearsal);
    std::string left;
    rehearsal.doubt([&](const Rehearsal::Doubt& d) {
      if (!left.empty() || (d.known_due && *d.known_due <= rehearsal.now())) return;
      if (!d.answer.events.empty()) left = "a run of " + d.probe + " left: " + d.answer.events.front().message;
      if (d.answer.due && (!d.known_due || *d.answer.due < *d.known_due)) left = "a run of " + d.probe + " brought nearer what is due";
    });
    rehearsal.run_until(start + day * 2);
    CHECK_MESSAGE(left.empty(), "seed " << seed << ": " << left);
    std::size_t opened = rehearsal.state().record.incidents.size();
    CHECK(opened > 0);
  }
}

}  // namespace quiet_test
