// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/loading.hpp"

#include "daemon/commands/commands.hpp"
#include "daemon/web/http/socket.hpp"
#include "probes/probe.hpp"

#include <stdexcept>

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

config::LoadOptions with_a_look(bool secrets_must_exist) {
  config::LoadOptions options;
  options.secrets_must_exist = secrets_must_exist;
  options.look_at_machine = true;
  options.identity_problem = [](const std::string& certificate, const std::string& key) {
    try {
      web::load_identity(certificate, key);
    } catch (const std::runtime_error& wrong) {
      return std::string(wrong.what());
    }
    return std::string();
  };
  return options;
}

}  // namespace drwatch::commands
