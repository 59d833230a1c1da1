// SPDX-License-Identifier: Apache-2.0
// A false alarm whose trigger holds on: whoever said so knows of it, and is not woken by it again. What comes to it is news, and so is a
// signal that somebody raises anew; and when the trigger has once been false, the next time is another time.
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"

#include <algorithm>
#include <set>

namespace drwatch {

namespace {

bool asks_for_exposure(const Condition& c) { return c.subject == Condition::Subject::rpo || c.subject == Condition::Subject::any_rpo; }

// What can get no worse, of health or of exposure: the component, when it is down, and those of its RPOs that are breached.
void add_worst(const Record& record, const std::string& component, bool of_exposure, std::set<std::string>& worst) {
  if (!of_exposure) {
    const auto found = record.components.find(component);
    if (found != record.components.end() && found->second.health == Health::down) worst.insert(component);
    return;
  }
  const std::string rpo = component + " rpo";
  for (auto each = record.objectives.lower_bound(rpo); each != record.objectives.end() && each->first.starts_with(rpo); ++each)
    if (each->second.standing == Standing::breached) worst.insert(each->first);
}

}  // namespace

// By what holds now. Where that is not known now, by what it was open for.
void set_kept_shut(const Deciding& d, const Incident& incident, Body& body) {
  Body scenarios;
  bool any = false;
  for (const Incident* part : with_absorbed(d.record(), incident)) {
    const Match found = match_without_words(d, part->trigger);
    if (found.truth == Truth::no) continue;
    std::set<std::string> conditions, components(found.components.begin(), found.components.end());
    for (const Condition* c : found.causes) conditions.insert(c->text);
    if (found.truth == Truth::unknown)
      for (const auto* list : {&part->trigger.any, &part->trigger.all})
        for (const Condition& c : *list) {
          if (std::none_of(part->because.begin(), part->because.end(), [&](const Evidence& e) { return e.condition == c.text; })) continue;
          conditions.insert(c.text);
          for (const std::string& name : components_of(d.state, d.settings, c)) components.insert(name);
        }
    std::set<std::string> worst;
    for (const std::string& name : components)
      for (const bool of_exposure : {false, true}) add_worst(d.record(), name, of_exposure, worst);
    const auto list = [](const std::set<std::string>& names) { return std::vector<std::string>(names.begin(), names.end()); };
    scenarios.set(part->scenario, Body{{"conditions", list(conditions)}, {"components", list(components)}, {"worst", list(worst)}});
    any = true;
  }
  if (any) body.set("keeps_shut", scenarios);
}

const FalseAlarm* false_alarm(const Deciding& d, const std::string& scenario, const Match& found) {
  const auto alarm = d.record().false_alarms.find(scenario);
  if (alarm == d.record().false_alarms.end()) return nullptr;
  const FalseAlarm& said = alarm->second;
  const bool same = std::all_of(found.causes.begin(), found.causes.end(), [&](const Condition* c) {
    if (asks_for_raised(*c)) return raised_at(d, *c) <= said.at;
    const auto components = components_of(d.state, d.settings, *c);
    std::set<std::string> worst;
    for (const std::string& name : components) add_worst(d.record(), name, asks_for_exposure(*c), worst);
    const auto known = [](const std::vector<std::string>& names) { return [&names](const std::string& name) { return has(names, name); }; };
    return has(said.conditions, c->text) && std::all_of(components.begin(), components.end(), known(said.components)) &&
           std::all_of(worst.begin(), worst.end(), known(said.worst));
  });
  return same ? &said : nullptr;
}

}  // namespace drwatch
