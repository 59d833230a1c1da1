// SPDX-License-Identifier: Apache-2.0
// drwatch check: every problem of a configuration at once.
#include "config/settings.hpp"
#include "daemon/alerting/routing/judge.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/commands/loading.hpp"
#include "daemon/commands/render.hpp"
#include "probes/probe.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace drwatch::commands {

namespace {

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string read_or_refuse(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw CommandRefused(file + " cannot be read: " + std::strerror(errno) + "; check the path and its permissions");
  return {std::istreambuf_iterator<char>(in), {}};
}

Json routes_document(const std::vector<routing::Routed>& routed) {
  Json list = Json::array();
  for (const routing::Routed& one : routed) {
    Json reaches = Json::array();
    for (const routing::Reached& reached : one.reaches)
      reaches.push_back({{"receiver", reached.receiver},
                         {"integrations", reached.integrations},
                         {"mute_time_intervals", reached.muted},
                         {"active_time_intervals", reached.only_in}});
    list.push_back({{"labels", one.alert}, {"reaches", std::move(reaches)}, {"silenced_by", one.silenced_by}});
  }
  return list;
}

// Whom the alerts of these settings would reach. `problems`: what is wrong about it.
std::vector<routing::Routed> route(const Settings& settings, const std::string& file, config::Problems& problems) {
  try {
    const routing::Tree tree = routing::parse_tree(read_or_refuse(file));
    std::vector<routing::Routed> routed = routing::route_all(settings, tree);
    routing::judge_routes(settings, tree, routed, file, problems);
    return routed;
  } catch (const std::invalid_argument& problem) {
    throw CommandRefused(file + ":" + problem.what());
  }
}

}  // namespace

Json problems_document(const std::vector<config::Problem>& problems) {
  Json list = Json::array();
  for (const auto& problem : problems) {
    list.push_back({{"file", problem.place.file},
                    {"line", problem.place.line},
                    {"column", problem.place.column},
                    {"level", problem.level == config::Problem::Level::error ? "error" : "warning"},
                    {"key", text_or_null(problem.key)},
                    {"message", problem.message},
                    {"hint", text_or_null(problem.hint)}});
  }
  return Json{{"problems", std::move(list)}};
}

std::string check_summary(const std::string& file, const std::vector<config::Problem>& problems) {
  std::size_t errors = 0;
  for (const auto& problem : problems) errors += problem.level == config::Problem::Level::error;
  const auto count = [](std::size_t n, const std::string& of) { return std::to_string(n) + " " + of + (n == 1 ? "" : "s"); };
  if (problems.empty()) return file + " is good\n";
  if (errors == 0) return file + " can be used: " + count(problems.size(), "warning") + "\n";
  return file + " cannot be used: " + count(errors, "error") + ", " + count(problems.size() - errors, "warning") + "\n";
}

int check(const CheckOptions& options) {
  read_or_refuse(options.config);
  use_credentials(options.credentials, options.config);
  config::Problems problems, of_routes;
  const auto kinds = kind_schemas();
  const auto settings = config::load(options.config, kinds, with_a_look(false), problems);
  problems.sort();
  std::vector<routing::Routed> routed;
  // Without settings nobody knows which alerts there are.
  const bool routes = settings && !options.alertmanager.empty();
  if (routes) routed = route(*settings, options.alertmanager, of_routes);
  if (options.json) {
    auto all = problems.all();
    all.insert(all.end(), of_routes.all().begin(), of_routes.all().end());
    Json document = problems_document(all);
    if (routes) document["alerts"] = routes_document(routed);
    print(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    for (const auto& problem : problems.all()) print(config::problem_text(problem) + "\n");
    print(check_summary(options.config, problems.all()));
    print(routing::routes_text(routed));
    for (const auto& problem : of_routes.all()) print(config::problem_text(problem) + "\n");
    if (routes) print(check_summary(options.alertmanager, of_routes.all()));
  }
  if (!settings || problems.any_error() || of_routes.any_error()) return 1;
  return options.strict && !(problems.all().empty() && of_routes.all().empty()) ? 1 : 0;
}

}  // namespace drwatch::commands
