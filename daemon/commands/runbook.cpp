// SPDX-License-Identifier: Apache-2.0
// drwatch runbook: through the daemon, or from the configuration when there is none.
#include "daemon/commands/client.hpp"
#include "daemon/commands/loading.hpp"
#include "daemon/commands/render.hpp"
#include "daemon/web/api/view.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>

namespace drwatch::commands {

namespace {

// The scenarios as the API shows them, wherever they come from.
class Runbook {
 public:
  explicit Runbook(const RunbookOptions& options) : options_(options) {
    if (!options.config.empty()) settings_ = load_or_refuse(options.config);
  }
  Json list() {
    if (!settings_) return Client(options_.client).get("/api/v1/scenarios");
    Json all = Json::array();
    for (const auto& [name, scenario] : settings_->scenarios) all.push_back(view(scenario, false));
    return Json{{"scenarios", std::move(all)}, {"next", nullptr}};
  }
  Json one(const std::string& name) {
    if (!settings_) return Client(options_.client).get("/api/v1/scenarios/" + path_element(name));
    const auto found = settings_->scenarios.find(name);
    if (found != settings_->scenarios.end()) return view(found->second, true);
    std::vector<std::string> known;
    for (const auto& [each, scenario] : settings_->scenarios) known.push_back(each);
    const auto near = config::nearest(name, known);
    throw CommandRefused("there is no scenario '" + name + "'; " +
                         (near ? "did you mean '" + *near + "'?" : "drwatch runbook list names them"));
  }
  Json components() {
    if (!settings_) return Client(options_.client).get("/api/v1/components");
    Json all = Json::array();
    for (const auto& [name, component] : settings_->components) all.push_back(web::component_view(seen(), component));
    return Json{{"components", std::move(all)}};
  }

 private:
  web::Seen seen() const {
    static const State nothing_known;
    return {nothing_known, *settings_, std::chrono::floor<Duration>(std::chrono::system_clock::now()), true, ""};
  }
  Json view(const Scenario& scenario, bool whole) const { return web::scenario_view(seen(), scenario, whole); }
  RunbookOptions options_;
  std::shared_ptr<const Settings> settings_;
};

void write_page(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) throw CommandRefused("cannot write " + path.string() + "; check the folder and its room");
}

}  // namespace

int runbook_list(const RunbookOptions& options) {
  const Json document = Runbook(options).list();
  if (options.client.json) {
    print(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    print(scenarios_text(list_at(document, "scenarios"), Paint::for_output()));
  }
  return 0;
}

int runbook_show(const RunbookOptions& options) {
  const Json document = Runbook(options).one(options.scenario);
  print(options.client.json ? document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n" : scenario_text(document));
  return 0;
}

int runbook_export(const RunbookOptions& options) {
  Runbook runbook(options);
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  if (error) throw CommandRefused("cannot make the folder " + options.folder + ": " + error.message() + "; give another");
  std::vector<Json> scenarios;
  const Json list = runbook.list();
  for (const auto& each : list_at(list, "scenarios")) scenarios.push_back(runbook.one(text_at(each, "scenario")));
  Json files = Json::array();
  for (const auto& each : scenarios) {
    const auto path = std::filesystem::path(options.folder) / (text_at(each, "scenario") + ".md");
    write_page(path, scenario_text(each));
    files.push_back(path.string());
  }
  write_page(std::filesystem::path(options.folder) / "README.md", runbook_index(scenarios));
  const Json components = runbook.components();
  write_page(std::filesystem::path(options.folder) / "TARGETS.md", runbook_targets(scenarios, list_at(components, "components")));
  if (options.client.json) {
    print(Json{{"files", files}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    print(std::to_string(scenarios.size()) + " scenarios written to " + options.folder + "\n");
  }
  return 0;
}

}  // namespace drwatch::commands
