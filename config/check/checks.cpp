// SPDX-License-Identifier: Apache-2.0
// What can only be wrong between tables: names that lead nowhere, circles, keys used twice.
#include "config/check/circle.hpp"
#include "config/check/contradictions.hpp"
#include "config/components.hpp"
#include "config/rows/slip.hpp"

#include <algorithm>
#include <set>

namespace drwatch::config {
namespace {

using Subject = Condition::Subject;

template <class T>
std::vector<std::string> names_of(const std::map<std::string, T>& map) {
  std::vector<std::string> names;
  for (const auto& [name, is] : map) names.push_back(name);
  return names;
}

struct MainCheck {
  const Table& root;
  Place top;
  const DeclaredNames& names;
  const Settings& settings;
  Problems& problems;

  Place at(const std::vector<std::string>& path) const { return place_at(root, top, path); }
  // The place of the table itself, for a problem about something that is missing in it.
  Place key_of(std::string_view section, std::string_view name) const {
    const auto* tables = find(root, section);
    const auto* entry = tables && tables->value.table() ? find(*tables->value.table(), name) : nullptr;
    return entry ? entry->place : top;
  }

  // Every probe watches a component that exists, or is a witness.
  void probes() const {
    const auto components = names.all(Subject::component);
    for (const auto& [name, probe] : settings.probes) {
      const std::string key = "probe." + name;
      if (!probe.component.empty())
        check_name(at({"probe", name, "component"}), key + ".component", probe.component, components, "component", problems);
      else if (!probe.witness)
        problems.error(key_of("probe", name), key, "'component' is missing",
                       "name the component it watches, or list it in [witness] probes");
      if (probe.backup && !probe.backup->protects.empty())
        check_name(at({"probe", name, "protects"}), key + ".protects", probe.backup->protects, components, "component", problems);
      if (probe.backup && !probe.backup->confirmed_by.empty()) confirmer(name, *probe.backup);
    }
    check_list(root, top, {"witness", "probes"}, settings.witness.probes, names.all(Subject::probe), "probe", problems);
  }

  // The confirmer of a claim has to be another backup probe that reads the same component's repository, and one whose own word counts: two
  // sources that confirm each other would prove nothing.
  void confirmer(const std::string& name, const BackupRole& role) const {
    const std::vector<std::string> path = {"probe", name, "confirmed_by"};
    const std::string key = "probe." + name + ".confirmed_by";
    check_name(at(path), key, role.confirmed_by, names.all(Subject::probe), "probe", problems);
    const auto other = settings.probes.find(role.confirmed_by);
    if (other == settings.probes.end()) return;
    const auto& confirms = other->second.backup;
    if (role.confirmed_by == name)
      problems.error(at(path), key, "a probe cannot confirm itself", "name the backup probe that sees the repository");
    else if (!confirms || confirms->protects != role.protects)
      problems.error(at(path), key, shown(role.confirmed_by) + " is no backup probe that protects " + shown(role.protects),
                     "name one that sees the same component's repository");
    else if (!confirms->confirmed_by.empty())
      problems.error(at(path), key, shown(role.confirmed_by) + " needs confirmation itself",
                     "name the probe that sees the repository, here and there");
  }

  // A call is told apart by its key alone, so no two jobs may share one.
  void job_keys() const {
    std::map<std::string, std::string> owners;
    for (const auto& [name, probe] : settings.probes) {
      if (!probe.job || !probe.job->key.present()) continue;
      const auto [first, is_new] = owners.emplace(probe.job->key.reveal(), name);
      if (!is_new)
        problems.error(at({"probe", name, "key"}), "probe." + name + ".key", "the same key as probe " + shown(first->second),
                       "give each job its own: a call must tell which job it is");
    }
  }

  void components() const {
    const auto known = names.all(Subject::component);
    Graph graph;
    for (const auto& [name, component] : settings.components) {
      check_list(root, top, {"component", name, "depends_on"}, component.depends_on, known, "component", problems);
      graph[name] = component.depends_on;
      const auto& rule = component.down_when;
      if (rule.rule == DownWhen::Rule::count && !component.probes.empty() && static_cast<std::size_t>(rule.count) > component.probes.size())
        problems.error(at({"component", name, "down_when"}), "component." + name + ".down_when",
                       std::to_string(rule.count) + " is more than it has probes (" + std::to_string(component.probes.size()) +
                           "): it could never be down",
                       "use a smaller number");
    }
    for (const auto& circle : circles(graph))
      problems.error(at({"component", circle.front(), "depends_on"}), "component." + circle.front() + ".depends_on",
                     (circle.size() == 1 ? "it depends on itself: " : "components depend on each other: ") + circle_text(circle),
                     circle.size() == 1 ? "take it out" : "take one of them out");
  }

  // What a set is made of has to be there.
  void sets() const {
    auto known = names.all(Subject::component);
    for (const auto& probe : names.all(Subject::probe)) known.push_back(probe);
    const auto* tables = find(root, "set");
    if (!tables || !tables->value.table()) return;
    for (const auto& [name, place, value] : *tables->value.table()) {
      const auto* members = value.table() ? find(*value.table(), "members") : nullptr;
      const auto* list = members ? members->value.array() : nullptr;
      if (!list) continue;
      const std::string key = "set." + name + ".members";
      for (const Value& member : *list)
        if (const std::string* text = member.text(); text && text->starts_with("not "))
          check_name(member.place, key, text->substr(4), names.all(Subject::probe), "probe", problems);
        else if (text)
          check_name(member.place, key, *text, known, "component or probe", problems);
    }
  }

  void others() const {
    check_list(root, top, {"alertmanager", "fallback"}, settings.alertmanager.fallback, names_of(settings.channels), "channel", problems);
    for (const auto& [name, window] : settings.maintenance)
      check_list(root, top, {"maintenance", name, "components"}, window.components, names_of_components(settings), "component or place",
                 problems);
  }
};

// A scenario's list of names. Those that nothing has are errors where they are slips of one that something has, and where the list is not
// whole without them (`one_is_needed`, and none would be left); otherwise they are left out of it.
void settle(const ScenarioFile& file, const std::vector<std::string>& path, std::vector<std::string>& names,
            const std::vector<std::string>& known, std::string_view noun, bool one_is_needed, Problems& problems) {
  std::string key;
  for (const auto& word : path) key += (key.empty() ? "" : ".") + word;
  const auto is_known = [&](const std::string& name) { return std::find(known.begin(), known.end(), name) != known.end(); };
  const bool whole = !one_is_needed || std::any_of(names.begin(), names.end(), is_known);
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto element = path;
    element.push_back(std::to_string(i));
    const Place place = place_at(file.document.table(), {file.document.file, 1, 1}, element);
    if (is_known(names[i]) || !whole || is_slip(names[i], known)) {
      check_name(place, key, names[i], known, noun, problems);
      kept.push_back(names[i]);
    } else {
      problems.warning(place, key, shown(names[i]) + " is left out: there is no such " + std::string(noun),
                       "take it out, or add it when the platform has it");
    }
  }
  names = std::move(kept);
}

Place place_in(const ScenarioFile& file, const std::vector<std::string>& path) {
  return place_at(file.document.table(), {file.document.file, 1, 1}, path);
}

}  // namespace

// Adds what is wrong between the tables of the main file to `problems`.
void check_main(const Document& main, const DeclaredNames& names, const Settings& settings, Problems& problems) {
  const MainCheck check{main.table(), {main.file, 1, 1}, names, settings, problems};
  check.probes();
  check.job_keys();
  check.components();
  check.sets();
  check.others();
}

// Adds what is wrong between scenarios, and in one scenario's conditions, and leaves out what they name and the platform does not have.
// Circles of `supersedes` are errors: each would absorb the other.
void check_scenarios(std::vector<ScenarioFile>& files, const Settings& settings, Problems& problems) {
  std::vector<std::string> ids;
  Graph graph;
  std::map<std::string, const ScenarioFile*> by_id;
  for (const auto& file : files) ids.push_back(file.scenario.id);
  for (auto& file : files) {
    settle(file, {"affects"}, file.scenario.affects, names_of(settings.components), "component", true, problems);
    settle(file, {"trigger", "supersedes"}, file.scenario.trigger.supersedes, ids, "scenario", false, problems);
    graph[file.scenario.id] = file.scenario.trigger.supersedes;
    by_id[file.scenario.id] = &file;
    check_contradictions(file, problems);
  }
  for (const auto& circle : circles(graph))
    problems.error(place_in(*by_id[circle.front()], {"trigger", "supersedes"}), "trigger.supersedes",
                   circle.size() == 1 ? "it absorbs itself: " + circle_text(circle) : "scenarios absorb each other: " + circle_text(circle),
                   circle.size() == 1 ? "take it out" : "take one of them out");
}

}  // namespace drwatch::config
