// SPDX-License-Identifier: Apache-2.0
#include "config/check/machine.hpp"
#include "config/load/digest.hpp"
#include "config/load/loading.hpp"
#include "config/rows/encoding.hpp"
#include "config/rows/files.hpp"

#include <filesystem>

namespace drwatch::config {
namespace {

constexpr std::size_t longest_file = 4 << 20;

}  // namespace

std::optional<Document> read_document(const std::string& file, Problems& problems) {
  auto [text, error] = read_file(file, longest_file);
  if (!text) {
    problems.error({file, 1, 1}, "", "cannot be read: " + error, "check the path and its permissions");
    return {};
  }
  auto root = parse_toml(file, *text, problems);
  if (!root) return {};
  return Document{file, std::move(*text), std::move(*root)};
}

std::shared_ptr<const Settings> load(const std::string& file, std::span<const KindSchema> kinds, const LoadOptions& options,
                                     Problems& problems) {
  const auto main = read_document(file, problems);
  if (!main) return nullptr;
  const auto settings = std::make_shared<Settings>();
  std::vector<NamedPath> paths;
  const Reading reading{problems, "", std::filesystem::absolute(file).parent_path(), options.secrets_must_exist, nullptr, &paths};
  const DeclaredNames names(main->table(), problems);
  std::string texts = main->text + '\0';

  // In this order: probes take their defaults from the main file, scenarios name components and probes. The checks run even after errors,
  // so that all problems are told at once; warnings come last, since they assume that what they look at is right.
  read_main(*main, *settings, reading);
  read_probes(*main, kinds, *settings, reading);
  read_clock(*main, *settings, reading);
  derive(*main, *settings);
  check_main(*main, names, *settings, problems);
  auto scenarios = read_scenarios(*main, *settings, names, reading, texts);
  check_scenarios(scenarios, *settings, problems);
  for (auto& each : scenarios) {  // without what was left out of it
    each.scenario.hash = scenario_hash(each.scenario);
    each.scenario.critical_hash = critical_hash(each.scenario);
  }
  warn_of_main(*main, *settings, problems);
  warn_of_scenarios(scenarios, *settings, problems);
  if (options.look_at_machine) look_at_machine(*main, *settings, paths, options, problems);

  problems.sort();
  if (problems.any_error()) return nullptr;
  settings->file = file;
  // Over the texts of all files: any change, a comment too, is another configuration.
  settings->hash = sha256_hex(texts);
  for (auto& scenario : scenarios) settings->scenarios.emplace(scenario.scenario.id, std::move(scenario.scenario));
  for (const auto& problem : problems.all()) settings->warnings.push_back(problem);
  return settings;
}

}  // namespace drwatch::config
