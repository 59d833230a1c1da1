// SPDX-License-Identifier: Apache-2.0
// Lists of words, as a story and what is checked against it share them.
#pragma once

#include "daemon/recovery/record/state.hpp"

#include <string>
#include <vector>

namespace drwatch {

using Words = std::vector<std::string>;

// What the values of a closed list are called.
template <class All, class Name>
Words words_of(const All& all, Name name) {
  Words words;
  for (const auto& each : all) words.emplace_back(name(each));
  return words;
}

std::string as_list(const Words& words);  // "a, b"; "none"
// The keys of alerts and findings are the expected ones. A short form stands for all that begin so, by whole parts.
bool same_keys(const Words& expected, const Words& actual);

// A story names incidents by their scenario: the newest one.
const Incident* newest_incident(const Record& record, const std::string& scenario);
const HeldDrill* newest_drill(const Record& record, const std::string& scenario);
// What people work on: the incident that is live, or else the drill that is held, or else the newest incident.
const Incident* worked_on(const Record& record, const std::string& scenario);
std::string drill_words(const Record& record, const std::string& scenario);  // "open", its verdict, or "none"

}  // namespace drwatch
