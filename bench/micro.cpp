// SPDX-License-Identifier: Apache-2.0
#include "bench/micro.hpp"

#include "bench/cpu.hpp"
#include "bench/platform.hpp"
#include "config/settings.hpp"
#include "daemon/recovery/input.hpp"
#include "daemon/web/metrics/metrics.hpp"
#include "probes/probe.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>

namespace drwatch::bench {
namespace {

Outcome fine(std::size_t i, Time at) {
  Outcome o = outcome_of(Health::up, Reason::none, "200", "GET http://127.0.0.1:8080/" + std::to_string(i) + ": 200");
  o.at = at;
  for (Phase p : {Phase::resolve, Phase::connect, Phase::request, Phase::response, Phase::total})
    o.phases[p] = std::chrono::microseconds{200};
  o.facts["address"] = "127.0.0.1:8080";
  return o;
}

struct Watched {
  std::shared_ptr<const Settings> settings;
  State state;
  Time now{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};

  Watched(const std::string& folder, std::size_t probes) {
    Plan plan;
    plan.probes = probes;
    plan.port = 8080;
    plan.folder = folder;
    const std::string file = write_configuration(plan, 8081);
    config::Problems problems;
    const auto kinds = kind_schemas();
    settings = config::load(file, kinds, {}, problems);
    if (!settings) throw std::runtime_error("the bench's own configuration is not accepted");
    decide(state, *settings, DaemonStarted{"bench"}, now);
    decide(state, *settings, ConfigurationLoaded{}, now);
    for (int turn = 0; turn < 3; ++turn) all_up();
  }
  void all_up() {
    now += seconds{10};
    for (std::size_t i = 0; i < settings->probes.size(); ++i) decide(state, *settings, Ran{probe_name(i), fine(i, now)}, now);
  }
};

// As large as one of the shipped runbook after some hours of work: 25 steps with their guides, six messages, 60 lines of timeline.
Incident worked(std::size_t n, Time now) {
  Incident incident;
  incident.id = "20260101-0000-outage-" + std::to_string(n);
  incident.scenario = "outage-" + std::to_string(n % 15);
  incident.title = "Outage";
  incident.state = IncidentState::resolved;
  incident.affects = {"database"};
  incident.started_at = incident.detected_at = incident.opened_at = now - hours{24} - minutes{n};
  incident.acknowledged_at = incident.recovered_at = incident.resolved_at = now - hours{20} - minutes{n};
  for (int i = 0; i < 25; ++i) {
    IncidentStep step;
    step.plan.id = "step-number-" + std::to_string(i);
    step.plan.title = "What has to be done as number " + std::to_string(i);
    step.plan.owner = "database lead";
    step.plan.guide = std::string(500, 'g');
    step.state = StepState::done;
    step.started_at = step.ended_at = incident.opened_at;
    step.by = "lena";
    step.note = std::string(80, 'n');
    incident.steps.push_back(step);
  }
  for (int i = 0; i < 6; ++i) {
    IncidentMessage message;
    message.id = "customers-" + std::to_string(i);
    message.subject = std::string(60, 's');
    message.body = std::string(600, 'b');
    incident.messages.push_back(message);
    incident.message_plans.push_back({.id = message.id, .audience = "customers", .subject = message.subject, .body = message.body});
  }
  for (int i = 0; i < 60; ++i) {
    Event event;
    event.at = incident.opened_at;
    event.kind = "incident.noted";
    event.by = "lena";
    event.incident = incident.id;
    event.scenario = incident.scenario;
    event.message = std::string(120, 'm');
    event.body = Body{{"text", event.message}};
    incident.timeline.push_back(event);
  }
  return incident;
}

}  // namespace

void measure_history(const std::string& folder) {
  constexpr int times = 20;
  Watched watched(folder, 200);
  const auto cost = [&](const auto& work) {
    const double before = cpu_seconds();
    for (int i = 0; i < times; ++i) work();
    return (cpu_seconds() - before) * 1e3 / times;
  };
  const auto copied = [&] { return cost([&] { const State copy = watched.state; }); };
  const auto judged = [&] { return cost([&] { decide(watched.state, *watched.settings, Tick{}, watched.now); }); };
  const double copied_without = copied(), judged_without = judged();
  for (std::size_t n = 0; n < 1000; ++n) {
    Incident incident = worked(n, watched.now);
    watched.state.record.incidents.put(std::move(incident));
  }
  fmt::print("a copy of the state: {:.2f} ms, with 1000 incidents that are over {:.2f} ms; judging everything: {:.2f} and {:.2f} ms\n",
             copied_without, copied(), judged_without, judged());
}

void measure_deciding(const std::string& folder) {
  constexpr std::size_t probes = 5000;
  constexpr int turns = 10;
  Watched watched(folder, probes);
  double took = 0;
  for (int turn = 0; turn < turns; ++turn) {
    watched.now += seconds{10};
    std::vector<Input> inputs;
    for (std::size_t i = 0; i < probes; ++i) inputs.push_back(Ran{probe_name(i), fine(i, watched.now)});
    const double before = cpu_seconds();
    for (const Input& input : inputs) decide(watched.state, *watched.settings, input, watched.now);
    took += cpu_seconds() - before;
  }
  fmt::print("decide(), up, {} probes: {:.2f} us an outcome\n", probes, took * 1e6 / (turns * static_cast<double>(probes)));
}

void measure_metrics(const std::string& folder) {
  constexpr std::size_t probes = 480;
  constexpr int times = 20;
  Watched watched(folder, probes);
  double loop = 0, worker = 0;
  std::string page;
  for (int i = 0; i < times; ++i) {
    const double before = cpu_seconds();
    const auto snapshot = web::take_snapshot(watched.state, watched.settings, {}, watched.now);
    const double between = cpu_seconds();
    page = web::metrics_text(snapshot);
    loop += between - before;
    worker += cpu_seconds() - between;
  }
  const auto lines = std::count(page.begin(), page.end(), '\n');
  fmt::print("/metrics, {} lines, {} KiB: {:.2f} ms on the loop, {:.2f} ms on the worker\n", lines, page.size() / 1024, loop * 1e3 / times,
             worker * 1e3 / times);
}

}  // namespace drwatch::bench
