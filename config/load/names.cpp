// SPDX-License-Identifier: Apache-2.0
#include "config/load/loading.hpp"
#include "config/rows/pattern.hpp"

#include <algorithm>

namespace drwatch::config {
namespace {

using Subject = Condition::Subject;

// The sections whose names share one set.
struct Kind {
  std::string_view section;
  Subject subject;
};
constexpr Kind kinds[] = {
    {"component", Subject::component}, {"probe", Subject::probe}, {"signal", Subject::signal}, {"set", Subject::place}};

std::string_view noun(Subject subject) {
  for (const auto& kind : kinds)
    if (kind.subject == subject && subject != Subject::place) return kind.section;
  return "place";
}

// Words of the conditions' grammar ("any of a, b is down"); a component of that name could not be written in one.
bool reserved(std::string_view name) { return name == "any" || name == "is" || name == "not"; }

}  // namespace

DeclaredNames::DeclaredNames(const Table& root, Problems& problems) {
  for (const auto& kind : kinds) {
    const auto* section = find(root, kind.section);
    if (!section || !section->value.table()) continue;
    for (const auto& entry : *section->value.table()) {
      const std::string key = std::string(kind.section) + "." + entry.key;
      if (reserved(entry.key)) problems.error(entry.place, key, shown(entry.key) + " is a word of conditions", "choose another name");
      const auto [at, is_new] = names_.emplace(entry.key, kind.subject);
      // One set for all three: a condition names them without saying which it means.
      if (!is_new)
        problems.error(entry.place, key, shown(entry.key) + " is the name of a " + std::string(noun(at->second)) + " already",
                       "components, probes, signals, sets and places share one set of names");
    }
  }
  add_places(root, problems);
}

// A place is named by what lies in it, and by several components mostly.
void DeclaredNames::add_places(const Table& root, Problems& problems) {
  const auto* components = find(root, "component");
  if (!components || !components->value.table()) return;
  std::map<std::string, bool, std::less<>> places;
  for (const auto& [name, place, value] : *components->value.table()) {
    const auto* lies_in = value.table() ? find(*value.table(), "lies_in") : nullptr;
    const auto* list = lies_in ? lies_in->value.array() : nullptr;
    for (std::size_t i = 0; list && i < list->size(); ++i) {
      const std::string* where = (*list)[i].text();
      if (!where || !places.emplace(*where, true).second) continue;
      const std::string key = "component." + name + ".lies_in";
      if (!is_name(*where) || reserved(*where))
        problems.error((*list)[i].place, key, shown(*where) + " is not a name", "use a-z, 0-9 and '-', beginning with a letter");
      const auto [at, is_new] = names_.emplace(*where, Subject::place);
      if (!is_new)
        problems.error((*list)[i].place, key, shown(*where) + " is the name of a " + std::string(noun(at->second)) + " already",
                       "components, probes, signals, sets and places share one set of names");
    }
  }
}

std::optional<Subject> DeclaredNames::what(std::string_view name) const {
  const auto at = names_.find(name);
  return at == names_.end() ? std::nullopt : std::optional(at->second);
}

std::vector<std::string> DeclaredNames::all() const {
  std::vector<std::string> names;
  for (const auto& [name, subject] : names_) names.push_back(name);
  return names;
}

std::vector<std::string> DeclaredNames::all(Subject of) const {
  std::vector<std::string> names;
  for (const auto& [name, subject] : names_)
    if (subject == of) names.push_back(name);
  return names;
}

void each_named(const Table& parent, std::string_view section, const Reading& reading, const ReadNamed& read) {
  const auto* entry = find(parent, section);
  if (!entry) return;
  const Reading below = reading.at(section);
  const auto expected = [&](const Value& value, const Reading& at) {
    at.problems.error(value.place, at.key, "expected a table, found " + std::string(value.type_name()),
                      "write [" + below.key + ".NAME] and its settings below");
  };
  if (!entry->value.table()) return expected(entry->value, below);
  for (const auto& [name, place, value] : *entry->value.table()) {
    const Reading at = below.at(name);
    if (!is_name(name))
      reading.problems.error(place, below.key, shown(name) + " is not a name", "use a-z, 0-9 and '-', beginning with a letter");
    if (value.table())
      read(name, *value.table(), place, at);
    else
      expected(value, at);
  }
}

void check_name(const Place& place, const std::string& key, const std::string& name, const std::vector<std::string>& known,
                std::string_view noun, Problems& problems) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  const auto close = nearest(name, known);
  problems.error(place, key, "no " + std::string(noun) + " is named " + shown(name),
                 close           ? "did you mean '" + *close + "'?"
                 : known.empty() ? "there is none yet"
                                 : "there are " + list_text(known));
}

void check_list(const Table& root, const Place& otherwise, const std::vector<std::string>& path, const std::vector<std::string>& names,
                const std::vector<std::string>& known, std::string_view noun, Problems& problems) {
  std::string key;
  for (const auto& word : path) key += (key.empty() ? "" : ".") + word;
  auto element = path;
  element.emplace_back();
  for (std::size_t i = 0; i < names.size(); ++i) {
    element.back() = std::to_string(i);
    check_name(place_at(root, otherwise, element), key, names[i], known, noun, problems);
  }
}

}  // namespace drwatch::config
