// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/loading.hpp"

#include "daemon/commands/commands.hpp"
#include "daemon/web/http/socket.hpp"
#include "probes/probe.hpp"

#include <cstdlib>
#include <filesystem>
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

void use_credentials(const std::string& folder, const std::string& config) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!folder.empty()) {
    if (!fs::is_directory(folder, error)) throw CommandRefused(folder + " is not a folder; name the one that holds the credentials");
    setenv("CREDENTIALS_DIRECTORY", fs::absolute(folder).c_str(), 1);
    return;
  }
  if (std::getenv("CREDENTIALS_DIRECTORY")) return;
  const fs::path beside = fs::absolute(config).parent_path() / "credentials";
  if (fs::is_directory(beside, error)) setenv("CREDENTIALS_DIRECTORY", beside.c_str(), 1);
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
