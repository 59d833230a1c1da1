// SPDX-License-Identifier: Apache-2.0
// drwatch probe: runs once, now: from here with a configuration, or through the daemon.
#include "probes/probe.hpp"

#include "daemon/commands/client.hpp"
#include "daemon/commands/loading.hpp"
#include "daemon/commands/render.hpp"
#include "daemon/tasks/task_group.hpp"
#include "daemon/web/api/view.hpp"
#include "daemon/world/real.hpp"
#include "probes/seams/tracer.hpp"
#include "probes/seams/within.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>

namespace drwatch::commands {

namespace {

struct Run {
  const ProbeSettings* settings = nullptr;
  std::unique_ptr<Probe> probe;
  Outcome outcome;
};

// The bounds that the daemon puts around every run.
Task<void> run_once(World world, Run* run) {
  const Time started = world.clock.now();
  const auto began = world.clock.boottime();
  TracedWorld traced(world, Redaction(run->settings->secrets), run->settings->timeout);
  auto outcome = co_await within(world.clock, run->settings->timeout, run->probe->run(traced.world()));
  run->outcome = outcome ? std::move(*outcome) : traced.ended_by_deadline(run->probe->when_late(), run->settings->timeout);
  const auto latches = run->outcome.latches;  // without the heart nothing of them is acknowledged
  run->outcome = held_down(std::move(run->outcome), latches);
  run->outcome.at = started;
  traced.conclude(run->outcome);
  run->outcome.phases[Phase::total] = std::chrono::duration_cast<std::chrono::microseconds>(world.clock.boottime() - began);
}

std::vector<Run> chosen(const Settings& settings, const std::vector<std::string>& names) {
  std::vector<std::string> wanted = names, known;
  for (const auto& [name, probe] : settings.probes) known.push_back(name);
  if (names.empty()) wanted = known;
  std::vector<Run> runs;
  for (const auto& name : wanted) {
    const auto found = settings.probes.find(name);
    if (found == settings.probes.end()) {
      const auto near = config::nearest(name, known);
      throw CommandRefused("there is no probe '" + name + "'; " +
                           (near ? "did you mean '" + *near + "'?" : "check the names in " + settings.file));
    }
    Run run{&found->second, make_probe(found->second), {}};
    if (run.probe)
      runs.push_back(std::move(run));
    else if (!names.empty())
      throw CommandRefused("'" + name + "' is a heartbeat; its job calls in, it cannot be run from here");
  }
  return runs;
}

Json run_here(const ProbeOptions& options) {
  use_credentials(options.credentials, options.config);
  const auto settings = load_or_refuse(options.config);
  auto runs = chosen(*settings, options.names);
  std::exception_ptr bug;
  boost::asio::io_context loop;
  RealWorld real(loop.get_executor(), settings->workers);
  TaskGroup tasks(loop.get_executor(), [&bug](const std::string&, std::exception_ptr error) { bug = error; });
  std::size_t left = runs.size();
  for (auto& run : runs) {
    tasks.spawn(run.settings->name, run_once(real.world(), &run), [&left, &loop] {
      if (--left == 0) loop.stop();
    });
  }
  if (left > 0) loop.run();
  if (bug) std::rethrow_exception(bug);
  Json outcomes = Json::array();
  for (const auto& run : runs)
    outcomes.push_back({{"name", run.settings->name},
                        {"outcome", web::outcome_view(run.outcome, true)},
                        {"configured", web::written_view(*run.settings)}});
  return outcomes;
}

int acknowledge_there(const ProbeOptions& options) {
  if (options.names.empty()) throw CommandRefused("say which probe is acknowledged: drwatch probe NAME --acknowledge");
  Client client(options.client);
  Json answers = Json::array();
  for (const auto& name : options.names)
    answers.push_back(client.post("/api/v1/probes/" + path_element(name) + "/acknowledge", Json{{"note", options.note}}));
  if (options.client.json)
    print(Json{{"probes", answers}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  else
    for (const auto& name : options.names) print(name + " is acknowledged\n");
  return 0;
}

Json run_there(const ProbeOptions& options) {
  Client client(options.client);
  std::vector<std::string> names = options.names;
  if (names.empty()) {
    const Json document = client.get("/api/v1/probes");
    for (const auto& each : list_at(document, "probes")) {
      const Kind* kind = kind_named(text_at(each, "kind"));  // unknown to this version: the daemon knows whether it runs
      if (!kind || !kind->schema.traits.calls_in) names.push_back(text_at(each, "name"));
    }
  }
  Json outcomes = Json::array();
  for (const auto& name : names) outcomes.push_back(client.post("/api/v1/probes/" + path_element(name) + "/run", Json::object()));
  return outcomes;
}

}  // namespace

int probe(const ProbeOptions& options) {
  if (options.acknowledge) return acknowledge_there(options);
  const Json outcomes = options.config.empty() ? run_there(options) : run_here(options);
  if (options.client.json) {
    print(Json{{"probes", outcomes}, {"next", nullptr}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    print(outcomes.empty() ? "no probe to run\n" : outcomes_text(outcomes, !options.names.empty(), Paint::for_output()));
  }
  return outcomes_exit_code(outcomes);
}

}  // namespace drwatch::commands
