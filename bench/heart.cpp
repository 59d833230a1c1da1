// SPDX-License-Identifier: Apache-2.0
#include "bench/heart.hpp"

#include "bench/cpu.hpp"
#include "config/settings.hpp"
#include "daemon/recovery/input.hpp"
#include "probes/probe.hpp"
#include "tests/quiet/month.hpp"

#include <fmt/core.h>

#include <stdexcept>

namespace drwatch::bench {
namespace {

const Time begin{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};

// ---- 100 components of 100 probes, and a scenario for each

constexpr std::size_t components = 100, probes_each = 100;

std::string component_name(std::size_t c) { return "component-" + std::to_string(c); }
std::string probe_of(std::size_t c, std::size_t p) { return "probe-" + std::to_string(c) + "-" + std::to_string(p); }
Condition condition(const std::string& component, Condition::Holds holds, const char* word) {
  return {component + " is " + word, Condition::Subject::component, component, std::nullopt, false, holds};
}

Scenario outage_of(const std::string& component) {
  Scenario s;
  s.id = component + "-outage";
  s.title = "Outage of " + component;
  s.rto = hours{4};
  s.affects = {component};
  s.trigger.any = {condition(component, Condition::Holds::down, "down")};
  s.trigger.hold_for = minutes{1};
  for (const char* id : {"assess", "mend", "verify"}) {
    Step step;
    step.id = id;
    step.title = id;
    step.critical = true;
    step.expect = minutes{20};
    if (step.id == "verify") step.verify = condition(component, Condition::Holds::up, "up");
    if (!s.steps.empty()) step.after = {s.steps.back().id};
    s.steps.push_back(step);
  }
  return s;
}

Settings large_platform() {
  Settings s;
  for (std::size_t c = 0; c < components; ++c) {
    const std::string name = component_name(c);
    s.components[name].name = s.components[name].title = name;
    for (std::size_t p = 0; p < probes_each; ++p) {
      ProbeSettings probe;
      probe.name = probe_of(c, p);
      probe.kind = "http";
      probe.component = name;
      probe.interval = seconds{10};
      probe.retry = seconds{5};
      probe.timeout = seconds{5};
      s.components[name].probes.push_back(probe.name);
      s.probes[probe.name] = probe;
    }
    s.scenarios[name + "-outage"] = outage_of(name);
  }
  return s;
}

struct Large {
  Settings settings = large_platform();
  State state;
  Time now = begin;

  Large() {
    feed(DaemonStarted{"bench"});
    feed(ConfigurationLoaded{});
    turn(false);
  }
  Decision feed(const Input& input) { return decide(state, settings, input, now); }
  static Outcome seen(Health health, Time at) {
    Outcome o = health == Health::up ? outcome_of(health, Reason::none, "200", "200")
                                     : outcome_of(health, Reason::connect, "ECONNREFUSED", "connection refused");
    o.at = at;
    return o;
  }
  // Every probe runs once; with `broken` the first of each component sees nothing good.
  void turn(bool broken) {
    now += seconds{10};
    for (std::size_t c = 0; c < components; ++c)
      for (std::size_t p = 0; p < probes_each; ++p)
        decide_later(state, settings, Ran{probe_of(c, p), seen(broken && p == 0 ? Health::down : Health::up, now)}, now);
    feed(Tick{});
  }
  std::size_t open() const {
    std::size_t n = 0;
    for (const auto& [id, incident] : state.record.incidents) n += incident.state == IncidentState::open;
    return n;
  }
};

double microseconds_each(std::size_t times, const auto& what) {
  const double before = cpu_seconds();
  for (std::size_t i = 0; i < times; ++i) what(i);
  return (cpu_seconds() - before) * 1e6 / static_cast<double>(times);
}

void print_costs(Large& large) {
  constexpr std::size_t ticks = 200, runs = components * probes_each;
  const double tick = microseconds_each(ticks, [&](std::size_t) { large.feed(Tick{}); });
  large.now += seconds{10};
  std::vector<Input> inputs;
  for (std::size_t c = 0; c < components; ++c)
    for (std::size_t p = 1; p < probes_each; ++p) inputs.push_back(Ran{probe_of(c, p), Large::seen(Health::up, large.now)});
  const double run = microseconds_each(inputs.size(), [&](std::size_t i) { large.feed(inputs[i]); });
  // The first bad run after good ones, and good again: two runs that are news.
  constexpr std::size_t news = 100;
  const double suspect = microseconds_each(
      news, [&](std::size_t i) { large.feed(Ran{probe_of(i, 1), Large::seen(i % 2 == 0 ? Health::down : Health::up, large.now)}); });
  fmt::print("decide(), {} probes, {} incidents open: {:.0f} us a tick, {:.2f} us a run that is no news, {:.0f} us one that is\n", runs,
             large.open(), tick, run, suspect);
}

}  // namespace

void measure_virtual_days() {
  constexpr int days = 10;
  config::Problems problems;
  const auto kinds = kind_schemas();
  const auto settings = config::load(DRWATCH_SOURCE_DIR "/config/drwatch.toml", kinds, {}, problems);
  if (!settings) throw std::runtime_error("the shipped configuration is not accepted");
  sim::Month month(*settings, begin, hours{24 * days}, 1);
  const double before = cpu_seconds();
  sim::Rehearsal rehearsal(*settings, begin, [&](const ProbeSettings& p, Time t) { return month.look(p, t); });
  month.plan(rehearsal);
  rehearsal.run_until(begin + hours{24 * days});
  const double took = cpu_seconds() - before;
  fmt::print("virtual time, shipped configuration ({} probes), ordinary days: {:.1f} days a second ({:.2f} us a run)\n",
             settings->probes.size(), days / took, took * 1e6 / static_cast<double>(rehearsal.runs()));
}

void measure_ticks() {
  Large large;
  print_costs(large);
  for (int turns = 0; turns < 12; ++turns) large.turn(true);
  if (large.open() != components) throw std::runtime_error("the incidents of the bench did not open");
  print_costs(large);
}

}  // namespace drwatch::bench
