// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/loading.hpp"

#include "daemon/commands/commands.hpp"
#include "probes/probe.hpp"

namespace drwatch::commands {

std::shared_ptr<const Settings> load_or_refuse(const std::string& file) {
  config::Problems problems;
  const auto kinds = kind_schemas();
  auto settings = config::load(file, kinds, {}, problems);
  if (settings && !problems.any_error()) return settings;
  problems.sort();
  std::string first;
  for (const auto& problem : problems.all()) {
    if (first.empty() && problem.level == config::Problem::Level::error) first = config::problem_text(problem);
  }
  throw CommandRefused(first + "; drwatch check --config " + file + " names every problem");
}

}  // namespace drwatch::commands
