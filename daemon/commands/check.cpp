// SPDX-License-Identifier: Apache-2.0
// drwatch check: every problem of a configuration at once.
#include "config/settings.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/commands/loading.hpp"
#include "daemon/commands/render.hpp"
#include "probes/probe.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace drwatch::commands {

namespace {

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

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
  if (!std::ifstream(options.config))
    throw CommandRefused(options.config + " cannot be read: " + std::strerror(errno) + "; check the path and its permissions");
  use_credentials(options.credentials, options.config);
  config::Problems problems;
  const auto kinds = kind_schemas();
  const auto settings = config::load(options.config, kinds, with_a_look(false), problems);
  problems.sort();
  if (options.json) {
    print(problems_document(problems.all()).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    for (const auto& problem : problems.all()) print(config::problem_text(problem) + "\n");
    print(check_summary(options.config, problems.all()));
  }
  if (!settings || problems.any_error()) return 1;
  return options.strict && !problems.all().empty() ? 1 : 0;
}

}  // namespace drwatch::commands
