// SPDX-License-Identifier: Apache-2.0
// The scenarios' folder: one file a scenario, shared steps in `shared`.
#include "config/load/checklist.hpp"
#include "config/rows/files.hpp"
#include "config/rows/text.hpp"

#include <algorithm>
#include <filesystem>

namespace drwatch::config {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view closing = "closing";  // the shared steps that come last, where nothing else is said
constexpr std::string_view own_steps = "...";    // in `include`: the scenario's own stand here

// The files of a folder, names without ".toml", hidden ones left out. Sorted: the order must not depend on the disk. No such folder: none.
std::vector<std::string> toml_files(const fs::path& folder, Problems& problems) {
  std::vector<std::string> names;
  std::error_code error;
  about_to_touch(folder);
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".toml" && at->path().stem().string().front() != '.') names.push_back(at->path().stem());
  if (error && error != std::errc::no_such_file_or_directory)
    problems.error({folder.string(), 1, 1}, "", "cannot be listed: " + error.message(), "check the folder's permissions");
  std::sort(names.begin(), names.end());
  return names;
}

// Where the scenarios are, as messages show it: beside the main file as that was named.
std::optional<fs::path> scenarios_folder(const Document& main, const Reading& reading) {
  ScenariosFolder folder;
  const bool written = read_once(main.table(), "scenarios", scenarios_section(), &folder, reading);
  std::string relative = "scenarios";
  if (written && !folder.path.empty()) relative = *find(*find(main.table(), "scenarios")->value.table(), "path")->value.text();
  const fs::path path = fs::path(main.file).parent_path() / relative;
  std::error_code ignored;
  about_to_touch(path);
  if (fs::is_directory(path, ignored)) return path.lexically_normal();
  const Place place = place_at(main.table(), {main.file, 1, 1}, {"scenarios", "path"});
  // Any other name is one that somebody thought of, and mistyped.
  if (relative != "scenarios")
    reading.problems.error(place, "scenarios.path", "there is no folder " + shown(relative), "name the folder of the scenarios' files");
  else
    reading.problems.warning(place, "", "there are no scenarios: nothing will open an incident",
                             "write them in a folder 'scenarios' beside this file");
  return {};
}

// Reads the folder: the shared files first, since the scenarios include them.
class Reader {
 public:
  Reader(fs::path folder, const Settings& settings, const DeclaredNames& names, const Reading& reading, std::string& texts)
      : folder_(std::move(folder)), settings_(settings), names_(names), problems_(reading.problems), paths_(reading.paths), texts_(texts) {}

  std::vector<ScenarioFile> run() {
    read_shared();
    std::vector<ScenarioFile> files;
    for (const auto& name : toml_files(folder_, problems_))
      if (auto file = read_file(name)) files.push_back(std::move(*file));
    return files;
  }

 private:
  std::optional<Document> open(const fs::path& path) {
    auto document = read_document(path, problems_);
    // The NULs keep two files from hashing as one.
    if (document) texts_ += document->file + '\0' + document->text + '\0';
    return document;
  }
  Reading reading_of(const fs::path& folder) const { return {problems_, "", fs::absolute(folder), false, nullptr, paths_}; }

  void read_shared() {
    const fs::path folder = folder_ / "shared";
    for (const auto& name : toml_files(folder, problems_)) {
      shared_names_.push_back(name);
      const auto document = open(folder / (name + ".toml"));
      if (!document) continue;
      const Reading reading = reading_of(folder);
      refuse_unknown(document->table(), {"step", "message"}, reading);
      shared_[name] = read_checklist(document->table(), names_, reading, true);
    }
  }

  std::optional<ScenarioFile> read_file(const std::string& name) {
    auto document = open(folder_ / (name + ".toml"));
    if (!document) return {};
    const Place top{document->file, 1, 1};
    if (!is_name(name))
      problems_.error(top, "", "the file's name " + shown(name) + " cannot be a scenario's id",
                      "use a-z, 0-9 and '-', beginning with a letter");
    Scenario scenario = read_scenario(name, *document, top);
    return ScenarioFile{std::move(*document), std::move(scenario)};
  }

  Scenario read_scenario(const std::string& name, const Document& document, const Place& top) {
    const Reading reading = reading_of(folder_);
    const Table& root = document.table();
    constexpr std::string_view tables[] = {"trigger", "exit", "step", "message", "drill"};
    ScenarioDraft draft;
    read_table(root, top, scenario_section().rows, &draft, reading, tables);
    Scenario& scenario = draft.scenario;
    scenario.id = name;
    scenario.rto = draft.rto.value_or(settings_.recovery.rto);
    read_once(root, "trigger", trigger_section(names_), &scenario.trigger, reading);
    read_once(root, "exit", exit_section(names_), &scenario.exit, reading);
    read_drill(root, scenario, reading);
    Checklist list = assemble(read_include(root, top, draft.include), read_checklist(root, names_, reading));
    complete(list, problems_);
    if (!scenario.data) check_without_data(list, problems_);
    for (auto& read : list.steps) scenario.steps.push_back(std::move(read.step));
    for (auto& read : list.messages) scenario.messages.push_back(std::move(read.message));
    check_drill_step(root, scenario, reading);
    return std::move(scenario);
  }

  void read_drill(const Table& root, Scenario& scenario, const Reading& reading) {
    DrillDraft draft;
    draft.plan.type = "tabletop";
    if (!read_once(root, "drill", drill_section(), &draft, reading)) return;
    const auto* drill = find(root, "drill");
    const Reading at = reading.at("drill");
    if (!find(*drill->value.table(), "schedule"))
      at.problems.error(drill->place, at.key, "'schedule' is missing", "say when a drill is due");
    else
      draft.plan.schedule = read_schedule(draft.when, *drill->value.table(), drill->place, at);
    draft.plan.automatic = draft.automatic.value_or(false);
    draft.plan.timeout = draft.timeout.value_or(draft.plan.timeout);
    check_drill_command(draft.plan, *drill->value.table(), at);
    scenario.drill = std::move(draft.plan);
  }

  static void check_drill_command(DrillPlan& plan, const Table& table, const Reading& at) {
    const auto refuse = [&](const char* key, std::string message, std::string hint) {
      if (const auto* entry = find(table, key)) at.problems.error(entry->place, at.at(key).key, std::move(message), std::move(hint));
    };
    if (!find(table, "run")) {
      for (const char* key : {"auto", "timeout", "step"}) refuse(key, "is for a drill with 'run'", "leave it out");
      return;
    }
    if (plan.type == "tabletop") refuse("run", "a tabletop is held by people alone", "say type = \"restore\" or \"full\"");
    check_run(plan.run, table, at, {"evidence"});
  }

  static void check_drill_step(const Table& root, const Scenario& scenario, const Reading& reading) {
    if (!scenario.drill || scenario.drill->run.empty()) return;
    std::vector<std::string> ids;
    for (const Step& step : scenario.steps) ids.push_back(step.id);
    if (has(ids, "drill-command"))
      reading.problems.error(place_at(root, {}, {"drill", "run"}), reading.at("drill").at("run").key,
                             "a step has the id 'drill-command', which the command itself has in a drill", "give that step another id");
    if (scenario.drill->step.empty()) return;
    check_name(place_at(root, {}, {"drill", "step"}), reading.at("drill").at("step").key, scenario.drill->step, ids, "step",
               reading.problems);
  }

  // Each name once: what stands there twice is told here, and not again for each of its steps.
  std::vector<std::string> read_include(const Table& root, const Place& top, const std::vector<std::string>& names) {
    std::vector<std::string> include;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const Place place = place_at(root, top, {"include", std::to_string(i)});
      if (std::find(include.begin(), include.end(), names[i]) != include.end()) {
        problems_.error(place, "include", shown(names[i]) + " stands there twice", "leave one of them out");
        continue;
      }
      if (names[i] != own_steps) check_name(place, "include", names[i], shared_names_, "shared file", problems_);
      include.push_back(names[i]);
    }
    return include;
  }

  // The names in the order of the checklist, the scenario's own steps among them.
  static std::vector<std::string> in_order(std::vector<std::string> include) {
    if (std::find(include.begin(), include.end(), own_steps) != include.end()) return include;
    // Where `include` does not place the scenario's own steps, they stand behind all shared ones but `closing`.
    const auto last = std::stable_partition(include.begin(), include.end(), [](const std::string& name) { return name != closing; });
    include.insert(last, std::string(own_steps));
    return include;
  }

  Checklist assemble(const std::vector<std::string>& include, const Checklist& own) const {
    Checklist list;
    const auto append = [&](const Checklist& more) {
      list.steps.insert(list.steps.end(), more.steps.begin(), more.steps.end());
      list.messages.insert(list.messages.end(), more.messages.begin(), more.messages.end());
    };
    for (const auto& name : in_order(include))
      if (name == own_steps)
        append(own);
      else if (const auto at = shared_.find(name); at != shared_.end())
        append(at->second);
    return list;
  }

  fs::path folder_;
  const Settings& settings_;
  const DeclaredNames& names_;
  Problems& problems_;
  std::vector<NamedPath>* paths_;
  std::string& texts_;
  std::vector<std::string> shared_names_;  // also of those that could not be read
  std::map<std::string, Checklist> shared_;
};

}  // namespace

std::vector<ScenarioFile> read_scenarios(const Document& main, const Settings& settings, const DeclaredNames& names, const Reading& reading,
                                         std::string& texts) {
  const auto folder = scenarios_folder(main, reading);
  if (!folder) return {};
  return Reader(*folder, settings, names, reading, texts).run();
}

}  // namespace drwatch::config
