// SPDX-License-Identifier: Apache-2.0
#include "config/load/checklist.hpp"

#include "config/check/circle.hpp"
#include "config/load/template.hpp"
#include "config/message_names.hpp"
#include "config/rows/text.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

namespace drwatch::config {
namespace {

namespace fs = std::filesystem;
using ReadItem = std::function<void(const Table& table, Place place, const Reading& reading)>;

// Calls `read` for each table of [[name]]. In the key of a problem a table goes by its id, or by its number (from 1) while it has no good
// one.
void each_item(const Table& root, std::string_view name, const Reading& reading, const ReadItem& read) {
  const auto* entry = find(root, name);
  if (!entry) return;
  const Reading below = reading.at(name);
  const auto refuse = [&](const Value& value) {
    reading.problems.error(value.place, below.key, "expected a list of tables, found " + std::string(value.type_name()),
                           "write [[" + below.key + "]] before each");
  };
  if (!entry->value.array()) return refuse(entry->value);
  int number = 0;
  for (const auto& value : *entry->value.array()) {
    ++number;
    if (!value.table()) {
      refuse(value);
      continue;
    }
    const auto* id = find(*value.table(), "id");
    const bool named = id && id->value.text() && is_name(*id->value.text());
    read(*value.table(), value.place, below.at(named ? *id->value.text() : std::to_string(number)));
  }
}

void check_template(std::string_view text, const Place& place, const std::string& key, Problems& problems) {
  for (const auto& wrong : template_misfits(text)) problems.error(place, key, wrong.message, wrong.hint);
}

}  // namespace

// Paths of programs are made absolute here; a bare name is looked for in PATH when it is run.
void check_run(std::vector<std::string>& run, const Table& table, const Reading& reading, const std::vector<std::string>& more_names) {
  const auto* entry = find(table, "run");
  if (!entry || !entry->value.array()) return;
  const Reading at = reading.at("run");
  if (run.empty()) return at.problems.error(entry->value.place, at.key, "is empty", "name the program and its arguments");
  for (std::size_t i = 0; i < run.size(); ++i) {
    std::string word = run[i];
    for (const std::string& name : more_names)
      for (std::size_t found; (found = word.find("{{" + name + "}}")) != word.npos;) word.erase(found, name.size() + 4);
    check_template(word, place_at(table, entry->place, {"run", std::to_string(i)}), at.key, at.problems);
  }
  auto& program = run.front();
  if (program.empty() || program.find("{{") != program.npos)
    at.problems.error(place_at(table, entry->place, {"run", "0"}), at.key, "the program must be named as it is",
                      "only its arguments may hold names");
  else if (program.find('/') != program.npos)
    program = (fs::path(reading.folder) / program).lexically_normal();
}

namespace {

// What asks about a part of the platform that is not there: no step of the checklist, where the scenario is whole without it.
bool is_left_out(const StepDraft& draft, const Reading& reading, bool shared) {
  const std::string& error = draft.absent->error;
  const auto cut = error.find("; ");
  const std::string key = reading.at("verify").key;
  if (!shared && draft.step.critical) {
    reading.problems.error(draft.absent->place, key, error.substr(0, cut), error.substr(cut + 2));
    return false;
  }
  reading.problems.warning(draft.absent->place, key, "the step is left out: " + error.substr(0, cut),
                           "take it out, or declare that as a component, probe, signal or set, when the platform has it");
  return true;
}

ReadStep read_step(const Table& table, Place place, const Section& section, const Reading& reading, bool shared) {
  StepDraft draft;
  read_table(table, place, section.rows, &draft, reading);
  Step& step = draft.step;
  // The draft tells what was written from what was not, so that a setting that does not belong here can be refused.
  step.hold = draft.hold.value_or(step.hold);
  step.timeout = draft.timeout.value_or(step.timeout);
  step.automatic = draft.automatic.value_or(false);
  const auto refuse = [&](const char* key, std::string message, std::string hint) {
    if (const auto* entry = find(table, key))
      reading.problems.error(entry->place, reading.at(key).key, std::move(message), std::move(hint));
  };
  if (find(table, "verify") && find(table, "run")) refuse("run", "a step is verified or run, not both", "make it two steps");
  if (!find(table, "verify")) refuse("hold", "is for a step with 'verify'", "leave it out");
  if (!find(table, "run")) {
    refuse("auto", "is for a step with 'run'", "leave it out");
    refuse("timeout", "is for a step with 'run'", "leave it out");
  }
  check_run(step.run, table, reading, {});
  const bool left_out = draft.absent && is_left_out(draft, reading, shared);
  ReadStep made{std::move(step), place, reading.key, find(table, "after") != nullptr, draft.first, {}, left_out};
  for (std::size_t i = 0; i < made.step.after.size(); ++i)
    made.after_places.push_back(place_at(table, place, {"after", std::to_string(i)}));
  return made;
}

ReadMessage read_message(const Table& table, Place place, const Section& section, const Reading& reading) {
  Message message;
  read_table(table, place, section.rows, &message, reading);
  check_template(message.subject, place_at(table, place, {"subject"}), reading.at("subject").key, reading.problems);
  check_template(message.body, place_at(table, place, {"body"}), reading.at("body").key, reading.problems);
  const bool update = message.when == Message::When::update;
  if (const auto* every = find(table, "every"); every && !update)
    reading.problems.warning(every->place, reading.at("every").key, "counts only with when = \"update\"", "leave it out");
  if (update && !find(table, "every")) reading.problems.error(place, reading.key, "an update needs 'every'", "say how often it is due");
  return {std::move(message), place, reading.key};
}

// "12", or "12 of common.toml" for another file than the one the message is about.
std::string line_text(const Place& place, const Place& seen_from) {
  const std::string line = std::to_string(place.line);
  return place.file == seen_from.file ? line : line + " of " + fs::path(place.file).filename().string();
}

template <class Items, class Id>
void check_doubles(const Items& items, std::string_view noun, Id id_of, Problems& problems) {
  std::map<std::string, Place> seen;
  for (const auto& item : items) {
    const std::string& id = id_of(item);
    if (id.empty()) continue;
    const auto [first, is_new] = seen.emplace(id, item.place);
    if (!is_new)
      problems.error(
          item.place, item.key,
          "there is another " + std::string(noun) + " with the id " + shown(id) + ", in line " + line_text(first->second, item.place),
          "give each its own");
  }
}

void check_after(const Checklist& list, Problems& problems) {
  std::vector<std::string> ids;
  Graph graph;
  for (const auto& read : list.steps) ids.push_back(read.step.id), graph[read.step.id] = read.step.after;
  for (const auto& read : list.steps)
    for (std::size_t i = 0; i < read.after_places.size(); ++i)
      check_name(read.after_places[i], read.key + ".after", read.step.after[i], ids, "step", problems);
  for (const auto& circle : circles(graph)) {
    // Told at the first step on the way that asks for it itself.
    const auto first = std::find_if(list.steps.begin(), list.steps.end(), [&](const ReadStep& read) {
      return read.says_after && std::find(circle.begin(), circle.end(), read.step.id) != circle.end();
    });
    if (first != list.steps.end())
      problems.error(first->after_places.empty() ? first->place : first->after_places.front(), first->key + ".after",
                     (circle.size() == 1 ? "it waits for itself: " : "steps wait for each other: ") + circle_text(circle),
                     circle.size() == 1 ? "take it out" : "take one of them out");
  }
}

// A step of one option must not wait for a step of another: at most one option is chosen, so it could never begin.
void check_options(const Checklist& list, Problems& problems) {
  std::map<std::string, std::string> options;
  for (const auto& read : list.steps) options[read.step.id] = read.step.option;
  for (const auto& read : list.steps)
    for (std::size_t i = 0; i < read.after_places.size(); ++i) {
      const auto& before = read.step.after[i];
      const auto option = options.find(before);
      if (read.step.option.empty() || option == options.end() || option->second.empty() || option->second == read.step.option) continue;
      problems.error(read.after_places[i], read.key + ".after",
                     "waits for " + shown(before) + " of the option " + shown(option->second) + ", and is itself of " +
                         shown(read.step.option) + ": only one of them is chosen",
                     "name a step of its own option, or one of none");
    }
}

// Which steps a step waits for when it says nothing. Within an option: the nearest earlier step of the same option, or of none. Behind
// options: the last step of each of them.
std::vector<std::string> steps_before(const std::vector<ReadStep>& steps, std::size_t at) {
  const std::string& option = steps[at].step.option;
  std::vector<std::string> before;
  std::set<std::string> seen;
  for (std::size_t i = at; i-- > 0;) {
    const Step& step = steps[i].step;
    if (step.option.empty() || step.option == option) {
      if (before.empty()) before.push_back(step.id);
      break;
    }
    if (option.empty() && seen.insert(step.option).second) before.push_back(step.id);
  }
  std::reverse(before.begin(), before.end());
  return before;
}

// The steps that `ids` stand for once those that are left out are gone: instead of one of them, what it waited for itself.
std::vector<std::string> without(const std::map<std::string, std::vector<std::string>>& left_out, const std::vector<std::string>& ids) {
  std::vector<std::string> kept, waiting(ids.rbegin(), ids.rend());
  std::set<std::string> seen;  // each once; circles are told elsewhere
  while (!waiting.empty()) {
    const std::string id = std::move(waiting.back());
    waiting.pop_back();
    if (!seen.insert(id).second) continue;
    const auto gone = left_out.find(id);
    if (gone == left_out.end())
      kept.push_back(id);
    else
      waiting.insert(waiting.end(), gone->second.rbegin(), gone->second.rend());
  }
  return kept;
}

void take_out(Checklist& list) {
  std::map<std::string, std::vector<std::string>> left_out;
  for (const auto& read : list.steps)
    if (read.left_out) left_out[read.step.id] = read.step.after;
  if (left_out.empty()) return;
  for (auto& read : list.steps) read.step.after = without(left_out, read.step.after);
  std::erase_if(list.steps, [](const ReadStep& read) { return read.left_out; });
}

}  // namespace

Checklist read_checklist(const Table& root, const Names& names, const Reading& reading, bool shared) {
  Checklist list;
  const Section step = step_section(names), message = message_section();
  each_item(root, "step", reading,
            [&](const Table& table, Place place, const Reading& at) { list.steps.push_back(read_step(table, place, step, at, shared)); });
  each_item(root, "message", reading,
            [&](const Table& table, Place place, const Reading& at) { list.messages.push_back(read_message(table, place, message, at)); });
  return list;
}

// Order matters: the default of `after` must be there before circles are looked for.
void complete(Checklist& list, Problems& problems) {
  check_doubles(list.steps, "step", [](const ReadStep& read) -> const std::string& { return read.step.id; }, problems);
  check_doubles(list.messages, "message", [](const ReadMessage& read) -> const std::string& { return read.message.id; }, problems);
  for (std::size_t i = 1; i < list.steps.size(); ++i)
    if (!list.steps[i].says_after) list.steps[i].step.after = steps_before(list.steps, i);
  std::stable_partition(list.steps.begin(), list.steps.end(), [](const ReadStep& read) { return read.first; });
  check_after(list, problems);
  check_options(list, problems);
  take_out(list);
}

void check_without_data(const Checklist& list, Problems& problems) {
  const std::vector<std::string> of_data = {"recovery_point", "exposure", "recovery_source", "bad_change_at"};
  const auto known = [&](const std::string& name) { return !has(of_data, name); };
  const auto check = [&](const std::string& text, const Place& place, const std::string& key) {
    for (const std::string& name : names_asked(text, known).put_in)
      if (!known(name))
        problems.error(place, key, "nothing fills {{" + name + "}}: the scenario says that no data is at stake",
                       "put it into a section, {{#" + name + "}}...{{/" + name + "}}, or leave 'data = false' out");
  };
  for (const ReadStep& read : list.steps)
    for (const std::string& word : read.step.run) check(word, read.place, read.key);
  for (const ReadMessage& read : list.messages) {
    check(read.message.subject, read.place, read.key);
    check(read.message.body, read.place, read.key);
  }
}

}  // namespace drwatch::config
