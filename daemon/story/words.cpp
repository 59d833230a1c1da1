// SPDX-License-Identifier: Apache-2.0
#include "daemon/story/words.hpp"

#include <algorithm>

namespace drwatch {

std::string as_list(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "none" : text;
}

bool same_keys(const Words& expected, const Words& actual) {
  auto stands_for = [](const std::string& shorter, const std::string& key) { return key == shorter || key.starts_with(shorter + "/"); };
  return std::all_of(actual.begin(), actual.end(),
                     [&](const std::string& key) {
                       return std::any_of(expected.begin(), expected.end(), [&](const std::string& s) { return stands_for(s, key); });
                     }) &&
         std::all_of(expected.begin(), expected.end(), [&](const std::string& s) {
           return std::any_of(actual.begin(), actual.end(), [&](const std::string& key) { return stands_for(s, key); });
         });
}

const Incident* newest_incident(const Record& record, const std::string& scenario) {
  const Incident* found = nullptr;
  for (const auto& [id, incident] : record.incidents)
    if (incident.scenario == scenario && (!found || incident.opened_at >= found->opened_at)) found = &incident;
  return found;
}

const HeldDrill* newest_drill(const Record& record, const std::string& scenario) {
  const HeldDrill* found = nullptr;
  for (const auto& [id, drill] : record.drilling.held)
    if (drill.work.scenario == scenario && (!found || drill.work.opened_at >= found->work.opened_at)) found = &drill;
  return found;
}

const Incident* worked_on(const Record& record, const std::string& scenario) {
  const Incident* incident = newest_incident(record, scenario);
  const HeldDrill* drill = newest_drill(record, scenario);
  return (!incident || !incident->live()) && drill && drill->work.live() ? &drill->work : incident;
}

std::string drill_words(const Record& record, const std::string& scenario) {
  const HeldDrill* drill = newest_drill(record, scenario);
  return !drill ? "none" : drill->work.live() ? std::string(state_name(drill->work.state)) : drill->verdict;
}

}  // namespace drwatch
